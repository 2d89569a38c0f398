"""Models to compare, each with the evaluations of its runs.

A side is written as a path, an evaluation's folder or `scores.json`, or a run's folder, which stands for its tuned
model; or as LABEL=PATH,PATH for several runs of one model with other seeds. Paths without a label whose files name the
same model, dialect and template, and other seeds, are one side as well.

>>> [side.label for side in read_sides(["runs/a/evaluation/base", "tuned=runs/a,runs/b"])]
['smollm2-135m-instruct', 'tuned']
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.evaluation.measures import level, present
from agenttuning.evaluation.written import of_run, plain, read_scores


@dataclass(frozen=True, slots=True)
class Side:
    """One model: `runs` are the contents of its `scores.json`, in the order of `paths`."""

    label: str
    paths: tuple[Path, ...]
    runs: tuple[Mapping[str, Any], ...]


def read_sides(texts: Sequence[str]) -> list[Side]:
    """The sides in the order given. A single run's folder stands for its start model and its tuned model.

    Raises BadInput for what is no evaluation, runs of a side that cannot be one model, and labels given twice.
    """
    if len(texts) == 1 and (both := of_run(Path(texts[0]))):
        return [Side(name, (path,), (read_scores(path),)) for name, path in zip(("base", "tuned"), both, strict=True)]
    sides = [read_side(text) for text in texts]
    grouped = _grouped(sides)
    labels = [side.label for side in grouped]
    if len(set(labels)) < len(labels):
        common = (
            len(os.path.commonpath([path.absolute() for side in grouped for path in side.paths]).rstrip(os.sep)) + 1
        )
        grouped = [side if labels.count(side.label) == 1 else _by_path(side, common) for side in grouped]
    if len({side.label for side in grouped}) < len(grouped):
        raise BadInput(f"{texts[0]}: the same evaluation or label is given twice; give each once, as LABEL=PATH")
    return grouped


def read_side(text: str) -> Side:
    """One side, as PATH or as LABEL=PATH,PATH."""
    label, labelled, rest = text.partition("=")
    if not labelled or Path(text).exists():
        label, rest = "", text
    paths = [Path(part.strip()) for part in rest.split(",")] if not Path(rest).exists() else [Path(rest)]
    if not all(str(path) != "." or rest == "." for path in paths):
        raise BadInput(f"{text}: a path is missing; write PATH or LABEL=PATH,PATH")
    runs = [read_scores(path) for path in paths]
    _check_one_model(text, paths, runs)
    return Side(plain(label) or _name(runs[0], paths[0]), tuple(paths), tuple(runs))


def about(side: Side) -> dict[str, Any]:
    """A side as JSON: its label, where its runs are, their seeds, and every measure with its interval."""
    return {
        "label": side.label,
        "runs": [str(path) for path in side.paths],
        "seeds": [scores.get("seed") for scores in side.runs],
        "levels": {name: level(side.runs, name) for name in present(side.runs)},
    }


def _check_one_model(text: str, paths: Sequence[Path], runs: Sequence[Mapping[str, Any]]) -> None:
    """Runs of one side differ in their seed alone; a mean over anything else would hide what was mixed."""
    if len(runs) < 2:
        return
    seeds = [scores.get("seed") for scores in runs]
    if len(set(seeds)) < len(seeds):
        raise BadInput(
            f"{text}: runs with the same seed ({', '.join(map(str, seeds))}) are no further evidence; give one"
        )
    for i, scores in enumerate(runs[1:], start=1):
        for name in scores["environments"].keys() & runs[0]["environments"].keys():
            one, other = (run["environments"][name].get("tasks", "built-in") for run in (runs[0], scores))
            if one != other:
                raise BadInput(
                    f"{name}: {paths[0]} has tasks of {one}, {paths[i]} of {other}; they are not one model's seeds, "
                    "compare them as two sides"
                )


def _grouped(sides: Sequence[Side]) -> list[Side]:
    """Sides of one path each that are the same model with other seeds, put together, unless that leaves one side."""
    out: dict[Any, Side] = {}
    for i, side in enumerate(sides):
        run = side.runs[0]
        about = tuple(run.get(key) for key in ("model", "dialect", "chat_template"))
        single = len(side.runs) == 1 and about[0] and side.label == _name(run, side.paths[0])
        key = about if single else i
        seeds = {one.get("seed") for one in out[key].runs} if key in out else set()
        if key in out and run.get("seed") not in seeds:
            both = out[key]
            _check_one_model(side.label, (*both.paths, *side.paths), (*both.runs, *side.runs))
            out[key] = Side(both.label, (*both.paths, *side.paths), (*both.runs, *side.runs))
        else:
            out[key if key not in out else i] = side
    return list(out.values()) if len(out) > 1 else list(sides)


def _name(scores: Mapping[str, Any], path: Path) -> str:
    """The model's name without what it shares with others: of a run's checkpoint the run's own."""
    name = str(scores.get("model") or path)
    parts = [part for part in Path(name).parts if part not in ("model", "merged", "adapter")]
    return name if "://" in name else (parts[-1] if parts else name)


def _by_path(side: Side, common: int) -> Side:
    """The side by where its runs are, without what all paths begin with."""
    places = [str(path.absolute())[common:] or str(path) for path in side.paths]
    return Side(",".join(places), side.paths, side.runs)
