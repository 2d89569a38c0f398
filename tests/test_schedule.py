"""Which episode begins next, played through in a world without clocks: who waits for whom is all that happens."""

import heapq
import random

import pytest

from agenttuning.engines.base import Reply
from agenttuning.engines.busy import BusyEngine
from agenttuning.rollout.schedule import Schedule
from agenttuning.trajectory import Usage

# (episodes, turns, seconds of a step, workers): two quick ones, one whose steps take a while, one that hardly moves.
MIXED = {
    "database": (200, 4, 0.01, 1),
    "shop": (150, 5, 0.03, 1),
    "browser": (24, 6, 1.5, 2),
    "science": (12, 12, 2.0, 2),
}
# The quickstart's, in tasks and turns.
RECIPE = {
    "database": (420, 4, 0.01, 1),
    "knowledge_graph": (180, 6, 0.01, 1),
    "webshop": (56, 5, 0.05, 1),
    "operating_system": (48, 5, 0.3, 1),
    "alfworld": (24, 15, 0.1, 1),
}
REPLY = 0.6  # seconds of a reply, however many are asked for at once


class InTurn:
    """The order of the list, whatever the episodes are like."""

    def __init__(self, jobs):
        queues = [list(queue) for queue in jobs.values()]
        most = max(map(len, queues))
        self.jobs = [queue[i] for i in range(most) for queue in queues if i < len(queue)][::-1]

    def next(self):
        return self.jobs.pop() if self.jobs else None

    def ended(self, *_):
        pass


def share_of_busy_time(make, places, mixed=MIXED):
    """The share of the time in which at least one reply is being written, and the names in the order they began.

    An episode asks the engine, then waits for a worker of its environment, then keeps it for a step, and so on.
    """
    now, numbers, events, running = 0.0, iter(range(10**6)), [], 0
    schedule = make(lambda: now)
    free = {name: [0.0] * workers for name, (_, _, _, workers) in mixed.items()}
    spans, began = [], []
    inside, outside = {}, {}

    def begin():
        nonlocal running
        while running < places and (job := schedule.next()) is not None:
            running += 1
            began.append(job[0])
            inside[job], outside[job] = 0.0, 0.0
            heapq.heappush(events, (now, next(numbers), job, mixed[job[0]][1]))

    begin()
    while events:
        now, _, job, left = heapq.heappop(events)
        if not left:
            running -= 1
            schedule.ended(job[0], inside[job], outside[job])
            begin()
            continue
        spans.append((now, now + REPLY))
        seconds = mixed[job[0]][2]
        at = max(now + REPLY, min(free[job[0]]))
        free[job[0]][free[job[0]].index(min(free[job[0]]))] = at + seconds
        inside[job] += seconds
        outside[job] += REPLY
        heapq.heappush(events, (at + seconds, next(numbers), job, left - 1))
    busy, end = 0.0, 0.0
    for start, stop in sorted(spans):
        busy += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return busy / now, began, now


def jobs_of(mixed):
    return {name: [(name, i) for i in range(count)] for name, (count, *_) in mixed.items()}


def ours_of(mixed, places):
    return lambda clock: Schedule(jobs_of(mixed), places=places, workers=lambda name: mixed[name][3], clock=clock)


@pytest.mark.parametrize(("mixed", "places"), [(MIXED, 8), (MIXED, 32), (RECIPE, 32)])
def test_slow_environments_do_not_starve_fast_ones(mixed, places):
    busy, began, _ = share_of_busy_time(ours_of(mixed, places), places, mixed)
    assert busy >= 0.9
    assert sorted(began) == sorted(name for name, queue in jobs_of(mixed).items() for _ in queue)


def test_in_the_order_of_the_list_they_do():
    in_turn, _, _ = share_of_busy_time(lambda _: InTurn(jobs_of(MIXED)), 32)
    assert in_turn < 0.8


def test_it_takes_no_longer_for_that():
    for places in (8, 16, 32):
        _, _, ours = share_of_busy_time(ours_of(RECIPE, places), places, RECIPE)
        _, _, in_turn = share_of_busy_time(lambda _: InTurn(jobs_of(RECIPE)), places, RECIPE)
        assert ours < 1.02 * in_turn


@pytest.mark.parametrize("seed", range(30))
def test_every_episode_is_begun_once_whatever_the_environments_are_like(seed):
    dice = random.Random(seed)
    mixed = {
        f"e{i}": (dice.randint(0, 30), dice.randint(1, 9), dice.choice([0.0, 0.001, 0.1, 3.0]), dice.randint(1, 3))
        for i in range(dice.randint(1, 6))
    }
    jobs, places = jobs_of(mixed), dice.randint(1, 12)
    if any(jobs.values()):
        _, began, _ = share_of_busy_time(ours_of(mixed, places), places, mixed)
        assert sorted(began) == sorted(name for name, queue in jobs.items() for _ in queue)


def test_there_are_never_more_episodes_than_places():
    schedule = Schedule({"a": list(range(9)), "b": list(range(9))}, places=4, workers=lambda _: 1)
    assert [schedule.next() is not None for _ in range(6)] == [True] * 4 + [False] * 2
    assert schedule.ended("a", 1.0, 1.0) is False
    assert schedule.next() is not None


def test_the_last_episode_of_an_environment_is_told():
    schedule = Schedule({"a": [1], "b": [2]}, places=4, workers=lambda _: 1)
    assert {schedule.next(), schedule.next()} == {1, 2}
    assert schedule.ended("a", 0.0, 1.0) is True


def test_the_busy_share_of_an_engine_counts_time_not_requests():
    from concurrent.futures import Future

    clock, asked = [0.0], []

    class Slow:
        name, template = "slow", None

        def submit(self, conversation, sampling):
            asked.append(Future())
            return asked[-1]

    engine = BusyEngine(Slow(), clock=lambda: clock[0])
    clock[0] = 5.0
    engine.begin()
    for seconds, what in ((1, "ask"), (1, "ask"), (2, "answer"), (2, "answer"), (4, "end")):
        clock[0] += seconds
        if what == "ask":
            engine.submit(None, None)
        elif what == "answer":
            asked.pop().set_result(Reply("", Usage()))
    assert engine.told() == {"seconds": 10.0, "busy": 0.5, "requests": 0.7}
