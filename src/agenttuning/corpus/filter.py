"""Which episodes are worth learning from, and the funnel that says why the others are not.

AgentTuning keeps full reward only, and 2/3 or more on Mind2Web, where few episodes are perfect (arXiv
2310.12823 §2.1.3). Each episode is judged by itself; what is held in memory is the tasks' names.

>>> filter_trajectories(FilterConfig(), [Path("trajectories")], Path("filtered/kept.jsonl"))
{"sources": {"database": {"tasks": 90, "episodes": 90, "kept": 81, "dropped": {"failed": 9}}}}
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agenttuning.atif import SAMPLES, read_trajectories, write_trajectories
from agenttuning.errors import BadInput
from agenttuning.files import read_json, write_json
from agenttuning.progress import Progress
from agenttuning.settings import suggest
from agenttuning.tables import aligned
from agenttuning.trajectory import OUTCOMES, Trajectory


@dataclass(frozen=True, kw_only=True)
class FilterConfig:
    """What an episode must have achieved to be learned from."""

    min_reward: float = 1.0
    """The least reward that is kept, in [0, 1]."""
    min_rewards: dict[str, float] = field(default_factory=dict)
    """Another least reward for an environment; there a `failed` episode counts too, by its reward alone."""
    outcomes: tuple[str, ...] = ("solved",)
    """The outcomes that are kept."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_reward <= 1:
            raise BadInput(f"min_reward must be between 0 and 1, found {self.min_reward}")
        for name, reward in self.min_rewards.items():
            if not 0 <= reward <= 1:
                raise BadInput(f"min_rewards must be between 0 and 1, found {reward} for {name}")
        for outcome in self.outcomes:
            if outcome not in OUTCOMES:
                raise BadInput(f"outcomes has an unknown one, {outcome!r}; {suggest(outcome, OUTCOMES)}")


def filter_trajectories(
    config: FilterConfig, inputs: Sequence[Path], out: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Write what passes to `out` and the funnel to ``funnel.json`` beside it; returns the funnel.

    `inputs` are trajectory files or folders of them. An episode is dropped for the first reason that holds:
    its outcome, ``low_reward``, ``no_steps``. Samples that `collect` left out for better ones count as ``not_best``.
    """
    files = trajectory_files(inputs)
    sources = _left_out(files)
    write_trajectories(out, _kept(config, files, sources, progress))
    funnel = {"sources": dict(sorted(sources.items()))}
    write_json(out.with_name("funnel.json"), funnel)
    return funnel


def trajectory_files(inputs: Sequence[Path]) -> list[Path]:
    """The JSONL files that the paths stand for. Raises BadInput for a path without any."""
    files: list[Path] = []
    for path in inputs:
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path] if path.is_file() else []
        if not found:
            raise BadInput(f"{path}: no trajectories there; make some with: agenttuning collect --out {path}")
        files += found
    return files


def funnel_table(funnel: Mapping[str, Any]) -> str:
    """The funnel to read: a line for each environment, with why episodes were dropped."""
    sources = funnel["sources"]
    reasons = sorted({reason for source in sources.values() for reason in source["dropped"]})
    rows = [["", "tasks", "episodes", "kept", *reasons]]
    for name, source in sources.items():
        numbers = [source["tasks"], source["episodes"], source["kept"]]
        rows.append([name, *map(str, numbers), *(str(source["dropped"].get(r, 0)) for r in reasons)])
    return aligned(rows)


def _left_out(files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """The funnel so far: episodes of these files' environments that were played and are not in the files."""
    sources: dict[str, dict[str, Any]] = {}
    for folder in sorted({file.parent for file in files if (file.parent / SAMPLES).is_file()}):
        for name, source in read_json(folder / SAMPLES)["sources"].items():
            if folder / f"{name}.jsonl" in files:
                one = sources.setdefault(name, {"tasks": 0, "episodes": 0, "kept": 0, "dropped": {}})
                for reason, count in source["dropped"].items():
                    one["episodes"] += count
                    one["dropped"][reason] = one["dropped"].get(reason, 0) + count
    return sources


def _kept(
    config: FilterConfig, files: Sequence[Path], sources: dict[str, dict[str, Any]], progress: Progress | None
) -> Iterator[Trajectory]:
    tasks: set[tuple[str, str]] = set()
    for done, trajectory in enumerate((t for file in files for t in read_trajectories(file)), start=1):
        environment, task = trajectory.task.environment, (trajectory.task.environment, trajectory.task.id)
        source = sources.setdefault(environment, {"tasks": 0, "episodes": 0, "kept": 0, "dropped": {}})
        source["episodes"] += 1
        source["tasks"] += task not in tasks
        tasks.add(task)
        reason = why_dropped(config, trajectory)
        if progress and done % 50 == 0:
            progress(done, None, environment)
        if reason is None:
            source["kept"] += 1
            yield trajectory
        else:
            source["dropped"][reason] = source["dropped"].get(reason, 0) + 1


def why_dropped(config: FilterConfig, trajectory: Trajectory) -> str | None:
    """The reason in one word, None for an episode that is kept."""
    least = config.min_rewards.get(trajectory.task.environment)
    judged_by_reward = least is not None and trajectory.outcome == "failed"
    if trajectory.outcome not in config.outcomes and not judged_by_reward:
        return trajectory.outcome
    if trajectory.reward < (config.min_reward if least is None else least):
        return "low_reward"
    if not any(step.train for step in trajectory.steps):
        return "no_steps"
    return None
