"""The episodes of one environment on disk: each is synced before it counts, all are sorted at the end.

>>> journal = Journal(Path("trajectories/database.jsonl"), jobs)
>>> journal.append(play(journal.missing[0]))
>>> journal.finish()["outcomes"]
{'solved': 100}
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from agenttuning.atif import dumps, read_trajectories, write_trajectories
from agenttuning.files import disk_error
from agenttuning.trajectory import Task, Trajectory


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to play, and its place in the file."""

    order: int
    task: Task
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.task.environment, self.task.id, self.seed)


class Journal:
    """The finished episodes of one environment: appended and synced one by one, sorted at the end."""

    def __init__(self, path: Path, jobs: Sequence[Job]):
        self._path, self._jobs = path, jobs
        self._partial = path.with_name(path.name + ".partial")
        have = set(_keys(path)) if path.is_file() else self._recover()
        self.missing = [job for job in jobs if job.key not in have]
        if path.is_file() and self.missing:  # a longer run over a finished shorter one goes on from it
            path.replace(self._partial)
        self._stream: IO[bytes] | None = None

    def _recover(self) -> set[tuple[str, str, int]]:
        """The episodes of a run that was killed; a last line that was cut in the middle is taken off."""
        if not self._partial.is_file():
            return set()
        with self._partial.open("r+b") as stream:
            end = 0
            for line in stream:
                if not line.endswith(b"\n") or not _is_json(line):
                    break
                end += len(line)
            stream.truncate(end)
        return set(_keys(self._partial))

    def append(self, trajectory: Trajectory) -> None:
        try:
            if self._stream is None:
                self._stream = self._partial.open("ab")
            self._stream.write(dumps(trajectory).encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise disk_error(error, self._partial) from error

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(OSError):  # all that counts is synced; a line that found no space fails here once more
                stream.close()

    def finish(self) -> dict[str, Any]:
        return settle(self._path, {job.key: job.order for job in self._jobs})


def settle(path: Path, order: Mapping[tuple[str, str, int], int] | None = None) -> dict[str, Any]:
    """Give the episodes of ``ENV.jsonl.partial`` their place and the file its name; returns their counts.

    Without an `order`, where a run was broken off and shall not go on, they are sorted by task and seed.
    """
    partial = path.with_name(path.name + ".partial")
    source = partial if partial.is_file() else path
    rows = list(read_trajectories(source)) if source.is_file() else []
    if order is None:
        rows.sort(key=lambda t: t.key)
    else:
        rows = sorted((t for t in rows if t.key in order), key=lambda t: order[t.key])
    if source != path:
        # write_trajectories uses the same .partial name: sort beside it, then drop the journal
        sorted_path = path.with_name(path.name + ".sorted")
        write_trajectories(sorted_path, rows)
        sorted_path.replace(path)
        partial.unlink()
    outcomes = Counter(t.outcome for t in rows)
    return {
        "tasks": len({t.task.id for t in rows}),
        "episodes": len(rows),
        "turns": sum(len(t.steps) for t in rows),
        "mean_reward": sum(t.reward for t in rows) / len(rows) if rows else 0.0,
        "outcomes": dict(sorted(outcomes.items())),
    }


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _keys(path: Path) -> Iterator[tuple[str, str, int]]:
    return (trajectory.key for trajectory in read_trajectories(path))
