"""What comes after training: two evaluations compared, a run's report, a model merged."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.errors import BadInput


def compare(
    base: Path,
    tuned: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative="", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare two evaluations of the same tasks.

    Parameters
    ----------
    base
        The evaluation folder (or scores.json) of the first model.
    tuned
        That of the second.
    """
    from agenttuning.evaluation.scores import compare_scores
    from agenttuning.files import read_json

    before, after = (read_json(path / "scores.json" if path.is_dir() else path) for path in (base, tuned))
    for path, scores in ((base, before), (tuned, after)):
        if not isinstance(scores, dict) or "environments" not in scores:
            raise BadInput(f"{path}: not an evaluation; expected the folder that `agenttuning evaluate` wrote")
    comparison = compare_scores(before, after)
    if json:
        from json import dumps

        print(dumps(comparison))
        return
    from rich.console import Console

    from agenttuning.evaluation.table import terminal_table

    Console().print(terminal_table(before, after, comparison))


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
