"""Several evaluations along one setting: agent score against general ability, and which of them are on the front.

>>> point(0.5, read_json(Path("sweep/alpha-0.5/scores.json")))["agent"]["mean"]
0.41
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agenttuning.evaluation.scores import held_score

# The measures of the general probe that the agent score is set against, and whether more of it is better.
AGAINST = {"questions": True, "perplexity": False}
SHOWN = (*AGAINST, "instructions", "divergence")


def point(value: float, scores: Mapping[str, Any]) -> dict[str, Any]:
    """One setting's numbers, {n, mean, low, high} each: the held-in tasks together, all by environment, the probe."""
    return {
        "value": value,
        "agent": held_score(scores, "in"),
        "environments": {name: _ends(row) for name, row in scores["environments"].items()},
        "general": {name: _ends(row) for name in SHOWN if (row := scores.get("general", {}).get(name))},
    }


def on_front(points: Sequence[Mapping[str, Any]], measure: str) -> list[bool]:
    """For each point whether no other is at least as good in both the agent score and `measure` and better in one."""
    sign = 1 if AGAINST[measure] else -1
    pairs = [(point["agent"]["mean"], sign * point["general"][measure]["mean"]) for point in points]
    return [not any(other != mine and other[0] >= mine[0] and other[1] >= mine[1] for other in pairs) for mine in pairs]


def _ends(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("n", "mean", "low", "high")}
