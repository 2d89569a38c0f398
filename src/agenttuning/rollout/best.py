"""Rejection sampling: of several episodes of each task, the best by reward.

The best is the one with the highest reward; of those alike the one with the fewest steps, then the one of the lowest
sample number. A cap for each task keeps the easy ones from crowding out the rest of a corpus. All episodes stay in
``samples/``, so that more samples, or a higher cap, cost no episode twice; ``samples.json`` counts what was left out.

>>> keep_best(1, Path("out/samples"), Path("out"), counts, seed=0)
{'database': {'tasks': 90, 'episodes': 360, 'kept': 90, …}}
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agenttuning.atif import SAMPLES, read_trajectories, write_trajectories
from agenttuning.files import write_json
from agenttuning.trajectory import Trajectory

FOLDER = "samples"
REASON = "not_best"


def folder_of_samples(out: Path, environments: Iterable[str]) -> Path:
    """Where all episodes go; those of a run with one sample for each task, which stand in `out` itself, are moved."""
    folder = out / FOLDER
    folder.mkdir(exist_ok=True)
    for name in environments:
        if not any(folder.glob(f"{name}.jsonl*")):
            for file in out.glob(f"{name}.jsonl*"):
                file.rename(folder / file.name)
    return folder


def keep_best(
    most: int, folder: Path, out: Path, counts: Mapping[str, Mapping[str, Any]], *, seed: int
) -> dict[str, dict[str, Any]]:
    """Write the best `most` of each task to ``out/ENV.jsonl``, in the order of the samples, and ``samples.json``
    beside them, for the funnel of `filter`.

    `seed` is that of the first sample. Returns the counts with `kept` in each.
    """
    result, sources = {}, {}
    for name, count in counts.items():
        episodes = list(read_trajectories(folder / f"{name}.jsonl"))
        chosen = {episode.key for episode in best(episodes, most, seed=seed)}
        write_trajectories(out / f"{name}.jsonl", (episode for episode in episodes if episode.key in chosen))
        result[name] = {**count, "kept": len(chosen)}
        dropped = {REASON: len(episodes) - len(chosen)}
        sources[name] = {"tasks": count["tasks"], "episodes": len(episodes), "kept": len(chosen), "dropped": dropped}
    write_json(out / SAMPLES, {"sources": dict(sorted(sources.items()))})
    return result


def best(episodes: Sequence[Trajectory], most: int, *, seed: int) -> list[Trajectory]:
    """At most so many episodes of each task, the best first; `seed` is that of sample 0."""
    tasks: dict[tuple[str, str], list[Trajectory]] = {}
    for episode in episodes:
        tasks.setdefault((episode.task.environment, episode.task.id), []).append(episode)
    ranked = (sorted(one, key=lambda t: (-t.reward, len(t.steps), t.seed - seed)) for one in tasks.values())
    return [episode for one in ranked for episode in one[:most]]
