"""A sweep: models along one setting, each evaluated, and a page that sets agent score against general ability.

    sweep/                                 of alpha, between a start model and its tuned one
      sweep.json  sweep.html
      alpha-0/  alpha-0.5/  alpha-1/       an evaluation each
      models/alpha-0.5/                    its checkpoint, while it is evaluated or with `keep`

    sweep/                                 of eta, the share of agent rows in the corpus
      sweep.json  sweep.html
      data/                                trajectories, filtered and redesigned, which all share
      eta-0/  eta-0.2/  eta-1/             corpus, model and evaluation each

>>> sweep_alpha(Path("model/adapter"), Path("sweep"), values=(0, 0.5, 1), config=EvaluateConfig({"database": 50}))
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.sweep import AGAINST, on_front, point
from agenttuning.files import read_json, write_json
from agenttuning.models import resolve
from agenttuning.pipeline import Say, evaluate_stage, stages
from agenttuning.recipe import Recipe, runnable
from agenttuning.report.sweep import write_sweep
from agenttuning.stages import Stage, perform
from agenttuning.training.distributed import perform_on_ranks
from agenttuning.training.merge import merge, start_model


def sweep_alpha(
    tuned: str | Path,
    out: Path,
    *,
    values: Sequence[float],
    config: EvaluateConfig,
    base: str | None = None,
    dialect: str = "command",
    seed: int = 0,
    keep: bool = False,
    say: Say = print,
) -> dict[str, Any]:
    """Evaluate the models at these shares of the way from `base` to `tuned`; returns what sweep.json holds.

    What is evaluated already is not evaluated again; checkpoints are removed unless `keep`. Raises BadInput for
    values outside [0, 1] and for an evaluation without held-in tasks or general probe: there is nothing to plot.
    """
    values = _checked(values, config, "shares between 0 (start model) and 1 (tuned model)")
    folder = resolve(str(tuned))
    base = start_model(folder, base)
    sweep = {
        "setting": "alpha",
        "about": "Models between the start model (alpha 0) and the tuned one (alpha 1), weights interpolated.",
        "settings": {"tuned": str(tuned), "base": base, "dialect": dialect, "seed": seed},
    }
    points = []
    for alpha in values:
        name = f"alpha-{alpha:g}"
        model = out / "models" / name
        stage = evaluate_stage(config, model, out / name, dialect=dialect, seed=seed, base=base)
        try:
            perform(_merging(stage, folder, base, model, alpha), say=say)
        finally:
            if not keep:
                shutil.rmtree(model, ignore_errors=True)
        if keep and not model.is_dir():  # evaluated before, and not kept then
            merge(folder, model, alpha=alpha, base=base)
        points.append(point(alpha, read_json(out / name / "scores.json")))
        sweep = _written(out, sweep, points)
    if not keep:
        shutil.rmtree(out / "models", ignore_errors=True)
    return sweep


def sweep_eta(recipe: Recipe, out: Path, *, values: Sequence[float], say: Say = print) -> dict[str, Any]:
    """Train a model of the recipe at each share of agent rows and evaluate it; returns what sweep.json holds.

    AgentTuning chose η = 0.2 so, from 0, 0.1 … 1 by held-out score (arXiv 2310.12823 §3.3). Trajectories are collected
    once. What is done already is not done again; all else is as in `sweep_alpha`.
    """
    recipe, missing = runnable(recipe)
    values = _checked(values, recipe.evaluate, "shares of agent rows between 0 and 1")
    for name, why in missing.items():
        say(f"left out: {name}: {why}")
    sweep = {
        "setting": "eta",
        "about": "Models trained on corpora of another share of agent rows (eta) each, all else the same.",
        "settings": {"recipe": recipe.name, "model": recipe.model, "dialect": recipe.dialect, "seed": recipe.seed},
    }
    points = []
    for eta in values:
        folder = out / f"eta-{eta:g}"
        one = replace(recipe, mix=replace(recipe.mix, eta=eta))
        for stage in stages(one, folder, data=out / "data"):
            if stage.out != folder / "evaluation" / "base":  # the start model is no point of this sweep
                (perform_on_ranks if stage.name == "train" else perform)(stage, say=say)
        points.append(point(eta, read_json(folder / "evaluation" / "tuned" / "scores.json")))
        sweep = _written(out, sweep, points)
    return sweep


def _checked(values: Sequence[float], config: EvaluateConfig, what: str) -> list[float]:
    found = sorted(set(values))
    if not found or not all(0 <= value <= 1 for value in found):
        raise BadInput(f"values are {what}, found {found}")
    if not config.held_in or not config.general:
        raise BadInput("a sweep sets held-in tasks against the general probe: give --held-in.ENVIRONMENT and --general")
    return found


def _merging(stage: Stage, tuned: Path, base: str, model: Path, alpha: float) -> Stage:
    """The stage that makes its model first: it depends on what the model is made from and on nothing that is made."""

    def work(partial: Path) -> Mapping[str, Any] | None:
        shutil.rmtree(model, ignore_errors=True)
        model.parent.mkdir(parents=True, exist_ok=True)
        merge(tuned, model, alpha=alpha, base=base)
        return stage.work(partial)

    inputs = (tuned, *(path for path in stage.inputs if path != model))
    return replace(stage, settings={**stage.settings, "alpha": alpha}, inputs=inputs, work=work)


def _written(out: Path, sweep: Mapping[str, Any], points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """sweep.json and sweep.html with the points so far, each with the measures against which it is on the front."""
    fronts = {name: on_front(points, name) for name in AGAINST}
    marked = [row | {"front": [name for name in AGAINST if fronts[name][i]]} for i, row in enumerate(points)]
    against = {name: "higher" if better else "lower" for name, better in AGAINST.items()}  # what is better
    result = {**sweep, "against": against, "points": marked}
    write_json(out / "sweep.json", result)
    write_sweep(out)
    return result
