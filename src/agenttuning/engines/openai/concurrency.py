"""How many requests an endpoint gets at once: more until its latency says stop.

The measure is seconds per generated token, by its median over a window of requests. While it stays below `slowdown`
times the best window the limit grows (doubling until the first stop, then by one a window); above that it falls by a
fifth, and by half where the endpoint itself says that it is busy. At the floor, the limit of the beginning, there is
nothing to fall to: the latency found there is the new best, so that longer prompts do not strangle a run.
Additive increase and multiplicative decrease, as TCP does it (RFC 5681), on latency instead of loss.

>>> limit = Concurrency(start=4, most=256, slowdown=3.0)
>>> await limit.enter()
>>> limit.leave(); limit.measured(seconds=0.8, tokens=64, sent=began)
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from statistics import median

WINDOW = 8  # requests at least, before latency is judged


class Concurrency:
    """Lives in one event loop; `in_flight` never exceeds `limit`."""

    def __init__(self, *, start: int, most: int, slowdown: float, clock: Callable[[], float] = time.monotonic):
        self.limit = float(min(start, most))
        self.in_flight = 0
        self._floor, self._most, self._slowdown, self._clock = self.limit, most, slowdown, clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._best: float | None = None
        self._doubling = True
        self._begin_window()

    @property
    def load(self) -> float:
        """Requests in flight and waiting, per place."""
        return (self.in_flight + len(self._waiting)) / self.limit

    async def enter(self) -> None:
        """Wait for a place, in the order of arrival."""
        if self.in_flight < int(self.limit) and not self._waiting:
            self.in_flight += 1
            return
        self._wanted = True
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # it had been given the place already
            elif place in self._waiting:
                self._waiting.remove(place)
            raise

    def leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    def abandon(self, error: Exception) -> None:
        """Nobody who waits will get a place."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(error)

    def measured(self, seconds: float, tokens: int, sent: float) -> None:
        """A request that was sent at `sent` (by the clock) took so long for so many generated tokens."""
        if sent < self._since:
            return  # it ran under another limit
        self._window.append(seconds / max(tokens, 1))
        if len(self._window) < max(WINDOW, int(self.limit)):
            return
        latency = median(self._window)
        if self._best is None or latency < self._best:
            self._best = latency
        if latency > self._slowdown * self._best:
            self._doubling = False
            if self.limit > self._floor:
                self.limit = max(self.limit * 0.8, self._floor)
            else:
                self._best = latency
        elif self._wanted:
            self.limit = min(self.limit * 2 if self._doubling else self.limit + 1, self._most)
        self._begin_window()
        self._admit()

    def refused(self, sent: float) -> None:
        """The endpoint was too busy for a request that was sent at `sent`."""
        if sent < self._since:
            return  # the limit was cut for its like already
        self._doubling = False
        self.limit = max(self.limit / 2, 1.0)
        self._begin_window()

    def _begin_window(self) -> None:
        self._since, self._wanted = self._clock(), bool(self._waiting)
        self._window: list[float] = []

    def _admit(self) -> None:
        while self._waiting and self.in_flight < int(self.limit):
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)
