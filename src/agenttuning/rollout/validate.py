"""Validation: an environment whose own gold decisions do not earn the full reward is broken.

>>> validate("database", splits=("train", "dev", "test"), limit=100)
Validation(environment='database', tasks=300, solved=300, mean_reward=1.0, failures=())
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning.agents.expert import ExpertAgent
from agenttuning.environments import Feedback
from agenttuning.errors import BadInput, EnvironmentFailure
from agenttuning.progress import Progress
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.workers import Description, Pool, Seat
from agenttuning.trajectory import SPLITS, Split, Task, Trajectory


@dataclass(frozen=True, slots=True)
class Validation:
    """`failures` are the unsolved tasks as {"id", "reward", "reason"}, `skipped` the records that were left out.

    `rehearsed` counts the tasks that could not be played, since their world is not at hand, and `note` says what
    was checked of them instead.
    """

    environment: str
    tasks: int
    solved: int
    mean_reward: float
    failures: tuple[dict[str, Any], ...]
    skipped: tuple[str, ...] = ()
    rehearsed: int = 0
    note: str = ""


def validate(
    name: str,
    *,
    data: Path | None = None,
    splits: Sequence[Split] = SPLITS,
    limit: int | None = 100,
    seed: int = 0,
    workers: int = 2,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Validation:
    """Let the expert play `limit` tasks of each split (None: every task of the file `data`)."""
    with (
        Pool({name: data}, processes=workers, skip_bad=skip_bad) as pool,
        ThreadPoolExecutor(workers) as threads,
    ):
        about, listed, skipped = pool.listed(name, *splits, limit=limit, seed=seed)
        tasks = list({task.id: task for task in listed}.values())  # a file without splits gives the same ones for all
        if not tasks:
            raise BadInput(f"{name}: there are no tasks to validate in {data or 'the built-in splits'}")

        def play(task: Task) -> Trajectory:
            def use(seat: Seat) -> Trajectory:
                with suppress(EnvironmentFailure):  # the episode then fails likewise, and says why
                    if (rehearsed := seat.rehearse(task)) is not None:
                        return _rehearsal(task, rehearsed, about)
                return run_episode(seat, about, task, ExpertAgent(), seed=seed)

            return pool.play(name, use)

        episodes = []
        for episode in threads.map(play, tasks):
            episodes.append(episode)
            if progress:
                progress(len(episodes), len(tasks), name)
    failures = tuple({"id": e.task.id, "reward": e.reward, "reason": _reason(e)} for e in episodes if not _is_full(e))
    rewards = sum(e.reward for e in episodes)
    rehearsed = [e for e in episodes if "rehearsed" in e.meta]
    return Validation(
        name,
        len(tasks),
        len(tasks) - len(failures),
        rewards / len(tasks),
        failures,
        tuple(skipped),
        len(rehearsed),
        next((e.meta["rehearsed"] for e in rehearsed if e.solved), ""),
    )


def _rehearsal(task: Task, rehearsed: Feedback, about: Description) -> Trajectory:
    return Trajectory(
        task=task,
        tools=about.tools,
        instructions=about.instructions,
        opening="",
        agent="expert",
        reward=rehearsed.reward,
        outcome="solved" if rehearsed.solved else "failed",
        meta={"rehearsed": rehearsed.observation},
    )


def _is_full(episode: Trajectory) -> bool:
    return episode.solved and episode.reward >= 1.0


def _reason(episode: Trajectory) -> str:
    last = episode.steps[-1].observation if episode.steps else ""
    said = episode.meta.get("reason") or episode.meta.get("rehearsed") or " ".join(last.split())[:200]
    return f"{episode.outcome}: {said}" if said else episode.outcome
