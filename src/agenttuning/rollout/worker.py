"""A worker as its caller sees it: one call at a time, a limit on its time, a new life where it dies.

What carries the calls is a subclass: a process of this machine here, a Ray actor in `on_ray`.

>>> worker = ProcessWorker({"database": None})
>>> worker.call(Sitting(0, "database", worker.life), "reset", (task,))
'What is the mean age …?'
"""

import multiprocessing
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from agenttuning.errors import EnvironmentFailure, WorkerLost
from agenttuning.rollout.desk import Answer, Desk

TIMEOUT = 120.0  # seconds a reset or step may take before its worker is replaced
LISTING = 3600.0  # and a list of tasks, which may be read from gigabytes of an official benchmark's files
LOADING = 5.0  # times as long for a seat's first reset, which may load them again


@dataclass(slots=True)
class Sitting:
    """A seat's place at its worker: its number there, its environment, the worker's life that it belongs to, and the
    seconds that it has waited for the worker and the worker has worked for it."""

    number: int
    environment: str
    life: int
    waited: float = 0.0
    served: float = 0.0


class Worker(ABC):
    """`life` counts its replacements, `held` is the main memory in bytes that it told last, `waited` the seconds that
    calls have waited for it."""

    def __init__(self, environments: Mapping[str, Path | None], *, skip_bad: bool = False, timeout: float = TIMEOUT):
        self.environments, self.skip_bad, self._timeout = dict(environments), skip_bad, timeout
        self._lock = threading.Lock()
        self.life = self.held = 0
        self.waited = 0.0
        self._began: set[int] = set()  # seats that have begun an episode
        self.start()

    @abstractmethod
    def start(self) -> None:
        """Begin a life; returns before the worker is ready."""

    @abstractmethod
    def ask(self, request: tuple[Any, ...], limit: float) -> Answer:
        """Raises TimeoutError, EnvironmentFailure where the worker died over the request, and WorkerLost."""

    @abstractmethod
    def end(self, grace: float = 0.0) -> None:
        """End this life, by itself within `grace` seconds or by force."""

    def call(self, seat: Sitting, method: str, arguments: tuple[Any, ...]) -> Any:
        """What the seat's method returns or raises. WorkerLost where the life that the seat belongs to is over."""
        came = time.monotonic()
        with self._lock:
            began = time.monotonic()
            if seat.life != self.life:
                raise WorkerLost(f"the worker of this episode in {seat.environment} is gone")
            limit = self._timeout
            if method == "tasks":
                limit = max(limit, LISTING)
            elif method == "reset" and seat.number not in self._began:
                limit *= LOADING
            try:
                kind, value, held = self.ask((seat.number, seat.environment, method, arguments), limit)
            except TimeoutError:
                self._replace()
                raise EnvironmentFailure(f"{seat.environment}.{method} took longer than {limit:.0f} s") from None
            except (EnvironmentFailure, WorkerLost):
                self._replace()
                raise
            finally:
                self.waited += began - came
                seat.waited += began - came
                seat.served += time.monotonic() - began
            self.held = held or self.held
            if kind == "ok" and method == "reset":
                self._began.add(seat.number)
        if kind == "ok":
            return value
        raise value

    def stop(self) -> None:
        with self._lock:
            self.life += 1
            self.end(grace=2.0)

    def _replace(self) -> None:
        self.life += 1
        self._began.clear()
        self.end()
        self.start()


class ProcessWorker(Worker):
    """With its connection gone the process ends by itself and cleans up; one that is stuck is killed."""

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.environments, self.skip_bad), daemon=True)
        with _interrupts_blocked():
            self._process.start()
        theirs.close()

    def ask(self, request: tuple[Any, ...], limit: float) -> Answer:
        try:
            self._connection.send(request)
            if not self._connection.poll(limit):
                raise TimeoutError
            return self._connection.recv()
        except TimeoutError:
            raise
        except (EOFError, OSError):
            _, environment, method, _ = request
            raise EnvironmentFailure(f"the worker process died in {environment}.{method}") from None

    def end(self, grace: float = 0.0) -> None:
        self._connection.close()
        self._process.join(grace)
        self._process.kill()
        self._process.join()


@contextmanager
def _interrupts_blocked() -> Generator[None]:
    """What is started here inherits the mask: Ctrl-C is for this process, which then ends its workers."""
    resource_tracker.ensure_running()  # multiprocessing's own helper; starting it would lift the mask again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, environments: dict[str, Path | None], skip_bad: bool) -> None:
    """The worker process: one request, one answer, until the parent goes away."""
    desk = Desk(environments, skip_bad)
    while True:
        try:
            request = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = desk.answer(*request)
        except KeyboardInterrupt:
            return
        try:
            connection.send(answer)
        except OSError:  # the parent has gone away meanwhile
            return
