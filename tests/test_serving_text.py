"""Text on its way to a client: tokens, stop texts, tool calls, messages."""

import random

import pytest

from agenttuning.conversation import to_openai
from agenttuning.models import BUILT_IN, load_tokenizer, resolve
from agenttuning.serving.fields import Fields
from agenttuning.serving.gate import Gate
from agenttuning.serving.messages import conversation, forced_start
from agenttuning.serving.problem import Problem
from agenttuning.serving.text import TextStream, token_bytes, token_text
from agenttuning.serving.tool_calls import ToolReader
from agenttuning.trajectory import ToolCall

TEXTS = (
    "Plain words, one after another.",
    "Grüße aus Köln: 你好, 世界! 😀👩‍👩‍👧 naïve café",
    "  leading and trailing  \n\n\ttabs\r\n",
    '<tool_call>{"a": 1}</tool_call> e\u0301 \u200d \ufffd',
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(resolve(BUILT_IN))


@pytest.mark.parametrize("text", TEXTS)
def test_streamed_text_is_the_decoded_text(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    stream = TextStream(tokenizer)
    pieces = [stream.push(index) for index in ids]
    assert "".join([*pieces, stream.finish()]) == tokenizer.decode(ids, skip_special_tokens=True)
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in text


def test_any_tokens_stream_as_they_decode(tokenizer):
    """Tokens in an order that no text has, half characters among them."""
    draw = random.Random("stream")
    for _ in range(30):
        ids = [draw.randrange(3, 49_000) for _ in range(40)]
        stream = TextStream(tokenizer)
        text = "".join([stream.push(index) for index in ids]) + stream.finish()
        assert text == tokenizer.decode(ids, skip_special_tokens=True)


def test_a_stop_text_is_met_across_tokens_and_never_shown(tokenizer):
    draw = random.Random("stops")
    text = "Thought: look.\nAction: go north\nObservation: a wall\nThought: hm."
    ids = tokenizer(text)["input_ids"]
    for _ in range(50):
        start = draw.randrange(len(text) - 5)
        stops = (text[start : start + draw.randint(1, 12)], "zzz", "Thou")[: draw.randint(1, 3)]
        stream = TextStream(tokenizer, stops)
        shown = ""
        for index in ids:
            shown += stream.push(index)
            assert text.startswith(shown)
            if stream.stopped:
                break
        assert shown + stream.finish() == text[: min(text.find(s) for s in stops if s in text)]
        assert stream.stopped in stops


def test_what_looked_like_a_stop_text_is_shown_in_the_end(tokenizer):
    stream = TextStream(tokenizer, ("\nObservation:",))
    shown = "".join(stream.push(index) for index in tokenizer("Look.\nObserv")["input_ids"])
    assert shown == "Look."
    assert shown + stream.finish() == "Look.\nObserv"
    assert not stream.stopped


def test_tokens_are_bytes(tokenizer):
    for text in TEXTS[:3]:
        ids = tokenizer(text)["input_ids"]
        assert b"".join(token_bytes(tokenizer, index) for index in ids) == text.encode()
    halves = [index for index in tokenizer("😀")["input_ids"] if token_text(tokenizer, index).startswith("bytes:\\x")]
    assert halves
    assert token_text(tokenizer, tokenizer.eos_token_id) == tokenizer.eos_token


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        ("Just words < 3 <tool", "Just words < 3 <tool", []),
        ('<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>', "", ["Rome"]),
        ('I look.\n<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>', "I look.\n", ["Rome"]),
        (
            '<tool_call>{"name": "weather", "arguments": {"city": "a"}}</tool_call>\n'
            '<tool_call>{"name": "weather", "arguments": {"city": "b"}}',
            "",
            ["a", "b"],
        ),
        ('{"name": "weather", "parameters": {"city": "Rome"}}', "", ["Rome"]),
        ('{"name": "other", "parameters": {"city": "Rome"}}', '{"name": "other", "parameters": {"city": "Rome"}}', []),
        ("<tool_call>no JSON</tool_call> then", "<tool_call>no JSON</tool_call> then", []),
        ('<tool_call>{"name": "weather"}</tool_call>', '<tool_call>{"name": "weather"}</tool_call>', []),
        ("<tool_call>" + "[" * 30_000, "<tool_call>" + "[" * 30_000, []),
    ],
)  # fmt: skip
def test_calls_are_read_however_the_text_is_cut(text, content, calls):
    draw = random.Random(text[:40])
    expected = [ToolCall("weather", {"city": city}) for city in calls]
    for size in (1, 2, 7, len(text)):
        reader = ToolReader({"weather"})
        shown, found = "", []
        place = 0
        while place < len(text):
            end = place + max(1, draw.randint(1, size)) if len(text) < 1000 else place + 5000
            new, more = reader.push(text[place:end])
            shown, found, place = shown + new, found + more, end
        new, more = reader.finish()
        assert (shown + new, found + more) == (content, expected)


def test_a_reply_that_was_begun_is_read_with_its_beginning():
    reader = ToolReader({"weather"}, forced_start({"type": "function", "function": {"name": "weather"}}, _tools()))
    assert reader.push('{"city": "Rome"}}\n') == ("", [])
    assert reader.finish() == ("", [ToolCall("weather", {"city": "Rome"})])


def _tools():
    return conversation({"messages": [{"role": "user", "content": "?"}], "tools": [WEATHER]}, shows_tools=True).tools


def test_tools_stand_where_the_template_prints_them_or_in_the_text():
    body = {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": "Rome?"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        ],
        "tools": [WEATHER],
    }
    native = conversation(body, shows_tools=True)
    assert [tool.name for tool in native.tools] == ["weather"]
    assert to_openai(native)[2]["tool_calls"][0]["function"]["arguments"] == {"city": "Rome"}
    text = conversation(body, shows_tools=False)
    assert text.tools == ()
    assert [message.role for message in text.messages] == ["system", "user", "assistant", "user"]
    assert text.messages[0].text.startswith("Be brief.")
    assert '"name": "weather"' in text.messages[0].text
    assert ToolReader({"weather"}).push(text.messages[2].text)[1] == [ToolCall("weather", {"city": "Rome"})]
    assert text.messages[3].text == "<tool_response>\nsunny\n</tool_response>"
    assert conversation(body | {"tool_choice": "none"}, shows_tools=True).tools == ()


def test_results_are_brought_into_the_order_of_their_calls():
    calls = [CALL | {"id": name} for name in ("a", "b")]
    body = {
        "messages": [
            {"role": "user", "content": "Both."},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "b", "content": "second"},
            {"role": "tool", "tool_call_id": "a", "content": "first"},
            {"role": "user", "content": "So?"},
        ]
    }
    assert [m.text for m in conversation(body, shows_tools=True).messages[2:]] == ["first", "second", "So?"]
    body["messages"][3]["tool_call_id"] = "nobody's"
    with pytest.raises(Problem, match="tool_call_id"):
        conversation(body, shows_tools=True)


@pytest.mark.parametrize("choice", ["sometimes", {"type": "function"}, {"function": {"name": "other"}}, 3])
def test_an_unknown_tool_choice(choice):
    with pytest.raises(Problem, match="tool_choice"):
        forced_start(choice, _tools())


def test_sampling_is_read_as_openai_means_it():
    asked = Fields({"seed": -5, "top_k": -1, "presence_penalty": 0, "repetition_penalty": 1.0, "logit_bias": {}})
    sampling = asked.sampling(10)
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (1.0, 1.0, 0)
    assert 0 <= sampling.seed < 2**31
    assert asked.sampling(10).seed == sampling.seed
    assert len({Fields({}).sampling(10).seed for _ in range(5)}) > 1


def test_the_gate_lets_in_so_many():
    gate = Gate(running=1, waiting=1)
    with gate.admitted(1), gate.admitted(1):
        with pytest.raises(Problem) as refused, gate.admitted(1):
            pass
        assert refused.value.status == 429
        assert int(refused.value.headers["Retry-After"]) >= 1
    with gate.admitted(2):
        assert gate.admitted_now == 2
    assert gate.admitted_now == 0
