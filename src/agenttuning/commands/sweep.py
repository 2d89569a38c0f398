"""`agenttuning sweep`: models along one setting, evaluated and plotted."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, get_type_hints

from cyclopts import Parameter

from agenttuning.errors import BadInput
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.recipe import Recipe, load
from agenttuning.settings import docstrings


def _options(cls: Any) -> Any:
    """A config's fields as options of which only those that are given count, whatever the config's defaults."""
    notes, hints = docstrings(cls), get_type_hints(cls)
    annotated: Any = Annotated
    typed: Any = TypedDict
    options = {field.name: annotated[hints[field.name], Parameter(help=notes[field.name])] for field in fields(cls)}
    return typed(f"{cls.__name__}Options", options, total=False)


if TYPE_CHECKING:
    EvaluateOptions = dict[str, Any]
else:
    EvaluateOptions = _options(EvaluateConfig)


def alpha(
    tuned: str,
    /,
    *,
    out: Path,
    base: str | None = None,
    values: str = "0,0.25,0.5,0.75,1",
    keep: Annotated[bool, Parameter(negative="")] = False,
    config: Annotated[EvaluateOptions | None, Parameter(name="*")] = None,
    dialect: str | None = None,
    seed: int | None = None,
) -> None:
    """Score models between a start model and its tuned one.

    Parameters
    ----------
    tuned
        A run's folder, whose recipe then says what is not given here (held-out tasks aside); or a LoRA adapter or
        full checkpoint.
    out
        The folder to write; the same command goes on in it, and other values are added.
    base
        The start model: built-in name, folder or hub id. A run and an adapter name their own.
    values
        The alphas, between 0 (start model) and 1 (tuned model).
    keep
        Keep the merged checkpoints, under OUT/models.
    dialect
        How turns are written: react, command, json or native. [default: the run's, or command]
    seed
        The seed of the evaluation. [default: the run's, or 0]
    """
    from rich.console import Console

    from agenttuning.evaluation.table import sweep_table
    from agenttuning.sweep import sweep_alpha

    numbers = _numbers(values)
    of_run = (Path(tuned) / "recipe.yaml").is_file()
    recipe = load(Path(tuned) / "recipe.yaml") if of_run else Recipe(name="sweep")
    result = sweep_alpha(
        _model_of(tuned),
        out,
        values=numbers,
        config=replace(recipe.evaluate, **{"held_out": {}, **(config or {})}),  # what is not plotted is not played
        base=base or (recipe.model if of_run else None),
        dialect=dialect or recipe.dialect,
        seed=recipe.seed if seed is None else seed,
        keep=keep,
    )
    Console().print(sweep_table(result))
    print(f"page: {out / 'sweep.html'}")


def eta(
    recipe: str,
    /,
    *overrides: str,
    out: Path,
    values: str = "0,0.1,0.2,0.4,0.6,0.8,1",
) -> None:
    """Train and score a recipe's model at several shares of agent rows.

    Parameters
    ----------
    recipe
        A recipe's path or the name of one that is shipped; its evaluation needs held-in tasks and the general probe.
    overrides
        Settings as section.key=value.
    out
        The folder to write; the same command goes on in it, and other values are added.
    values
        The etas, between 0 (general rows alone) and 1 (agent rows alone).
    """
    from rich.console import Console

    from agenttuning.evaluation.table import sweep_table
    from agenttuning.sweep import sweep_eta

    result = sweep_eta(load(recipe, overrides), out, values=_numbers(values))
    Console().print(sweep_table(result))
    print(f"page: {out / 'sweep.html'}")


def _numbers(text: str) -> list[float]:
    out = []
    for part in text.split(","):
        try:
            out.append(float(part))
        except ValueError:
            raise BadInput(f"values: {part.strip()!r} is no number; write them as 0,0.5,1") from None
    return out


def _model_of(tuned: str) -> str | Path:
    """The adapter of a run or of a training's folder, else its checkpoint, else what was given."""
    places = (Path(tuned) / place for place in ("model/adapter", "adapter", "model/merged", "merged"))
    return next((place for place in places if place.is_dir()), tuned)
