"""Several models in the terminal: every measure of each, and each of them against the first.

Plain text with aligned columns, of which nothing is cut, however many models there are. "would show" is the least
difference that so many tasks find in four of five comparisons.

>>> print(sides_text(sides, [compare_runs(sides[0].runs, side.runs) for side in sides[1:]]))
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import stdev
from typing import Any

from agenttuning.evaluation.measures import is_share, level, present
from agenttuning.evaluation.sides import Side
from agenttuning.tables import aligned

_WORDS = {"held": "within noise"}
_HEAD = ["measure", "n", "before", "after", "difference [95 %]", "p", "verdict", "would show"]


def sides_text(sides: Sequence[Side], comparisons: Sequence[Mapping[str, Any]]) -> str:
    """The levels of all, then a table for each but the first; `comparisons` are theirs with it."""
    levels = [["score, % [95 %] (n)", *(side.label for side in sides)]]
    for name in present([scores for side in sides for scores in side.runs]):
        levels.append([name, *(_level(name, level(side.runs, name)) for side in sides)])
    parts = ["\n".join([aligned(levels), *_by_run(sides)])]
    for side, comparison in zip(sides[1:], comparisons, strict=True):
        rows = [[name, *cells(row, *_scale(name)), _detectable(name, row)] for name, row in _rows(comparison)]
        lines = [f"{side.label} against {sides[0].label}, %", aligned([_HEAD, *rows]), *remarks(comparison)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _by_run(sides: Sequence[Side]) -> Iterator[str]:
    """How far the runs of a model lie apart."""
    for side in sides:
        for name in ("held-in", "held-out"):
            if means := (level(side.runs, name) or {}).get("by_run"):
                each = ", ".join(f"{100 * mean:.1f}" for mean in means)
                yield f"{side.label}, {name} by run: {each} (standard deviation {100 * stdev(means):.1f})"


def _rows(comparison: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in ("held_in", "held_out"):
        if row := comparison.get(name):
            yield name.replace("_", "-"), row
    for part in ("environments", "general", "hallucination"):
        yield from comparison.get(part, {}).items()
    if tool_use := comparison.get("tool_use"):
        yield "tool-use", tool_use["overall"]
    for name, row in comparison.get("errors", {}).get("all", {}).items():
        if row["before"] or row["after"]:
            yield f"errors: {name.replace('_', ' ')}", row


def cells(row: Mapping[str, Any], scale: float = 100, digits: int = 1) -> tuple[str, ...]:
    """A comparison as n, before, after, difference, p and verdict; both n where tasks are not paired."""
    difference, low, high = (f"{scale * row[key]:+.{digits}f}" for key in ("difference", "low", "high"))
    return (
        str(row["n"]) if row["paired"] else f"{row['n_before']}, {row['n_after']}",
        f"{scale * row['before']:.{digits}f}",
        f"{scale * row['after']:.{digits}f}",
        f"{difference} [{low}, {high}]",
        f"{row['p_adjusted']:.3f}" if row["p_adjusted"] >= 0.001 else "<0.001",
        _WORDS.get(row["verdict"], row["verdict"]),
    )


def remarks(comparison: Mapping[str, Any]) -> list[str]:
    """What a comparison's numbers do not say: what is missing or mixed, and how p is adjusted."""
    notes = [f"note: {note}" for note in comparison.get("notes", ())]
    return [*notes, "p is adjusted for the comparisons of its group (Holm)."]


def _detectable(name: str, row: Mapping[str, Any]) -> str:
    scale, digits = _scale(name)
    return "–" if row["detectable"] is None else f"{scale * row['detectable']:.{digits}f}"


def _scale(name: str) -> tuple[float, int]:
    return (100, 1) if is_share(name) else (1, 3)


def _level(name: str, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    scale, digits = _scale(name)
    mean, low, high = (f"{scale * row[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]" + (f" ({row['n']})" if row["n"] else "")
