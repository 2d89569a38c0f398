"""Agent-H's judge on replies written by hand in every dialect, and what many of them add up to."""

import json

import pytest
from hallucination_models import always_calls, calls_the_wrong_tool, heard, knows, never_calls, replies
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.dialects import get
from agenttuning.errors import BadInput
from agenttuning.evaluation.agent_h.item import GROUPS, Item
from agenttuning.evaluation.agent_h.items import items
from agenttuning.evaluation.agent_h.judge import FAULTS, claims_call, judge, same
from agenttuning.evaluation.agent_h.reply import Reply
from agenttuning.evaluation.agent_h.scores import hscore, score
from agenttuning.evaluation.statistics import Interval, harmonic_mean
from agenttuning.trajectory import Decision, Tool, ToolCall

DIALECTS = ("react", "command", "json", "native")
TEXT = {"type": "string"}


def tool(name, *required, **optional):
    properties = dict.fromkeys(required, TEXT) | {key: {**TEXT, "default": value} for key, value in optional.items()}
    return Tool(name, f"To {name}.", {"type": "object", "properties": properties, "required": list(required)})


TOOLS = (tool("find_train", "origin", "target", wagon="any"), tool("book_train", "train"), tool("cancel_train", "code"))
RIGHT = ToolCall("find_train", {"origin": "Graz", "target": "Split"})
DUE = Item("due", "tools_needed", "near", "Find a train from Graz to Split.", TOOLS, RIGHT, "find_train")
CHAT = Item("chat", "tools_unneeded", "topical", "Why do tracks have gaps?", TOOLS)
BARE = Item("bare", "no_tools_needed", "request", "Find a train from Graz to Split.", needs="find_train")
LACKS = Item("lacks", "traps", "missing_argument", "A train to Split, please.", TOOLS, None, "find_train", "origin")
NEAR = Item("near", "traps", "near_only", "Find a train from Graz to Split.", TOOLS[1:], None, "find_train")


def faults(item, decision, dialect="native"):
    dialect = get(dialect)
    return judge(item, heard(item, dialect.text(decision, item.tools), dialect), dialect).faults


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_is_judged_alike(name):
    dialect = get(name)
    for thought in (None, "I look at what I have."):
        assert faults(DUE, Decision(thought, RIGHT), name) == ()
        assert faults(DUE, Decision(thought, message="There are none."), name) == ("missed_call",)
        assert faults(CHAT, Decision(thought, message="So that rails can grow in summer."), name) == ()
        assert faults(CHAT, Decision(thought, RIGHT), name) == ("needless_call",)
        assert faults(LACKS, Decision(thought, message="From where?"), name) == ()
        needless = heard(CHAT, dialect.text(Decision(thought, RIGHT), TOOLS), dialect)
        verdict = judge(CHAT, needless, dialect)
        assert verdict.called
        assert verdict.react == (name in ("react", "command"))
    prose = heard(CHAT, "So that rails can grow in summer.", dialect)
    assert (prose.unreadable is None) == (name == "native")
    assert judge(CHAT, prose, dialect).right, "prose is an answer, whether or not the dialect can read it"
    assert judge(CHAT, heard(CHAT, "  ", dialect), dialect).faults == ("no_answer",)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (ToolCall("book_train", {"train": "IC 5"}), ("wrong_tool",)),
        (ToolCall("search", {}), ("invented_tool",)),
        (ToolCall("find_train", {"origin": "Graz"}), ("missing_argument",)),
        (ToolCall("find_train", {"origin": "Graz", "target": ""}), ("missing_argument",)),
        (ToolCall("find_train", {"origin": "Graz", "target": "Split", "wagon": "any"}), ()),
        (ToolCall("find_train", {"origin": "Graz", "target": "Split", "wagon": "first"}), ("invented_argument",)),
        (ToolCall("find_train", {"origin": "Graz", "target": "Split", "class": "2"}), ("invented_argument",)),
        (ToolCall("find_train", {"origin": "Split", "target": "Split"}), ("wrong_value",)),
        (ToolCall("find_train", {"from": "x", "target": "Bonn"}), FAULTS[5:8]),
    ],
)
def test_each_fault_of_a_call_is_named(call, found):
    for name in DIALECTS:
        assert faults(DUE, Decision(None, call), name) == found


def test_calls_where_none_can_be_right():
    assert faults(LACKS, Decision(None, ToolCall("find_train", {"target": "Split"}))) == ("missing_argument",)
    assert faults(LACKS, Decision(None, RIGHT)) == ("invented_argument",)
    assert faults(LACKS, Decision(None, ToolCall("cancel_train", {"code": "A"}))) == ("wrong_tool",)
    assert faults(NEAR, Decision(None, ToolCall("book_train", {"train": "x"}))) == ("wrong_tool",)
    assert faults(NEAR, Decision(None, RIGHT)) == ("invented_tool",)
    assert faults(BARE, Decision(None, RIGHT)) == ("invented_tool",)


@pytest.mark.parametrize(
    ("text", "react", "called"),
    [
        ("Thought: I should look.\nAction: find_train\nAction Input: {}", True, True),
        ("**Thought:** They expand in the heat.", True, False),
        ("Observation: nothing found", True, False),
        ('{"name": "find_train", "arguments": {"origin": "Graz"}}', False, True),
        ('Here it is: ```json\n{"tool": "find_train",\n "arguments": {}}\n```', False, True),
        ('{"arguments": {"origin": "Graz"}, "name": "find_train"}', False, True),
        ('<functioncall> {"na', False, True),
        ("I would run find_train(origin='Graz').", False, True),
        ('find_train {"origin": "Graz"}', False, True),
        ("The tool find_train (the first) finds trains, but I need none.", False, False),
        ('The keys are {"name": "Graz", "size": 3}.', False, False),
        ("My thoughts: they expand. The next action is none.", False, False),
        ("An action: look out of the window.", False, False),
    ],
)
def test_call_words_in_an_answer_leak(text, react, called):
    native = get("native")
    verdict = judge(CHAT, heard(CHAT, text, native), native)
    assert (verdict.react, verdict.called) == (react, called)
    assert verdict.faults == (("format_leak",) if react or called else ())


def test_what_a_form_asks_for_is_no_leak_and_a_call_in_another_form_no_call():
    react = get("react")
    assert judge(CHAT, heard(CHAT, "Thought: Rails grow in the heat.", react), react).right
    assert not judge(CHAT, heard(CHAT, "Thought: x\nFinal Answer: y\nAction: look", react), react).right
    stray = heard(DUE, '{"tool": "find_train", "arguments": {"origin": "Graz", "target": "Split"}}', react)
    assert judge(DUE, stray, react).faults == ("unreadable_call",)
    bare = heard(BARE, "Thought: I have no tools.", get("native"))
    assert judge(BARE, bare, react).faults == ("format_leak",), "without tools nobody asked for a form"


def test_asking_back_is_seen():
    native = get("native")
    assert judge(LACKS, heard(LACKS, "From which town do you start?", native), native).asked
    assert judge(LACKS, heard(LACKS, "Please name the first station.", native), native).asked
    assert not judge(LACKS, heard(LACKS, "There is one at ten.", native), native).asked


def test_values_are_compared_by_what_they_mean():
    query = "Play it on the kitchen speaker in the old hall of the castle"
    assert same(" the GRAZ. ", "Graz")
    assert same("7", 7)
    assert same(7.0, 7)
    assert same(14, "14")
    assert not same("seven", 7)
    assert not same(True, 1)
    assert same(["a", "B"], ["A", "b"])
    assert not same(["a"], ["a", "b"])
    assert same({"x": "1"}, {"x": 1})
    assert same("kitchen speaker", "kitchen", query, exact=False)
    assert not same("kitchen speaker", "kitchen", query)
    assert not same("kitchen radio", "kitchen", query, exact=False)
    assert not same(query, "kitchen", query, exact=False)
    assert not same("nan", 3)
    assert not same("1" * 5000, 3)


def test_a_long_reply_is_searched_in_no_time():
    """A text that makes a careless pattern try every way through it."""
    assert not claims_call('"arguments": {' * 100_000, ["find_train"])
    assert not claims_call("Thought" * 50_000 + "\n" * 50_000, ["find_train"])


marks = (
    "Thought: ",
    "Action: ",
    "Final Answer: ",
    "Action Input: ",
    "find_train",
    "\n",
    "{",
    "}",
    "[" * 50,
    "Graz",
    ", ",
)
marks += ('"tool": ', '"name": ', '"arguments": ', '{"origin": "\\ud83d"}', "<tool_call>")
pieces = st.lists(st.sampled_from(marks) | st.text(max_size=6), max_size=12).map("".join)


@given(pieces, st.sampled_from([DUE, CHAT, BARE, LACKS, NEAR]), st.sampled_from(DIALECTS))
@settings(max_examples=400)
def test_any_text_can_be_judged_and_stored(text, item, name):
    dialect = get(name)
    reply = heard(item, text, dialect)
    verdict = judge(item, reply, dialect)
    assert set(verdict.faults) <= set(FAULTS)
    assert verdict.called or reply.call is None
    assert verdict.right or verdict.faults
    assert not (verdict.right and item.call is None and (verdict.called or verdict.react))
    line = json.dumps(reply.row(), ensure_ascii=False).encode()
    assert judge(item, Reply.from_row(json.loads(line)), dialect) == verdict


@pytest.mark.parametrize("name", ["react", "json", "native"])
def test_a_call_that_nests_too_deeply_is_unreadable(name):
    dialect, nested = get(name), []
    for _ in range(60):
        nested = [nested]
    reply = heard(DUE, dialect.text(Decision(None, ToolCall("find_train", {"origin": nested})), TOOLS), dialect)
    assert reply.unreadable
    assert judge(DUE, reply, dialect).faults == ("unreadable_call",)


# Scores


@pytest.mark.parametrize("published", [78.7, 83.9, 84.5, 89.1])
def test_hscore_is_the_papers(published):
    """Of each published score the sum of both shares is known, 200 - 2 HScore; every split of it gives the score back,
    while Eq. 1 with another sign or without its half would not."""
    both = 200 - 2 * published
    for part in (0, 0.25, 0.5, 1):
        assert hscore(part * both, (1 - part) * both) == pytest.approx(published)
    assert hscore(0, 0) == 100
    assert hscore(100, 100) == 0


def test_hscore_of_replies_is_that_of_their_shares():
    asked = tuple(Item(f"c{i}", "tools_unneeded", "topical", "Why?", TOOLS) for i in range(8))
    texts = ["Because."] * 4 + ["Thought: hm"] * 2 + ["Thought: hm\nAction: x", '{"name": "x", "args": {}}']
    native = get("native")
    found = score(asked, [heard(item, text, native) for item, text in zip(asked, texts, strict=True)], native)
    assert found["h_react"]["mean"] == 3 / 8
    assert found["h_general"]["mean"] == 2 / 8
    assert 100 * found["hscore"]["mean"] == pytest.approx(hscore(37.5, 25))
    assert "use" not in found
    assert "two_sided" not in found


@pytest.mark.parametrize("name", DIALECTS)
def test_one_sided_models_score_low_on_two_sides(name):
    asked, dialect = items(120), get(name)
    silent, eager, good, wrong = (
        score(asked, replies(asked, model, dialect), dialect)
        for model in (never_calls, always_calls, knows, calls_the_wrong_tool)
    )
    assert silent["hscore"]["mean"] == silent["restraint"]["mean"] == 1, "the published score sees nothing wrong"
    assert silent["two_sided"]["mean"] == silent["use"]["mean"] == 0
    assert silent["faults"]["missed_call"]["mean"] == 1
    assert "precision" not in silent
    assert 0 < silent["two_sided"]["high"] < 0.5
    assert eager["use"]["mean"] == eager["recall"]["mean"] == 1
    assert eager["two_sided"]["mean"] == eager["restraint"]["mean"] == 0
    assert eager["h_general"]["mean"] == 1
    assert eager["precision"]["mean"] == pytest.approx(0.2)
    assert eager["f1"]["mean"] == pytest.approx(2 * 0.2 / 1.2)
    for measure in ("two_sided", "f1", "precision", "recall", "asks"):
        assert good[measure]["mean"] == 1
        assert good[measure]["low"] > 0.5
    assert not any(fault["mean"] for fault in good["faults"].values())
    assert wrong["f1"]["mean"] == wrong["two_sided"]["mean"] == 0
    assert wrong["faults"]["wrong_tool"]["n"] == 48
    assert wrong["faults"]["wrong_tool"]["mean"] == 0.5


def test_groups_and_kinds_add_up_to_the_whole():
    asked, dialect = items(60), get("json")
    found = score(asked, replies(asked, always_calls, dialect), dialect)
    assert list(found["groups"]) == list(GROUPS)
    for part in (found["groups"], found["kinds"]):
        assert sum(row["n"] for row in part.values()) == found["n"] == 60
        assert sum(row["n"] * row["mean"] for row in part.values()) == pytest.approx(12)
    assert set(found["faults"]) == set(FAULTS)
    for row in (*found["groups"].values(), *found["faults"].values()):
        assert 0 <= row["low"] <= row["mean"] <= row["high"] <= 1
    assert found["items"]["use"].keys() | found["items"]["restraint"].keys() == {item.id for item in asked}


def test_a_reply_that_never_came_is_no_answer_and_no_items_an_error():
    native = get("native")
    found = score([CHAT], [Reply(CHAT.id, CHAT.query, failed="the context is full")], native)
    assert (found["failed"], found["restraint"]["mean"], found["hscore"]["mean"]) == (1, 0, 1)
    with pytest.raises(BadInput, match="nothing to score"):
        score([], [], native)


def test_the_harmonic_mean_of_two_shares_is_never_certain():
    half = Interval(0.5, 0.4, 0.6)
    assert harmonic_mean(half, half) == pytest.approx((0.5, 0.4214, 0.5643), abs=1e-3)
    assert harmonic_mean(half, half).low > 0.4, "two measurements are surer than one"
    assert harmonic_mean(Interval(1, 0.9, 1), Interval(0, 0, 0.1)).mean == 0
    assert harmonic_mean(Interval(1, 0.9, 1), Interval(0, 0, 0.1)).high == pytest.approx(2 * 0.1 / 1.1)
    assert harmonic_mean(Interval(0, 0, 0.1), Interval(0, 0, 0.1)) == pytest.approx((0, 0, 0.1))
    assert harmonic_mean(Interval(1, 0.9, 1), Interval(1, 0.8, 1)).high == 1
