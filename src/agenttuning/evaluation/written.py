"""Evaluations as they lie on disk: found, read, and checked before anything is computed from them.

>>> read_scores(Path("runs/quickstart"))["model"]  # a run's folder stands for its tuned model
'runs/quickstart/model/merged'
"""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.evaluation.agent_h.labels import MEASURES
from agenttuning.files import read_json, too_deep

_PARTS = ("general", "hallucination", "tool_use", "normalised")
# Of a part: its rows, {n, mean, low, high} each, and its rows by name; what else it has is not read here.
_ROWS = frozenset(
    {"questions", "instructions", "perplexity", "divergence", "overall", "held-in", "held-out", *MEASURES}
)
_GROUPS = frozenset({"groups", "kinds", "faults", "cells"})


def of_run(folder: Path) -> tuple[Path, Path] | None:
    """The two evaluations of a run's folder: of the start model and of the tuned one; None for another folder."""
    evaluation = folder / "evaluation"
    return (evaluation / "base", evaluation / "tuned") if evaluation.is_dir() else None


def read_scores(path: Path) -> Mapping[str, Any]:
    """The `scores.json` of an evaluation or of a run's tuned model. Raises BadInput where there is none."""
    if both := of_run(path):
        path = both[1]
    file = path / "scores.json" if path.is_dir() else path
    started = path.with_name(path.name + ".partial").is_dir()
    if path.is_dir() and not file.is_file():
        started |= any((path / name).exists() for name in ("trajectories", "replies.jsonl", "general.json"))
        if not started:
            raise BadInput(f"{path}: no scores.json; expected the folder that `agenttuning evaluate` wrote")
    if started and not file.exists():
        raise BadInput(f"{path}: the evaluation is not finished; run the same command again and it goes on")
    scores = read_json(file)
    if not isinstance(scores, dict) or not isinstance(scores.get("environments"), dict):
        raise BadInput(f"{file}: not an evaluation; expected the folder that `agenttuning evaluate` wrote")
    if too_deep(scores):
        raise BadInput(f"{file}: objects stand too deep in each other; evaluate the model again")
    for name, row in scores["environments"].items():
        where = f"{file}: environments.{plain(name)}"
        if not name.isprintable():
            raise BadInput(f"{where}: a name with control characters; evaluate the model again")
        _check_row(where, row)
        if row.get("held") not in ("in", "out") or not row.get("items"):
            raise BadInput(f"{where}: no held and items; evaluate the model again")
        if not isinstance(row.get("tasks", ""), str):
            raise BadInput(f"{where}.tasks: not the name of a file; evaluate the model again")
        _check_items(where, row["items"])
        for key, kind in (("outcomes", int), ("asked", str), ("by_level", dict)):
            inner = row.get(key, {})
            if not isinstance(inner, dict) or not all(isinstance(value, kind) for value in inner.values()):
                raise BadInput(f"{where}.{key}: not as `agenttuning evaluate` writes it; evaluate the model again")
        for level, group in row.get("by_level", {}).items():
            _check_row(f"{where}.by_level.{plain(level)}", group)
    for part in _PARTS:
        _check_part(f"{file}: {part}", part, scores.get(part) or {})
    texts = {key: plain(str(scores[key])) for key in ("model", "dialect", "chat_template") if scores.get(key)}
    return {key: value for key, value in scores.items() if value or key not in _PARTS} | texts


def is_evaluation(file: Path) -> bool:
    """Whether a file is a `scores.json`, by whatever name, and no table of scores."""
    if file.suffix.lower() != ".json":
        return False
    content = read_json(file)
    return isinstance(content, dict) and isinstance(content.get("environments"), dict)


def plain(text: str) -> str:
    """Text from a file without what would steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _check_part(where: str, part: str, section: Any) -> None:
    """A probe's rows, {mean, low, high} each where they are objects, and its items."""
    if not isinstance(section, dict) or not isinstance(section.get("items", {}), dict):
        raise BadInput(f"{where}: not as `agenttuning evaluate` writes it; evaluate the model again")
    for name, items in section.get("items", {}).items():
        if not name.isprintable():
            raise BadInput(f"{where}: a name with control characters; evaluate the model again")
        _check_items(f"{where}.items.{name}", items)
        if part == "tool_use" and not items:
            raise BadInput(f"{where}.items.{name}: empty; evaluate the model again")
    if (
        part == "tool_use"
        and section
        and not all(section.get(key) for key in ("overall", "cells", "source", "similarity"))
    ):
        raise BadInput(f"{where}: no overall, cells, source and similarity; evaluate the model again")
    for name, value in section.items():
        if name in _GROUPS:
            if not isinstance(value, dict):
                raise BadInput(f"{where}.{name}: not an object; evaluate the model again")
            for group, row in value.items():
                _check_row(f"{where}.{name}.{plain(group)}", row)
        elif name in _ROWS and value is not None:
            _check_row(f"{where}.{plain(name)}", value, counted=part != "normalised")


def _check_row(where: str, row: Any, *, counted: bool = True) -> None:
    ends = [row.get(key) for key in ("mean", "low", "high")] if isinstance(row, dict) else [None]
    if not all(isinstance(end, int | float) and isfinite(end) for end in ends):
        raise BadInput(f"{where}: no mean, low and high as numbers; evaluate the model again")
    if counted and not isinstance(row.get("n"), int):
        raise BadInput(f"{where}: n is {row.get('n')!r}, no number of tasks; evaluate the model again")


def _check_items(where: str, items: Any) -> None:
    if not isinstance(items, dict):
        raise BadInput(f"{where}: items are no object; evaluate the model again")
    for item, value in items.items():
        if not isinstance(value, int | float) or not isfinite(value):
            raise BadInput(f"{where}: {plain(item)} is {value!r}, not a finite number; evaluate the model again")
