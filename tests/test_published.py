"""The paper's table gives the paper's overall scores."""

import pytest

from agenttuning.evaluation.published import MODELS, TASKS, overall, weight
from agenttuning.evaluation.scores import normalised
from agenttuning.evaluation.statistics import Interval, weighted_sum, wilson

# Table 4's overall rows, for the models in their order.
OVERALL = {
    "held-in": (1.59, 2.75, 0.19, 0.20, 0.27, 1.96, 2.11, 2.55),
    "held-out": (1.49, 2.13, 0.38, 0.49, 0.51, 0.67, 0.78, 1.40),
    "general": (1.15, 1.53, 0.63, 0.74, 0.95, 0.62, 0.69, 0.96),
}
WEIGHTS = {
    "alfworld": 20.40, "webshop": 27.78, "mind2web": 8.90, "knowledge_graph": 15.86, "operating_system": 19.14,
    "database": 11.92, "scienceworld": 15.56, "miniwob": 31.28, "webarena": 2.76, "hotpotqa": 34.96, "rewoo": 60.56,
    "card_game": 15.90, "mmlu": 64.16, "humaneval": 35.64, "gsm8k": 52.82, "mt_bench": 7.34,
}  # fmt: skip


@pytest.mark.parametrize("category", OVERALL)
def test_all_published_overall_scores(category):
    for model, expected in zip(MODELS, OVERALL[category], strict=True):
        found = overall({task: row[model] for task, row in TASKS[category].items()})
        assert found == pytest.approx(expected, abs=0.00501), (category, model)


def test_the_weights_are_the_published_ones():
    assert {task: round(weight(task), 2) for tasks in TASKS.values() for task in tasks} == WEIGHTS


def row(held, mean, low, high):
    return {"held": held, "mean": mean, "low": low, "high": high}


def test_an_evaluation_as_the_paper_scores_it():
    scores = {
        "environments": {
            name: row("out", models["AgentLM-7B"] / 100, 0, 1) for name, models in TASKS["held-out"].items()
        }
        | {"database": row("in", 0.306, 0.206, 0.406), "my_world": row("in", 1, 1, 1)}
    }
    found = normalised(scores)
    assert found["held-out"]["mean"] == pytest.approx(0.67, abs=0.005)
    assert found["held-out"]["missing"] == []
    one = found["held-in"]
    assert one["mean"] == pytest.approx(30.6 / 11.92)
    assert (one["low"], one["high"]) == pytest.approx((20.6 / 11.92, 40.6 / 11.92))
    assert set(one["tasks"]) == {"database"}
    assert len(one["missing"]) == 5


def test_nothing_of_the_papers_is_no_score():
    assert normalised({"environments": {"my_world": row("in", 1, 1, 1)}}) == {}


def test_the_interval_of_a_sum_of_independent_parts():
    parts = [wilson(5, 10), wilson(0, 20)]
    total = weighted_sum(parts, [2.0, 1.0])
    assert total.mean == pytest.approx(1.0)
    assert total.high - total.mean == pytest.approx(((2 * (parts[0].high - 0.5)) ** 2 + parts[1].high ** 2) ** 0.5)
    # Nothing solved is still not certain.
    assert weighted_sum([wilson(0, 20)], [1.0]).high > 0.1
    assert weighted_sum([Interval(1.0, 0.5, 2.0)], [3.0]) == pytest.approx((3.0, 1.5, 6.0))
