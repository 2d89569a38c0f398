"""The papers' scores beside the run's, and the normalised score of each category.

>>> paper_table(read_run(run)).columns
['Task', 'GPT-3.5', 'GPT-4', 'Llama 2 7B chat', ...]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from agenttuning.evaluation.published import FLAN, FLAN_OVERALL, MODELS, PLAIN, TASKS, overall
from agenttuning.report.cautions import BUILT_IN
from agenttuning.report.inputs import SIDES, RunFiles
from agenttuning.report.numbers import MISSING, ends, number

_ENVIRONMENTS = ("held-in", "held-out")
_PLAIN_LABELS = {"t_eval": "T-Eval", "agent_h": "Agent-H, HScore"}


@dataclass(frozen=True, slots=True)
class PaperTable:
    """`rows` are (label, cells, whether it is a category's overall score); `official` says of which tasks this run has
    the benchmark's own files, `strange` of which it has not."""

    columns: list[str]
    rows: list[tuple[str, list[str], bool]]
    official: list[str]
    strange: list[str]


def paper_table(files: RunFiles) -> PaperTable | None:
    """The published rows of the tasks that this run measured; None where it measured none of them."""
    sides = [files.scores.get(side) for side in SIDES]
    ours = [scores["environments"] if scores else {} for scores in sides]
    rows: list[tuple[str, list[str], bool]] = []
    official, strange = [], []
    for category in _ENVIRONMENTS:
        names = [name for name in TASKS[category] if any(name in side for side in ours)]
        for name in names:
            found = [side.get(name) for side in ours]
            own = any(row.get("tasks", BUILT_IN) == BUILT_IN for row in found if row)
            (strange if own else official).append(name)
            means = [MISSING if row is None else number(100 * row["mean"]) for row in found]
            paper = [_printed(TASKS[category][name][m]) for m in MODELS]
            rows.append((f"{name} †" if own else name, [*paper, *means], False))
        if names:
            paper = [number(overall({t: row[m] for t, row in TASKS[category].items()}), 2) for m in MODELS]
            totals = [((side or {}).get("normalised") or {}).get(category) for side in sides]
            marks = "†" * any(name in strange for name in names) + "‡" * any(one and one["missing"] for one in totals)
            means = [MISSING if one is None else number(one["mean"], 2) for one in totals]
            rows.append((f"{category}, normalised {marks}".strip(), [*paper, *means], True))
    models = [m.replace("-2-", " 2 ").replace("-chat", " chat") for m in MODELS]
    return PaperTable(["Task", *models, "Start model", "Tuned"], rows, official, strange) if rows else None


def flan_table(files: RunFiles) -> PaperTable | None:
    """Agent-FLAN's published row, and its authors' AgentTuning, in the tasks that this run measured; with all five the
    plain mean that is their overall score."""
    sides = [_plain_scores(files, side) for side in SIDES]
    names = [name for name in PLAIN if any(name in side for side in sides)]
    if not names:
        return None
    strange = [name for name in names if any(side[name][1] for side in sides if name in side)]
    rows = [
        (
            f"{_PLAIN_LABELS.get(name, name)}{' †' * (name in strange)}",
            [*(_printed(row[name]) for row in FLAN.values()), *(_first(side.get(name)) for side in sides)],
            False,
        )
        for name in names
    ]
    if len(names) == len(PLAIN):
        means = [fmean(value for value, _ in side.values()) if len(side) == len(PLAIN) else None for side in sides]
        paper = [number(FLAN_OVERALL[model]) for model in FLAN]
        ours = [MISSING if mean is None else number(mean) for mean in means]
        rows.append((f"mean of the five{' †' * bool(strange)}", [*paper, *ours], True))
    official = [name for name in names if name not in strange]
    return PaperTable(["Task", *FLAN, "Start model", "Tuned"], rows, official, strange)


def _plain_scores(files: RunFiles, side: str) -> dict[str, tuple[float, bool]]:
    """One model's score in percent in each of the five, and whether its tasks are not the benchmark's own."""
    scores = files.scores.get(side, {})
    rows = {n: row for n, row in scores.get("environments", {}).items() if n in PLAIN}
    found = {n: (100 * row["mean"], row.get("tasks", BUILT_IN) == BUILT_IN) for n, row in rows.items()}
    if tool_use := scores.get("tool_use"):
        found["t_eval"] = (100 * tool_use["overall"]["mean"], not tool_use.get("published"))
    if hscore := (scores.get("hallucination") or {}).get("hscore"):
        settings = next((m.get("settings") for m in files.manifests if m["folder"] == f"evaluation/{side}"), None)
        found["agent_h"] = (100 * hscore["mean"], not (settings or {}).get("hallucination_data"))
    return found


def _first(found: tuple[float, bool] | None) -> str:
    return MISSING if found is None else number(found[0])


def _printed(value: float) -> str:
    return number(value, 2 if round(value, 1) != value else 1)


def normalised_rows(files: RunFiles) -> list[tuple[str, str, str, str]]:
    """(category, tasks that it is over, before, after) where a model has one; two models' scores stand in one row only
    where they are over the same tasks."""
    rows = []
    for category in _ENVIRONMENTS:
        old, new = ((files.scores.get(side, {}).get("normalised") or {}).get(category) for side in SIDES)
        if old and new and old["missing"] == new["missing"]:
            rows.append((category, _over(old), _total(old), _total(new)))
        else:
            rows += [(category, _over(old), _total(old), MISSING)] if old else []
            rows += [(category, _over(new), MISSING, _total(new))] if new else []
    return rows


def _over(total: Mapping[str, Any]) -> str:
    played, missing = len(total["tasks"]), len(total["missing"])
    return f"{played} of {played + missing}: {', '.join(total['tasks'])}" if missing else f"all {played}"


def _total(total: Mapping[str, Any]) -> str:
    return f"{number(total['mean'], 2)} {ends(total['low'], total['high'], 1, 2)}"
