"""What a run folder holds for its report; every part may be absent, a broken one is an error that names it.

>>> read_run(Path("runs/quickstart")).comparison["held_in"]["verdict"]
'rose'
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from agenttuning.errors import BadInput
from agenttuning.files import read_json, read_jsonl
from agenttuning.report.evaluated import Briefs, Spent, answers, brief
from agenttuning.settings import redact

SIDES = ("base", "tuned")
_STAGES = ("collect", "filter", "deduplicate", "redesign", "mix", "decontaminate", "train", "evaluate")
_ASIDE = (".old", ".partial")  # stages that were done again or are not done yet
_SCORE = ("n", "mean", "low", "high")
_JUDGED = ("clean", "between", "dirty", "unknown", "rate")
_COMPARED = ("n", "before", "after", "difference", "low", "high", "p_value", "verdict")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """`scores` and `episodes` by side, "base" and "tuned"; `unfinished` are the episodes of evaluations that have not
    ended, `spent` what the stages' episodes and answers took, by folder."""

    name: str
    folder: Path = Path()
    recipe: str | None = None
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    comparison: Mapping[str, Any] = field(default_factory=dict)
    episodes: Mapping[str, Briefs] = field(default_factory=dict)
    unfinished: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[str, Spent] = field(default_factory=dict)
    funnel: Mapping[str, Any] | None = None
    contamination: Mapping[str, Any] | None = None
    metrics: tuple[Mapping[str, Any], ...] = ()
    manifests: tuple[Mapping[str, Any], ...] = ()


def read_run(run: Path) -> RunFiles:
    """Read what is there. Raises BadInput for a folder that does not exist or a file of another form."""
    if not run.is_dir():
        raise BadInput(f"{run}: no such run folder; give the folder that `agenttuning run` wrote")
    evaluation = run / "evaluation"
    recipe = run / "recipe.yaml"
    manifests = _manifests(run)
    episodes = {side: brief(evaluation / side / "trajectories") for side in SIDES}
    spent = {f"evaluation/{side}": _spent(found) + answers(evaluation / side) for side, found in episodes.items()}
    for manifest in manifests:
        if manifest["stage"] == "collect" and (manifest.get("settings") or {}).get("agent", "expert") != "expert":
            spent[manifest["folder"]] = _spent(brief(run / manifest["folder"]))
    return RunFiles(
        name=run.resolve().name,
        folder=run,
        recipe=redact(recipe.read_text(encoding="utf-8", errors="replace")) if recipe.is_file() else None,
        scores={s: _scores(p) for s in SIDES if (p := evaluation / s / "scores.json").is_file()},
        comparison=_comparison(p) if (p := evaluation / "comparison.json").is_file() else {},
        episodes=episodes,
        unfinished={s: _lines(p) for s in SIDES if (p := evaluation / f"{s}.partial" / "trajectories").is_dir()},
        spent={folder: tokens for folder, tokens in spent.items() if tokens != Spent()},
        funnel=_funnel(p) if (p := run / "corpus" / "funnel.json").is_file() else None,
        contamination=_contamination(p) if (p := run / "decontaminated" / "contamination.json").is_file() else None,
        metrics=_metrics(p) if (p := run / "model" / "metrics.jsonl").is_file() else (),
        manifests=manifests,
    )


def _scores(path: Path) -> Mapping[str, Any]:
    scores = _mapping(path, read_json(path), "environments")
    for name, score in _mapping(path, scores["environments"]).items():
        _mapping(path, score, *_SCORE, "held", "metric", where=f"environments.{name}")
        for part in ("by_level", "by_kind"):
            for group, row in _mapping(path, score.get(part, {}), where=part).items():
                _mapping(path, row, *_SCORE, where=f"environments.{name}.{part}.{group}")
    general = _mapping(path, scores.get("general") or {}, where="general")
    for name, row in general.items():
        if name != "items" and row is not None:
            _mapping(path, row, *_SCORE, where=f"general.{name}")
    if hallucination := _mapping(path, scores.get("hallucination") or {}, where="hallucination"):
        _hallucination(path, hallucination)
    if (tool_use := scores.get("tool_use")) is not None:
        _mapping(path, tool_use, "overall", "cells", "source", "similarity", where="tool_use")
        cells = _mapping(path, tool_use["cells"], where="tool_use.cells")
        for name, row in {"overall": tool_use["overall"], **cells}.items():
            _mapping(path, row, *_SCORE, where=f"tool_use.{name}")
    return scores


def _hallucination(path: Path, part: Mapping[str, Any]) -> None:
    """Check Agent-H's scores: {n, mean, low, high} by measure, and by name in its groups, kinds and faults."""
    for name, row in part.items():
        where = f"hallucination.{name}"
        if name in ("groups", "kinds", "faults"):
            for key, score in _mapping(path, row, where=where).items():
                _mapping(path, score, *_SCORE, where=f"{where}.{key}")
        elif name not in ("n", "failed", "items"):
            _mapping(path, row, *_SCORE, where=where)


def _comparison(path: Path) -> Mapping[str, Any]:
    comparison = _mapping(path, read_json(path), "environments")
    parts = list(comparison["environments"].items())
    parts += [row for part in ("general", "hallucination") for row in (comparison.get(part) or {}).items()]
    parts += [(name, comparison[name]) for name in ("held_in", "held_out") if comparison.get(name)]
    if (tool_use := comparison.get("tool_use")) is not None:
        _mapping(path, tool_use, "overall", "cells", where="tool_use")
        parts += [
            ("tool_use.overall", tool_use["overall"]),
            *_mapping(path, tool_use["cells"], where="tool_use").items(),
        ]
    for name, row in parts:
        _mapping(path, row, *_COMPARED, where=name)
    return comparison


def _funnel(path: Path) -> Mapping[str, Any]:
    funnel = _mapping(path, read_json(path), "sources")
    for name, row in _mapping(path, funnel["sources"], where="sources").items():
        _mapping(path, row, "episodes", "kept", where=f"sources.{name}")
    return funnel


def _contamination(path: Path) -> Mapping[str, Any]:
    result = _mapping(path, read_json(path), "rules", "thresholds", "table", "left", "drop", "dropped")
    for part in ("table", "left"):
        for i, row in enumerate(result[part]):
            where = f"{part}[{i}]"
            _mapping(path, row, "source", "set", "items", *_JUDGED, "with_templates", where=where)
            _mapping(path, row["with_templates"], *_JUDGED, where=where)
    return result


def _metrics(path: Path) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        _mapping(path, row, "step", "loss", where=f"line {number}")
        for number, row in read_jsonl(path)
        if is_number(row.get("step", 0))
    )


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _manifests(run: Path) -> tuple[Mapping[str, Any], ...]:
    paths = sorted(path for path in run.rglob("manifest.json") if path.parent.suffix not in _ASIDE)
    found = [
        {
            **_mapping(path, read_json(path), "stage", "seconds"),
            "folder": path.parent.relative_to(run).as_posix(),
        }
        for path in paths
    ]
    rank = {stage: i for i, stage in enumerate(_STAGES)}
    return tuple(sorted(found, key=lambda m: rank.get(m["stage"], len(rank))))


def _spent(found: Briefs) -> Spent:
    return sum((episode.spent for episodes in found.values() for episode in episodes.values()), Spent())


def _lines(folder: Path) -> int:
    """How many lines the files have; the last one of a run that was killed may be cut, so they are not read."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def _mapping(path: Path, value: Any, *keys: str, where: str = "top level") -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{path}: {where}: expected an object, found {type(value).__name__}; run that stage again")
    missing = [key for key in keys if key not in value]
    if missing:
        raise BadInput(f"{path}: {where}: no {', '.join(map(repr, missing))}; run that stage again")
    return value
