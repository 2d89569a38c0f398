"""The report's tables of contamination: verdicts by evaluation set, and shares by train source and set.

>>> verdict_table(read_run(run))[1][0]
['database', '50', '42', '6', '2', '11.7', '50', '0', '46.0']
"""

from collections.abc import Mapping
from typing import Any

from agenttuning.report.inputs import RunFiles
from agenttuning.report.numbers import MISSING, count, number

Table = tuple[list[str], list[list[str]]]
_ALL = "all"  # the sources taken as one


def verdict_table(files: RunFiles) -> Table | None:
    """A row for each evaluation set, None where nothing was looked for."""
    if files.contamination is None:
        return None
    columns = ["Evaluation set", "Items", "Clean", "In between", "Dirty", "Not judged", "Rate, %"]
    columns += ["With templates: in between", "Dirty", "Rate, %"]
    rows = []
    for row in _rows(files, _ALL):
        whole = row["with_templates"]
        counts = [row[key] for key in ("items", "clean", "between", "dirty", "unknown")]
        more = [count(whole["between"]), count(whole["dirty"]), _rate(whole)]
        rows.append([str(row["set"]), *map(count, counts), _rate(row), *more])
    return columns, rows


def source_table(files: RunFiles) -> Table | None:
    """A row for each train source with its rate of each evaluation set, without and with templates; sets and sources
    that share nothing are left out."""
    if files.contamination is None:
        return None
    shared = [row for row in files.contamination["table"] if row["rate"] or row["with_templates"]["rate"]]
    sources = [name for name in dict.fromkeys(row["source"] for row in shared) if name != _ALL]
    sets = list(dict.fromkeys(row["set"] for row in shared))
    if not sources:
        return None
    cells = {(row["source"], row["set"]): f"{_rate(row)} ({_rate(row['with_templates'])})" for row in shared}
    rows = [[str(source), *(cells.get((source, name), MISSING) for name in sets)] for source in sources]
    return ["Train source", *map(str, sets)], rows


def contamination_note(files: RunFiles) -> str:
    """What counts as a match, and what became of dirty rows."""
    result = files.contamination or {}
    rules, limits = result.get("rules", {}), result.get("thresholds", {})
    text = (
        f"A match has {rules.get('n')} equal words, between which at most {rules.get('mismatches')} differ. An item is "
        f"clean below {_percent(limits.get('clean'))} of its own words, dirty from {_percent(limits.get('dirty'))} on."
    )
    if result.get("drop") == "dirty":
        left = sum(row["dirty"] for row in result["left"] if row["source"] == _ALL)
        text += (
            f" {count(result['dropped'])} dirty rows were dropped before training; then {count(left)} items are dirty."
        )
    return text


def _rows(files: RunFiles, source: str) -> list[Mapping[str, Any]]:
    return [row for row in (files.contamination or {})["table"] if row["source"] == source]


def _rate(side: Mapping[str, Any]) -> str:
    return number(100 * side["rate"])


def _percent(value: Any) -> str:
    return f"{number(100 * value, 0)} %" if isinstance(value, int | float) else MISSING
