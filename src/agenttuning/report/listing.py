"""Every evaluated task with links to its episodes: to the files beside the page, whose text is not in it.

>>> listing(files)[0].rows[0].before.link
'evaluation/base/trajectories/database.jsonl#test-0001'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from agenttuning.report.evaluated import Brief
from agenttuning.report.inputs import SIDES, RunFiles
from agenttuning.report.numbers import MISSING, number

MOST = 20_000  # tasks on the page
_CHANGES = {(False, True): "won", (True, False): "lost", (True, True): "kept", (False, False): MISSING}


@dataclass(frozen=True, slots=True)
class Linked:
    """An episode: where it stands, how it ended, and what it got."""

    link: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """`change` says whether the task was won or lost by the training, kept, or missed by both."""

    id: str
    group: str
    before: Linked | None
    after: Linked | None
    change: str


@dataclass(frozen=True, slots=True)
class Listing:
    environment: str
    title: str
    rows: tuple[TaskRow, ...]
    left_out: int


def listing(files: RunFiles) -> list[Listing]:
    """An entry for each environment that was played, tasks by their id; beyond MOST tasks they are counted only."""
    base, tuned = (files.episodes.get(side, {}) for side in SIDES)
    out, room = [], MOST
    for name in dict.fromkeys((*base, *tuned)):
        old, new = base.get(name, {}), tuned.get(name, {})
        ids = sorted({*old, *new})
        rows = tuple(_row(name, task_id, old.get(task_id), new.get(task_id)) for task_id in ids[:room])
        out.append(Listing(name, _title(ids, old, new), rows, len(ids) - len(rows)))
        room -= len(rows)
    return out


def _title(ids: list[str], old: Mapping[str, Brief], new: Mapping[str, Brief]) -> str:
    both = [(old[i].solved, new[i].solved) for i in ids if i in old and i in new]
    if not both:
        return f"{len(ids):,} tasks"
    counts = (
        f"{sum(pair == case for pair in both):,} {word}"
        for case, word in ((k, v) for k, v in _CHANGES.items() if v != MISSING)
    )
    missed = sum(pair == (False, False) for pair in both)
    return f"{len(ids):,} tasks: {', '.join(counts)}, {missed:,} solved by neither"


def _row(environment: str, task_id: str, old: Brief | None, new: Brief | None) -> TaskRow:
    known = old or new
    group = ", ".join(part for part in (known.level, known.kind) if part) if known else ""
    sides = [_linked(side, environment, task_id, one) for side, one in zip(SIDES, (old, new), strict=True)]
    change = _CHANGES[(old.solved, new.solved)] if old and new else ""
    return TaskRow(task_id, group, *sides, change)


def _linked(side: str, environment: str, task_id: str, episode: Brief | None) -> Linked | None:
    if episode is None:
        return None
    words = episode.outcome.replace("_", " ")
    reward = f" {number(episode.reward, 2)}" if 0 < episode.reward < 1 else ""
    path = f"evaluation/{side}/trajectories/{quote(environment, safe='')}.jsonl#{quote(task_id, safe='')}"
    return Linked(path, f"{words}{reward}, {episode.turns} {'turn' if episode.turns == 1 else 'turns'}")
