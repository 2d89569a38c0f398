"""Two models on the same tasks: what rose, what fell, and what is inside the noise.

Tasks that both did are compared one by one. Where no task is the same the two are compared as independent sets, and a
note says so; where the tasks are not the same thing (built-in ones and a benchmark's, or two versions of one) they are
not compared at all. Several runs of a model, with other seeds, are one side.

>>> compare({"items": {"a": 0.0, "b": 0.0}}, {"items": {"a": 1.0, "b": 0.0}})["verdict"]
'held'
>>> compare_runs([base], [tuned])["held_in"]["verdict"]
'rose'
"""

from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.evaluation.differences import Pairing, pair, words
from agenttuning.evaluation.errors import CLASSES, class_values
from agenttuning.evaluation.measures import HALLUCINATION, LOWER_IS_BETTER, Scores, cells, merged, pooled
from agenttuning.evaluation.power import LEVEL, detectable_mean, detectable_share
from agenttuning.evaluation.scores import summarize
from agenttuning.evaluation.statistics import (
    Interval,
    fisher,
    holm,
    independent_difference,
    mcnemar,
    over_seeds,
    paired_bootstrap,
    paired_shares,
    permutation,
    sign_flip,
    student,
    t_test,
    welch,
    wilson,
)

GENERAL = ("questions", "instructions", "nll")  # the general probe's measures in their order; others follow


def compare(before: Mapping[str, Any], after: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """Two models on the same tasks, paired by the ids of their "items".

    `difference` is after - before with its paired interval; `verdict` is "rose" or "fell" only where that interval
    excludes 0 and p is at most 0.05, else "held": the difference is inside the noise, and `noise` says by what. Where
    every value is 0 or 1 the interval is Newcombe's and `p_value` McNemar's, else a bootstrap's and a sign-flip test's.
    `detectable` is the least difference that so many tasks would have shown. Tasks that only one model did are left
    out. Raises BadInput where no task is shared.
    """
    if not before["items"].keys() & after["items"].keys():
        raise BadInput("the two evaluations share no task; evaluate both models on the same tasks and seed")
    return _judged({"": contrast(pair({"": before["items"]}, {"": after["items"]}), seed)})[""]


def compare_scores(base: Scores, tuned: Scores, seed: int = 0) -> dict[str, Any]:
    """`compare_runs` of one evaluation each: what `comparison.json` holds, from the two models' `scores.json`."""
    return compare_runs([base], [tuned], seed)


def compare_runs(
    before: Sequence[Scores],
    after: Sequence[Scores],
    seed: int = 0,
    *,
    labels: tuple[str, str] = ("before", "after"),
) -> dict[str, Any]:
    """Everything that two models were both measured on, each in one run or in several with other seeds.

    "held_in" and "held_out" pool the tasks of their environments, each task with the same weight. In "general",
    "better" says which direction is an improvement. "tool_use" is there where both used the same items and similarity.
    p-values are adjusted (Holm) within each group of rows: the two totals, the environments, the probe, Agent-H,
    T-Eval's cells. "errors" are the classes of `evaluation.errors`. "notes" says what is missing, mixed or left out,
    one sentence each.
    """
    rows, notes = contrasts(before, after, seed, labels=labels)
    names = [name for scores in before for name in scores["environments"]]
    groups = {
        "totals": ["held-in", "held-out"],
        "environments": list(dict.fromkeys(names)),
        "general": _probe(before),
        "hallucination": HALLUCINATION,
        "tool_use": [name for name in rows if name == "tool-use" or name.startswith("tool-use/")],
    }
    judged = {group: _judged({name: rows[name] for name in names if name in rows}) for group, names in groups.items()}
    result: dict[str, Any] = {"environments": judged["environments"]}
    result |= {name.replace("-", "_"): row for name, row in judged["totals"].items()}
    for name, row in judged["general"].items():
        row["better"] = "lower" if name in LOWER_IS_BETTER else "higher"
    result |= {group: judged[group] for group in ("general", "hallucination") if judged[group]}
    if tool_use := judged["tool_use"]:
        inner = {name.removeprefix("tool-use/"): row for name, row in tool_use.items() if name != "tool-use"}
        result["tool_use"] = {"overall": tool_use["tool-use"], "cells": inner}
    if errors := _errors(before, after, seed, labels):
        result["errors"] = errors
    return result | {"notes": notes}


def _errors(
    before: Sequence[Scores], after: Sequence[Scores], seed: int, labels: tuple[str, str]
) -> dict[str, dict[str, Any]]:
    """The classes of errors on the tasks that are paired: in all environments together ("all") and in each, adjusted
    (Holm) within each of these; empty where none were counted."""
    pairings = words(before, after, labels)[0]
    sides: dict[str, dict[str, Pairing]] = {}
    for name in dict.fromkeys(name for scores in before for name in scores["environments"]):
        runs = [[s["environments"][name] for s in side if name in s["environments"]] for side in (before, after)]
        pairing = pairings.get(name)
        if pairing and pairing.paired and all("errors" in row for side in runs for row in side):
            sides[name] = {c: _class_pairing(pairing, runs, c) for c in CLASSES}
    if not sides:
        return {}
    together = {c: _together({name: found[c] for name, found in sides.items()}) for c in CLASSES}
    return {
        "all": _lower(together, seed),
        "environments": {name: _lower(found, seed) for name, found in sides.items()},
    }


def _class_pairing(pairing: Pairing, runs: Sequence[Sequence[Mapping[str, Any]]], name: str) -> Pairing:
    """The same items as in `pairing`, with the share of their tries that show the class."""
    old, new = (merged([{"": class_values(row, name)} for row in side])[""] for side in runs)
    shared = pairing.before
    return Pairing({i: old[i] for i in shared}, {i: new[i] for i in shared}, True, pairing.n_before, pairing.n_after)


def _together(pairings: Mapping[str, Pairing]) -> Pairing:
    old, new = (
        {f"{name}/{i}": value for name, one in pairings.items() for i, value in getattr(one, side).items()}
        for side in ("before", "after")
    )
    counts = [sum(getattr(one, side) for one in pairings.values()) for side in ("n_before", "n_after")]
    return Pairing(old, new, True, *counts)


def _lower(pairings: Mapping[str, Pairing], seed: int) -> dict[str, dict[str, Any]]:
    judged = _judged({name: contrast(pairing, seed) for name, pairing in pairings.items()})
    return {name: row | {"better": "lower"} for name, row in judged.items()}


def contrasts(
    before: Sequence[Scores],
    after: Sequence[Scores],
    seed: int = 0,
    *,
    labels: tuple[str, str],
    only: Collection[str] = (),
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The `contrast` of each measure that both have, or of those in `only`, and the notes on the two."""
    pairings, notes = words(before, after, labels)
    matched = _matched(before, after, labels)
    rows = {
        name: contrast(
            pairing,
            seed,
            [found[name] for found in matched if name in found],
            ((), ()) if len(matched) > 1 else (_each(before, name), _each(after, name)),
        )
        for name, pairing in pairings.items()
        if not only or name in only
    }
    return rows, notes


def _probe(runs: Sequence[Scores]) -> list[str]:
    names = [name for scores in runs for name in scores.get("general", {}).get("items", {})]
    return list(dict.fromkeys((*GENERAL, *names)))


def _matched(before: Sequence[Scores], after: Sequence[Scores], labels: tuple[str, str]) -> list[dict[str, Pairing]]:
    """The pairings of the runs with the same seed, where there are several runs on both sides."""
    if min(len(before), len(after)) < 2:
        return []
    pairs = [(one, other) for one in before for other in after if one.get("seed") == other.get("seed")]
    return [words([one], [other], labels)[0] for one, other in pairs]


def _each(side: Sequence[Scores], name: str) -> list[float]:
    """Each run's own value."""
    return [fmean(pooled(found).values()) for scores in side if (found := cells(scores, name))]


def contrast(
    pairing: Pairing,
    seed: int = 0,
    by_seed: Sequence[Pairing] = (),
    runs: tuple[Sequence[float], Sequence[float]] = ((), ()),
) -> dict[str, Any]:
    """The difference of the two sides of a pairing, without a verdict yet.

    `by_seed` are the pairings of the runs with one seed each, `runs` the values of each side's runs where seeds cannot
    be paired: with two of either the interval is the wider of that over the items and that over the seeds.
    """
    old, new = list(pairing.before.values()), list(pairing.after.values())
    binary = all(value in (0, 1) for value in (*old, *new))
    ends = [summarize(values, seed) for values in (old, new)]
    if pairing.paired:
        difference = paired_shares(old, new) if binary else paired_bootstrap(old, new, seed)
        p_value = mcnemar(old, new) if binary else sign_flip(old, new, seed)
    else:
        difference = independent_difference(*(Interval(end["mean"], end["low"], end["high"]) for end in ends))
        p_value = fisher(old, new) if binary else permutation(old, new, seed)
    row = {
        "n": min(len(old), len(new)),
        "n_before": pairing.n_before,
        "n_after": pairing.n_after,
        "paired": pairing.paired,
        "before": ends[0]["mean"],
        "after": ends[1]["mean"],
        "before_interval": [ends[0]["low"], ends[0]["high"]],
        "after_interval": [ends[1]["low"], ends[1]["high"]],
    }
    seeds = {}
    if len(by_seed) > 1:
        each = [fmean(one.after.values()) - fmean(one.before.values()) for one in by_seed]
        difference, p_value = over_seeds(difference, student(each)), max(p_value, t_test(each))
        seeds = {"seeds": {"n": len(each), "paired": True, "differences": each, "deviation": stdev(each)}}
    elif min(map(len, runs)) > 1:
        difference = over_seeds(difference, welch(*runs))
        seeds = {"seeds": {"n": min(map(len, runs)), "paired": False, "before": [*runs[0]], "after": [*runs[1]]}}
    return row | {
        "difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "p_value": p_value,
        "detectable": _detectable(pairing, binary),
        **seeds,
    }


def _detectable(pairing: Pairing, binary: bool) -> float | None:
    """By how often the two disagree, or by how much their values spread; None where that cannot be told."""
    old, new = list(pairing.before.values()), list(pairing.after.values())
    if pairing.paired and binary:
        changed = sum(a != b for a, b in zip(old, new, strict=True))
        # Where nothing changed, as often as it could have without being seen.
        return detectable_share(len(old), changed / len(old) or wilson(0, len(old)).high)
    if min(len(old), len(new)) < 2:
        return None
    if pairing.paired:
        error = stdev(b - a for a, b in zip(old, new, strict=True)) / sqrt(len(old))
    else:
        error = sqrt(sum(stdev(values) ** 2 / len(values) for values in (old, new)))
    return detectable_mean(error) or None


def _judged(rows: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows of one table with `p_adjusted`, `verdict` and, where that is "held", `noise`: by what."""
    adjusted = holm({name: row["p_value"] for name, row in rows.items()})
    out = {}
    for name, row in rows.items():
        noise = None
        if row["low"] <= 0 <= row["high"]:
            noise = "the interval of the difference holds 0"
        elif row["p_value"] > LEVEL:
            noise = f"p is above {LEVEL}"
        elif adjusted[name] > LEVEL:
            noise = f"p is above {LEVEL} once it is adjusted for {len(rows)} comparisons"
        verdict = "held" if noise else "rose" if row["difference"] > 0 else "fell"
        out[name] = row | {"p_adjusted": adjusted[name], "verdict": verdict, "noise": noise}
    return out
