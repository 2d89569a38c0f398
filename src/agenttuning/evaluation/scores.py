"""From episodes to scores, and from the scores of the environments to AgentTuning's.

`score_environment` sums up one model's episodes in one environment, `normalised` weighs a category's environments
against each other. All results are JSON types, as the files hold them.

>>> score_environment(episodes, metric="success_rate", held="in")["mean"]
0.56
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from statistics import fmean
from typing import Any, Literal

from agenttuning.environments.base import LEVELS, Metric
from agenttuning.errors import BadInput
from agenttuning.evaluation.errors import CLASSES, error_items
from agenttuning.evaluation.published import TASKS, weight
from agenttuning.evaluation.statistics import Interval, bootstrap_mean, weighted_sum, wilson
from agenttuning.trajectory import OUTCOMES, Trajectory

Held = Literal["in", "out"]
Items = Mapping[str, float]


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
    task that was tried with several seeds counts once, with its mean. `errors` are the classes of
    `evaluation.errors`. `measures` are the means of what the environment measured besides, over all episodes; one that
    broke off has 0. `asked` has a digest of what each task told the agent: two versions of an environment differ there.
    Raises BadInput for no episodes.
    """
    values: dict[str, list[float]] = {}
    groups: dict[str, tuple[str, str]] = {}
    asked: dict[str, str] = {}
    for trajectory in trajectories:
        value = float(trajectory.solved) if metric == "success_rate" else trajectory.reward
        values.setdefault(trajectory.task.id, []).append(value)
        groups[trajectory.task.id] = (trajectory.task.level, trajectory.task.kind)
        asked[trajectory.task.id] = _digest(trajectory)
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
        "asked": {task_id: asked[task_id] for task_id in items},
    }


def _errors(trajectories: Sequence[Trajectory], tasks: Sequence[str], seed: int) -> dict[str, Any]:
    """{"shares": by class, over tasks, "items": by task}: what the rules of `errors` found."""
    items = error_items(trajectories)
    shares = {name: summarize([items.get(i, {}).get(name, 0.0) for i in tasks], seed) for name in CLASSES}
    return {"shares": shares, "items": items}


def _digest(trajectory: Trajectory) -> str:
    """Of the goal, the rules and the tools; not of the opening, which may hold a date."""
    tools = [[tool.name, tool.description, tool.parameters] for tool in trajectory.tools]
    text = json.dumps([trajectory.task.goal, trajectory.instructions, tools], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:8]


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
    for category in TASKS:
        played = scores.get("general", {}) if category == "general" else scores["environments"]
        names = [name for name in TASKS[category] if name in played]
        if not names:
            continue
        rows = [played[name] for name in names]
        # Scores are shares and W is in percent; MT-Bench's are both from 1 to 10.
        ratios = [(1 if name == "mt_bench" else 100) / weight(name) for name in names]
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
