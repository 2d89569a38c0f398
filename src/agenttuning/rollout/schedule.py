"""Which episode begins next, so that the engine always has something to do and all environments end together.

An environment gets as many places as its workers can use: where an episode spends S seconds in the environment and T
with the agent, n workers are busy with n · (S + T) / S episodes, and more would only queue there and keep places from
others. It gets no more than it needs to be done when the one that takes longest is: quick episodes are kept for the
time in which slow ones alone would leave the engine idle. Among those that may begin the one with the most time to go
is next.

>>> schedule = Schedule({"database": jobs, "webarena": others}, places=32, workers=pool.size)
>>> schedule.next()
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
SPARE = 1.5  # times what the workers can use: episodes are not alike, and a worker must not wait for one


@dataclass
class _Queue(Generic[T]):
    jobs: list[T]  # the next one last
    running: int = 0
    ended: int = 0
    inside: float = 0.0  # seconds in the environment, of those that ended
    outside: float = 0.0
    first: float | None = None  # when the first one began

    @property
    def share(self) -> float:
        """Of an episode's time, that in the environment; in [0, 1]."""
        return self.inside / (self.inside + self.outside or 1.0)

    def seconds(self, now: float) -> float:
        """Of an episode; while none has ended, at least so many."""
        if self.ended:
            return (self.inside + self.outside) / self.ended
        return 0.0 if self.first is None else now - self.first


class Schedule(Generic[T]):
    """`places` is how many episodes there may be at a time, `workers` how many workers an environment has now."""

    def __init__(
        self,
        jobs: Mapping[str, Sequence[T]],
        *,
        places: int,
        workers: Callable[[str], int],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._queues = {name: _Queue(list(reversed(queue))) for name, queue in jobs.items()}
        self._places, self._workers, self._clock = places, workers, clock

    def next(self) -> T | None:
        """The job of the next episode; None where none may begin before another has ended."""
        waiting = {name: queue for name, queue in self._queues.items() if queue.jobs}
        running = sum(queue.running for queue in self._queues.values())
        if not waiting or running >= self._places:
            return None
        now = self._clock()
        caps = {name: self._cap(name, queue) for name, queue in self._queues.items()}
        left = {name: self._left(name, queue, caps[name], now) for name, queue in self._queues.items()}
        last = max(left.values())  # when the environment that takes longest is done, in seconds from now
        begins = []
        for name, queue in waiting.items():
            enough = self._places
            if queue.ended and left[name] < last > 2 * queue.seconds(now):  # it can wait
                enough = math.ceil(SPARE * len(queue.jobs) * queue.seconds(now) / last)
            if queue.running < min(caps[name], max(enough, self._places // 16, 1)) and not self._crowds(queue):
                begins.append(name)
        if not begins and not running:
            begins = list(waiting)
        if not begins:
            return None
        chosen = waiting[max(begins, key=lambda name: (waiting[name].first is None, left[name]))]
        chosen.running += 1
        chosen.first = now if chosen.first is None else chosen.first
        return chosen.jobs.pop()

    def ended(self, name: str, inside: float, outside: float) -> bool:
        """An episode has ended after so many seconds in its environment and with its agent, without those in which it
        waited for a worker; whether it was the last one."""
        queue = self._queues[name]
        queue.running, queue.ended = queue.running - 1, queue.ended + 1
        queue.inside, queue.outside = queue.inside + inside, queue.outside + outside
        return not queue.running and not queue.jobs

    def _cap(self, name: str, queue: _Queue[T]) -> int:
        """How many episodes its workers can use; a few while nobody knows."""
        if not queue.ended:
            return max(2 * self._workers(name), self._places // 8)
        useful = SPARE * self._workers(name) / queue.share if queue.share else self._places
        return min(math.ceil(useful), self._places)

    def _left(self, name: str, queue: _Queue[T], cap: int, now: float) -> float:
        """Seconds until it is done on so many places. What its workers can do is a bound of its own: more places than
        they can use make nothing quicker."""
        work = (len(queue.jobs) + queue.running / 2) * queue.seconds(now)
        return work * max(1 / cap, (queue.share if queue.ended else 1.0) / self._workers(name))

    def _crowds(self, queue: _Queue[T]) -> bool:
        """Whether one more of a slow environment would leave less than a quarter of the places to quick ones."""
        if queue.share < 0.5 or not any(one.jobs and one.share < 0.5 for one in self._queues.values()):
            return False
        slow = sum(one.running for one in self._queues.values() if one.share >= 0.5)
        return slow >= self._places - self._places // 4
