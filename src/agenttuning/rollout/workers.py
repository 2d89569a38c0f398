"""Environments in worker processes, so that a crash, a hang or a leak costs one episode and not the run.

A `Pool` has seats; an episode takes one, plays, and gives it back. Several seats share a process (and what it
loaded); a process that dies or does not answer in time is replaced, and the episodes on it end.

>>> with Pool({"database": None}, processes=2) as pool, pool.seat("database") as environment:
...     environment.reset(environment.tasks("test", limit=1)[0])
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, Self

from agenttuning.environments import Feedback, make
from agenttuning.errors import BadInput, EnvironmentFailure, InvalidAction, NoExpert, UserError
from agenttuning.trajectory import Decision, Split, Task, Tool, ToolCall

TIMEOUT = 120.0  # seconds a reset or step may take before its process is replaced
LISTING = 3600.0  # and a list of tasks, which may be read from gigabytes of an official benchmark's files
LOADING = 5.0  # times as long for a seat's first reset, which may load them again
TRIES = 3  # for a list of tasks, whose worker may be killed under it


@dataclass(frozen=True, slots=True)
class Description:
    """What an episode needs to know of an environment."""

    name: str
    held: Literal["in", "out"]
    metric: str
    max_turns: int
    instructions: str
    tools: tuple[Tool, ...]


class Seat:
    """One environment in a worker, called as if it were here.

    Every method raises InvalidAction and NoExpert as the environment does, UserError for bad task files, and
    EnvironmentFailure for everything else, death and time-out included.
    """

    def __init__(self, worker: "_Worker", number: int, environment: str):
        self._worker, self._number, self._environment = worker, number, environment
        self._life = worker.life

    def _call(self, method: str, *arguments: Any) -> Any:
        if self._life != self._worker.life:
            raise EnvironmentFailure("the worker process of this episode died")
        return self._worker.call(self._number, self._environment, method, arguments)

    def describe(self) -> Description:
        return self._call("describe")

    def tasks(self, split: Split, *, limit: int | None = None, seed: int = 0) -> list[Task]:
        return self._call("tasks", split, limit, seed)

    def reset(self, task: Task) -> str:
        return self._call("reset", task)

    def step(self, call: ToolCall) -> Feedback:
        return self._call("step", call)

    def expert_decision(self, task: Task) -> Decision:
        """The next gold decision of the episode begun by `reset(task)`."""
        return self._call("expert_decision", task)

    def rehearse(self, task: Task) -> Feedback | None:
        """What validation checks where the world of the task is not at hand; None where it is."""
        return self._call("rehearse", task)

    def choices(self) -> list[ToolCall]:
        """The calls that are possible now, where the environment lists them."""
        return self._call("choices")

    def skipped(self) -> list[str]:
        """A line for each record that `tasks` left out."""
        return self._call("skipped")


class Pool:
    """`environments` maps names to data files (None: built-in tasks); `processes` None means one a core.

    With `skip_bad` a record of a data file that cannot be read is left out, instead of an error.
    """

    def __init__(
        self,
        environments: Mapping[str, Path | None],
        *,
        processes: int | None = None,
        timeout: float = TIMEOUT,
        skip_bad: bool = False,
    ):
        count = processes or os.cpu_count() or 1
        self._workers = [_Worker(dict(environments), skip_bad, timeout) for _ in range(count)]
        self._lock = threading.Lock()
        self._numbers = iter(range(2**62))
        self._free: dict[str, list[Seat]] = {name: [] for name in environments}
        self._load = dict.fromkeys(self._workers, 0)

    @contextmanager
    def seat(self, environment: str) -> Generator[Seat]:
        """A seat for one episode; seats are made as needed, on the process with the fewest in use."""
        with self._lock:
            worker = min(self._workers, key=lambda w: self._load[w])
            idle = [s for s in self._free[environment] if s._worker is worker and s._life == worker.life]
            seat = idle[0] if idle else Seat(worker, next(self._numbers), environment)
            if idle:
                self._free[environment].remove(seat)
            self._load[worker] += 1
        try:
            yield seat
        finally:
            with self._lock:
                self._load[worker] -= 1
                if seat._life == worker.life:
                    self._free[environment].append(seat)

    def listed(
        self, environment: str, *splits: Split, limit: int | None = None, seed: int = 0
    ) -> tuple[Description, list[Task], list[str]]:
        """What an environment is, its tasks of these splits, and a line for each record that was left out.

        Asked again where the worker dies meanwhile. Raises BadInput where it does so every time.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                with self.seat(environment) as seat:
                    about = seat.describe()
                    tasks = [task for split in splits for task in seat.tasks(split, limit=limit, seed=seed)]
                    return about, tasks, seat.skipped()
            except EnvironmentFailure as error:
                if not tries_left:
                    raise BadInput(f"{environment}: its tasks cannot be listed: {error}") from None
        raise AssertionError("not reached")

    def close(self) -> None:
        for worker in self._workers:
            worker.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Worker:
    """The parent's side of one process. `life` counts its replacements."""

    def __init__(self, environments: dict[str, Path | None], skip_bad: bool, timeout: float):
        self._environments, self._skip_bad, self._timeout = environments, skip_bad, timeout
        self._lock = threading.Lock()
        self.life = 0
        self._began: set[int] = set()  # seats that have begun an episode
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._environments, self._skip_bad), daemon=True)
        with _interrupts_blocked():
            self._process.start()
        theirs.close()

    def call(self, number: int, environment: str, method: str, arguments: tuple) -> Any:
        with self._lock:
            try:
                self._connection.send((number, environment, method, arguments))
                limit = self._timeout
                if method == "tasks":
                    limit = max(limit, LISTING)
                elif method == "reset" and number not in self._began:
                    limit *= LOADING
                if not self._connection.poll(limit):
                    raise EnvironmentFailure(f"{environment}.{method} took longer than {limit:.0f} s")
                kind, value = self._connection.recv()
            except (EOFError, OSError, EnvironmentFailure) as error:
                self._replace()
                if isinstance(error, EnvironmentFailure):
                    raise
                raise EnvironmentFailure(f"the worker process died in {environment}.{method}") from None
        if kind == "ok":
            if method == "reset":
                self._began.add(number)
            return value
        raise value

    def _replace(self) -> None:
        self.life += 1
        self._began.clear()
        self._end()
        self._start()

    def _end(self, grace: float = 0.0) -> None:
        self._connection.close()
        self._process.join(grace)
        self._process.kill()
        self._process.join()

    def stop(self) -> None:
        """With its connection gone a worker ends by itself and cleans up; one that is stuck is killed."""
        with self._lock:
            self._end(grace=2.0)


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
    seats: dict[int, _Played] = {}
    while True:
        try:
            number, name, method, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            if number not in seats:
                seats[number] = _Played(make(name, environments[name], skip_bad=skip_bad))
            answer = ("ok", getattr(seats[number], method)(*arguments))
        except (InvalidAction, NoExpert, UserError, EnvironmentFailure) as error:
            answer = ("raised", error)
        except KeyboardInterrupt:
            return
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            answer = ("raised", EnvironmentFailure(f"{type(error).__name__} at {place}: {error}"))
        try:
            connection.send(answer)
        except OSError:  # the parent has gone away meanwhile
            return


class _Played:
    """The worker's side of one seat: the environment and its running expert."""

    def __init__(self, environment: Any):
        self._environment = environment
        self._expert: Iterator[Decision] | None = None

    def describe(self) -> Description:
        e = self._environment
        return Description(e.name, e.held, e.metric, e.max_turns, e.instructions, tuple(e.tools))

    def tasks(self, split: Split, limit: int | None, seed: int) -> list[Task]:
        return list(self._environment.tasks(split, limit=limit, seed=seed))

    def reset(self, task: Task) -> str:
        self._expert = None
        return self._environment.reset(task)

    def step(self, call: ToolCall) -> Feedback:
        return self._environment.step(call)

    def rehearse(self, task: Task) -> Feedback | None:
        rehearse = getattr(self._environment, "rehearse", None)
        return rehearse(task) if rehearse else None

    def choices(self) -> list[ToolCall]:
        listed = getattr(self._environment, "choices", None)
        return list(listed()) if listed else []

    def skipped(self) -> list[str]:
        return list(getattr(self._environment, "skipped", ()))

    def expert_decision(self, task: Task) -> Decision:
        if self._expert is None:
            self._expert = iter(self._environment.expert(task))
        try:
            return next(self._expert)
        except StopIteration:
            raise NoExpert(f"the expert of {task.environment} has nothing more to do in {task.id}") from None
