"""Replies are kept as they come: from a real server on loopback, through a failure, a cut line and a longer run."""

import json

import pytest
from openai_server import RecordedServer
from t_eval_cases import item

from agenttuning import engines
from agenttuning.errors import EngineError
from agenttuning.evaluation.t_eval.asking import ask
from agenttuning.evaluation.t_eval.items import Item
from agenttuning.files import read_jsonl

ITEMS = [
    Item(f"q{i}", "review", "str", (("system", "Judge."), ("user", f"Call {i}")), {"answer": "A"}) for i in range(6)
]


def asked_of(server, items, path, **more):
    with engines.make(f"{server.url}#recorded") as engine:
        return ask(engine, items, path, **more)


def test_replies_by_id_and_on_disk_in_order(tmp_path):
    path, seen = tmp_path / "t_eval.jsonl", []
    with RecordedServer([{"content": "Answer: A"}] * 6) as server:
        replies = asked_of(server, ITEMS, path, progress=lambda *step: seen.append(step), at_once=3)
    assert replies == {f"q{i}": "Answer: A" for i in range(6)}
    assert [row["id"] for _, row in read_jsonl(path)] == [f"q{i}" for i in range(6)]
    assert seen[-1] == (6, 6, "tool use")
    request = next(r for r in server.requests if r["messages"][-1]["content"] == "Call 4")
    assert request["messages"][0] == {"role": "system", "content": "Judge."}
    assert (request["temperature"], request.get("max_tokens", request.get("max_completion_tokens"))) == (0, 512)


def test_what_was_answered_is_not_asked_again(tmp_path):
    """One at a time: the fourth request fails, three replies are on disk, and the next call asks the other three."""
    path = tmp_path / "t_eval.jsonl"
    replies = [{"content": f"Answer: {letter}"} for letter in "ABC"]
    with RecordedServer([*replies, {"status": 400, "text": "out of order"}]) as server, pytest.raises(EngineError):
        asked_of(server, ITEMS, path, at_once=1)
    assert [row["reply"] for _, row in read_jsonl(path)] == ["Answer: A", "Answer: B", "Answer: C"]
    with path.open("a") as stream:
        stream.write('{"id": "q3", "reply": "Answ')  # killed while it wrote
    with RecordedServer([{"content": "late"}] * 3) as server:
        found = asked_of(server, ITEMS, path, at_once=1)
    assert [found[f"q{i}"] for i in range(6)] == ["Answer: A", "Answer: B", "Answer: C", "late", "late", "late"]
    assert len(server.requests) == 3
    with RecordedServer([]) as server:
        assert asked_of(server, ITEMS, path) == found
        assert asked_of(server, ITEMS[:2], path) == {"q0": "Answer: A", "q1": "Answer: B"}
    assert server.requests == []


def test_half_a_surrogate_pair_can_be_written(tmp_path):
    with RecordedServer([{"content": "\ud83d!"}]) as server:
        found = asked_of(server, [item("reason", "str", {})], tmp_path / "t_eval.jsonl")
    assert found == {"reason/str/0": "?!"}
    assert json.loads((tmp_path / "t_eval.jsonl").read_text())["reply"] == "?!"


@pytest.mark.slow
def test_a_prompt_that_does_not_fit_has_an_empty_reply(tmp_path):
    pytest.importorskip("torch")
    from tiny import write_model

    long = Item("long", "reason", "str", (("user", "word " * 900),), {"thought": "x"}, max_tokens=8)
    short = Item("short", "reason", "str", (("user", "word"),), {"thought": "x"}, max_tokens=8)
    with engines.make(str(write_model(tmp_path / "model")), "transformers") as engine:
        ask(engine, [long, short], tmp_path / "t_eval.jsonl")
    rows = {row["id"]: row for _, row in read_jsonl(tmp_path / "t_eval.jsonl")}
    assert (rows["long"]["reply"], rows["long"]["finish"]) == ("", "context")
    assert rows["short"]["finish"] in ("stop", "length")
    assert rows["short"]["usage"]["prompt"] > 0 < rows["short"]["usage"]["completion"]
