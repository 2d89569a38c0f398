"""The episodes of an evaluation in brief: what a report says of each, without its text, so that any number fits.

>>> brief(Path("runs/quickstart/evaluation/tuned/trajectories"))["database"]["test-0001"].outcome
'solved'
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning.atif import from_atif
from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl
from agenttuning.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of so many turns; `usd` is None where no price was known for any of them."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    usd: float | None = None

    def __add__(self, other: "Spent") -> "Spent":
        known = [one.usd for one in (self, other) if one.usd is not None]
        return Spent(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            sum(known) if known else None,
        )


@dataclass(frozen=True, slots=True)
class Brief:
    """One episode; `version` is that of the package that played it. Of a task's several tries the last is kept."""

    outcome: str
    reward: float
    turns: int
    level: str
    kind: str
    spent: Spent
    version: str

    @property
    def solved(self) -> bool:
        return self.outcome == "solved"


Briefs = Mapping[str, Mapping[str, Brief]]  # by environment and task id


def brief(folder: Path) -> dict[str, dict[str, Brief]]:
    """Every episode of a folder of trajectory files. Raises BadInput for a line that is none."""
    return {
        path.stem: {t.task.id: _brief(t, version) for t, version in _episodes(path)}
        for path in sorted(folder.glob("*.jsonl"))
    }


def answers(folder: Path) -> Spent:
    """What the replies of an evaluation took that belong to no episode: Agent-H's, T-Eval's, the benchmarks' and, of
    MT-Bench, the judge's. Rows that tell nothing of it, such as log-likelihoods, count for nothing."""
    files = [folder / "agent_h.jsonl", folder / "t_eval.jsonl", *sorted((folder / "general").glob("*.jsonl"))]
    rows = [row for path in files if path.is_file() for _, row in read_jsonl(path)]
    return sum((_of_row(row["usage"]) for row in rows if isinstance(row.get("usage"), Mapping)), Spent())


def _of_row(usage: Mapping[str, Any]) -> Spent:
    prompt, completion, cached, usd = (usage.get(key) for key in ("prompt", "completion", "cached", "usd"))
    counts = [n if isinstance(n, int) and not isinstance(n, bool) else 0 for n in (prompt, completion, cached)]
    return Spent(*counts, usd=float(usd) if isinstance(usd, int | float) else None)


def whole(path: Path, ids: Collection[str]) -> dict[str, Trajectory]:
    """The trajectories of these tasks in a file, by task id."""
    return {t.task.id: t for t, _ in _episodes(path, ids)}


def _episodes(path: Path, ids: Collection[str] | None = None) -> Iterator[tuple[Trajectory, str]]:
    for number, document in read_jsonl(path):
        if ids is not None and _task_id(document) not in ids:
            continue
        try:
            trajectory = from_atif(document)
        except BadInput as error:
            raise BadInput(f"{path}:{number}: {error}") from None
        yield trajectory, str(document["agent"].get("version", ""))


def _task_id(document: Mapping[str, Any]) -> Any:
    try:
        return document["extra"]["task"]["id"]
    except (KeyError, TypeError):
        return None


def _brief(trajectory: Trajectory, version: str) -> Brief:
    usages = [step.usage for step in trajectory.steps if step.usage is not None]
    spent = sum((Spent(u.prompt, u.completion, u.cached, u.usd) for u in usages), Spent())
    return Brief(
        trajectory.outcome,
        trajectory.reward,
        len(trajectory.steps),
        trajectory.task.level,
        trajectory.task.kind,
        spent,
        version,
    )
