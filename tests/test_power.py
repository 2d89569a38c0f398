"""The least difference that so many tasks show, against the exact power of McNemar's test."""

from math import comb, sqrt
from random import Random
from statistics import fmean, stdev

import pytest

from agenttuning.commands.stages import evaluate
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.power import detectable_mean, detectable_share, in_points
from agenttuning.evaluation.suites import plan


def power(n: int, won: float, lost: float) -> float:
    """How often the exact test at 5 % finds the difference: every number of tasks won and lost, by its probability.

    By the mid-p value, of which Connor's formula is the large-sample form; the exact p is a little more cautious.
    """
    found = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            changed = a + b
            if not changed:
                continue
            tail = sum(comb(changed, i) for i in range(min(a, b))) + comb(changed, min(a, b)) / 2
            if 2 * tail / 2**changed <= 0.05:
                ways = comb(n, a) * comb(n - a, b)
                found += ways * won**a * lost**b * (1 - won - lost) ** (n - changed)
    return found


@pytest.mark.parametrize(("n", "disagree"), [(60, 0.3), (100, 0.4), (100, 0.2)])
def test_connors_difference_is_found_four_times_of_five(n, disagree):
    d = detectable_share(n, disagree)
    assert power(n, (disagree + d) / 2, (disagree - d) / 2) == pytest.approx(0.8, abs=0.05)


def test_more_tasks_show_less_and_few_show_nothing():
    found = [detectable_share(n, 0.5) for n in (40, 144, 300, 812)]
    assert found == sorted(found, reverse=True)
    assert detectable_share(5, 0.5) is None
    with pytest.raises(ValueError, match="no difference"):
        detectable_share(0, 0.5)
    with pytest.raises(ValueError, match="no difference"):
        detectable_share(10, 0.0)


def test_a_mean_that_is_just_detectable_is_found_four_times_of_five():
    rng, n, found = Random(0), 50, 0
    d = detectable_mean(0.4 / sqrt(n))
    for _ in range(500):
        values = [rng.gauss(d, 0.4) for _ in range(n)]
        found += abs(fmean(values)) > 2.0096 * stdev(values) / sqrt(n)
    assert found / 500 == pytest.approx(0.8, abs=0.05)


def test_a_plan_says_what_its_tasks_can_show():
    assert in_points(40) == "19 to 30 points"
    assert in_points(3) == "none: too few tasks"
    rows = plan(EvaluateConfig(held_in={"database": 40, "webshop": 3}, hallucination=120))
    assert rows[1:] == [
        ["database", "40", "19 to 30 points"],
        ["webshop", "3", "none: too few tasks"],
        ["held-in, all", "43", in_points(43)],
        ["Agent-H", "120", in_points(120)],
        ["general probe", "all", "–"],
    ]


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path, capsys):
    evaluate(
        "no-such-model", out=tmp_path / "scores", config=EvaluateConfig(suite=["held-out"], size="paper"), dry_run=True
    )
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["webarena", "812", "4", "to", "7", "points"] for line in lines)
    assert not (tmp_path / "scores").exists()
