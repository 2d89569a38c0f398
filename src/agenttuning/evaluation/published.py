"""What the two papers published, and their ways to one score from many tasks.

AgentTuning's are the scores of table 4 (arXiv 2310.12823), Agent-FLAN's those of table 1 (arXiv 2403.12881).

Tasks differ in how hard they are, so each score is divided by the mean W of five models' scores in that task, and a
category's score is the mean of these ratios. From the table below this gives all 24 overall scores of the paper.
Agent-FLAN's overall score is the plain mean of five held-out scores in percent.

>>> round(weight("hotpotqa"), 2)
34.96
>>> round(overall({task: row["AgentLM-7B"] for task, row in TASKS["held-out"].items()}), 2)
0.67
"""

from collections.abc import Mapping
from statistics import fmean

MODELS = (
    "GPT-3.5", "GPT-4", "Llama-2-7B-chat", "Llama-2-13B-chat", "Llama-2-70B-chat",
    "AgentLM-7B", "AgentLM-13B", "AgentLM-70B",
)  # fmt: skip
BASELINES = MODELS[:5]  # whose mean is W


def _row(*scores: float) -> dict[str, float]:
    return dict(zip(MODELS, scores, strict=True))


# Percent; MT-Bench from 1 to 10. Environments have our names.
TASKS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "held-in": {
        "alfworld": _row(14.0, 78.0, 2.0, 2.0, 6.0, 84.0, 76.0, 86.0),
        "webshop": _row(67.2, 58.6, 4.4, 7.2, 1.5, 63.6, 70.8, 64.9),
        "mind2web": _row(15.7, 22.6, 3.7, 2.3, 0.2, 6.4, 8.4, 13.5),
        "knowledge_graph": _row(27.2, 52.1, 0.0, 0.0, 0.0, 18.1, 26.8, 47.0),
        "operating_system": _row(32.6, 36.8, 8.3, 9.0, 9.0, 17.4, 18.1, 21.5),
        "database": _row(15.0, 33.7, 0.3, 1.3, 9.3, 30.6, 33.7, 37.7),
    },
    "held-out": {
        "scienceworld": _row(21.2, 36.4, 5.9, 6.4, 7.9, 13.7, 18.0, 20.8),
        "miniwob": _row(66.7, 69.4, 0.0, 19.6, 0.7, 28.9, 31.1, 60.7),
        "webarena": _row(4.56, 6.28, 1.23, 1.11, 0.62, 0.74, 1.60, 3.81),
        "hotpotqa": _row(37.4, 52.1, 22.6, 25.2, 37.5, 22.3, 29.6, 41.6),
        "rewoo": _row(71.0, 79.7, 48.3, 48.7, 55.1, 50.9, 55.7, 66.0),
        "card_game": _row(24.5, 50.0, 0.0, 0.0, 5.0, 7.0, 2.5, 23.5),
    },
    "general": {
        "mmlu": _row(70.0, 86.4, 48.0, 54.3, 62.1, 48.7, 53.6, 59.5),
        "humaneval": _row(48.1, 67.0, 13.9, 18.4, 30.8, 15.4, 14.8, 28.7),
        "gsm8k": _row(57.1, 87.1, 27.7, 37.5, 54.7, 24.6, 32.4, 59.7),
        "mt_bench": _row(7.94, 8.99, 6.26, 6.65, 6.85, 6.11, 6.57, 7.26),
    },
}  # fmt: skip

# What Agent-FLAN's overall score is the mean of; T-Eval and Agent-H (its HScore) in percent.
PLAIN = ("hotpotqa", "scienceworld", "webarena", "t_eval", "agent_h")
# Its rows that are known in all five; the AgentTuning there is the authors' own, on the same data as Agent-FLAN.
FLAN: Mapping[str, Mapping[str, float]] = {
    "Agent-FLAN-7B": dict(zip(PLAIN, (28.5, 20.0, 4.68, 66.0, 89.1), strict=True)),
    "AgentTuning-7B (Agent-FLAN's)": dict(zip(PLAIN, (25.4, 16.8, 2.71, 61.8, 84.5), strict=True)),
}
FLAN_OVERALL: Mapping[str, float] = {
    "GPT-3.5": 47.8,
    "GPT-4": 55.1,
    "Llama-2-7B-chat": 27.2,
    "FireAct-7B": 16.6,
    "AgentLM-7B": 31.7,
    "AgentTuning-7B (Agent-FLAN's)": 38.2,
    "Agent-FLAN-7B": 41.7,
}


def weight(task: str) -> float:
    """W of a task, in its own unit. Raises KeyError for one that the paper does not have."""
    row = next(tasks[task] for tasks in TASKS.values() if task in tasks)
    return fmean(row[model] for model in BASELINES)


def overall(scores: Mapping[str, float]) -> float:
    """The score of a category from those of its tasks, in the unit of the table; 1 is as good as the five baselines."""
    return fmean(score / weight(task) for task, score in scores.items())
