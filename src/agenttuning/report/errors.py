"""What went wrong, by the rules of `evaluation.errors`, before and after: all environments together, then each.

>>> error_rows(read_run(run))[0].label
'Invalid action'
"""

from collections.abc import Mapping
from typing import Any

from agenttuning.report.charts import ForestRow
from agenttuning.report.inputs import RunFiles
from agenttuning.report.numbers import MISSING, number, score
from agenttuning.report.tables import ScoreRow, compared_row, environments, forest_row, sides

LABELS = {
    "invalid_action": "Invalid action",
    "short_repetition": "Short repetition",
    "long_repetition": "Long repetition",
    "refusal": "Refusal",
    "call_error": "Call error",
    "format_error": "Format error",
    "limit": "Limit",
    "wrong_result": "Wrong result",
}
# AgentTuning's figure of the same name, Llama 2 chat and AgentLM, share of trajectories; it prints no rules.
PUBLISHED = {
    "alfworld and webshop": {
        "Invalid action": (0.244, 0.038),
        "Short repetition": (0.394, 0.094),
        "Long repetition": (0.357, 0.027),
        "Refusal": (0.470, 0.0),
    },
    "knowledge_graph": {
        "Invalid action": (0.237, 0.012),
        "Call error": (0.326, 0.078),
        "Repetition": (0.373, 0.012),
    },
}


def error_rows(files: RunFiles) -> list[ScoreRow]:
    """Each class in all environments together, paired by task."""
    compared = (files.comparison.get("errors") or {}).get("all") or {}
    return [compared_row(LABELS[name], "", row) for name, row in compared.items() if name in LABELS]


def error_bars(files: RunFiles) -> list[ForestRow]:
    """The same as lines of the figure."""
    compared = (files.comparison.get("errors") or {}).get("all") or {}
    return [forest_row(LABELS[name], row) for name, row in compared.items() if name in LABELS]


def error_matrix(files: RunFiles) -> tuple[list[str], list[list[str]]] | None:
    """Percent before and after, a row for each environment and a column for each class; None where none was counted."""
    rows = []
    for name in _all(files):
        shares = [_shares(side) for side in sides(files, name)]
        if any(shares):
            rows.append([name, *(" → ".join(_percent(side.get(c)) for side in shares) for c in LABELS)])
    return (["Environment", *LABELS.values()], rows) if rows else None


def error_groups(files: RunFiles) -> list[ScoreRow]:
    """The classes that occurred in each environment, with their intervals."""
    rows = []
    for name in _all(files):
        old, new = (_shares(side) for side in sides(files, name))
        for error, label in LABELS.items():
            known = [side[error] for side in (old, new) if error in side]
            if any(one["mean"] for one in known):
                n = ", ".join(dict.fromkeys(str(one["n"]) for one in known))
                rows.append(ScoreRow(name, label, n, score(old.get(error)), score(new.get(error))))
    return rows


def published_note() -> str:
    """The paper's own numbers in a sentence."""
    parts = []
    for where, classes in PUBLISHED.items():
        changes = (f"{label.lower()} {_percent_of(a)} → {_percent_of(b)}" for label, (a, b) in classes.items())
        parts.append(f"{where}: {', '.join(changes)}")
    return "; ".join(parts)


def _all(files: RunFiles) -> list[str]:
    return [*environments(files, "in"), *environments(files, "out")]


def _shares(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return ((row or {}).get("errors") or {}).get("shares") or {}


def _percent(row: Mapping[str, Any] | None) -> str:
    return MISSING if row is None else _percent_of(row["mean"])


def _percent_of(share: float) -> str:
    return number(100 * share, 0 if share in (0, 1) or share >= 0.1 else 1)
