"""Every dialect reads back what it writes, and tells the model what was wrong with what it cannot read."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import tool_sets_with_decision

from agenttuning.dialects import DIALECTS, OneReply, chat_wording, check_call, get
from agenttuning.dialects.base import CALL_FAULTS, call_faults
from agenttuning.dialects.chat import chosen
from agenttuning.errors import BadInput, FormatError, InvalidAction
from agenttuning.trajectory import Decision, Step, Task, Tool, ToolCall, Trajectory

TAKE = Tool(
    "take",
    "Pick something up.",
    {
        "type": "object",
        "properties": {"object": {"type": "string"}, "receptacle": {"type": "string"}},
        "required": ["object", "receptacle"],
    },
    "take {object} from {receptacle}",
)
COUNT = Tool(
    "count",
    "Count.",
    {"type": "object", "properties": {"to": {"type": "integer"}}, "required": ["to"]},
    "count to {to}",
)
TOOLS = (TAKE, COUNT)
APPLE = Decision("It is there.", ToolCall("take", {"object": "apple 1", "receptacle": "table 1"}))


def answered(questions, reply):
    """The decision, where `reply` answers each conversation."""
    asked = next(questions)
    while True:
        try:
            asked = questions.send(reply(asked))
        except StopIteration as found:
            return found.value


ONE_REPLY = [name for name, dialect in DIALECTS.items() if isinstance(dialect, OneReply)]


@pytest.mark.parametrize("name", ONE_REPLY)
@settings(max_examples=300)
@given(pair=tool_sets_with_decision())
def test_read_gives_back_what_write_wrote(name, pair):
    tools, decision = pair
    dialect = get(name)
    assert dialect.read(dialect.text(decision, tools), tools) == decision


def test_command_writes_the_phrase():
    assert get("command").text(APPLE, TOOLS) == "Thought: It is there.\nAction: take apple 1 from table 1"


def test_command_reads_numbers_as_the_schema_says():
    assert get("command").read("Action: count to 3", TOOLS).call == ToolCall("count", {"to": 3})


def test_react_golden():
    assert get("react").text(APPLE, TOOLS) == (
        'Thought: It is there.\nAction: take\nAction Input: {"object": "apple 1", "receptacle": "table 1"}'
    )


def test_every_written_character_has_a_capability_but_line_breaks():
    for name in ONE_REPLY:
        for segment in get(name).segments(APPLE, TOOLS):
            assert segment.capability is not None or segment.text == "\n"


@pytest.mark.parametrize(
    ("name", "reply", "told"),
    [
        ("react", "I would take the apple.", "Action:"),
        ("react", "Action: take", "Action Input"),
        ("react", "Action: take\nAction Input: {'object'", "JSON"),
        ("react", "Final Answer:", "followed by"),
        ("command", "Action: fly to the moon", "commands are"),
        ("command", "Action:", "followed by"),
        ("json", "no json here", "JSON object"),
        ("json", '{"thought": "x"}', '"tool"'),
        ("json", '{"tool": "take", "arguments": [1]}', "arguments"),
        ("json", "{" * 100_000, "characters"),
        ("native", "<tool_call>[1]</tool_call>", "JSON object"),
        ("native", "", "empty"),
    ],
)
def test_an_unreadable_reply_says_what_is_wrong(name, reply, told):
    with pytest.raises(FormatError, match=told):
        get(name).read(reply, TOOLS)


def test_deep_nesting_is_refused_not_crashed():
    with pytest.raises(FormatError):
        get("react").read('Action: take\nAction Input: {"a": ' + "[" * 9_000, TOOLS)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ToolCall("fly", {}), "no tool called 'fly'"),
        (ToolCall("take", {"object": "a"}), "also needs: receptacle"),
        (ToolCall("count", {"to": 1, "by": 2}), "no argument called by"),
        (ToolCall("count", {"to": "three"}), "type integer"),
        (ToolCall("count", {"to": True}), "type integer"),
    ],
)
def test_check_call_names_the_fault(call, told):
    with pytest.raises(InvalidAction, match=told):
        check_call(call, TOOLS)


def test_call_faults_names_them_all():
    found = [fault for fault, _ in call_faults(ToolCall("take", {"object": 1, "by": "hand"}), TOOLS)]
    assert found == ["missing-argument", "unknown-argument", "wrong-type"]
    assert [fault for fault, _ in call_faults(ToolCall("fly"), TOOLS)] == ["unknown-tool"]
    assert {*found, "unknown-tool"} == set(CALL_FAULTS)


def episode(dialect: str | None = None, written: str | None = None) -> Trajectory:
    task = Task("kitchen", "1", "train", "Take the apple.")
    return Trajectory(
        task, TOOLS, "You are in a kitchen.", "Task: take the apple.",
        (Step(APPLE, "You take it.", written), Step(Decision(message="Done."), "Well done.")),
        dialect=dialect,
    )  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
def test_only_the_agents_turns_are_trained_and_the_last_one_ends_the_row(name):
    conversation = get(name).write(episode())
    assert [m.role for m in conversation.messages][:3] == ["system", "user", "assistant"]
    assert conversation.messages[-1].role == "assistant"
    for message in conversation.messages:
        assert any(s.train for s in message.segments) <= (message.role == "assistant")
        assert message.train == (message.role == "assistant")


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=200)
@given(pair=tool_sets_with_decision(), nth=st.integers(0, 3))
def test_a_model_is_asked_what_it_was_trained_on(name, pair, nth):
    tools, decision = pair
    dialect = get(name)
    before = replace(episode(), tools=tools, steps=(Step(APPLE, "You take it."),) * nth)
    written = dialect.write(replace(before, steps=(*before.steps, Step(decision, "Well.")))).messages
    asked = []

    def reply(conversation):
        here = len(conversation.messages)
        asked.append(said(conversation.messages) == said(written[:here]))
        if not asked[-1]:
            return ""
        return dialect.text(decision, tools) if name in ONE_REPLY else written[here].text

    assert answered(dialect.ask(before), reply) == decision
    # What was not written is the question for a thought that this decision does not have.
    assert asked.count(False) == (name == "chat" and decision.thought is None)


def said(messages):
    return [(message.role, message.text, message.calls) for message in messages]


def test_chat_trains_the_decisions_content_and_nothing_else():
    conversation = get("chat").write(episode())
    trained = [(s.text, s.capability) for m in conversation.messages for s in m.segments if s.train]
    assert trained == [
        ("It is there.", "reasoning"),
        ("take", "retrieval"),
        ('{"object": "apple 1", "receptacle": "table 1"}', "understanding"),
        ("no tool", "retrieval"),
        ("Done.", "reasoning"),
    ]
    roles = [message.role for message in conversation.messages]
    assert roles == ["system", *("user", "assistant") * 5]
    assert "take" in conversation.messages[5].text  # says which tool was chosen


def test_chat_asks_in_many_ways_and_the_same_way_again():
    said = {
        message.text
        for seed in range(40)
        for message in get("chat").write(replace(episode(), seed=seed)).messages
        if message.role == "user"
    }
    assert len(said) > 60
    assert get("chat").write(episode()) == get("chat").write(episode())


def test_chat_wording_has_no_word_of_a_format():
    for text in (*chat_wording.THOUGHT, *chat_wording.TOOL, *chat_wording.ARGUMENTS, *chat_wording.MESSAGE):
        assert not re.search(r"Thought:|Action:|Action Input|Final Answer|<tool_call>", text)
    assert all("{tool}" in text for text in chat_wording.ARGUMENTS)
    assert all("no tool" in text for text in chat_wording.TOOL)
    assert all(text.endswith("{result}") for text in chat_wording.RESULT)


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("take", "take"),
        (" `take`. ", "take"),
        ("I would use take for this.", "take"),
        ("No tool.", None),
        ("I need no tool here", None),
        ("fly", "fly"),
    ],
)
def test_chat_finds_the_tool_that_was_named(reply, name):
    assert chosen(reply, TOOLS) == name


@pytest.mark.parametrize("reply", ["", "take or count", "Let me think about the apple.", "take " + "very " * 40])
def test_chat_says_what_is_wrong_with_a_choice(reply):
    with pytest.raises(FormatError, match="Name one tool"):
        chosen(reply, TOOLS)


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        (["", "take", "apple"], "arguments of take"),
        (["", "take", '{"object": '], "JSON object"),
        (["", "no tool", " "], "empty"),
        (["I will.", "both take and count"], "Name one tool"),
    ],
)
def test_chat_refuses_what_it_cannot_read(replies, told):
    given = iter(replies)
    with pytest.raises(FormatError, match=told):
        answered(get("chat").ask(replace(episode(), steps=())), lambda _: next(given))


def test_prompt_ends_with_the_last_observation():
    assert get("react").prompt(episode()).messages[-1].text == "Observation: Well done."


def test_what_a_model_wrote_is_kept_to_the_letter_in_its_own_dialect_only():
    odd = "Thought:   It is there.\nAction: take apple 1 from table 1  "
    kept = get("command").write(episode("command", odd)).messages[2]
    again = get("react").write(episode("command", odd)).messages[2]
    assert kept.text == odd
    assert again.text == get("react").text(APPLE, TOOLS)


def test_native_carries_tools_and_structured_calls():
    conversation = get("native").write(episode())
    assert conversation.tools == TOOLS
    assert conversation.messages[2].calls == (APPLE.call,)
    assert conversation.messages[3].role == "tool"


def test_unknown_dialect():
    with pytest.raises(BadInput, match="react, command, json, native, chat"):
        get("yaml")
