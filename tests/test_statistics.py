"""Intervals and tests against values from the literature and from exact enumeration."""

from itertools import combinations
from math import comb
from random import Random
from statistics import fmean

import pytest

from agenttuning.evaluation.statistics import (
    bootstrap_mean,
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
    t_quantile,
    t_test,
    welch,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 20, 0.0, 0.1611),
        (20, 20, 0.8389, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17 (1998), table I
        (1, 29, 0.0061, 0.1718),  # the same
    ],
)
def test_wilson_matches_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert interval.mean == successes / n
    assert interval.low == pytest.approx(low, abs=6e-5)
    assert interval.high == pytest.approx(high, abs=6e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_wilson_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, n)


def test_bootstrap_agrees_with_the_normal_interval_of_many_values() -> None:
    values = [(i * 37 % 101) / 100 for i in range(404)]  # even over [0, 1]: standard deviation 0.2915
    interval = bootstrap_mean(values, 0)
    half = 1.96 * 0.2915 / 404**0.5
    assert interval.mean == pytest.approx(0.5)
    assert interval.low == pytest.approx(0.5 - half, abs=0.004)
    assert interval.high == pytest.approx(0.5 + half, abs=0.004)


def test_bootstrap_is_fixed_by_its_seed() -> None:
    values = [i % 7 / 6 for i in range(500)]
    first = bootstrap_mean(values, 3)
    assert first == bootstrap_mean(values, 3)
    assert first != bootstrap_mean(values, 4)


def test_pairing_finds_a_small_gain_that_unpaired_means_would_not() -> None:
    before = [i % 10 / 10 for i in range(60)]
    after = [min(1.0, value + 0.02 + 0.02 * (i % 3)) for i, value in enumerate(before)]
    assert paired_bootstrap(before, after, 0).excludes_zero
    assert not paired_bootstrap(before, list(before), 0).excludes_zero
    with pytest.raises(ValueError, match="not pairs"):
        paired_bootstrap(before, after[1:], 0)


def pairs(won: int, lost: int, same: int = 5) -> tuple[list[int], list[int]]:
    return [0] * won + [1] * lost + [1] * same, [1] * won + [0] * lost + [1] * same


@pytest.mark.parametrize(
    ("won", "lost", "p"), [(9, 1, 22 / 1024), (0, 5, 2 / 32), (6, 0, 2 / 64), (3, 3, 1.0), (0, 0, 1.0)]
)
def test_mcnemar_is_the_exact_binomial(won: int, lost: int, p: float) -> None:
    assert mcnemar(*pairs(won, lost)) == pytest.approx(p)


def test_sign_flip_agrees_with_mcnemar_on_binary_values() -> None:
    assert sign_flip(*pairs(9, 1), 0) == pytest.approx(22 / 1024, abs=0.01)
    assert sign_flip([0.5] * 4, [0.5] * 4, 0) == 1.0
    assert sign_flip([0.1, 0.2, 0.3], [0.2, 0.4, 0.5], 0) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("chances", [(0.1, 0.3, 0.1, 0.5), (0.4, 0.2, 0.05, 0.35), (0.05, 0.6, 0.05, 0.3)])
def test_paired_interval_holds_the_truth_as_often_as_it_says(chances: tuple[float, ...]) -> None:
    """Exact coverage: every table of 16 pairs, weighted by its probability (both, won, lost, neither)."""
    n, (both, won, lost, neither), covered = 16, chances, 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            for c in range(n + 1 - a - b):
                d = n - a - b - c
                weight = comb(n, a) * comb(n - a, b) * comb(n - a - b, c) * both**a * won**b * lost**c * neither**d
                before = [1] * a + [0] * b + [1] * c + [0] * d
                after = [1] * a + [1] * b + [0] * c + [0] * d
                interval = paired_shares(before, after)
                covered += weight * (interval.low <= won - lost <= interval.high)
    assert 0.93 < covered < 0.995


def test_paired_interval_is_not_certain_where_nothing_changed() -> None:
    nothing = paired_shares([0] * 40, [0] * 40)
    assert (nothing.low, nothing.high) == pytest.approx((-0.0876, 0.0876), abs=1e-4)
    assert not paired_shares([1, 0] * 20, [1, 0] * 20).excludes_zero
    assert paired_shares([0] * 40, [1] * 30 + [0] * 10).excludes_zero


@pytest.mark.parametrize(
    ("degrees", "value"), [(1, 12.706205), (2, 4.302653), (3, 3.182446), (4, 2.776445), (10, 2.228139), (30, 2.042272)]
)
def test_quantiles_of_student_are_those_of_the_tables(degrees: int, value: float) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(value, abs=1e-6)


def test_students_interval_of_three_seeds() -> None:
    interval = student([0.40, 0.44, 0.48])
    assert interval.mean == pytest.approx(0.44)
    assert interval.high - interval.mean == pytest.approx(4.302653 * 0.04 / 3**0.5, abs=1e-6)
    assert student([0.3, 0.3]) == (0.3, 0.3, 0.3)
    with pytest.raises(ValueError, match="two of them"):
        student([0.4])


@pytest.mark.parametrize(
    ("one", "of", "other", "out_of", "low", "high"),
    [(48, 80, 56, 70, 0.0524, 0.3339), (3, 10, 9, 10, 0.1705, 0.8090), (0, 10, 10, 10, 0.6075, 1.0)],
)
def test_independent_shares_have_newcombes_intervals(one, of, other, out_of, low, high) -> None:
    """Method 10 in table II of Newcombe, Statistics in Medicine 17 (1998) 873, with the sides exchanged."""
    interval = independent_difference(wilson(one, of), wilson(other, out_of))
    assert interval.mean == pytest.approx(other / out_of - one / of)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


def ones(k: int, n: int) -> list[int]:
    return [1] * k + [0] * (n - k)


def test_fisher_on_its_own_example_and_another() -> None:
    assert fisher(ones(3, 4), ones(1, 4)) == pytest.approx(34 / 70)  # the lady tasting tea
    assert fisher(ones(1, 10), ones(11, 14)) == pytest.approx(0.0027594562)
    assert fisher([1, 0], [0, 1]) == 1.0


def test_permutation_agrees_with_all_divisions() -> None:
    before, after = [0.1, 0.4, 0.2, 0.6], [0.9, 0.5, 0.8, 0.7, 0.3]
    values = before + after
    seen = abs(fmean(after) - fmean(before))
    apart = [
        abs((sum(values) - sum(chosen)) / 5 - sum(chosen) / 4) >= seen - 1e-12 for chosen in combinations(values, 4)
    ]
    assert permutation(before, after, 0) == pytest.approx(fmean(apart), abs=0.02)
    assert permutation(before, after, 0) == permutation(before, after, 0)


def test_holm_by_hand() -> None:
    """4 x 0.005, 3 x 0.01, 2 x 0.03 and no less than that; never above 1."""
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )
    assert holm({"a": 0.7, "b": 0.6}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_holm_keeps_the_error_of_the_family() -> None:
    """Six true null hypotheses, 2,000 times: any is called a difference in about 5 % of the cases, not in 26 %."""
    rng = Random(0)
    families = [{str(i): rng.random() for i in range(6)} for _ in range(2000)]
    assert fmean(min(family.values()) <= 0.05 for family in families) > 0.22
    assert 0.035 < fmean(min(holm(family).values()) <= 0.05 for family in families) < 0.065


def test_students_test_of_three_seeds() -> None:
    """t = 2 sqrt(3) with two degrees of freedom, for which the distribution has a closed form."""
    t = 2 * 3**0.5
    assert t_test([0.1, 0.2, 0.3]) == pytest.approx(1 - t / (t * t + 2) ** 0.5)
    assert (t_test([0.0, 0.0]), t_test([0.2, 0.2])) == (1.0, 0.0)
    with pytest.raises(ValueError, match="two of them"):
        t_test([0.1])


def test_welchs_interval_by_hand() -> None:
    """Variances 1 and 4 over three values each: standard error sqrt(5/3), 2.94 degrees of freedom, taken as 2."""
    interval = welch([1, 2, 3], [2, 4, 6])
    assert interval.mean == pytest.approx(2)
    assert interval.high - interval.mean == pytest.approx(4.302653 * (5 / 3) ** 0.5, abs=1e-5)
    assert welch([0.5, 0.5], [0.7, 0.7]) == pytest.approx((0.2, 0.2, 0.2))


def test_intervals_over_seeds_cover_what_those_over_items_miss() -> None:
    """Runs of 40 tasks whose success rate differs by seed: 60 % on average, 10 points apart."""
    rng, wide, narrow = Random(1), 0, 0
    for _ in range(400):
        runs = []
        for _ in range(4):
            rate = rng.gauss(0.6, 0.1)
            runs.append([float(rng.random() < rate) for _ in range(40)])
        values = [value for run in runs for value in run]
        over_items = wilson(int(sum(values)), len(values))
        interval = over_seeds(over_items, student([fmean(run) for run in runs]), (0.0, 1.0))
        wide += interval.low <= 0.6 <= interval.high
        narrow += over_items.low <= 0.6 <= over_items.high
    assert narrow / 400 < 0.87
    assert wide / 400 > 0.93


def test_independent_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Exact coverage over all outcomes of 14 and 18 tasks."""
    for p, q in ((0.2, 0.5), (0.05, 0.1), (0.7, 0.4)):
        covered = 0.0
        for a in range(15):
            for b in range(19):
                chance = comb(14, a) * p**a * (1 - p) ** (14 - a) * comb(18, b) * q**b * (1 - q) ** (18 - b)
                interval = independent_difference(wilson(a, 14), wilson(b, 18))
                covered += chance * (interval.low <= q - p <= interval.high)
        assert 0.93 < covered < 0.995


def test_tries_of_one_task_are_one_value() -> None:
    """20 tasks with five tries each, some easy, some hard: an interval over the tries is too narrow."""
    rng, over_tasks, over_tries = Random(2), 0, 0
    for i in range(150):
        tasks = [[float(rng.random() < rate) for _ in range(5)] for rate in rng.choices((0.05, 0.95), k=20)]
        by_task = bootstrap_mean([fmean(task) for task in tasks], i)
        by_try = wilson(int(sum(map(sum, tasks))), 100)
        over_tasks += by_task.low <= 0.5 <= by_task.high
        over_tries += by_try.low <= 0.5 <= by_try.high
    assert over_tries / 150 < 0.8
    assert over_tasks / 150 > 0.9
