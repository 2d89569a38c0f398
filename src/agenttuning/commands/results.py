"""What comes after training: two evaluations compared, a run's report, an adapter merged."""

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
    adapter: Path,
    /,
    *,
    out: Path,
    weight: float = 1.0,
) -> None:
    """Merge an adapter into its base.

    Parameters
    ----------
    adapter
        The folder of a LoRA adapter, e.g. runs/quickstart/model/adapter.
    out
        The checkpoint folder to write.
    weight
        How much of the adapter: 1 is the tuned model, 0 the start model, between them keeps more of the old.
    """
    from agenttuning.training.merge import merge as merge_adapter

    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out}: is there already and not empty; choose another --out")
    print(merge_adapter(adapter, out, weight=weight))
