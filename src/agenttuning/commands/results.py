"""What comes after training: two evaluations compared, a run's report, a model merged."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.errors import BadInput


def compare(
    *runs: str,
    json: Annotated[bool, Parameter(negative="", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare models on the same tasks, each with the first.

    Parameters
    ----------
    runs
        Two or more evaluations: folder or scores.json each, or a run's folder, which stands for its tuned model; one
        run's folder alone compares its start model with its tuned one. LABEL=PATH,PATH names a model and its runs with
        other seeds.
    """
    from agenttuning.evaluation.comparison import compare_runs
    from agenttuning.evaluation.sides import about, read_sides

    if not runs:
        raise BadInput("nothing to compare; give two evaluations, or one run's folder")
    sides = read_sides(runs)
    if len(sides) < 2:
        raise BadInput(f"{runs[0]}: one evaluation only; give another one to compare it with")
    first, *others = sides
    comparisons = [compare_runs(first.runs, side.runs, labels=(first.label, side.label)) for side in others]
    if json:
        from json import dumps

        models = {"models": [about(side) for side in sides]}
        print(dumps(models | (comparisons[0] if len(others) == 1 else {"comparisons": comparisons})))
        return
    if [len(side.runs) for side in sides] == [1, 1]:
        from rich.console import Console

        from agenttuning.evaluation.table import terminal_table

        Console().print(terminal_table(first.runs[0], others[0].runs[0], comparisons[0]))
    else:
        from agenttuning.evaluation.sides_table import sides_text

        print(sides_text(sides, comparisons))


def report(run: Path, /) -> None:
    """Write RUN/report.html.

    Parameters
    ----------
    run
        The folder of a run, e.g. runs/quickstart.
    """
    from agenttuning.pipeline import report as write

    if not run.is_dir():
        raise BadInput(f"{run}: no such run; the runs are the folders under runs/")
    write(run)


def merge(
    tuned: str,
    /,
    *,
    out: Path,
    alpha: float = 1.0,
    base: str | None = None,
) -> None:
    """Merge an adapter into its base, or interpolate a checkpoint with its start model.

    Parameters
    ----------
    tuned
        The folder of a LoRA adapter or of a full checkpoint, or a hub id.
    out
        The checkpoint folder to write.
    alpha
        How far from the start model (0) to the tuned one (1); between them keeps more of what it knew.
    base
        The start model: built-in name, folder or hub id. An adapter names its own.
    """
    from agenttuning.training.merge import merge as write

    print(write(tuned, out, alpha=alpha, base=base))
