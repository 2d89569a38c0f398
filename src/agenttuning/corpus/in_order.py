"""Work on batches in several processes, with the results in the batches' order.

What is in flight is bounded, so that a reader of any length needs the memory of some batches. The results are the same
for any number of processes.

>>> for batch, marks in in_order(mark, index, ((batch, texts(batch)) for batch in batches), processes=4):
...     tally.add(marks)
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

Kept = TypeVar("Kept")
Argument = TypeVar("Argument")
Result = TypeVar("Result")
Shared = TypeVar("Shared")
_AHEAD = 2  # batches for each process that are read before the first of them is done


def in_order(
    function: Callable[[Shared, Argument], Result],
    shared: Shared,
    jobs: Iterator[tuple[Kept, Argument]],
    *,
    processes: int,
) -> Iterator[tuple[Kept, Result]]:
    """(what is kept, ``function(shared, argument)``) of each job (what is kept, argument).

    `function` is a module's; it and `shared` are sent to each process once, arguments and results as they come. What
    there is no work for several processes for is done in this one.
    """
    first = list(islice(jobs, processes))
    if processes == 1 or len(first) < processes:
        for kept, argument in first:
            yield kept, function(shared, argument)
        for kept, argument in jobs:
            yield kept, function(shared, argument)
        return
    with ProcessPoolExecutor(processes, get_context("forkserver"), _begin, (function, shared)) as pool:
        waiting = deque((kept, pool.submit(_work, argument)) for kept, argument in first)
        for kept, argument in jobs:
            waiting.append((kept, pool.submit(_work, argument)))
            if len(waiting) > _AHEAD * processes:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()


_function: Callable[[Any, Any], Any] | None = None  # of one process
_shared: Any = None


def _begin(function: Callable[[Any, Any], Any], shared: Any) -> None:
    global _function, _shared
    _function, _shared = function, shared


def _work(argument: Any) -> Any:
    assert _function is not None
    return _function(_shared, argument)
