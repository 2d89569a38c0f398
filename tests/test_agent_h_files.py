"""Agent-H's published source in both layouts: what is read, what is left out, what is refused, and anything at all."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.dialects import get
from agenttuning.errors import BadInput
from agenttuning.evaluation.agent_h.files import PAPER, read
from agenttuning.trajectory import ToolCall

FUNCTION = {
    "name": "tell_time",
    "description": "Tell the time in a town.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}
ACCESS = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
NONE = "SYSTEM: You are a helpful assistant, with no access to external functions."


def glaive(*turns, tools=(FUNCTION,)):
    system = ACCESS + "\n\n".join(json.dumps(tool, indent=4) for tool in tools) if tools else NONE
    return {"system": system, "chat": "\n\n\n".join(turns) + "\n\n"}


def sharegpt(*turns, tools=(FUNCTION,)):
    conversation = [{"from": kind, "value": value} for kind, value in turns]
    return {"conversations": conversation, "tools": json.dumps(tools)}


ANSWERED = glaive("USER: Book me a room.", "ASSISTANT: I cannot do that. <|endoftext|>")
CALLED = glaive(
    "USER: What time is it in Cork?",
    'ASSISTANT: <functioncall> {"name": "tell_time", "arguments": \'{"town": "Cork"}\'} <|endoftext|>',
    'FUNCTION RESPONSE: {"time": "10:00"}',
    "ASSISTANT: It is ten. <|endoftext|>",
)
CHATTED = glaive("USER: Hello,\nare you there?", "ASSISTANT: I am. <|endoftext|>", tools=())
SHARED = sharegpt(("human", "Hello"), ("gpt", "Hello!"), tools=())
SHARED_CALL = sharegpt(("human", "Time in Ghent?"), ("function_call", json.dumps({
    "name": "tell_time", "arguments": {"town": "Ghent"}})), ("observation", "{}"), ("gpt", "Ten."))  # fmt: skip


def written(path: Path, rows, *, lines=False) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("lines", [False, True])
def test_both_layouts_are_read_as_an_array_and_as_lines(tmp_path, lines):
    path = written(tmp_path / "glaive.json", [ANSWERED, CALLED, CHATTED, SHARED, SHARED_CALL], lines=lines)
    by_id = {item.id: item for item in read(path)}
    assert sorted(by_id) == [f"glaive-00000{i}" for i in range(1, 6)]
    answered, called, chatted, shared, shared_call = (by_id[id] for id in sorted(by_id))
    assert (answered.query, answered.call, answered.group) == ("Book me a room.", None, "tools_unneeded")
    assert answered.tools[0].schema()["function"] == FUNCTION
    assert called.call == ToolCall("tell_time", {"town": "Cork"})
    assert (called.needs, called.group) == ("tell_time", "tools_needed")
    assert (chatted.query, chatted.tools) == ("Hello,\nare you there?", ())
    assert chatted.group == shared.group == "no_tools_unneeded"
    assert shared_call.call == ToolCall("tell_time", {"town": "Ghent"})


def test_the_papers_number_of_answers_and_at_most_as_many_calls(tmp_path):
    rows = [glaive(f"USER: Question {i}?", f"ASSISTANT: Answer {i}.") for i in range(PAPER + 20)]
    path = written(tmp_path / "many.json", [*rows, CALLED, CALLED])
    all_of_them = read(path)
    assert sum(item.call is None for item in all_of_them) == PAPER == 1845
    assert len(all_of_them) == PAPER + 2
    few = read(path, 10)
    assert len(few) == 12
    assert few[:10] == all_of_them[:10], "a larger limit goes on from a smaller one"
    assert few == read(path, 10)
    assert few != read(path, 10, seed=1)


@pytest.mark.parametrize(
    "row",
    [
        glaive("ASSISTANT: Hello."),
        glaive("USER: Hello."),
        glaive("USER: ", "ASSISTANT: Hello."),
        glaive("USER: Hi", 'ASSISTANT: <functioncall> {"name": "tell_time", "arguments": \'{"town": \'}'),
        glaive("USER: Hi", 'ASSISTANT: <functioncall> {"name": "tell_news", "arguments": \'{}\'}'),
        glaive("USER: Hi", "ASSISTANT: <functioncall> tell_time"),
        {**ANSWERED, "system": ACCESS + '{"name": "cut'},
        sharegpt(("gpt", "Hello"), ("human", "Hello")),
        sharegpt(("human", "Half a sign: \ud83d"), ("gpt", "Hello")),
    ],
)
def test_a_row_without_a_request_and_a_reference_is_left_out(tmp_path, row):
    assert [item.id for item in read(written(tmp_path / "a.json", [row, ANSWERED]))] == ["a-000002"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "row 1: expected an object, found int"),
        ('[{"instruction": "x"}]', "neither 'conversations' nor 'system' and 'chat', found 'instruction'"),
        ('[{"conversations": 3}]', "row 1.conversations must be a list"),
        ('{"conversations": [{"from": "human"}]}', "row 1.conversations[0] must hold"),
        ('{"conversations": [], "tools": "[{"}', "row 1.tools is not JSON"),
        ('{"conversations": [], "tools": {"a": 1}}', "row 1.tools must be a list"),
        ('{"conversations": [], "tools": [{"description": "x"}]}', "must be an object with a 'name'"),
        ('{"conversations": [], "tools": [{"name": "x", "parameters": {"properties": [1]}}]}', "no JSON Schema"),
        ('{"conversations": [], "tools": [{"name": "x", "parameters": {"required": "a"}}]}', "a list of names"),
        ('{"chat": 1, "system": ""}', "row 1.chat must be text"),
        ("[]", "no row whose reference is an ordinary answer"),
        (json.dumps(CALLED), "no row whose reference is an ordinary answer"),
        ("[" * 100_000, "not JSON"),
        ('[{"a": ', "not JSON"),
    ],
)
def test_a_file_of_another_form_is_named_with_its_row(tmp_path, content, message):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(BadInput) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    with pytest.raises(BadInput, match="check the path"):
        read(tmp_path / "absent.json")


def test_the_demo_subset_loads():
    folder = os.environ.get("AGENTTUNING_DATA")
    if folder is None:
        pytest.skip("AGENTTUNING_DATA is not set to a folder with glaive_toolcall/glaive_toolcall_en_demo.json")
    found = read(Path(folder) / "glaive_toolcall" / "glaive_toolcall_en_demo.json")
    answers = [item for item in found if item.call is None]
    calls = [item for item in found if item.call is not None]
    assert len(found) > 250
    assert len(answers) > 100
    assert len(calls) > 50
    for item in calls:
        assert item.needs in [tool.name for tool in item.tools]
    for name in ("react", "command", "json", "native"):
        assert all(get(name).prompt(item.trajectory()).messages for item in found)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
chats = st.lists(
    st.sampled_from(
        [
            "USER: a",
            "ASSISTANT: b",
            "ASSISTANT: <functioncall> ",
            '{"name": "tell_time", "arguments": \'{',
            "}'}",
            "FUNCTION RESPONSE: c",
            "\n",
            "<|endoftext|>",
        ]
    ),
    max_size=6,
).map("\n".join)
turns = st.fixed_dictionaries(
    {"from": st.sampled_from(["human", "gpt", "function_call", "x"]), "value": st.text(max_size=9)}
)
systems = st.just(ANSWERED["system"]) | st.text(max_size=9) | values
rows = st.one_of(
    st.fixed_dictionaries({"chat": chats | values, "system": systems}),
    st.fixed_dictionaries(
        {"conversations": st.lists(turns, max_size=3) | values, "tools": values | values.map(json.dumps)}
    ),
    values,
)


@given(st.one_of(st.lists(rows, max_size=3), st.binary(max_size=60)), st.booleans(), st.integers(0, 40))
@settings(max_examples=200)
def test_any_file_loads_or_is_bad_input(tmp_path_factory, content, lines, cut):
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = "\n".join(map(json.dumps, content)) if lines else json.dumps(content)
        path.write_text(text[: len(text) - cut] if cut % 3 == 0 else text)
    message, found = str(path), ()
    try:
        found = read(path)
    except BadInput as error:
        message = str(error)
    assert message.startswith(str(path))
    for item in found:
        assert item.query
        assert get("react").prompt(item.trajectory()).messages
