"""A few whole trajectories, before and after on the same tasks, picked by a rule and not by hand.

Of each environment: the first task (by id) that only the tuned model solved, the first that only the start
model solved, the first that neither solved, the first that both solved; the first two of these that exist.

>>> [pair.title for pair in pick(run, files.episodes)]
['database · test-0003', 'database · test-0002']
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from agenttuning.report.evaluated import Briefs, whole
from agenttuning.report.numbers import visible
from agenttuning.trajectory import Decision, Step, Trajectory

ENVIRONMENTS, EACH = 8, 2
MAX_TURNS = 20  # longer episodes are shown in part; the files hold them whole
_CASES = {
    (False, True): "solved only after training",
    (True, False): "solved only before training",
    (False, False): "solved by neither",
    (True, True): "solved by both",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as shown; `repeats` counts the identical turns that follow it."""

    number: int
    thought: str | None
    call: str | None
    message: str | None
    reply: str | None
    observation: str
    error: str | None
    repeats: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One model's episode."""

    agent: str
    outcome: str
    reward: float
    count: int
    turns: tuple[Turn, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Pair:
    title: str
    case: str
    labels: tuple[str, ...]
    instructions: str
    opening: str
    tools: tuple[str, ...]
    before: Shown
    after: Shown


def pick(run: Path, sides: Mapping[str, Briefs]) -> list[Pair]:
    """The pairs to show, from episodes by side ("base", "tuned"); their files are read again for these alone."""
    base, tuned = sides.get("base", {}), sides.get("tuned", {})
    pairs = []
    for environment in [name for name in base if name in tuned][:ENVIRONMENTS]:
        first: dict[tuple[bool, bool], str] = {}
        for task_id in sorted(base[environment].keys() & tuned[environment].keys()):
            case = (base[environment][task_id].solved, tuned[environment][task_id].solved)
            first.setdefault(case, task_id)
        chosen = [(first[case], text) for case, text in _CASES.items() if case in first][:EACH]
        ids = {task_id for task_id, _ in chosen}
        old, new = (
            whole(run / "evaluation" / side / "trajectories" / f"{environment}.jsonl", ids) if ids else {}
            for side in ("base", "tuned")
        )
        pairs += [_pair(old[task_id], new[task_id], text) for task_id, text in chosen]
    return pairs


def _pair(before: Trajectory, after: Trajectory, case: str) -> Pair:
    task = after.task
    return Pair(
        title=visible(f"{task.environment} · {task.id}"),
        case=case,
        labels=tuple(visible(label) for label in (task.level, task.kind) if label),
        instructions=visible(after.instructions),
        opening=visible(after.opening),
        tools=tuple(visible(f"{tool.name}({', '.join(tool.arguments)})") for tool in after.tools),
        before=_shown(before),
        after=_shown(after),
    )


def _shown(trajectory: Trajectory) -> Shown:
    turns, number = [], 1
    for step, group in groupby(trajectory.steps[:MAX_TURNS], key=_content):
        repeats = len(list(group))
        turns.append(_turn(number, *step, repeats - 1))
        number += repeats
    count = len(trajectory.steps)
    return Shown(
        visible(trajectory.agent),
        trajectory.outcome,
        trajectory.reward,
        count,
        tuple(turns),
        max(count - MAX_TURNS, 0),
    )


def _content(step: Step) -> tuple[Decision, str, str | None, str | None]:
    return (step.decision, step.observation, step.written, step.error)


def _turn(
    number: int, decision: Decision, observation: str, written: str | None, error: str | None, repeats: int
) -> Turn:
    call = decision.call
    unread = call is None and decision.message is None
    return Turn(
        number,
        visible(decision.thought) if decision.thought else None,
        visible(f"{call.name}({_arguments(call.arguments)})") if call else None,
        visible(decision.message) if decision.message else None,
        visible(written or "(empty)") if unread else None,
        visible(observation),
        {"format": "could not be read", "invalid": "not possible"}.get(error or "", error),
        repeats,
    )


def _arguments(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
