"""An engine that tells how much of the time it was busy: at least one request was with it.

>>> engine = BusyEngine(make("smollm2-135m-instruct"))
>>> engine.told()
{'seconds': 41.2, 'busy': 0.97, 'requests': 14.2}
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self

from agenttuning.conversation import Conversation
from agenttuning.engines.base import Engine, Reply, Sampling


class BusyEngine:
    """The engine behind it, which it does not close, with a clock: from `begin` to `told`."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic):
        self.name, self._engine, self._clock = engine.name, engine, clock
        self._lock = threading.Lock()
        self._under_way = 0
        self.begin()

    @property
    def template(self) -> str | None:
        return self._engine.template

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]:
        self._note(1)
        try:
            reply = self._engine.submit(conversation, sampling)
        except BaseException:
            self._note(-1)
            raise
        reply.add_done_callback(lambda _: self._note(-1))
        return reply

    def begin(self) -> None:
        """Count from now."""
        with self._lock:
            self._began = self._last = self._clock()
            self._busy = self._requests = 0.0

    def told(self) -> dict[str, Any]:
        """Seconds since `begin`, the share of them in which the engine was busy, requests with it on average."""
        self._note(0)
        seconds = self._last - self._began
        if not seconds:
            return {"seconds": 0.0, "busy": 0.0, "requests": 0.0}
        told = {"busy": round(self._busy / seconds, 4), "requests": round(self._requests / seconds, 2)}
        return {"seconds": round(seconds, 2), **told}

    def close(self) -> None:
        """It belongs to who opened it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, change: int) -> None:
        with self._lock:
            now = self._clock()
            self._busy += (now - self._last) * (self._under_way > 0)
            self._requests += (now - self._last) * self._under_way
            self._last = now
            self._under_way += change
