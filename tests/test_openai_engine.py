"""The client of endpoints under load: how many requests at once, which replica, what may be spent, what is recorded."""

import asyncio
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from misbehaving_server import MisbehavingServer
from test_trajectory import episode

from agenttuning import engines
from agenttuning.agents.model import ModelAgent
from agenttuning.atif import from_atif, read_trajectories, to_atif
from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.dialects import get
from agenttuning.engines import EndpointConfig, Sampling
from agenttuning.engines.openai.breaker import Breaker
from agenttuning.engines.openai.concurrency import WINDOW, Concurrency
from agenttuning.errors import BadInput, BudgetSpent, EngineError
from agenttuning.rollout.collect import CollectConfig, collect
from agenttuning.trajectory import Request, Usage


def talk(number: int, turns: int = 1) -> Conversation:
    messages = [system("Be brief."), user(f"Question {number}")]
    for _ in range(turns - 1):
        messages += [assistant(Segment("Accra")), user("And then?")]
    return Conversation(tuple(messages))


def windows(limit: Concurrency, clock: list[float], latency, count: int) -> list[float]:
    """The limit after each of `count` windows of requests at full use, whose latency is a function of the limit."""
    out = []

    async def play():
        for _ in range(count):
            entered = [asyncio.ensure_future(limit.enter()) for _ in range(int(limit.limit) + 1)]
            await asyncio.sleep(0)
            clock[0] += 1
            sent, now = clock[0], limit.limit
            for _ in range(max(WINDOW, int(now))):
                limit.measured(latency(now), 1, sent)
            while not all(one.done() for one in entered):
                limit.leave()
                await asyncio.sleep(0)
            while limit.in_flight:
                limit.leave()
            out.append(limit.limit)

    asyncio.run(play())
    return out


def test_concurrency_grows_until_latency_says_stop():
    clock = [0.0]
    limit = Concurrency(start=4, most=256, slowdown=3.0, clock=lambda: clock[0])
    seen = windows(limit, clock, lambda n: max(1.0, n / 16), 40)  # sixteen at once cost nothing
    assert seen[:4] == [8, 16, 32, 64]
    assert seen[4] == pytest.approx(51.2)  # at 64 a token took four times as long
    assert all(38 <= value <= 50 for value in seen[6:])


def test_concurrency_rests_at_its_bounds():
    clock = [0.0]
    limit = Concurrency(start=4, most=20, slowdown=3.0, clock=lambda: clock[0])
    assert windows(limit, clock, lambda n: 1.0, 6)[-1] == 20
    limit.refused(sent=clock[0])
    assert limit.limit == 10
    limit.refused(sent=clock[0] - 1)  # sent before the cut: its like has been heard
    assert limit.limit == 10
    for _ in range(9):
        clock[0] += 1
        limit.refused(sent=clock[0])
    assert limit.limit == 1


def test_longer_prompts_do_not_strangle_a_run():
    clock = [0.0]
    limit = Concurrency(start=4, most=64, slowdown=2.0, clock=lambda: clock[0])
    windows(limit, clock, lambda n: 1.0, 4)
    slow = windows(limit, clock, lambda n: 10.0, 40)  # every request costs ten times as much from now on
    assert min(slow) == 4
    assert slow[-1] > 8


def test_an_endpoint_is_given_more_at_once_until_it_slows_down():
    with MisbehavingServer() as server:
        gate = threading.Semaphore(4)

        def serial(body):
            with gate:
                time.sleep(0.01)
            return "Accra"

        server.text = serial
        config = EndpointConfig(concurrency_start=2, slowdown=3.0)
        with engines.make(server.address, endpoint=config) as engine:
            for future in [engine.submit(talk(n), Sampling()) for n in range(150)]:
                future.result(timeout=30)
    assert 4 < server.most_at_once < 100


def test_a_circuit_opens_probes_and_closes():
    breaker = Breaker(failures=3)
    for now in (0.0, 1.0):
        assert breaker.allows(now)
        breaker.failed(now, probe=breaker.send(now))
    assert breaker.allows(2.0)
    breaker.failed(2.0, probe=False)
    assert not breaker.allows(2.5)
    assert 2.75 <= breaker.reopens <= 3.25
    assert breaker.allows(3.3)
    assert breaker.send(3.3)
    assert not breaker.allows(3.4)  # one probe at a time
    breaker.failed(3.5, probe=True)
    assert 5.0 <= breaker.reopens <= 6.0  # twice as long
    assert breaker.send(7.0)
    breaker.good()
    assert breaker.allows(7.0)
    assert breaker.reopens is None


def test_a_conversation_stays_with_a_replica_and_new_ones_are_spread():
    with MisbehavingServer() as one, MisbehavingServer() as other:
        config = EndpointConfig(replicas=[other.url])
        with engines.make(one.address, endpoint=config) as engine:
            for turns in (1, 2, 3):
                futures = [engine.submit(talk(n, turns), Sampling()) for n in range(20)]
                for future in futures:
                    future.result(timeout=30)
    seen = [{body["messages"][1]["content"] for body in server.requests} for server in (one, other)]
    assert seen[0] & seen[1] == set()
    assert all(len(server.requests) == 3 * len(questions) for server, questions in zip((one, other), seen, strict=True))
    assert min(map(len, seen)) >= 5


def test_a_replica_that_fails_is_left_alone_and_the_others_do_its_work():
    with MisbehavingServer() as well, MisbehavingServer(lambda n, body: "error") as ill:
        config = EndpointConfig(replicas=[ill.url], failures=3)
        with engines.make(well.address, endpoint=config) as engine:
            replies = [engine.submit(talk(n), Sampling()) for n in range(40)]
            assert {future.result(timeout=30).text for future in replies} == {"Accra"}
            asked = len(ill.requests)
            for n in range(40, 60):
                assert engine.submit(talk(n), Sampling()).result(timeout=30).usage.requests[0].endpoint == well.url
    assert 3 <= asked <= 12
    assert len(ill.requests) <= asked + 1  # a probe at most


def test_a_replica_with_another_model_is_found_before_the_run():
    with MisbehavingServer() as one, MisbehavingServer(model="large") as other:
        config = EndpointConfig(replicas=[other.url])
        with pytest.raises(EngineError, match=f"{other.url} serves large"):
            engines.make(one.address, endpoint=config)


def test_a_budget_of_tokens_is_kept():
    config = EndpointConfig(budget_tokens=1_000)
    with MisbehavingServer() as server, engines.make(server.address, endpoint=config) as engine:
        futures = [engine.submit(talk(n), Sampling(max_tokens=50)) for n in range(30)]
        ended = [future.exception(timeout=30) for future in futures]
    spent = [error for error in ended if error]
    assert all(isinstance(error, BudgetSpent) for error in spent)
    assert "budget of 1,000 tokens is used up: 880 tokens spent" in str(spent[0])
    assert len(server.requests) == 30 - len(spent) == 8  # 110 each; a ninth could have been more than is left


def test_a_budget_of_money_counts_by_prices():
    config = EndpointConfig(budget_usd=0.01, price_prompt=50.0, price_completion=200.0, price_cached=5.0)
    assert config.prices.usd(100, 10) == pytest.approx(0.007)
    assert config.prices.usd(100, 10, cached=80) == pytest.approx(0.0034)
    with MisbehavingServer() as server, engines.make(server.address, endpoint=config) as engine:
        assert engine.submit(talk(0), Sampling(max_tokens=10)).result(timeout=30).usage.usd == pytest.approx(0.007)
        with pytest.raises(BudgetSpent, match=r"\$0.01 is used up: 110 tokens \(\$0.0070\) spent"):
            engine.submit(talk(1), Sampling(max_tokens=10)).result(timeout=30)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"timeout": 0}, "timeout must be greater than 0"),
        ({"retries": -1}, "retries must be at least 0"),
        ({"slowdown": 1.0}, "slowdown must be greater than 1"),
        ({"budget_usd": 1.0}, "needs what tokens cost: price_prompt"),
        ({"replicas": ["second:8000"]}, "write base URLs"),
        ({"replicas": ["http://second/v1#m"]}, "without a model"),
        ({"concurrency_start": 0}, "concurrency_start must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, told):
    with pytest.raises(BadInput, match=told):
        EndpointConfig(**settings)


def test_requests_are_evenly_spaced_where_that_is_asked_for():
    with MisbehavingServer() as server:
        config = EndpointConfig(requests_per_minute=600)
        with engines.make(server.address, endpoint=config) as engine:
            for future in [engine.submit(talk(n), Sampling()) for n in range(5)]:
                future.result(timeout=30)
    assert server.times[-1] - server.times[0] >= 0.35


def test_every_request_is_in_the_trajectory():
    usage = Usage(200, 20, 90, 0.5, (Request(100, 10, 0, 1.5, 0.2, 3, "http://one/v1"), Request(100, 10, 90, 0.5)))
    trajectory = episode()
    first, *rest = trajectory.steps
    trajectory = replace(trajectory, steps=(replace(first, usage=usage), *rest))
    document = to_atif(trajectory)
    assert from_atif(document) == trajectory
    step = document["steps"][2]
    assert step["llm_call_count"] == 2
    assert step["metrics"]["cost_usd"] == 0.5
    assert [row["seconds"] for row in step["metrics"]["extra"]["requests"]] == [1.5, 0.5]
    atif = pytest.importorskip("atif")
    atif.Trajectory.model_validate(document)


def test_a_turn_of_several_requests_has_a_record_of_each():
    with (
        MisbehavingServer(lambda n, body: "busy" if n == 1 else "good") as server,
        engines.make(server.address, endpoint=EndpointConfig(price_prompt=1.0)) as engine,
    ):
        agent = ModelAgent("small", engine, get("chat"), Sampling())
        usage = agent.turn(episode(), None).usage  # a seat is for agents that look
    assert sum(request.attempts for request in usage.requests) == len(server.requests)
    assert usage.prompt == sum(request.prompt for request in usage.requests) == 100 * len(usage.requests)
    assert usage.usd == pytest.approx(usage.prompt / 1e6)


def play(server, out: Path, count: int, **endpoint):
    config = CollectConfig(
        {"database": count}, agent=server.address, max_tokens=20, workers=1, endpoint=EndpointConfig(**endpoint)
    )
    return collect(config, out, dialect="react", seed=0)


def answer(body: dict) -> str:
    """A reply that ends an episode of any question."""
    return 'Thought: t\nAction: answer\nAction Input: {"values": ["1"]}'


def test_a_spent_budget_stops_a_run_cleanly_and_the_next_command_goes_on(tmp_path):
    with MisbehavingServer() as server:
        server.text = answer
        with pytest.raises(BudgetSpent, match="what was paid for is kept"):
            play(server, tmp_path, 30, budget_tokens=2_000)
        kept = list(read_trajectories(tmp_path / "database.jsonl.partial"))
        asked = len(server.requests)
        assert len(kept) == asked > 0  # every reply that was paid for is in an episode
        counts = play(server, tmp_path, 30)
    assert counts["environments"]["database"]["episodes"] == 30
    assert len(server.requests) == 30
    rows = list(read_trajectories(tmp_path / "database.jsonl"))
    assert {row.key for row in kept} < {row.key for row in rows}
    assert all(step.usage.requests[0].seconds > 0 for row in rows for step in row.steps)


def look_first(body: dict) -> str:
    """Three looks, each another one, then an answer."""
    looks = sum(message["role"] == "assistant" for message in body["messages"])
    if looks < 3:
        return f'Thought: t\nAction: execute_sql\nAction Input: {{"query": "SELECT {looks}"}}'
    return answer(body)


def test_turns_of_episodes_that_were_broken_off_are_not_paid_for_again(tmp_path):
    """By two budgets and an endpoint that refuses everything: every reply is in one turn."""
    paid = []

    def text(body: dict) -> str:
        paid.append(json.dumps(body))
        return look_first(body)

    with MisbehavingServer() as server:
        server.text = text
        for _ in range(2):
            with pytest.raises(BudgetSpent, match="go on"):
                play(server, tmp_path, 12, budget_tokens=1_500)
        refused_from = len(paid) + 9
        server.plan = lambda n, body: "good" if n < refused_from else "forbidden"
        with pytest.raises(EngineError, match="refused the key"):
            play(server, tmp_path, 12)
        assert (tmp_path / "replies.jsonl.partial").read_bytes().count(b"\n") == len(paid) == refused_from
        server.plan = lambda n, body: "good"
        play(server, tmp_path, 12)
    assert len(paid) == len(set(paid)) == 12 * 4
    steps = [step for row in read_trajectories(tmp_path / "database.jsonl") for step in row.steps]
    assert len(steps) == 12 * 4
    assert sum(step.usage.prompt + step.usage.completion for step in steps) == 110 * len(paid)
    assert all(len(step.usage.requests) == 1 for step in steps)
    assert not (tmp_path / "replies.jsonl.partial").exists()


def test_a_request_that_always_fails_costs_its_episode_and_no_other(tmp_path):
    def plan(n: int, body: dict) -> str:
        return "malformed" if len(body["messages"][-1]["content"]) % 3 == 0 else "good"

    with MisbehavingServer(plan) as server:
        server.text = answer
        play(server, tmp_path, 12, retries=1, failures=100)
    rows = list(read_trajectories(tmp_path / "database.jsonl"))
    lost = [row for row in rows if row.outcome == "model_error"]
    assert len(rows) == 12
    assert 0 < len(lost) < 12
    assert all("not JSON" in row.meta["reason"] and "after 2 attempts" in row.meta["reason"] for row in lost)
    assert all(len(row.steps) == 1 for row in rows if row not in lost)


def test_an_endpoint_that_goes_away_ends_a_run_and_what_is_finished_stays(tmp_path):
    server = MisbehavingServer()

    def plan(n: int, body: dict) -> str:
        if n == 10:
            threading.Thread(target=server.__exit__).start()
        return "good" if n < 10 else "reset_before"

    server.plan, server.text = plan, answer
    with server, pytest.raises(EngineError, match="run the same command to go on"):
        play(server, tmp_path, 30, patience=1.0, retries=50)
    kept = list(read_trajectories(tmp_path / "database.jsonl.partial"))
    assert len(kept) == 10
    assert all(row.outcome != "model_error" for row in kept)
