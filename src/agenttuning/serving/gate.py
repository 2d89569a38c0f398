"""The bounded queue before the engine: so many replies run, so many wait, and what comes beyond is told when to return.

>>> with gate.admitted(1):         # raises Problem 429 where the queue is full
...     async with gate.running:   # waits for its turn
...         ...
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from agenttuning.serving.problem import Problem

SPAN = 60.0  # seconds over which finished replies are counted
LONGEST = 60  # seconds a client is told to wait at most


class Gate:
    """`admitted_now` counts replies that run or wait."""

    def __init__(self, running: int, waiting: int):
        self.running = asyncio.Semaphore(running)
        self.limit = running + waiting
        self.admitted_now = 0
        self._finished: deque[float] = deque(maxlen=1024)

    @contextmanager
    def admitted(self, count: int) -> Generator[None]:
        """Room for `count` replies. Raises Problem: 429 where there is none now, 400 where there never is."""
        if count > self.limit:
            raise Problem(400, f"the request asks for {count} replies, this server takes {self.limit} at once")
        if self.admitted_now + count > self.limit:
            seconds = str(self.retry_after())
            raise Problem(
                429,
                f"{self.admitted_now} replies run or wait, no more are taken now; retry in {seconds} s",
                code="queue_full",
                headers={"Retry-After": seconds},
            )
        self.admitted_now += count
        try:
            yield
        finally:
            self.admitted_now -= count
            self._finished.extend([time.monotonic()] * count)

    def retry_after(self) -> int:
        """Whole seconds, from 1 up, in which the queue should have emptied by a half at the pace of late."""
        now = time.monotonic()
        while self._finished and self._finished[0] < now - SPAN:
            self._finished.popleft()
        if not self._finished:
            return 5
        pace = len(self._finished) / max(now - self._finished[0], 1.0)
        return min(max(math.ceil(self.admitted_now / 2 / pace), 1), LONGEST)
