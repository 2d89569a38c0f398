"""`agenttuning scores`: overall scores as the papers compute them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from agenttuning.errors import BadInput

if TYPE_CHECKING:
    from agenttuning.evaluation.score_table import ScoreTable

Format = Literal["text", "markdown", "latex"]


def scores(
    *runs: str,
    table: Annotated[list[Path] | None, Parameter(negative="")] = None,
    baselines: Annotated[list[str] | None, Parameter(negative="")] = None,
    models: Annotated[list[str] | None, Parameter(negative="")] = None,
    format: Format = "text",
    json: Annotated[bool, Parameter(negative="", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compute held-in, held-out and general overall scores, and Agent-FLAN's.

    Parameters
    ----------
    runs
        Evaluations: folder or scores.json each, a run's folder, or LABEL=PATH,PATH for runs with several seeds. Without
        any, and without a table, the papers' own models.
    table
        A CSV, TSV or JSON file of scores in percent, models in one direction and tasks in the other.
    baselines
        Whose mean is W: names of the papers' or the table's models (with commas between), table files, or evaluations.
        [default: the five of the AgentTuning paper]
    models
        Show these rows only; names of the papers' models bring those rows in.
    format
        text, markdown or latex.
    """
    from agenttuning.evaluation.overall import only, overall_rows, overall_scores
    from agenttuning.evaluation.published import BASELINES
    from agenttuning.evaluation.score_table import joined, published, read_table
    from agenttuning.tables import aligned, latex, markdown

    given = [*(read_table(path) for path in table or ()), *_evaluations(runs)]
    papers = published()
    shown = joined(given) if given else papers
    if models:
        known = joined([papers, shown])
        shown = only(known, [name for text in models for name in _names(text, known)])
    source, names = (papers, list(BASELINES)) if baselines is None else _baselines(baselines, papers, given)
    result = overall_scores(shown, source, names)
    if json:
        from json import dumps

        print(dumps(result))
        return
    writers = {"text": aligned, "markdown": markdown, "latex": latex}
    print(writers[format](overall_rows(result)))
    comment = "% " if format == "latex" else ""
    print(f"\n{comment}W: the mean of {', '.join(result['baselines'])}")
    for note in result["notes"]:
        print(f"{comment}note: {note}")


def _evaluations(texts: Sequence[str]) -> "list[ScoreTable]":
    from agenttuning.evaluation.score_table import from_runs
    from agenttuning.evaluation.sides import read_sides

    return [from_runs(side.label, side.runs) for side in read_sides(texts)] if texts else []


def _baselines(texts: list[str], papers: "ScoreTable", given: "list[ScoreTable]") -> "tuple[ScoreTable, list[str]]":
    """The rows that W is the mean of, and where they stand; a table's row wins over the papers' of that name."""
    from agenttuning.evaluation.score_table import joined, read_table
    from agenttuning.evaluation.written import is_evaluation

    own = {model: table for table in (papers, *given) for model in table.scores}
    used: list[ScoreTable] = []
    names: list[str] = []
    for text in texts:
        path = Path(text)
        if path.is_file() and not is_evaluation(path):
            tables = [read_table(path)]
        elif path.exists() or "=" in text:
            tables = _evaluations([text])
        else:
            for name in _names(text, joined([papers, *given])):
                used.append(_row(own[name], name))
                names.append(name)
            continue
        used += tables
        names += [model for table in tables for model in table.scores]
    return joined(used), list(dict.fromkeys(names))


def _row(table: "ScoreTable", name: str) -> "ScoreTable":
    from agenttuning.evaluation.overall import only

    return only(table, [name])


def _names(text: str, table: "ScoreTable") -> list[str]:
    """A name, or several with commas between."""
    names = [text] if text in table.scores else [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in table.scores:
            raise BadInput(f"{name!r}: no such file and no such model; there are {', '.join(table.scores)}")
    return names
