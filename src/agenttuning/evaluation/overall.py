"""AgentTuning's overall scores of any models, with weights from any baselines, and Agent-FLAN's.

A task's weight W is the mean of the baselines' scores in it. A category's overall score is the mean of score / W over
its tasks, Agent-FLAN's the plain mean of five scores. What a model lacks is named, and never counts as 0.

>>> round(overall_scores(published(), published(), BASELINES)["models"]["AgentLM-7B"]["held-in"]["mean"], 2)
1.96
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.evaluation.published import PLAIN, TASKS
from agenttuning.evaluation.score_table import CATEGORIES, ScoreTable
from agenttuning.evaluation.statistics import Interval, weighted_sum


def overall_scores(table: ScoreTable, source: ScoreTable, baselines: Sequence[str]) -> dict[str, Any]:
    """{"baselines", "weights", "models", "notes"}, JSON types; `baselines` are rows of `source`.

    Each model has its "scores" by task, and for "held-in", "held-out", "general" and "agent-flan", where it has
    anything of them, {"mean", "low", "high", "tasks", "missing"}; the ends are None where no score of it has an
    interval. W is taken as known: the interval is that of the model's own scores. Raises BadInput for a baseline that
    is not there, and for none.
    """
    if not baselines:
        raise BadInput("no baselines; W is the mean of at least one model's scores")
    if unknown := [name for name in baselines if name not in source.scores]:
        raise BadInput(f"{unknown[0]!r}: no such baseline; there are {', '.join(source.scores)}")
    notes = list(table.notes)
    categories = {**source.category, **table.category}
    weights = _weights(source, baselines, categories, notes)
    models = {}
    for model, row in table.scores.items():
        found: dict[str, Any] = {"scores": {task: _ends(score) for task, score in row.items()}}
        for category in CATEGORIES:
            tasks = [task for task in row if categories.get(task) == category]
            if lost := [task for task in tasks if task not in weights]:
                notes.append(
                    f"{model}: {', '.join(lost)} left out of {category}: no baseline has a score there to divide by"
                )
            counted = {task: weights[task]["w"] for task in tasks if task in weights}
            if counted:
                total = weighted_sum([row[t] for t in counted], [1 / (w * len(counted)) for w in counted.values()])
                ratios = {task: row[task].mean / w for task, w in counted.items()}
                expected = [task for task in weights if categories[task] == category]
                missing = [task for task in expected if task not in counted]
                found[category] = {**_ends(total), "tasks": ratios, "missing": missing}
        if plain := [task for task in PLAIN if task in row]:
            total = weighted_sum([row[task] for task in plain], [1 / len(plain)] * len(plain))
            missing = [task for task in PLAIN if task not in row]
            if {"t_eval", "agent_h"} & set(plain):
                own = {task: row[task].mean for task in plain}
                found["agent-flan"] = {**_ends(total), "tasks": own, "missing": missing}
        models[model] = found
    return {"baselines": list(baselines), "weights": weights, "models": models, "notes": list(dict.fromkeys(notes))}


def _weights(
    source: ScoreTable, baselines: Sequence[str], categories: Mapping[str, str], notes: list[str]
) -> dict[str, dict[str, Any]]:
    """{"w", "over"} of each task, in the papers' order; one that every baseline fails at has no ratio."""
    known = [task for tasks in TASKS.values() for task in tasks]
    own = [task for name in baselines for task in source.scores[name] if task not in known and task in categories]
    weights: dict[str, dict[str, Any]] = {}
    for task in dict.fromkeys((*known, *own)):
        over = [name for name in baselines if task in source.scores[name]]
        if not over:
            continue
        w = fmean(source.scores[name][task].mean for name in over)
        if len(over) < len(baselines):
            lacking = ", ".join(name for name in baselines if name not in over)
            notes.append(f"{task}: W is over {len(over)} of {len(baselines)} baselines; {lacking} has no score there")
        if w > 0:
            weights[task] = {"w": w, "over": over}
        else:
            notes.append(f"{task}: every baseline has 0 there, so W is 0; left out")
    if not weights:
        raise BadInput(f"{', '.join(baselines)}: no task of a category; the overall scores need some")
    return weights


def _ends(score: Interval) -> dict[str, float | None]:
    sure = score.low < score.high
    return {"mean": score.mean, "low": score.low if sure else None, "high": score.high if sure else None}


def overall_rows(result: Mapping[str, Any]) -> list[list[str]]:
    """A table as the papers print it: tasks down, models across, each category's overall score under its tasks."""
    models, weights = result["models"], result["weights"]
    rows = [["task", "W", *models]]
    for category in CATEGORIES:
        ratios = {task for found in models.values() if category in found for task in found[category]["tasks"]}
        for task in (task for task in weights if task in ratios):
            cells = (_cell(found["scores"].get(task), 2 if weights[task]["w"] < 10 else 1) for found in models.values())
            rows.append([task, f"{weights[task]['w']:.2f}", *cells])
        if ratios:
            rows.append([f"{category}, overall", "", *(_total(found.get(category), 2) for found in models.values())])
    if any("agent-flan" in found for found in models.values()):
        for task in ("t_eval", "agent_h"):
            rows.append([task, "", *(_cell(found["scores"].get(task), 1) for found in models.values())])
        rows.append(["Agent-FLAN's overall", "", *(_total(found.get("agent-flan"), 1) for found in models.values())])
    return rows


def _cell(score: Mapping[str, float | None] | None, digits: int) -> str:
    if score is None:
        return "–"
    if score["low"] is None:
        return f"{score['mean']:.{digits}f}"
    return f"{score['mean']:.{digits}f} [{score['low']:.{digits}f}, {score['high']:.{digits}f}]"


def _total(found: Mapping[str, Any] | None, digits: int) -> str:
    if found is None:
        return "–"
    count = len(found["tasks"])
    lacking = f" ({count} of {count + len(found['missing'])})" if found["missing"] else ""
    return _cell(found, digits) + lacking


def only(table: ScoreTable, models: Sequence[str]) -> ScoreTable:
    """The rows of these models, in their order. Raises BadInput for one that is not there."""
    if unknown := [name for name in models if name not in table.scores]:
        raise BadInput(f"{unknown[0]!r}: no such model; there are {', '.join(table.scores)}")
    return replace(table, scores={name: table.scores[name] for name in models})
