"""Train source by evaluation set: how many items are clean, in between and dirty, without the templates and with them.

>>> print(contamination_table(read_json(Path("decontaminated/contamination.json"))["table"]))
train source    evaluation set  items  clean  in between  dirty    rate  with templates: in between  dirty    rate
agent/database  database           50     47           2      1   4.1 %                          50      0  48.9 %
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agenttuning.corpus.contamination.index import Index
from agenttuning.corpus.contamination.tally import Rates, Tally, rates
from agenttuning.tables import aligned

if TYPE_CHECKING:
    import numpy as np

ALL = "all"
COUNTS = ("clean", "between", "dirty")


def verdict(rate: float, clean: float, dirty: float) -> str:
    """``clean``, ``between`` or ``dirty``; ``unknown`` for a rate that is not a number."""
    if rate != rate:
        return "unknown"
    return "clean" if rate < clean else "dirty" if rate >= dirty else "between"


def by_source(index: Index, tally: Tally, clean: float, dirty: float) -> list[dict[str, Any]]:
    """A row for each source and set, and for all sources as one; rates are means over the items."""
    import numpy as np

    sets = {name: np.array([set == name for set in index.sets]) for name in dict.fromkeys(index.sets)}
    found = {name: rates(index, tally.of(name)) for name in sorted(tally.sources)}
    found[ALL] = rates(index, tally.all())
    return [
        {"source": source, "set": name, **_row(rated, chosen, clean, dirty)}
        for source, rated in found.items()
        for name, chosen in sets.items()
    ]


def _row(rated: Rates, chosen: "np.ndarray", clean: float, dirty: float) -> dict[str, Any]:
    own, whole = rated.own[chosen], rated.with_templates[chosen]
    return {"items": int(chosen.sum()), **_side(own, clean, dirty), "with_templates": _side(whole, clean, dirty)}


def _side(values: "np.ndarray", clean: float, dirty: float) -> dict[str, Any]:
    known = values[values == values]
    kinds = [verdict(value, clean, dirty) for value in known.tolist()]
    counts = {kind: kinds.count(kind) for kind in COUNTS}
    return {**counts, "unknown": len(values) - len(known), "rate": round(float(known.mean()), 4) if len(known) else 0.0}


def contamination_lines(counts: Mapping[str, Any]) -> list[str]:
    """The counts of a finished stage to read: the table, and what could not be judged or read."""
    lines = contamination_table(counts["table"]).splitlines()
    for name, number in counts["too_short"].items():
        lines.append(f"{name}: {number} items of fewer than {counts['shortest']} words cannot be looked for")
    templates = {row["set"]: row["unknown"] for row in counts["table"] if row["source"] == ALL}
    for name, number in templates.items():
        if number := number - counts["too_short"].get(name, 0):
            lines.append(f"{name}: {number} items have no words of their own, only what others of the set have too")
    for name, ids in counts["repeated_ids"].items():
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        lines.append(f"{name}: ids come twice, all items are kept: {ids[0]}{more}")
    for name, number in counts["goal_only"].items():
        lines.append(f"{name}: {number} tasks did not begin; their goals were looked for alone")
    for what in ("unreadable_items", "unreadable_rows"):
        for reason, number in counts[what]["counts"].items():
            example = counts[what]["examples"][reason]
            lines.append(f"{number} {what.replace('_', ' ')} left out, {reason}: {example}")
    if counts["dropped"]:
        left = sum(row["dirty"] for row in counts["left"] if row["source"] == ALL)
        lines.append(f"{counts['dropped']} dirty rows dropped; dirty items left: {left}")
    return lines


def contamination_table(table: Sequence[Mapping[str, Any]]) -> str:
    """The rows to read: sources that touch a set, and what all of them do to it."""
    head = ["train source", "evaluation set", "items", "clean", "in between", "dirty", "rate"]
    rows = [[*head, "with templates: in between", "dirty", "rate"]]
    for row in table:
        own, whole = row, row["with_templates"]
        if row["source"] != ALL and not own["rate"] and not whole["rate"]:
            continue
        cells = [own["clean"], own["between"], own["dirty"], _percent(own)]
        cells += [whole["between"], whole["dirty"], _percent(whole)]
        rows.append([row["source"], row["set"], str(row["items"]), *map(str, cells)])
    return aligned(rows)


def _percent(side: Mapping[str, Any]) -> str:
    return f"{100 * side['rate']:.1f}%"
