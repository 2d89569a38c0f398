"""What was paid for is stored before it is used, is never paid twice, and a budget is not exceeded."""

import json
import threading
from pathlib import Path
from queue import Queue

import pytest
from teacher_server import TeacherServer

from agenttuning import engines
from agenttuning.conversation import Conversation, user
from agenttuning.corpus.construct.config import ConstructConfig, Prices
from agenttuning.corpus.construct.construct import teachers
from agenttuning.corpus.construct.journal import Journal
from agenttuning.corpus.construct.paid import PaidEngine
from agenttuning.corpus.construct.purse import Purse
from agenttuning.engines import Sampling
from agenttuning.errors import BadInput, BudgetSpent, EngineError

PRICE = Prices(prompt=1.0, completion=2.0)


def ask(engine: PaidEngine, text: str, seed: int = 0, most: int = 64):
    return engine.submit(Conversation((user(text),)), Sampling(max_tokens=most, temperature=1.0, seed=seed))


def paid(journal: Journal, model: str, **budget) -> PaidEngine:
    running = engines.make(model)
    return PaidEngine(model, Purse(journal, **budget), role="write", price=PRICE, open_engine=lambda: running)


def test_a_row_counts_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "replies.jsonl"
    with Journal(path) as journal:
        for number in range(3):
            journal.append({"key": f"k{number}", "text": "ü\n" * number})
        assert [row["text"] for row in journal] == ["", "ü\n", "ü\nü\n"]
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in range(1, len(last) + 1):
        path.write_bytes(whole[:-cut])
        with Journal(path) as journal:
            assert len(journal) == 2
            assert journal.find("k2") is None
            journal.append({"key": "k2", "text": "again"})
            assert journal.find("k2") == {"key": "k2", "text": "again"}
            assert journal.find("k1") == {"key": "k1", "text": "ü\n"}


def test_the_same_question_is_paid_once(tmp_path: Path):
    with TeacherServer(lambda request: f"reply {request['seed']}") as server, Journal(tmp_path / "r") as journal:
        engine = paid(journal, server.model)
        assert [ask(engine, "a", seed).result().text for seed in (0, 1, 0)] == ["reply 0", "reply 1", "reply 0"]
        ask(engine, "b").result()
        assert len(server.requests) == 3
    with Journal(tmp_path / "r") as journal:  # another run, and the server has gone

        def gone() -> engines.Engine:
            raise AssertionError("nobody has to be asked")

        engine = PaidEngine("http://elsewhere/v1#teacher", Purse(journal), role="x", price=PRICE, open_engine=gone)
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
        engine = paid(journal, server.model)
        promises = [ask(engine, "a") for _ in range(5)]
        go.set()
        assert {promise.result().text for promise in promises} == {"one"}
        assert len(server.requests) == 1


def test_a_reply_is_on_disk_before_it_is_used(tmp_path: Path):
    seen: Queue[str] = Queue()
    with TeacherServer(lambda request: "stored") as server, Journal(tmp_path / "r") as journal:
        promise = ask(paid(journal, server.model), "a")
        promise.add_done_callback(lambda _: seen.put((tmp_path / "r").read_text()))
        row = json.loads(seen.get(timeout=20))
    assert (row["text"], row["role"], row["prompt"], row["completion"]) == ("stored", "write", 100, 50)
    assert row["usd"] == pytest.approx((100 * 1.0 + 50 * 2.0) / 1e6)
    assert "key" in row


@pytest.mark.parametrize("budget", [{"tokens": 1000}, {"usd": 0.0011}])
def test_a_budget_is_not_exceeded(tmp_path: Path, budget: dict):
    with TeacherServer(lambda request: "x", usage=(150, 100)) as server, Journal(tmp_path / "r") as journal:
        engine = paid(journal, server.model, **budget)
        promises = []

        def ask_on(wait: bool) -> None:
            for seed in range(100):
                promises.append(ask(engine, "a", seed, 100))
                if wait:
                    promises[-1].result()

        with pytest.raises(BudgetSpent, match="is used up"):
            ask_on(wait=False)  # what is under way counts at its worst, and is waited for
        at_once = len(server.requests)
        with pytest.raises(BudgetSpent):
            ask_on(wait=True)
        assert len(server.requests) == at_once  # one after the other there is room for no more
        total = engine._purse.total
        assert 0 < total.calls == len(server.requests)
        assert total.tokens <= budget.get("tokens", 10**9)
        assert total.usd <= budget.get("usd", 1e9)
        assert ask(engine, "a", 0, 100).result().text == "x"  # what is paid for stays
    with Journal(tmp_path / "r") as journal:
        more = Purse(journal, **{name: 2 * value for name, value in budget.items()})
        assert (more.total.calls, more.total.tokens) == (total.calls, total.tokens)
        more.reserve(100, 0.0001)


def test_an_endpoint_that_tells_no_usage_is_counted_by_its_text(tmp_path: Path):
    with TeacherServer(lambda request: "w" * 80, usage=(0, 0)) as server, Journal(tmp_path / "r") as journal:
        engine = paid(journal, server.model)
        ask(engine, "a").result()
        assert engine._purse.total.completion == 40
        assert next(iter(journal))["guessed"]


def test_an_error_is_no_reply_and_frees_what_was_reserved(tmp_path: Path):
    with TeacherServer(lambda request: 400) as server, Journal(tmp_path / "r") as journal:
        engine = paid(journal, server.model, tokens=1000)
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


def test_settings_that_make_no_sense():
    for wrong, message in (
        ({"teacher": " "}, "teacher is empty"),
        ({"budget_usd": 1.0}, "needs what tokens cost"),
        ({"budget_tokens": 0}, "budget_tokens must be at least 1"),
        ({"similarity": 0.0}, "similarity is above 0"),
        ({"tasks": 0}, "tasks must be at least 1"),
        ({"databases": "x"}, "give it as --source"),
    ):
        with pytest.raises(BadInput, match=message):
            ConstructConfig(**{"teacher": "m", **wrong})
    with pytest.raises(BadInput, match="prompt must be at least 0"):
        Prices(prompt=-1)
    assert Prices(1.0, 2.0, 0.5).usd(1000, 10, 400) == pytest.approx((600 + 200 + 20) / 1e6)
