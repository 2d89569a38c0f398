"""Environments in workers, so that a crash, a hang or a leak costs one episode and not the run.

A `Pool` has seats; an episode takes one, plays, and gives it back. Every environment has workers of its own, so a slow
one keeps nobody waiting but itself; several seats share a worker (and what it loaded). A worker that dies or does not
answer in time is replaced: the episode that it died over ends, the others on it are played again. One that has played
enough, or holds more and more memory, is replaced as soon as nobody sits there.

>>> with Pool({"database": None}) as pool, pool.seat("database") as environment:
...     environment.reset(environment.tasks("test", limit=1)[0])
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from agenttuning.environments import Feedback
from agenttuning.errors import BadInput, EnvironmentFailure, WorkerLost
from agenttuning.machine import main_memory, processors
from agenttuning.rollout.desk import Description
from agenttuning.rollout.worker import TIMEOUT, ProcessWorker, Sitting, Worker
from agenttuning.trajectory import Decision, Split, Task, ToolCall

__all__ = ["Bounds", "Description", "Pool", "Seat"]

T = TypeVar("T")
TRIES = 3  # for a list of tasks, whose worker may be killed under it
USUAL = 512 * 2**20  # bytes that a worker is taken to need
QUEUED = 2.0  # seconds that calls have waited for each worker of an environment, before it gets one beyond its share
SETTLED = 20  # episodes after which a worker holds what it needs


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a worker is replaced though nothing is wrong: after so many episodes, or when it holds so many bytes more
    than it did in its first 20 episodes."""

    episodes: int = 1000
    gained: int = 2**30


class Seat:
    """One environment in a worker, called as if it were here.

    Every method raises InvalidAction and NoExpert as the environment does, UserError for bad task files, WorkerLost
    where the episode is to be played again, and EnvironmentFailure for everything else, death and time-out included.
    """

    def __init__(self, worker: Worker, number: int, environment: str):
        self._worker, self._sitting = worker, Sitting(number, environment, worker.life)

    @property
    def usable(self) -> bool:
        return self._sitting.life == self._worker.life

    @property
    def spent(self) -> tuple[float, float]:
        """Seconds that this seat has waited for its worker, and that the worker has worked for it."""
        return self._sitting.waited, self._sitting.served

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._worker.call(self._sitting, method, arguments)

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


@dataclass(eq=False)
class _Place:
    """A worker in the pool: how many sit there, what it has played, what it held in its first episodes."""

    worker: Worker
    taken: int = 0
    episodes: int = 0
    usual: int = 0
    retired: bool = False
    free: list[Seat] = field(default_factory=list)

    def played(self, bounds: Bounds) -> None:
        self.episodes += 1
        if self.episodes <= SETTLED:
            self.usual = max(self.usual, self.worker.held)
        self.retired |= self.episodes >= bounds.episodes or self.worker.held > self.usual + bounds.gained


class Pool:
    """`environments` maps names to data files (None: built-in tasks). `processes` is how many workers there may be in
    all, at least one for each environment; by default as processors and memory allow. Workers are started when they
    are needed. With `skip_bad` a record of a data file that cannot be read is left out, instead of an error. `ray` is
    the address of a cluster whose nodes the workers are on, see `cluster.join`.
    """

    def __init__(
        self,
        environments: Mapping[str, Path | None],
        *,
        processes: int | None = None,
        timeout: float = TIMEOUT,
        skip_bad: bool = False,
        bounds: Bounds | None = None,
        ray: str | None = None,
    ):
        self._data = dict(environments)
        self._skip_bad, self._timeout, self._bounds = skip_bad, timeout, bounds or Bounds()
        self._nodes = None
        if ray is not None:
            from agenttuning.rollout.on_ray import Nodes

            self._nodes = Nodes(ray)
        self.limit = max(len(environments), processes or self._fitting())
        at_once = processes or (self._nodes.processors if self._nodes else processors())
        self._share = max(1, at_once // max(1, len(environments)))  # workers that an environment gets unasked
        self._lock = threading.Lock()
        self._numbers = iter(range(2**62))
        self._places: dict[str, list[_Place]] = {name: [] for name in environments}
        self._grown: dict[str, float] = dict.fromkeys(environments, 0.0)  # seconds waited when it last got one more

    @contextmanager
    def seat(self, environment: str) -> Generator[Seat]:
        """A seat for one episode, at the worker of the environment where the fewest sit."""
        with self._lock:
            place = self._choose(environment)
            place.taken += 1
            place.free = [seat for seat in place.free if seat.usable]
            seat = place.free.pop() if place.free else Seat(place.worker, next(self._numbers), environment)
        try:
            yield seat
        finally:
            with self._lock:
                place.taken -= 1
                place.free.append(seat)
                place.played(self._bounds)
                left = place.retired and not place.taken
                if left and place in self._places.get(environment, ()):
                    self._places[environment].remove(place)
            if left:
                place.worker.stop()

    def play(self, environment: str, use: Callable[[Seat], T]) -> T:
        """What `use` makes of a seat; from the beginning on another one, where that one's worker is lost."""
        while True:
            try:
                with self.seat(environment) as seat:
                    return use(seat)
            except WorkerLost:
                continue

    def size(self, environment: str) -> int:
        """How many workers an environment has now, at least 1: the first one is there when it is needed."""
        return max(1, len(self._places.get(environment, ())))

    def release(self, environment: str) -> None:
        """Nobody will sit there any more: its workers end, and others may be started in their place."""
        with self._lock:
            places = self._places.pop(environment, [])
        for place in places:
            place.worker.stop()

    def listed(
        self, environment: str, *splits: Split, limit: int | None = None, seed: int = 0
    ) -> tuple[Description, list[Task], list[str]]:
        """What an environment is, its tasks of these splits, and a line for each record that was left out.

        Asked again where the worker dies meanwhile. Raises BadInput where it does so every time.
        """

        def ask(seat: Seat) -> tuple[Description, list[Task], list[str]]:
            about = seat.describe()
            tasks = [task for split in splits for task in seat.tasks(split, limit=limit, seed=seed)]
            return about, tasks, seat.skipped()

        for tries_left in reversed(range(TRIES)):
            try:
                return self.play(environment, ask)
            except EnvironmentFailure as error:
                if not tries_left:
                    raise BadInput(f"{environment}: its tasks cannot be listed: {error}") from None
        raise AssertionError("not reached")

    def close(self) -> None:
        for name in list(self._places):
            self.release(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _choose(self, environment: str) -> _Place:
        places = self._places[environment]
        usable = [place for place in places if not place.retired]
        if not usable or (all(place.taken for place in usable) and self._may_grow(environment, usable)):
            usable.append(_Place(self._start(environment)))
            places.append(usable[-1])
            self._grown[environment] = sum(place.worker.waited for place in places)
        return min(usable, key=lambda place: place.taken)

    def _may_grow(self, environment: str, usable: list[_Place]) -> bool:
        """Up to its share as soon as all have someone, beyond it where calls have to wait."""
        running = sum(len(places) for places in self._places.values())
        if running >= self.limit:
            return False
        if self._nodes is None:
            room = main_memory()
            if room is not None and room.available < 2 * max(USUAL, *(place.worker.held for place in usable)):
                return False
        if len(usable) < self._share:
            return True
        waited = sum(place.worker.waited for place in usable) - self._grown[environment]
        return waited > QUEUED * len(usable)

    def _start(self, environment: str) -> Worker:
        data = {environment: self._data[environment]}
        if self._nodes is not None:
            return self._nodes.worker(data, skip_bad=self._skip_bad, timeout=self._timeout)
        return ProcessWorker(data, skip_bad=self._skip_bad, timeout=self._timeout)

    def _fitting(self) -> int:
        """One worker for each environment and one more for each processor, of which they often use little, or twice as
        many as processors; fewer where memory is short."""
        if self._nodes is not None:
            return max(len(self._data), self._nodes.processors)
        room = main_memory()
        wanted = max(len(self._data) + processors(), 2 * processors())
        return min(wanted, room.available // USUAL) if room is not None else wanted
