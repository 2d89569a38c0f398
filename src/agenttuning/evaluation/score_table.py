"""Scores of models by task, from files and from evaluations: what overall scores are computed from.

A table is CSV, TSV or JSON with models in one direction and tasks in the other; which is which is seen by the tasks'
names. Scores are percent, MT-Bench's from 1 to 10, as the papers print them.

    model,ALFWorld,WebShop,Database,held-in/my_world
    GPT-4,78.0,58.6,33.7,41
    mine,84.0,63.6,,12.5

>>> read_table(Path("mine.csv")).scores["mine"]["alfworld"]
Interval(mean=84.0, low=84.0, high=84.0)
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.evaluation.differences import inside
from agenttuning.evaluation.measures import Scores, has_ends, level
from agenttuning.evaluation.published import FLAN, PLAIN, TASKS
from agenttuning.evaluation.statistics import Interval
from agenttuning.files import read_json

CATEGORIES = tuple(TASKS)
HIGHEST = {"mt_bench": 10.0}  # of all others: 100 percent
_NO_SCORE = {"", "-", "–", "—", "n/a", "na", "none", "null"}
_TOTALS = {
    "overall",
    "average",
    "mean",
    "heldin",
    "heldout",
    "general",
    "heldinoverall",
    "heldoutoverall",
    "generaloverall",
}
_ALIASES = {
    "m2w": "mind2web", "kg": "knowledge_graph", "os": "operating_system", "db": "database", "hh": "alfworld",
    "householding": "alfworld", "ws": "webshop", "wb": "mind2web", "wa": "webarena", "dcg": "card_game",
    "digitalcardgame": "card_game", "sciworld": "scienceworld", "teval": "t_eval", "tooluse": "t_eval",
    "agenth": "agent_h", "hscore": "agent_h",
}  # fmt: skip
_KNOWN = {re.sub(r"[^a-z0-9]", "", name): name for name in (*(n for c in TASKS.values() for n in c), *PLAIN)} | _ALIASES


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """`scores` by model and task; `category` of each task that AgentTuning's overall scores may count.

    A score without an interval has both ends at its mean.
    """

    scores: Mapping[str, Mapping[str, Interval]]
    category: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def published() -> ScoreTable:
    """The two papers' rows; a model that stands in both has the scores of both."""
    category = {task: name for name, tasks in TASKS.items() for task in tasks}
    scores: dict[str, dict[str, Interval]] = {}
    for tasks in TASKS.values():
        for task, row in tasks.items():
            for model, value in row.items():
                scores.setdefault(model, {})[task] = _point(value)
    for model, row in FLAN.items():
        scores.setdefault(model, {}).update({task: _point(value) for task, value in row.items()})
    return ScoreTable(scores, category)


def from_runs(label: str, runs: Sequence[Scores]) -> ScoreTable:
    """The row of one model from its `scores.json`, or from several with other seeds; shares become percent.

    An environment that the papers lack has the category that it was played in.
    """
    rows = {name: _score(runs, name, ("environments", name)) for name in _environments(runs)}
    category = {name: f"held-{held}" for name, held in _environments(runs).items()}
    category |= {task: name for name, tasks in TASKS.items() for task in tasks if task in rows}
    for task in TASKS["general"]:
        if found := _score(runs, task, ("general", task)):
            rows[task] = found
            category[task] = "general"
    rows["t_eval"] = _score(runs, "tool-use", ("tool_use", "overall"))
    rows["agent_h"] = _score(runs, "hscore", ("hallucination", "hscore"))
    out = {task: _percent(row, 10 if task == "mt_bench" else 100) for task, row in rows.items() if row}
    built_in = [
        name
        for name in _environments(runs)
        if any(run["environments"].get(name, {}).get("tasks", "") == "built-in" for run in runs)
    ]
    notes = [f"{label}: built-in tasks in {', '.join(built_in)}; W of published scores belongs to the benchmarks' own"]
    return ScoreTable({label: out}, category, (*(notes if built_in else ()), *inside(runs, label)))


def _environments(runs: Sequence[Scores]) -> dict[str, str]:
    return {name: row["held"] for scores in runs for name, row in scores["environments"].items()}


def _score(runs: Sequence[Scores], measure: str, place: tuple[str, str]) -> Mapping[str, Any] | None:
    """What the only run says, else the level of all."""
    if len(runs) > 1:
        return level(runs, measure)
    row = (runs[0].get(place[0]) or {}).get(place[1])
    return row if has_ends(row) else None


def _percent(row: Mapping[str, float], scale: float = 100) -> Interval:
    return Interval(*(scale * row[key] for key in ("mean", "low", "high")))


def _point(value: float) -> Interval:
    return Interval(value, value, value)


def joined(tables: Sequence[ScoreTable]) -> ScoreTable:
    """All rows; where a model stands in several the later one's scores win, and a note says so if they differ."""
    scores: dict[str, dict[str, Interval]] = {}
    category: dict[str, str] = {}
    notes: list[str] = []
    for table in tables:
        notes += table.notes
        category |= table.category
        for model, row in table.scores.items():
            old = scores.setdefault(model, {})
            if changed := [task for task in row if task in old and old[task] != row[task]]:
                notes.append(f"{model}: given twice with other scores in {', '.join(changed)}; the later ones count")
            old |= row
    return ScoreTable(scores, category, tuple(dict.fromkeys(notes)))


def read_table(path: Path) -> ScoreTable:
    """Raises BadInput, with its place, for what is no table or no score."""
    entries = list(_of_json(path, read_json(path)) if path.suffix.lower() == ".json" else _of_csv(path))
    down, across = ({key[i] for key, _, _ in entries} for i in (0, 1))
    if not entries:
        raise BadInput(f"{path}: no scores; expected models in one direction and tasks in the other")
    known = [sum(_task(name) is not None for name in names) for names in (down, across)]
    if not any(known):
        raise BadInput(
            f"{path}: no task is known by its name; write them as {', '.join([*_sample()])}, or CATEGORY/NAME"
        )
    tasks_down = known[0] / len(down) > known[1] / len(across)
    scores: dict[str, dict[str, Interval]] = {}
    category: dict[str, str] = {}
    left_out: dict[str, None] = {}
    for (one, other), value, where in entries:
        model, name = (other, one) if tasks_down else (one, other)
        if not (model.strip() and model.isprintable()):
            raise BadInput(f"{where}: {model!r} is no name of a model; give it one without control characters")
        found = _task(name)
        if found is None:
            left_out.setdefault(name)
            continue
        task, group = found
        number = _number(value, task, where)
        if number is not None:
            if task in scores.get(model, {}):
                raise BadInput(f"{where}: a second score of {model} in {task}; keep one")
            scores.setdefault(model, {})[task] = _point(number)
            if group:
                category[task] = group
    notes = [f"{path}: {name!r} is no task that counts; write it as held-in/NAME to count it" for name in left_out]
    values = [score.mean for row in scores.values() for task, score in row.items() if task not in HIGHEST]
    if values and max(values) <= 1:
        notes.append(f"{path}: every score is at most 1, and was read as percent; multiply shares by 100")
    return ScoreTable(scores, category, tuple(notes))


def _sample() -> Iterator[str]:
    for tasks in TASKS.values():
        yield next(iter(tasks))


def _task(name: str) -> tuple[str, str | None] | None:
    """Our name of a task and its category, None for what is neither a known task nor CATEGORY/NAME."""
    group, slash, rest = name.partition("/")
    group = group.strip().lower().replace("_", "-").replace(" ", "-")
    if slash and group in CATEGORIES and rest.strip():
        own = _KNOWN.get(re.sub(r"[^a-z0-9]", "", rest.lower()))
        return own or rest.strip(), group
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _TOTALS or plain not in _KNOWN:
        return None
    task = _KNOWN[plain]
    return task, next((group for group, tasks in TASKS.items() if task in tasks), None)


def _number(value: Any, task: str, where: str) -> float | None:
    text = str("" if value is None else value).strip()
    if text.lower() in _NO_SCORE:
        return None
    try:
        number = float(text.removesuffix("%")) if not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None or not isfinite(number):
        raise BadInput(f"{where}: {text[:40]!r} is no score of {task}; write percent as a number, or leave it empty")
    highest = HIGHEST.get(task, 100.0)
    if not 0 <= number <= highest:
        raise BadInput(f"{where}: {number:g} is no score of {task}; it lies between 0 and {highest:g}")
    return number


def _of_csv(path: Path) -> Iterator[tuple[tuple[str, str], Any, str]]:
    """((row name, column name), cell, where) of every cell; a column named category goes before the row's name."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}; check the path") from None
    first = text.partition("\n")[0]
    separator = max("\t;,", key=first.count)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=separator, strict=True))
    except csv.Error as error:
        raise BadInput(f"{path}: not CSV ({error})") from None
    head = [name.strip() for name in rows[0]] if rows else []
    if len(head) < 2:
        raise BadInput(f"{path}: a table needs a first row with names and a first column with names")
    if len(set(head)) < len(head):
        raise BadInput(f"{path}:1: two columns have one name; rename one")
    at = next((i for i, name in enumerate(head) if i and name.lower() == "category"), None)
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(head):
            raise BadInput(f"{path}:{number}: {len(row)} cells, the first row has {len(head)}")
        name = row[0].strip()
        if at is not None and row[at].strip():
            name = f"{row[at].strip()}/{name}"
        for i, cell in enumerate(row):
            if i and i != at:
                yield (name, head[i]), cell, f"{path}:{number}, {head[i]}"


def _of_json(path: Path, value: Any) -> Iterator[tuple[tuple[str, str], Any, str]]:
    """Rows as a list of objects with `model` or `task`, or an object of objects, by category or not."""
    if isinstance(value, list):
        for number, row in enumerate(value, start=1):
            where = f"{path}: row {number}"
            key = next((k for k in ("model", "task", "name") if isinstance(row, dict) and k in row), None)
            if key is None:
                raise BadInput(f"{where}: expected an object with model or task")
            name = f"{row['category']}/{row[key]}" if row.get("category") else str(row[key])
            for column, cell in row.items():
                if column not in (key, "category"):
                    yield (name, column), cell, f"{where}, {column}"
        return
    if not isinstance(value, dict) or not all(isinstance(row, dict) for row in value.values()):
        raise BadInput(
            f"{path}: expected an object of objects, or a list of rows; models in one direction, tasks across"
        )
    for name, row in value.items():
        if name in CATEGORIES and all(isinstance(inner, dict) for inner in row.values()):
            for inner, cells in row.items():
                for column, cell in cells.items():
                    of_task = _task(inner) is not None or _task(column) is None
                    pair = (f"{name}/{inner}", column) if of_task else (inner, f"{name}/{column}")
                    yield pair, cell, f"{path}: {name}, {inner}, {column}"
        else:
            for column, cell in row.items():
                yield (name, column), cell, f"{path}: {name}, {column}"
