"""A worker's own side: the environments of its seats, and one answer to each request.

>>> desk = Desk({"database": None}, skip_bad=False)
>>> desk.answer(0, "database", "reset", (task,))
('ok', 'What is the mean age …?', 118272000)
"""

import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agenttuning.environments import Feedback, make
from agenttuning.errors import EnvironmentFailure, InvalidAction, NoExpert, UserError
from agenttuning.machine import resident
from agenttuning.trajectory import Decision, Split, Task, Tool, ToolCall

Answer = tuple[Literal["ok", "raised"], Any, int]  # the last: bytes that the worker holds, 0 where nobody looked


@dataclass(frozen=True, slots=True)
class Description:
    """What an episode needs to know of an environment."""

    name: str
    held: Literal["in", "out"]
    metric: str
    max_turns: int
    instructions: str
    tools: tuple[Tool, ...]


class Desk:
    """The seats of one worker, by number; each has an environment of its own."""

    def __init__(self, environments: Mapping[str, Path | None], skip_bad: bool):
        self._environments, self._skip_bad = environments, skip_bad
        self._seats: dict[int, _Played] = {}

    def answer(self, number: int, name: str, method: str, arguments: tuple[Any, ...]) -> Answer:
        """What the method returns or raises; only an interrupt is raised here."""
        held = 0
        try:
            if number not in self._seats:
                self._seats[number] = _Played(make(name, self._environments[name], skip_bad=self._skip_bad))
            value = getattr(self._seats[number], method)(*arguments)
            if method == "reset":
                held = resident(os.getpid())
        except (InvalidAction, NoExpert, UserError, EnvironmentFailure) as error:
            return "raised", error, held
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            return "raised", EnvironmentFailure(f"{type(error).__name__} at {place}: {error}"), held
        return "ok", value, held


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
