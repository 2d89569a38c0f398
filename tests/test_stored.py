"""What was paid for is stored before it is used, is never paid twice, and a budget is not exceeded."""

import json
import threading
from pathlib import Path
from queue import Queue

import pytest
from teacher_server import TeacherServer

from agenttuning import engines
from agenttuning.budget import Budget, Prices
from agenttuning.conversation import Conversation, user
from agenttuning.corpus.construct.config import ConstructConfig
from agenttuning.corpus.construct.construct import teachers
from agenttuning.engines import EndpointConfig, Sampling
from agenttuning.engines.stored import StoredEngine
from agenttuning.errors import BudgetSpent, EngineError
from agenttuning.evaluation.evaluate import EvaluateConfig, evaluate
from agenttuning.journal import Journal

PRICES = Prices(prompt=1.0, completion=2.0)


def ask(engine: StoredEngine, text: str, seed: int = 0, most: int = 64):
    return engine.submit(Conversation((user(text),)), Sampling(max_tokens=most, temperature=1.0, seed=seed))


def stored(journal: Journal, model: str, budget: Budget | None = None) -> StoredEngine:
    running = engines.make(model)
    return StoredEngine(model, journal, role="write", budget=budget, prices=PRICES, open_engine=lambda: running)


def test_the_same_question_is_paid_once(tmp_path: Path):
    with TeacherServer(lambda request: f"reply {request['seed']}") as server, Journal(tmp_path / "r") as journal:
        engine = stored(journal, server.model)
        assert [ask(engine, "a", seed).result().text for seed in (0, 1, 0)] == ["reply 0", "reply 1", "reply 0"]
        ask(engine, "b").result()
        assert len(server.requests) == 3
    with Journal(tmp_path / "r") as journal:  # another run, and the server has gone

        def gone() -> engines.Engine:
            raise AssertionError("nobody has to be asked")

        engine = StoredEngine("http://elsewhere/v1#teacher", journal, open_engine=gone)
        reply = ask(engine, "a", 1).result()
        assert (reply.text, reply.usage.prompt, reply.usage.completion) == ("reply 1", 100, 50)
        with pytest.raises(AssertionError):
            ask(engine, "never asked")


def test_two_that_are_the_same_and_under_way_are_asked_once(tmp_path: Path):
    go = threading.Event()

    def answer(request):
        go.wait(10)
        return "one"

    with TeacherServer(answer) as server, Journal(tmp_path / "r") as journal:
        engine = stored(journal, server.model)
        promises = [ask(engine, "a") for _ in range(5)]
        go.set()
        assert {promise.result().text for promise in promises} == {"one"}
        assert len(server.requests) == 1


def test_a_reply_is_on_disk_before_it_is_used(tmp_path: Path):
    seen: Queue[str] = Queue()
    with TeacherServer(lambda request: "stored") as server, Journal(tmp_path / "r") as journal:
        promise = ask(stored(journal, server.model), "a")
        promise.add_done_callback(lambda _: seen.put((tmp_path / "r").read_text()))
        row = json.loads(seen.get(timeout=20))
    assert (row["text"], row["role"], row["prompt"], row["completion"]) == ("stored", "write", 100, 50)
    assert row["usd"] == pytest.approx((100 * 1.0 + 50 * 2.0) / 1e6)
    assert "key" in row


@pytest.mark.parametrize("limit", [{"tokens": 1000}, {"usd": 0.0014}])
def test_a_budget_is_not_exceeded(tmp_path: Path, limit: dict):
    budget = Budget(**limit)
    with TeacherServer(lambda request: "x", usage=(150, 100)) as server, Journal(tmp_path / "r") as journal:
        engine = stored(journal, server.model, budget)

        def ask_on(wait: bool) -> None:
            for seed in range(100):
                promise = ask(engine, "a", seed, 100)
                if wait:
                    promise.result()

        with pytest.raises(BudgetSpent, match="is used up"):
            ask_on(wait=False)  # what is under way counts at its worst, and is waited for
        at_once = len(server.requests)
        with pytest.raises(BudgetSpent):
            ask_on(wait=True)
        assert len(server.requests) == at_once  # one after the other there is room for no more
        assert budget.spent.calls == len(server.requests) == 3
        assert budget.spent.tokens <= limit.get("tokens", 10**9)
        assert budget.spent.usd <= limit.get("usd", 1e9)
        assert ask(engine, "a", 0, 100).result().text == "x"  # what is paid for stays


def test_an_endpoint_that_tells_no_usage_is_counted_by_its_text(tmp_path: Path):
    with TeacherServer(lambda request: "w" * 80, usage=(0, 0)) as server, Journal(tmp_path / "r") as journal:
        budget = Budget()
        assert ask(stored(journal, server.model, budget), "a").result().usage.completion == 0
        assert budget.spent.completion == 40
        row = next(iter(journal))
        assert (row["guessed"], row["completion"], row["usage"]["completion"]) == (True, 40, 0)


def test_an_error_is_no_reply_and_frees_what_was_reserved(tmp_path: Path):
    with TeacherServer(lambda request: 400) as server, Journal(tmp_path / "r") as journal:
        engine = stored(journal, server.model, Budget(tokens=1000))
        for _ in range(20):
            with pytest.raises(EngineError):
                ask(engine, "a").result()
        assert len(journal) == 0


def test_replies_under_way_are_waited_for(tmp_path: Path):
    go = threading.Event()

    def answer(request):
        go.wait(10)
        return "late"

    with TeacherServer(answer) as server, teachers(ConstructConfig(teacher=server.model), tmp_path) as staff:
        ask(staff.engine("write"), "a")
        threading.Timer(0.3, go.set).start()
    with Journal(tmp_path / "replies.jsonl") as journal:
        assert [row["text"] for row in journal] == ["late"]


def test_an_evaluation_goes_on_from_what_was_paid_for(tmp_path: Path):
    """The probe's questions and the episodes' turns, each asked once over three commands."""

    def run(**budget) -> dict:
        config = EvaluateConfig(
            held_in={"database": 3}, concurrency=2, workers=1, max_turns=2, endpoint=EndpointConfig(**budget)
        )
        return evaluate(config, server.model, tmp_path, dialect="react", seed=0)

    with TeacherServer(lambda request: "Seven words are what I have here.") as server:
        for tokens in (1_000, 3_000):
            with pytest.raises(BudgetSpent):
                run(budget_tokens=tokens)
        before = len(server.requests)
        scores = run()
        asked = [json.dumps(request) for request in server.requests]
    assert 0 < before < len(asked) == len(set(asked)) == 6 + scores["general"]["instructions"]["n"]
    assert not list(tmp_path.glob("replies*"))


def test_a_promise_that_is_cancelled_is_still_kept(tmp_path: Path):
    go = threading.Event()

    def answer(request):
        go.wait(10)
        return "late"

    with TeacherServer(answer) as server, Journal(tmp_path / "r") as journal, stored(journal, server.model) as engine:
        assert not ask(engine, "a").cancel()
        go.set()
    assert "late" in (tmp_path / "r").read_text()
