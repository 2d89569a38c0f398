"""Which turns of an episode are worth learning from: wrong ones and critical ones, found by rule.

A wrong turn is one that the environment refused, or that it answered with an error before the agent went on. Kept in
context without loss, it shows what is being corrected, and only the correction is learned (AgentRefine,
arXiv 2501.01702). A critical turn is one that the episode hangs on: the plan at its start, a correction, a turn that
acts on what was just seen, and the last one (after ATLaS, arXiv 2503.02197, where a model picks them).

>>> [is_wrong(trajectory, i) for i in range(len(trajectory.steps))]
[False, True, False]
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from agenttuning.trajectory import Trajectory

WrongTurns = Literal["mask", "drop", "train"]

# How an observation begins that reports a failure; anywhere else these words may be what was looked for, as they may
# be in the first row of a table.
_ERROR = re.compile(
    r"(?!\s*\[\()\W*"
    r"(?:[\w.]*error|[\w.]*exception|traceback|invalid|unknown (?:action|column|command|table|tool)|no such|not found|"
    r"nothing happens|permission denied|command not found|syntax error)\b",
    re.IGNORECASE,
)
_SHORTEST_USE = 3  # characters of a value that counts as taken from an observation


def is_wrong(trajectory: Trajectory, index: int) -> bool:
    """Whether a turn was refused, or answered with an error that the agent had a turn left to correct."""
    step = trajectory.steps[index]
    if step.error is not None:
        return True
    return index + 1 < len(trajectory.steps) and reports_failure(step.observation)


def reports_failure(observation: str) -> bool:
    """Whether an observation begins as the report of an error."""
    return _ERROR.match(observation) is not None


def with_wrong_turns(trajectory: Trajectory, treatment: WrongTurns) -> Trajectory:
    """`mask` keeps wrong turns without loss, `train` with it, `drop` leaves them out with their observations."""
    wrong = [is_wrong(trajectory, i) for i in range(len(trajectory.steps))]
    if not any(wrong):
        return trajectory
    pairs = zip(trajectory.steps, wrong, strict=True)
    if treatment == "drop":
        return replace(trajectory, steps=tuple(step for step, bad in pairs if not bad))
    train = treatment == "train"
    return replace(trajectory, steps=tuple(replace(step, train=train) if bad else step for step, bad in pairs))


def critical_only(trajectory: Trajectory) -> Trajectory:
    """The same episode, of which only the critical turns carry loss."""
    steps = tuple(
        replace(step, train=step.train and is_critical(trajectory, i)) for i, step in enumerate(trajectory.steps)
    )
    return replace(trajectory, steps=steps)


def is_critical(trajectory: Trajectory, index: int) -> bool:
    """Whether the episode hangs on this turn."""
    if index in (0, len(trajectory.steps) - 1) or is_wrong(trajectory, index - 1):
        return True
    call, seen = trajectory.steps[index].decision.call, trajectory.steps[index - 1].observation
    known = "\n".join([trajectory.opening, *(step.observation for step in trajectory.steps[: index - 1])])
    return call is not None and any(value in seen and value not in known for value in _values(call.arguments))


def _values(value: Any) -> Iterator[str]:
    """The texts and numbers in a call's arguments that are long enough to be told apart."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner)
    elif len(text := str(value)) >= _SHORTEST_USE:
        yield text
