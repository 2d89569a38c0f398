"""What can be asked of an evaluation by name: `held-in`, `general`, `restraint`, `alfworld` …, item by item.

A measure has cells of items: most have one, the general score and T-Eval's have several that count alike however many
items each has. Several runs of one model (other seeds) are one set of items: what a task got in several of them is its
mean, so tasks stay the unit of the statistics.

>>> level([scores], "held-in")
{'n': 80, 'mean': 0.56, 'low': 0.45, 'high': 0.66}
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from statistics import fmean
from typing import Any

from agenttuning.evaluation.scores import summarize
from agenttuning.evaluation.statistics import Interval, over_seeds, student
from agenttuning.evaluation.t_eval.pooling import Cells, pool

Scores = Mapping[str, Any]
Items = Mapping[str, float]
# Of the general probe: items that are no shares of right answers stay out of the general score.
NOT_RIGHT_OR_WRONG = frozenset({"nll", "kl"})
LOWER_IS_BETTER = frozenset({"nll", "kl", "perplexity", "divergence"})
HALLUCINATION = ("restraint", "use", "hscore")
# Measures without items: where they stand in scores.json.
WHOLE: Mapping[str, tuple[str, str]] = {
    "perplexity": ("general", "perplexity"),
    "divergence": ("general", "divergence"),
    "two-sided": ("hallucination", "two_sided"),
    "held-in/W": ("normalised", "held-in"),
    "held-out/W": ("normalised", "held-out"),
}
FIXED = ("held-in", "held-out", "general", "questions", "instructions", "nll", *HALLUCINATION, "tool-use", *WHOLE)


def cells(scores: Scores, name: str) -> Cells:
    """The items of a measure by cell; empty where the evaluation has none. Values are shares, `nll` nats a token."""
    if name in ("held-in", "held-out"):
        held = name.removeprefix("held-")
        rows = {key: row for key, row in scores["environments"].items() if row["held"] == held}
        return _one({f"{key}/{i}": value for key, row in rows.items() for i, value in row["items"].items()})
    if name in scores["environments"]:
        return _one(scores["environments"][name]["items"])
    general = scores.get("general", {}).get("items", {})
    if name == "general":
        return {key: items for key, items in general.items() if items and key not in NOT_RIGHT_OR_WRONG}
    if name in general:
        return _one(general[name])
    if name in HALLUCINATION:
        return _one(scores.get("hallucination", {}).get("items", {}).get(name, {}))
    return scores.get("tool_use", {}).get("items", {}) if name == "tool-use" else {}


def _one(items: Items) -> Cells:
    return {"": items} if items else {}


def merged(runs: Sequence[Cells]) -> Cells:
    """The cells of several runs as one: each item has its mean over the runs that have it."""
    if len(runs) == 1:
        return runs[0]
    values: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        for cell, items in run.items():
            for item, value in items.items():
                values.setdefault(cell, {}).setdefault(item, []).append(value)
    return {cell: {item: fmean(of) for item, of in items.items()} for cell, items in values.items()}


def pooled(found: Cells) -> Items:
    """One value an item; their mean is the measure."""
    return next(iter(found.values())) if len(found) == 1 else pool(found) if found else {}


def level(runs: Sequence[Scores], name: str, seed: int = 0) -> dict[str, Any] | None:
    """{"n", "mean", "low", "high"} of a model in its runs, None where none of them has it.

    With several runs the interval is the wider of that over the items and Student's over the runs, and "by_run" holds
    each run's own value; of a measure without items the former is the mean of the runs' own intervals.
    """
    found = [one for scores in runs if (one := cells(scores, name))]
    if not found:
        rows = [row for scores in runs if (row := _whole(scores, name))]
        if len(rows) < 2:
            return _ends(rows[0]) if rows else None
        means = [row["mean"] for row in rows]
        within = Interval(*(fmean(row[key] for row in rows) for key in ("mean", "low", "high")))
        whole = over_seeds(within, student(means), _limits(name))
        return {"n": sum(row.get("n", 0) for row in rows), **whole._asdict(), "by_run": means}
    share = name not in LOWER_IS_BETTER
    row = summarize(list(pooled(merged(found)).values()), seed, share=share)
    if len(found) == 1:
        return row
    means = [fmean(pooled(one).values()) for one in found]
    whole = over_seeds(Interval(row["mean"], row["low"], row["high"]), student(means), _limits(name))
    return {"n": row["n"], **whole._asdict(), "by_run": means}


def _limits(name: str) -> tuple[float, float]:
    """Between which values a measure lies."""
    return (0.0, inf if name in LOWER_IS_BETTER or name.endswith("/W") else 1.0)


def _whole(scores: Scores, name: str) -> Mapping[str, Any] | None:
    """The score of a measure without items."""
    part, key = WHOLE.get(name, ("general", name))
    row = scores.get(part, {}).get(key)
    return row if has_ends(row) else None


def has_ends(row: Any) -> bool:
    """Whether something of a `scores.json` is a score with its interval."""
    return isinstance(row, dict) and {"mean", "low", "high"} <= row.keys()


def _ends(row: Mapping[str, Any]) -> dict[str, Any]:
    ends = {key: row[key] for key in ("mean", "low", "high")}
    return {"n": row["n"], **ends} if "n" in row else {"n": None, **ends}


def present(runs: Sequence[Scores]) -> Iterator[str]:
    """The measures that any of the runs has, in the order of a table."""
    names = {name for scores in runs for name in scores["environments"]}
    held = {name: row["held"] for scores in runs for name, row in scores["environments"].items()}
    listed: list[str] = []
    for side in ("in", "out"):
        listed += (f"held-{side}", *sorted(n for n in names if held[n] == side), f"held-{side}/W")
    general = dict.fromkeys(name for scores in runs for name in scores.get("general", {}).get("items", {}))
    listed += ("general", *(name for name in general if name not in NOT_RIGHT_OR_WRONG))
    for name in (*listed, "perplexity", "divergence", "two-sided", *HALLUCINATION, "tool-use"):
        if any(cells(scores, name) or _whole(scores, name) for scores in runs):
            yield name
