"""Negative samples: the right behaviour is what is trained, in many wordings, in every dialect, in the asked shares."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from corpus_rows import episode
from expert_rows import experts, talks, trained
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import trajectories

from agenttuning.conversation import Conversation, Segment, assistant, from_row, system, to_row, user
from agenttuning.corpus.answer_forms import ANSWERS
from agenttuning.corpus.answers import has_format_words
from agenttuning.corpus.exchange import Exchange, first_exchange
from agenttuning.corpus.negatives import KINDS, negatives
from agenttuning.dialects import DIALECTS, get
from agenttuning.errors import BadInput
from agenttuning.trajectory import Decision, Tool

EVENLY = dict.fromkeys(KINDS, 1.0)
ONE_REPLY = ("react", "command", "json", "native")  # a decision is one message
REFUSALS = ("no-tools-needs-tools", "missing-argument", "unknown-tool")


def made(count, *, kinds=EVENLY, dialect="react", seed=0, source=None, general=None, **options):
    source = experts() if source is None else source
    general = talks() if general is None else general
    return list(negatives(source, general, kinds=kinds, count=count, dialect=get(dialect), seed=seed, **options))


def origin(row):
    environment, task, seed = row.meta["source"].rsplit("/", 2)
    return next(e for e in experts() if e.key == (environment, task, int(seed)))


def refused(kind, row):
    return kind in REFUSALS or (kind == "distractor" and not row.meta["given"])


def message(row):
    """What a row's last turn says, in ReAct or in plain chat."""
    return row.messages[-1].text.split("Final Answer: ")[-1]


@pytest.mark.parametrize("weights", [EVENLY, {"distractor": 3, "tools-plain-query": 1}, {"missing-argument": 0.5}])
def test_counts_and_shares_are_those_asked_for(weights):
    rows = made(600, kinds=weights)
    assert len(rows) == 600
    counts = Counter(kind for kind, _ in rows)
    for kind, weight in weights.items():
        assert abs(counts[kind] / 600 - weight / sum(weights.values())) < 0.01
    assert len({row.id for _, row in rows}) == 600


def test_a_kind_that_nothing_can_serve_gives_its_rows_to_the_others():
    databases = [e for e in experts() if e.task.environment == "database"]
    counts = Counter(kind for kind, _ in made(90, source=databases, general=()))
    assert counts == {"no-tools-needs-tools": 30, "distractor": 30, "unknown-tool": 30}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_same_seed_gives_the_same_rows_however_many_are_taken(name):
    rows = made(60, dialect=name)
    again = negatives(experts(), talks(), kinds=EVENLY, count=60, dialect=get(name), seed=0)
    assert list(islice(again, 25)) == rows[:25]
    assert list(again) == rows[25:]
    other = made(60, dialect=name, seed=1)
    same = {trained(row) for _, row in rows} & {trained(row) for _, row in other}
    assert len(same) < 15
    assert {row for _, row in map(_plain, rows)}.isdisjoint({row for _, row in map(_plain, other)})


def _plain(pair):
    kind, row = pair
    return kind, "\n".join(m.text for m in row.messages)


@pytest.mark.parametrize("name", ONE_REPLY)
def test_only_the_answer_is_trained_and_all_of_it(name):
    """Read back, it is one decision: a call only beside the distractors."""
    dialect = get(name)
    for kind, row in made(150, dialect=name):
        *before, last = row.messages
        assert not any(s.train for m in before for s in m.segments)
        assert all(s.train for s in last.segments)
        assert all(s.capability for s in last.segments if s.text.strip())
        if kind == "no-tools-needs-tools":
            assert [m.role for m in row.messages] == ["user", "assistant"]
            assert not has_format_words(last.text)
            assert last.train
        elif row.meta.get("given"):
            assert last.calls or dialect.read(last.text, origin(row).tools).call is not None
        elif last.train:
            tools = row.tools or origin(row).tools
            assert dialect.text(dialect.read(last.text, tools), tools) == last.text
            assert dialect.read(last.text, tools).message is not None


def test_refusals_are_instruction_following_and_general_answers_are_not():
    for kind, row in made(200):
        labels = {s.capability for s in row.messages[-1].segments if len(s.text) > 20 and "Thought" not in s.text}
        texts = row.messages[-1].segments
        if refused(kind, row):
            assert texts[-1].capability == "instruction_following"
        elif kind == "tools-plain-query":
            assert labels <= {"reasoning"}
            assert texts[-1].capability == "reasoning"


def test_no_wording_prevails():
    for kind in (*REFUSALS, "distractor"):
        rows = [row for _, row in made(1000 if kind != "distractor" else 2000, kinds={kind: 1}) if refused(kind, row)]
        assert len(rows) == 1000
        forms = Counter(row.meta["answer"] for row in rows)
        openings = Counter(tuple(message(row).split()[:5]) for row in rows)
        assert max(forms.values()) <= 20
        assert max(openings.values()) <= 100
        assert len(forms) >= 200
        for row in rows[:50]:
            assert 0 <= row.meta["answer"] < len(ANSWERS[kind])


def tool_names(row):
    return [
        line[2:].split("(")[0] for line in row.messages[0].text.split("Tools:\n")[-1].splitlines() if line[:2] == "- "
    ]


def test_half_of_the_distractors_replace_the_needed_tool_and_half_stand_beside_it():
    rows = [row for _, row in made(200, kinds={"distractor": 1})]
    assert Counter(row.meta["given"] for row in rows) == {True: 100, False: 100}
    for row in rows:
        source, names = origin(row), tool_names(row)
        own = {tool.name for tool in source.tools}
        if row.meta["given"]:
            assert own < set(names)
            decision = get("react").read(row.messages[-1].text, source.tools)
            assert decision.call.name == row.meta["needed"]
            assert decision in [step.decision for step in source.steps]
        else:
            assert 3 <= len(names) <= 6
            assert own.isdisjoint(names)
            assert row.meta["needed"] in own
        assert len(set(names)) == len(names)


def test_a_plain_query_is_answered_as_it_was():
    answers = {e.query: e for talk in talks() if (e := first_exchange(talk)) is not None}
    for name in ONE_REPLY:
        rows = [row for _, row in made(80, kinds={"tools-plain-query": 1}, dialect=name)]
        for row in rows:
            expected = answers[row.messages[1].text]
            assert row.messages[-1].train is expected.whole
            if expected.whole:
                assert get(name).read(row.messages[-1].text, ()).message == expected.answer
            else:
                assert row.messages[-1].text.endswith(_in(name, expected.answer))
        assert len({row.meta["general"] for row in rows}) == len(rows)
        assert any(not row.messages[-1].train for row in rows)


def _in(name, text):
    whole = get(name).text(Decision(message=text), ())
    return whole.removesuffix('"}') if name == "json" else whole


def test_a_missing_argument_is_asked_for_and_never_told():
    for _, row in made(100, kinds={"missing-argument": 1}):
        source = origin(row)
        value = source.steps[0].decision.call.arguments[row.meta["missing"]]
        assert value.casefold() not in " ".join(m.text for m in row.messages[1:]).casefold()
        assert set(tool_names(row)) == {tool.name for tool in source.tools}


def test_an_unknown_tool_is_named_beside_one_that_exists():
    for _, row in made(100, kinds={"unknown-tool": 1}):
        names = tool_names(row)
        assert row.meta["asked"] not in names
        assert row.meta["asked"] in row.messages[1].text
        assert row.meta["nearest"] in names
        assert row.meta["asked"] in message(row)
        assert row.meta["nearest"] in message(row)


def test_a_teacher_is_asked_for_refusals_only():
    def teacher(conversation):
        kind = conversation.meta["kind"]
        return "Which name do you mean?" if kind == "missing-argument" else "Action: search"

    for kind, row in made(100, teacher=teacher):
        assert (row.meta.get("answer") == "teacher") is (kind == "missing-argument")
        if kind == "missing-argument":
            assert message(row) == "Which name do you mean?"


def test_no_system_prompt_gives_a_kind_away():
    shown = {}
    for kind, row in made(400):
        if kind != "no-tools-needs-tools":
            own = origin(row).instructions in row.messages[0].text
            shown.setdefault((kind, row.meta.get("given")), set()).add(own)
    assert len(shown) == 5
    assert all(both == {True, False} for both in shown.values())


def test_rows_survive_the_corpus_file():
    for _, row in made(50, dialect="json"):
        assert from_row(to_row(row)) == row


def test_every_row_is_encoded_and_its_answer_trained():
    pytest.importorskip("torch")
    from agenttuning.models import BUILT_IN, load_tokenizer, resolve
    from agenttuning.training.encode import Encoder

    tokenizer = load_tokenizer(resolve(BUILT_IN))
    encoder = Encoder(tokenizer)
    for name in sorted(set(DIALECTS) - {"native"}):  # whose tools this template does not print
        rows = [row for _, row in made(30, dialect=name)]
        for row, encoded in zip(rows, encoder.encode_all((row, "") for row in rows), strict=True):
            [one] = encoded
            end = "<|im_end|>" if row.messages[-1].train else ""
            text = tokenizer.decode(one.ids[one.weights > 0])
            assert text.replace("<|im_end|>", "") == trained(row)
            assert text.endswith(row.messages[-1].text + end)


@settings(max_examples=30)
@given(st.lists(trajectories, min_size=1, max_size=4), st.sampled_from(sorted(DIALECTS)), st.integers(0, 3))
def test_any_trajectories_become_rows_or_are_refused(episodes, name, seed):
    talk = Conversation((user("Hi?"), assistant(Segment("Hello.", True))), id="hi")

    def rows_of():
        return made(12, source=episodes, general=[talk], dialect=name, seed=seed)

    if not any(episode.tools for episode in episodes):
        with pytest.raises(BadInput, match="no trajectory"):
            rows_of()
        return
    rows = rows_of()
    assert len(rows) == 12
    for kind, row in rows:
        assert trained(row).strip() or row.messages[-1].calls
        assert (kind == "no-tools-needs-tools") == (row.messages[0].role == "user")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (assistant(Segment("The tiger.", True)), Exchange("Be brief.", "A big cat?", "The tiger.", True)),
        (assistant(Segment("The tiger.", False)), None),
        (assistant(Segment("Action: look", True)), None),
        (assistant(Segment(" ", True)), None),
        (
            replace(assistant(Segment("The ti", True)), train=False),
            Exchange("Be brief.", "A big cat?", "The ti", False),
        ),
    ],
)
def test_the_first_exchange(reply, found):
    assert first_exchange(Conversation((system("Be brief."), user("A big cat?"), reply))) == found
    assert first_exchange(Conversation((user("A big cat?"),))) is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kinds": {"distractors": 1}}, "did you mean 'distractor'"),
        ({"kinds": {"distractor": -1}}, "weight"),
        ({"kinds": {}}, "weight"),
        ({"count": -1}, "0 or more"),
        ({"source": iter(())}, "read once"),
        ({"kinds": {"tools-plain-query": 1}, "general": ()}, "general conversation"),
        ({"source": (replace(episode(0), tools=()),), "kinds": {"distractor": 1}}, "no trajectory"),
    ],
)
def test_what_cannot_be_is_said(wrong, told):
    with pytest.raises(BadInput, match=told):
        made(**{"count": 5, **wrong})


def test_in_every_dialect_only_assistants_are_trained_and_the_answer_comes_last():
    for name in DIALECTS:
        for kind, row in made(60, dialect=name):
            assert {m.role for m in row.messages if m.train or any(s.train for s in m.segments)} == {"assistant"}
            last = row.messages[-1]
            assert last.role == "assistant"
            if refused(kind, row):
                [label] = {s.capability for s in last.segments if len(s.text) > 16} - {"reasoning"}
                assert label == "instruction_following"


PAGE_SEED = 9
PAGE = Path(__file__).parent.parent / "docs" / "negatives.md"


def examples():
    """A block of text for each kind, as the page prints them."""
    source = [e for e in experts() if e.task.environment == "hotpotqa"]
    shown = {}
    for kind, row in made(60, source=source, seed=PAGE_SEED):
        shown.setdefault((kind, row.meta.get("given")), row)
    for (kind, beside), row in sorted(shown.items(), key=lambda item: str(item[0])):
        names = tool_names(row) if kind != "no-tools-needs-tools" else []
        lines = [f"tools: {', '.join(names) or 'none'}"]
        lines += [f"{m.role}: {m.text}" for m in row.messages if m.role != "system"]
        yield f"{kind}{', second half' if beside else ''}", "\n".join(lines)


def test_the_page_shows_what_is_made():
    page = PAGE.read_text(encoding="utf-8")
    for kind, text in examples():
        assert f"`{kind.split(',')[0]}`" in page
        assert f"```text\n{text}\n```" in page, f"the page's example of {kind} should be:\n{text}"


def test_tools_of_other_environments_are_distractors_too():
    def shop(name, number):
        thing = f"{name}_{'rope' if number % 2 else 'lamp'}"
        schema = {"type": "object", "properties": {"size": {"type": "string"}}, "required": ["size"]}
        tool = Tool(f"answer_{thing}", f"Answer which {thing.replace('_', ' ')} is in stock.", schema)
        one = episode(number, name)
        return replace(one, tools=(*one.tools, tool))

    source = [shop(name, i) for i, name in enumerate(("harbour", "theatre") * 10)]
    seen = set()
    for _, row in made(40, source=source, kinds={"distractor": 1}):
        own = row.meta["environment"]
        names = {name for name in tool_names(row) if name.startswith(("answer_harbour", "answer_theatre"))}
        if not row.meta["given"]:
            assert not any(own in name for name in names)
        seen |= {(own, name) for name in names if own not in name}
    assert len(seen) == 2
