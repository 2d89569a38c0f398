"""Agent-H in the report: both sides of tool use before and after, by group, and the faults that occurred.

>>> hallucination_rows(read_run(run))[0].label
'Two-sided score'
"""

from collections.abc import Mapping
from typing import Any

from agenttuning.evaluation.agent_h.labels import GROUP_LABELS, MEASURES
from agenttuning.report.charts import Ends, ForestRow
from agenttuning.report.inputs import SIDES, RunFiles
from agenttuning.report.numbers import score
from agenttuning.report.tables import ScoreRow, compared_row

_DRAWN = ("two_sided", "restraint", "use", "hscore")
_PARTS = {"two_sided": "Two-sided", "restraint": "Restraint", "use": "Use", "hscore": "HScore"}


def _sides(files: RunFiles) -> list[Mapping[str, Any]]:
    return [files.scores.get(side, {}).get("hallucination") or {} for side in SIDES]


def hallucination_rows(files: RunFiles) -> list[ScoreRow]:
    """The measures in percent, those with per-item values paired; the two-sided score first and strong."""
    old, new = _sides(files)
    compared = files.comparison.get("hallucination") or {}
    rows = []
    for name, text in MEASURES.items():
        label = text[0].upper() + text[1:]
        if name in compared:
            rows.append(compared_row(label, "", compared[name]))
        elif name in old or name in new:
            rows.append(_row(label, old.get(name), new.get(name), strong=name == "two_sided"))
    return rows


def group_rows(files: RunFiles) -> list[ScoreRow]:
    """The share of right replies in each quadrant and among the traps."""
    old, new = [side.get("groups") or {} for side in _sides(files)]
    return [
        _row(label[0].upper() + label[1:], old.get(name), new.get(name))
        for name, label in GROUP_LABELS.items()
        if name in old or name in new
    ]


def fault_rows(files: RunFiles) -> list[ScoreRow]:
    """The faults that either model showed, as shares of the items in which they can be."""
    old, new = [side.get("faults") or {} for side in _sides(files)]
    names = [name for name in {**old, **new} if any(side.get(name, {}).get("mean") for side in (old, new))]
    return [_row(name.replace("_", " ").capitalize(), old.get(name), new.get(name)) for name in names]


def hallucination_forest(files: RunFiles) -> list[ForestRow]:
    """The lines of the figure: both sides and their mean, then the groups."""
    old, new = _sides(files)
    rows = [
        ForestRow(_PARTS[name], _ends(old.get(name)), _ends(new.get(name)), strong=name == "two_sided")
        for name in _DRAWN
        if name in old or name in new
    ]
    before, after = (side.get("groups") or {} for side in (old, new))
    for i, name in enumerate(name for name in GROUP_LABELS if name in before or name in after):
        label = GROUP_LABELS[name].replace(" and ", " ")
        rows.append(ForestRow(label, _ends(before.get(name)), _ends(after.get(name)), strong=i == 0))
    return rows


def quadrants(files: RunFiles) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """What is right in each of the four cases, and the shares of right replies before and after: (row, [(what is right,
    before, after)]), tools needed first; empty where they were not asked for."""
    old, new = [side.get("groups") or {} for side in _sides(files)]
    rows = (
        ("Tools are given", (("tools_needed", "the right call"), ("tools_unneeded", "an answer, no call"))),
        ("No tools are given", (("no_tools_needed", "that it cannot"), ("no_tools_unneeded", "an answer, no call"))),
    )
    if not any(name in old or name in new for _, cells in rows for name, _ in cells):
        return []
    return [(label, [(what, score(old.get(n)), score(new.get(n))) for n, what in cells]) for label, cells in rows]


def _row(label: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, *, strong: bool = False) -> ScoreRow:
    counts = dict.fromkeys(str(side["n"]) for side in (old, new) if side)  # of claimed calls, models differ
    return ScoreRow(label, "", ", ".join(counts), score(old), score(new), strong=strong)


def _ends(row: Mapping[str, Any] | None) -> Ends | None:
    return None if row is None else (row["mean"], row["low"], row["high"])
