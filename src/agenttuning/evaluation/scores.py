"""From episodes to scores, and from the scores of two models to what rose, held or fell.

`score_environment` sums up one model's episodes in one environment, `compare` pairs two models task by task,
`compare_scores` does so for a whole evaluation. All results are JSON types, as the files hold them.

>>> before = score_environment(episodes_before, metric="success_rate", held="in")
>>> after = score_environment(episodes_after, metric="success_rate", held="in")
>>> compare(before, after, seed=0)["verdict"]
'rose'
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

from agenttuning.environments.base import LEVELS, Metric
from agenttuning.errors import BadInput
from agenttuning.evaluation.errors import CLASSES, class_values, error_items
from agenttuning.evaluation.published import TASKS, weight
from agenttuning.evaluation.statistics import (
    Interval,
    bootstrap_mean,
    mcnemar,
    paired_bootstrap,
    paired_shares,
    sign_flip,
    weighted_sum,
    wilson,
)
from agenttuning.evaluation.t_eval.pooling import in_both, pool
from agenttuning.trajectory import OUTCOMES, Trajectory

Held = Literal["in", "out"]
Items = Mapping[str, float]
# The general probe's per-item values that are compared, and those where less is better.
GENERAL = ("questions", "instructions", "nll")
LOWER_IS_BETTER = frozenset({"nll"})
HALLUCINATION = ("restraint", "use", "hscore")  # the per-item values of Agent-H that are compared


def summarize(values: Sequence[float], seed: int | str = 0, *, share: bool = True) -> dict[str, Any]:
    """{"n", "mean", "low", "high"}: Wilson's interval where every value is 0 or 1, else the bootstrap's.

    A bootstrap of rewards that are all 0 would claim certainty; Wilson's interval does not. Give `share`
    False for values that have no upper end at 1, such as a perplexity or a divergence.
    """
    if not values:
        raise BadInput("nothing to score: the evaluation has no items; raise its limit")
    binary = share and all(value in (0, 1) for value in values)
    interval = wilson(int(sum(values)), len(values)) if binary else bootstrap_mean(values, seed)
    return {"n": len(values), **interval._asdict()}


def score_environment(
    trajectories: Sequence[Trajectory], *, metric: Metric, held: Held, seed: int = 0, tasks: str = "built-in"
) -> dict[str, Any]:
    """One model's scores in one environment, values in [0, 1]; `tasks` names the file that they come from.

    Every episode counts, those that the environment or the engine broke as unsolved; `outcomes` shows them. A
    task that was tried with several seeds counts once, with its mean; `errors` are classes of the rules of
    `evaluation.errors`. `measures` are the means of what the environment
    measured besides, over all episodes; one that broke off has 0. Raises BadInput for no episodes.
    """
    values: dict[str, list[float]] = {}
    groups: dict[str, tuple[str, str]] = {}
    for trajectory in trajectories:
        value = float(trajectory.solved) if metric == "success_rate" else trajectory.reward
        values.setdefault(trajectory.task.id, []).append(value)
        groups[trajectory.task.id] = (trajectory.task.level, trajectory.task.kind)
    items = {task_id: sum(tries) / len(tries) for task_id, tries in sorted(values.items())}
    by_kind = _by(items, {task_id: kind for task_id, (_, kind) in groups.items()}, seed)
    outcomes = Counter[str](trajectory.outcome for trajectory in trajectories)
    return {
        "held": held,
        "metric": metric,
        "tasks": tasks,
        **summarize(list(items.values()), seed),
        "success_rate": sum(t.solved for t in trajectories) / len(trajectories),
        "outcomes": {outcome: outcomes[outcome] for outcome in OUTCOMES if outcomes[outcome]},
        "measures": _measures(trajectories),
        "mean_turns": sum(len(t.steps) for t in trajectories) / len(trajectories),
        "by_level": _by(items, {task_id: level for task_id, (level, _) in groups.items()}, seed),
        "by_kind": by_kind,
        "mean_over_kinds": fmean(row["mean"] for row in by_kind.values()) if by_kind else None,
        "errors": _errors(trajectories, list(items), seed),
        "items": items,
    }


def _errors(trajectories: Sequence[Trajectory], tasks: Sequence[str], seed: int) -> dict[str, Any]:
    """{"shares": by class, over tasks, "items": by task}: what the rules of `errors` found."""
    items = error_items(trajectories)
    shares = {name: summarize([items.get(i, {}).get(name, 0.0) for i in tasks], seed) for name in CLASSES}
    return {"shares": shares, "items": items}


def _measures(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    measured = [trajectory.meta.get("measures", {}) for trajectory in trajectories]
    names = sorted({name for measures in measured for name in measures})
    return {name: sum(measures.get(name, 0.0) for measures in measured) / len(measured) for name in names}


def _by(items: Items, group_of: Mapping[str, str], seed: int) -> dict[str, dict[str, Any]]:
    """Scores by group: levels in their own order, other names by alphabet; tasks without one are left out."""
    names = sorted(
        {name for name in group_of.values() if name},
        key=lambda name: (LEVELS.index(name) if name in LEVELS else len(LEVELS), name),
    )
    return {name: summarize([items[i] for i in items if group_of[i] == name], seed) for name in names}


def compare(before: Mapping[str, Any], after: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """Two models on the same tasks, paired by the ids of their "items".

    `difference` is after - before with its paired interval; `verdict` is "rose" or "fell" only where that
    interval excludes 0, else "held". Where every value is 0 or 1 the interval is Newcombe's and `p_value`
    McNemar's, else a bootstrap's and a sign-flip test's. Tasks that only one model did are left out. Raises
    BadInput where no task is shared.
    """
    shared = sorted(before["items"].keys() & after["items"].keys())
    if not shared:
        raise BadInput("the two evaluations share no task; evaluate both models on the same tasks and seed")
    old, new = ([float(side["items"][i]) for i in shared] for side in (before, after))
    binary = all(value in (0, 1) for value in (*old, *new))
    difference = paired_shares(old, new) if binary else paired_bootstrap(old, new, seed)
    verdict = "held"
    if difference.excludes_zero:
        verdict = "rose" if difference.mean > 0 else "fell"
    ends = [summarize(values, seed) for values in (old, new)]
    return {
        "n": len(shared),
        "before": ends[0]["mean"],
        "after": ends[1]["mean"],
        "before_interval": [ends[0]["low"], ends[0]["high"]],
        "after_interval": [ends[1]["low"], ends[1]["high"]],
        "difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "p_value": mcnemar(old, new) if binary else sign_flip(old, new, seed),
        "verdict": verdict,
    }


def compare_scores(base: Mapping[str, Any], tuned: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """What `comparison.json` holds, from the two models' `scores.json`.

    "held_in" and "held_out" pool the tasks of their environments, each task with the same weight; a part that
    either evaluation lacks is left out, as is an environment that they played on different tasks or a measure of
    "hallucination" without a shared item. In "general",
    "better" says which direction is an improvement. "tool_use" is there where both used the same items and similarity.
    """
    shared = [name for name, row in base["environments"].items() if _same_tasks(row, tuned["environments"].get(name))]
    pairs = {name: (base["environments"][name], tuned["environments"][name]) for name in shared}
    result: dict[str, Any] = {"environments": {name: compare(*pair, seed) for name, pair in pairs.items()}}
    for held in ("in", "out"):
        names = [name for name in shared if pairs[name][0]["held"] == held]
        if names:
            old, new = ({"items": _pool({n: pairs[n][side]["items"] for n in names})} for side in (0, 1))
            result[f"held_{held}"] = compare(old, new, seed)
    if errors := _compare_errors(
        {name: pair for name, pair in pairs.items() if all("errors" in s for s in pair)}, seed
    ):
        result["errors"] = errors
    before, after = (scores.get("general", {}).get("items", {}) for scores in (base, tuned))
    general = {
        name: compare({"items": before[name]}, {"items": after[name]}, seed)
        | {"better": "lower" if name in LOWER_IS_BETTER else "higher"}
        for name in GENERAL
        if before.get(name) and after.get(name)
    }
    if general:
        result["general"] = general
    before, after = (scores.get("hallucination", {}).get("items", {}) for scores in (base, tuned))
    hallucination = {
        name: compare({"items": before[name]}, {"items": after[name]}, seed)
        for name in HALLUCINATION
        if before.get(name, {}).keys() & after.get(name, {}).keys()
    }
    if hallucination:
        result["hallucination"] = hallucination
    if tool_use := _compare_tool_use(base.get("tool_use"), tuned.get("tool_use"), seed):
        result["tool_use"] = tool_use
    return result


def _same_tasks(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    """Whether two models' rows of an environment can be paired; tasks of another file may have the same ids."""
    defaults = {"metric": None, "tasks": "built-in"}
    return other is not None and all(one.get(k, default) == other.get(k, default) for k, default in defaults.items())


def _compare_errors(pairs: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]], seed: int) -> dict[str, Any]:
    """Each class of errors paired by task, in all environments together ("all") and in each; empty without any."""
    if not pairs:
        return {}
    lower = {"better": "lower"}
    environments = {
        name: {c: compare(*({"items": class_values(side, c)} for side in pair), seed) | lower for c in CLASSES}
        for name, pair in pairs.items()
    }
    pooled = {
        c: [{"items": _pool({name: class_values(pair[side], c) for name, pair in pairs.items()})} for side in (0, 1)]
        for c in CLASSES
    }
    return {"all": {c: compare(*sides, seed) | lower for c, sides in pooled.items()}, "environments": environments}


def _compare_tool_use(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, seed: int) -> dict[str, Any]:
    """T-Eval's overall score and each cell, on the items that both models got; empty where they cannot be paired.

    Scores by another similarity are other numbers, so two evaluations pair only where they used the same.
    """
    if not before or not after or any(before[key] != after[key] for key in ("source", "similarity")):
        return {}
    old, new = in_both(before["items"], after["items"])
    if not old:
        return {}
    cells = {cell: compare({"items": old[cell]}, {"items": new[cell]}, seed) for cell in old}
    return {"overall": compare({"items": pool(old)}, {"items": pool(new)}, seed), "cells": cells}


def held_score(scores: Mapping[str, Any], held: Held) -> dict[str, Any]:
    """The held-in or held-out tasks of a `scores.json` together, each task with the same weight, as `summarize` does.

    Raises BadInput where it has none.
    """
    environments = scores["environments"]
    items = _pool({name: row["items"] for name, row in environments.items() if row["held"] == held})
    return summarize(list(items.values()))


def normalised(scores: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """AgentTuning's overall score of each category that a `scores.json` has tasks of: the mean of score / W.

    A category is {"mean", "low", "high", "tasks", "missing"}, `tasks` with each environment's own ratio. Whatever of
    the six is missing was not played: the mean is then one over fewer tasks. W are the paper's, from the benchmarks'
    own tasks: beside built-in ones the score ranks models among each other, and is no score of the paper.
    """
    result: dict[str, dict[str, Any]] = {}
    for category in ("held-in", "held-out"):
        names = [name for name in TASKS[category] if name in scores["environments"]]
        if not names:
            continue
        rows = [scores["environments"][name] for name in names]
        ratios = [100 / weight(name) for name in names]
        total = weighted_sum([_interval(row) for row in rows], [ratio / len(names) for ratio in ratios])
        result[category] = {
            **total._asdict(),
            "tasks": {name: ratio * row["mean"] for name, ratio, row in zip(names, ratios, rows, strict=True)},
            "missing": [name for name in TASKS[category] if name not in names],
        }
    return result


def _interval(row: Mapping[str, float]) -> Interval:
    return Interval(row["mean"], row["low"], row["high"])


def _pool(environments: Mapping[str, Items]) -> dict[str, float]:
    return {f"{name}/{i}": value for name, items in environments.items() for i, value in items.items()}
