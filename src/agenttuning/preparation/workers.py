"""Pieces of work for any number of workers: in this process, in several, or over a Ray Data pipeline.

A piece is a number; a function does it, writes its file and returns its report, and finds it done where it is. So a
worker that dies costs the piece it was at: Ray tries it again, and processes end with an error that says how to go on.

>>> for report in each("clean", folder, 40, Workers(4)): ...
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from agenttuning.cluster import LOCAL, join
from agenttuning.errors import BadInput, MissingExtra, UserError
from agenttuning.machine import processors

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workers:
    """`ray` is the address of a Ray cluster, "" for one that is started here, None for processes of this machine."""

    count: int = 0
    ray: str | None = None

    @property
    def processes(self) -> int:
        """How many; by default as many as there are processors."""
        return self.count or processors()


def each(name: str, folder: Path, pieces: int, workers: Workers) -> Iterator[Report]:
    """The reports of all pieces as they come; `name` is the module of this package and its function."""
    if workers.ray is not None:
        yield from _on_ray(name, folder, pieces, workers)
    elif min(workers.processes, pieces) <= 1:
        yield from (_function(name)(folder, number) for number in range(pieces))
    else:
        yield from _in_processes(name, folder, pieces, workers.processes)


def _function(name: str) -> Callable[[Path, int], Report]:
    return getattr(import_module(f"agenttuning.preparation.{name}"), name)


def _do(name: str, folder: Path, number: int) -> Report:
    return _function(name)(folder, number)


def _in_processes(name: str, folder: Path, pieces: int, processes: int) -> Iterator[Report]:
    context = get_context("forkserver")
    numbers = iter(range(pieces))
    with ProcessPoolExecutor(min(processes, pieces), context) as pool:
        try:
            waiting = {pool.submit(_do, name, folder, number) for number in islice(numbers, 2 * processes)}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
                waiting |= {pool.submit(_do, name, folder, number) for number in islice(numbers, len(done))}
        except BrokenProcessPool:
            raise BadInput(
                "a worker process has died (out of memory?); run the same command to go on, with fewer --workers"
            ) from None


def _on_ray(name: str, folder: Path, pieces: int, workers: Workers) -> Iterator[Report]:
    """Each piece is one block of a Ray Data set. What travels is its number and its report, never rows, so the object
    store stays empty; the folder must be one that all nodes see."""
    try:
        import ray.data
    except ModuleNotFoundError:
        raise MissingExtra("ray", "ray") from None
    folder = folder.resolve()
    join(workers.ray or LOCAL, workers.processes)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0

    def work(row: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"report": _do(name, folder, row["item"]), "error": None}
        except UserError as error:
            return {"report": None, "error": str(error)}

    blocks = ray.data.from_items(list(range(pieces)), override_num_blocks=pieces)
    # A piece whose worker died is done again, on any node, as often as it takes.
    for row in blocks.map(work, num_cpus=1, max_retries=-1).iter_rows():
        if row["error"]:
            raise BadInput(row["error"])
        yield row["report"]
