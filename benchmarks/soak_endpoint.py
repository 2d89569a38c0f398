"""Episodes against endpoints that fail at random, for minutes: is every episode accounted for?

    python benchmarks/soak_endpoint.py --minutes 30

Two servers of `misbehaving_server` answer every fifth request wrongly, in one of its ways, and now and then one of them
is away for a while. Rounds of episodes are collected one after the other; each is stopped once in its middle by a
budget and goes on with the next command. Checked after each round: every task and seed has exactly one episode, every
episode an outcome, every turn the record of its request, and every good reply is in exactly one turn, with its tokens.
Printed at the end: rounds, episodes, outcomes, requests by what became of them, how much memory grew, and for how long
this process stood still at most: where that is near the time-out, the client may have given up a good reply.
"""

import argparse
import contextlib
import json
import random
import resource
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from misbehaving_server import MisbehavingServer

from agenttuning.atif import read_trajectories
from agenttuning.engines import EndpointConfig
from agenttuning.errors import BudgetSpent
from agenttuning.rollout.collect import CollectConfig, collect

FAULTS = (
    "reset", "reset_before", "busy", "busy_half_a_second", "unavailable", "error", "error_without_end", "hung",
    "slow_loris", "malformed", "page", "no_choices", "odd_types", "truncated", "truncated_chunks", "oversized_chunks",
    "compressed", "bad_utf8", "no_http",
)  # fmt: skip
AWAY = 1.0  # seconds
TIMEOUT = 4.0  # seconds; a good reply must not be given up because this machine is busy
TOKENS = 110  # of every good reply


class Endpoints:
    """Two servers whose faults are drawn from a seed; `became` counts what was done with requests."""

    def __init__(self, seed: int, share: float):
        self._random, self._share, self._lock = random.Random(seed), share, threading.Lock()
        self.became: Counter[str] = Counter()
        self._leaves_at, self._leaving = 0, None
        self.servers = [self._make(0), self._make(0)]
        for server in self.servers:
            server.__enter__()

    def _make(self, port: int) -> MisbehavingServer:
        server = MisbehavingServer(self._plan, port=port)
        server.text = _text
        return server

    def _plan(self, n: int, body: dict) -> str:
        with self._lock:
            fault = self._random.choice(FAULTS) if self._random.random() < self._share else "good"
            self.became[fault] += 1
            if self._leaves_at and self.became.total() >= self._leaves_at:
                self._leaves_at, self._leaving = 0, threading.Thread(target=self._away)
                self._leaving.start()
        return fault

    def let_one_leave(self, after: int) -> None:
        """So many requests from now, the second server leaves for a while and comes back at its address."""
        with self._lock:
            self._leaves_at = self.became.total() + after

    def _away(self) -> None:
        self.servers[1].__exit__()
        time.sleep(AWAY)
        server = self._make(self.servers[1].port)
        server.__enter__()
        self.servers[1] = server

    def all_back(self) -> None:
        with self._lock:
            self._leaves_at = 0
        if self._leaving:
            self._leaving.join()

    def close(self) -> None:
        self.all_back()
        for server in self.servers:
            server.__exit__()


class Heartbeat:
    """How long this process stood still: the longest time between two beats, in seconds."""

    def __init__(self) -> None:
        self.longest, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._over.wait(0.05):
            now = time.monotonic()
            self.longest, before = max(self.longest, now - before), now

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def _text(body: dict) -> str:
    """Look once, then answer."""
    if sum(message["role"] == "assistant" for message in body["messages"]) < 1:
        return 'Thought: look\nAction: execute_sql\nAction Input: {"query": "SELECT 1"}'
    return 'Thought: enough\nAction: answer\nAction Input: {"values": ["1"]}'


def soak(seconds: float, *, episodes: int = 40, share: float = 0.2, seed: int = 0) -> dict[str, Any]:
    """Rounds until the time is over, at least one. Raises AssertionError where an episode is not accounted for."""
    began, rounds, outcomes, recorded, memory = time.monotonic(), 0, Counter[str](), 0, []
    endpoints, heartbeat = Endpoints(seed, share), Heartbeat()
    with contextlib.closing(endpoints), heartbeat:
        while not rounds or time.monotonic() - began < seconds:
            with tempfile.TemporaryDirectory() as out:
                rows = _round(endpoints, Path(out), episodes, seed + rounds)
            outcomes.update(row.outcome for row in rows)
            usages = [step.usage for row in rows for step in row.steps]
            recorded += sum(usage.prompt + usage.completion for usage in usages)
            paid = TOKENS * endpoints.became["good"]
            stood = f"this process stood still for {heartbeat.longest:.1f} s at most, the time-out is {TIMEOUT:g} s"
            assert recorded == paid, f"{recorded} tokens are recorded, {paid} were paid; {stood}"
            rounds += 1
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    return {
        "rounds": rounds,
        "episodes": sum(outcomes.values()),
        "outcomes": dict(outcomes),
        "requests": dict(endpoints.became.most_common()),
        "tokens": recorded,
        "memory_mb": [memory[0], memory[-1]],
        "longest_standstill": round(heartbeat.longest, 2),
        "seconds": round(time.monotonic() - began, 1),
    }


def _round(endpoints: Endpoints, out: Path, episodes: int, seed: int) -> list[Any]:
    def play(budget: int | None) -> None:
        one, other = endpoints.servers
        settings = EndpointConfig(replicas=[other.url], timeout=TIMEOUT, retries=8, largest_reply=200_000, patience=60)
        settings = EndpointConfig(**{**settings.__dict__, "budget_tokens": budget})
        config = CollectConfig(
            {"database": episodes}, agent=one.address, workers=1, max_tokens=20, concurrency=16, endpoint=settings
        )
        collect(config, out, dialect="react", seed=seed)

    stopped = False
    try:
        play(episodes * TOKENS)  # about half of what all turns cost
    except BudgetSpent:
        stopped = True
    assert stopped, "the budget did not stop the round"
    endpoints.let_one_leave(after=episodes // 2)
    play(None)
    endpoints.all_back()
    rows = list(read_trajectories(out / "database.jsonl"))
    keys = [row.key for row in rows]
    assert len(keys) == len(set(keys)) == episodes, f"{len(keys)} rows, {len(set(keys))} of them different"
    for row in rows:
        assert row.outcome != "model_error" or row.meta["reason"], row.key
        assert all(step.usage and step.usage.requests for step in row.steps), row.key
        assert row.outcome == "model_error" or row.steps, row.key
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--episodes", type=int, default=40, help="episodes a round")
    parser.add_argument("--share", type=float, default=0.2, help="share of requests that are answered wrongly")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(json.dumps(soak(args.minutes * 60, episodes=args.episodes, share=args.share, seed=args.seed), indent=2))


if __name__ == "__main__":
    main()
