"""What a run or a folder holds of what is to be published, and what is known of it.

A run folder has everything; what `train` wrote has the weights and how they came about; a bare checkpoint has only
itself, and then `--base`, `--license`, `--scores` and `--rows` say the rest.

>>> find(Path("runs/quickstart"), "adapter").base
'smollm2-135m-instruct'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from agenttuning.errors import BadInput
from agenttuning.files import read_json
from agenttuning.publishing.target import What

_WEIGHTS = {"model": ("merged", "config.json"), "adapter": ("adapter", "adapter_config.json")}

_SCORE = {"n", "mean", "low", "high", "held", "metric"}


@dataclass(frozen=True, slots=True)
class Found:
    """`folder` holds the weights, None for a data set. `rows` are the files to publish, or those that were trained on.

    `scores`, `before` (the start model's) and `comparison` are the contents of those files, `training` is the manifest
    of the stage that trained, `funnel` and `contamination` are theirs; empty where they are not at hand.
    """

    what: What
    folder: Path | None = None
    base: str | None = None
    rows: tuple[Path, ...] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    comparison: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    funnel: Mapping[str, Any] = field(default_factory=dict)
    contamination: Mapping[str, Any] = field(default_factory=dict)


def find(source: Path, what: What) -> Found:
    """Raises BadInput where `source` does not hold it, naming what was looked for."""
    if not source.exists():
        raise BadInput(f"{source}: no such run or folder; give what `agenttuning run` or `train` wrote")
    run = _run_of(source)
    if what == "dataset":
        rows = _run_rows(source) if run == source.resolve() else (source,)
        if not rows:
            raise BadInput(f"{source}: this run has no rows yet; run its stages up to `mix`")
        return _with_results(Found(what, rows=rows), run)
    folder = _checkpoint(source, what)
    training = _json(folder.parent / "manifest.json")
    training = training if training.get("stage") == "train" else {}
    corpus = _corpus_of(run) if run else None
    rows = (corpus,) if corpus else ()
    return _with_results(Found(what, folder, _base(folder, training, run), rows, training=training), run)


def _with_results(found: Found, run: Path | None) -> Found:
    """With what the run's evaluation and its data's stages wrote."""
    if run is None:
        return found
    evaluation = run / "evaluation"
    return replace(
        found,
        scores=_scores(evaluation / "tuned" / "scores.json"),
        before=_scores(evaluation / "base" / "scores.json"),
        comparison=_json(evaluation / "comparison.json"),
        funnel=_json(run / "corpus" / "funnel.json"),
        contamination=_json(run / "decontaminated" / "contamination.json"),
    )


def scores_of(path: Path) -> Mapping[str, Any]:
    """The scores that `evaluate` wrote: its folder, or the file in it."""
    file = path / "scores.json" if path.is_dir() else path
    scores = _scores(file)
    if not scores:
        raise BadInput(f"{file}: no such file; give the folder that `agenttuning evaluate` wrote")
    return scores


def _scores(file: Path) -> Mapping[str, Any]:
    scores = _json(file)
    rows = scores.get("environments", {} if not scores else None)
    if not isinstance(rows, Mapping) or not all(isinstance(r, Mapping) and r.keys() >= _SCORE for r in rows.values()):
        raise BadInput(f"{file}: not what `agenttuning evaluate` writes; run it again")
    return scores


def _run_of(source: Path) -> Path | None:
    """The run that a folder is or lies in: RUN, RUN/model or RUN/model/merged."""
    folder = source.resolve()
    for candidate in (folder, folder.parent, folder.parent.parent):
        if (candidate / "recipe.yaml").is_file() and (
            (candidate / "model").is_dir() or (candidate / "corpus").is_dir()
        ):
            return candidate
    return None


def _checkpoint(source: Path, what: What) -> Path:
    inner, mark = _WEIGHTS[what]
    for folder in (source / "model" / inner, source / inner, source):
        if (folder / mark).is_file():
            return folder
    raise BadInput(f"{source}: no {what} there; looked for {mark} in it, in {inner}/ and in model/{inner}/")


def _run_rows(run: Path) -> tuple[Path, ...]:
    """The episodes that were kept and the corpus that was trained on."""
    kept = next((p for d in ("deduplicated", "filtered") if (p := run / d / "kept.jsonl").is_file()), None)
    return tuple(path for path in (kept, _corpus_of(run)) if path)


def _corpus_of(run: Path) -> Path | None:
    places = (run / "decontaminated" / "corpus.jsonl", run / "corpus" / "corpus.jsonl")
    return next((path for path in places if path.is_file()), None)


def _base(folder: Path, training: Mapping[str, Any], run: Path | None) -> str | None:
    """The start model, as the training was told its name."""
    if name := training.get("settings", {}).get("model"):
        return str(name)
    if run and isinstance(recipe := yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8")), dict):
        return recipe.get("model")
    adapter = folder / "adapter_config.json"
    return read_json(adapter).get("base_model_name_or_path") if adapter.is_file() else None


def _json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    content = read_json(path)
    if not isinstance(content, Mapping):
        raise BadInput(f"{path}: expected an object, found {type(content).__name__}; run that stage again")
    return content
