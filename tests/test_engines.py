"""Engines: the embedded two on the real model, the client against a real server on loopback."""

from dataclasses import replace

import pytest
from openai_server import RecordedServer
from test_dialects import TOOLS

from agenttuning import dialects, engines
from agenttuning.conversation import Conversation, system, user
from agenttuning.engines import Sampling
from agenttuning.errors import BadInput, ContextFull, EngineError
from agenttuning.models import BUILT_IN
from agenttuning.trajectory import ToolCall, Usage

QUESTIONS = ("What is the capital of France?", "Name three colours.", "What do bees make?", "Say hello.")


def ask(engine, text, **options):
    return engine.submit(Conversation((system("Be brief."), user(text))), Sampling(**options))


@pytest.mark.slow
def test_openvino_and_transformers_answer_alike():
    """Same greedy first tokens; later ones may part where two tokens are nearly as likely."""
    pytest.importorskip("openvino_genai")
    replies = {}
    for name in ("openvino", "transformers"):
        with engines.make(BUILT_IN, name) as engine:
            replies[name] = [f.result() for f in [ask(engine, q, max_tokens=12) for q in QUESTIONS]]
            assert all(0 < reply.usage.completion <= 12 for reply in replies[name])
            assert ask(engine, "Count to ten.", max_tokens=60, stop=("3",)).result().text.count("3") == 0
            with pytest.raises(ContextFull):
                ask(engine, "word " * 9000, max_tokens=10).result()
    assert "Paris" in replies["openvino"][0].text
    same = sum(a.text == b.text for a, b in zip(replies["openvino"], replies["transformers"], strict=True))
    assert same >= 3


@pytest.mark.slow
def test_sampling_repeats_with_its_seed():
    with engines.make(BUILT_IN) as engine:
        texts = [
            ask(engine, "Write a line about rain.", max_tokens=16, temperature=1.0, seed=s).result().text
            for s in (1, 1, 2)
        ]
    assert texts[0] == texts[1] != texts[2]


def test_endpoint_reply_and_request():
    with RecordedServer([{"content": "Thought: ok.\nObservation: made up"}]) as server:
        engine = engines.make(f"{server.url}#recorded")
        reply = ask(engine, "Hi", max_tokens=5, stop=("\nObservation:",)).result()
        engine.close()
    assert reply.text == "Thought: ok."
    assert replace(reply.usage, requests=()) == Usage(7, 3)
    assert server.requests[0]["messages"][1] == {"role": "user", "content": "Hi"}
    assert server.requests[0]["stop"] == ["\nObservation:"]


def test_structured_calls_come_back_in_the_native_dialect():
    function = {"name": "take", "arguments": '{"object": "apple", "receptacle": "<b>"}'}
    call = {"id": "1", "type": "function", "function": function}
    with RecordedServer([{"content": "There.", "tool_calls": [call]}]) as server:
        engine = engines.make(server.url)
        conversation = Conversation((user("Take it."),), tools=TOOLS)
        reply = engine.submit(conversation, Sampling()).result()
        engine.close()
    decision = dialects.get("native").read(reply.text, TOOLS)
    assert decision.thought == "There."
    assert decision.call == ToolCall("take", {"object": "apple", "receptacle": "<b>"})
    assert server.requests[0]["tools"][0]["function"]["name"] == "take"


def test_a_busy_endpoint_is_asked_again():
    busy = {"status": 429, "headers": {"Retry-After": "0.05"}}
    with RecordedServer([busy, {"status": 503}, {"content": "at last"}]) as server:
        engine = engines.make(server.url)
        assert ask(engine, "Hi").result().text == "at last"
        engine.close()
    assert len(server.requests) == 3


def test_a_refused_request_is_an_error_a_full_context_an_outcome():
    refusals = [{"status": 400, "text": "maximum context length is 10"}, {"status": 400, "text": "odd"}]
    with RecordedServer(refusals) as server:
        engine = engines.make(server.url)
        with pytest.raises(ContextFull):
            ask(engine, "Hi").result()
        with pytest.raises(EngineError, match="odd"):
            ask(engine, "Hi").result()
        engine.close()


def test_trouble_is_known_before_the_run(monkeypatch):
    with RecordedServer([], key="right") as server:
        monkeypatch.setenv("OPENAI_API_KEY", "wrong")
        with pytest.raises(EngineError, match="refused the key"):
            engines.make(server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "right")
        with pytest.raises(EngineError, match="serves recorded"):
            engines.make(f"{server.url}#another")
        gone = server.url
    with pytest.raises(EngineError, match="does not answer"):
        engines.make(gone)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EngineError, match="OPENAI_API_KEY"):
        engines.make("https://example.invalid/v1#m")


@pytest.mark.parametrize(
    ("model", "engine", "told"),
    [
        (BUILT_IN, "vllm", "unknown engine"),
        (BUILT_IN, "openai", "URL#MODEL"),
        ("http://127.0.0.1:1/v1", "openvino", "is an endpoint"),
        ("no-such-model", "auto", "unknown model"),
        ("./nowhere", "auto", "no such folder"),
    ],
)
def test_a_wrong_choice_says_what_to_do(model, engine, told):
    with pytest.raises(BadInput, match=told):
        engines.make(model, engine)
