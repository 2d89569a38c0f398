"""How sure a score is: 95 % intervals and paired tests, with the standard library alone.

A share of solved tasks gets Wilson's interval, any other mean a bootstrap; two models that did the same tasks
are compared task by task, which takes the difficulty of the tasks out of the comparison. docs/statistics.md has the
formulae.

>>> wilson(8, 10)
Interval(mean=0.8, low=0.4901624715366067, high=0.9433178485456248)
>>> paired_bootstrap([0, 0, 1, 0], [1, 1, 1, 0], seed=0).mean
0.5
"""

from collections.abc import Mapping, Sequence
from math import atan, comb, cos, inf, pi, sin, sqrt
from random import Random
from statistics import NormalDist, fmean, stdev, variance
from typing import NamedTuple

CONFIDENCE = 0.95
RESAMPLES = 2000
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class Interval(NamedTuple):
    """A mean and the ends of its 95 % confidence interval, all in the unit of the values."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def wilson(successes: int, n: int) -> Interval:
    """The share of successes with Wilson's score interval, always within [0, 1] and never of zero width.

    Wilson, J. Am. Stat. Assoc. 22 (1927); recommended for small n by Brown, Cai and DasGupta, Statistical
    Science 16 (2001). Raises ValueError unless 0 <= successes <= n and n >= 1.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"no share of {successes} successes in {n} trials")
    share = successes / n
    z2 = _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(share, low, high)


def bootstrap_mean(values: Sequence[float], seed: int | str) -> Interval:
    """The mean with its percentile bootstrap interval (2,000 resamples; the same seed, the same ends).

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13. Values that are all alike give an
    interval of zero width, and with fewer than about 20 values the interval is too narrow: say n beside it.
    Raises ValueError where there are no values.
    """
    if not values:
        raise ValueError("no mean of no values")
    n = len(values)
    rng = Random(f"bootstrap {seed}")
    means = sorted(sum(rng.choices(values, k=n)) / n for _ in range(RESAMPLES))
    cut = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Interval(sum(values) / n, means[cut], means[-1 - cut])


def student(values: Sequence[float]) -> Interval:
    """The mean of few independent values, such as one for each seed, with Student's interval.

    Exact for normal values (Student, Biometrika 6, 1908). Raises ValueError for fewer than two values.
    """
    n = len(values)
    if n < 2:
        raise ValueError("an interval over seeds needs two of them")
    half = t_quantile(0.5 + CONFIDENCE / 2, n - 1) * stdev(values) / sqrt(n)
    return Interval(fmean(values), fmean(values) - half, fmean(values) + half)


def welch(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The difference of two means of few independent values, such as one for each of different seeds.

    Welch, Biometrika 34 (1947), with the degrees of freedom rounded down to a whole number, which widens it a little.
    Raises ValueError for fewer than two values on a side.
    """
    if min(len(before), len(after)) < 2:
        raise ValueError("an interval over seeds needs two of them")
    parts = [variance(values) / len(values) for values in (before, after)]
    mean = fmean(after) - fmean(before)
    if not sum(parts):
        return Interval(mean, mean, mean)
    sizes = (len(before), len(after))
    degrees = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    half = t_quantile(0.5 + CONFIDENCE / 2, int(degrees + 1e-9)) * sqrt(sum(parts))
    return Interval(mean, mean - half, mean + half)


def over_seeds(over_items: Interval, over_runs: Interval, ends: tuple[float, float] = (-inf, inf)) -> Interval:
    """The mean over items with the wider of two intervals: over the items, and over the runs (one a seed).

    The first does not know how runs differ, the second knows from very few values: neither alone is enough. The
    result is kept within `ends`.
    """
    low, high = min(over_items.low, over_runs.low), max(over_items.high, over_runs.high)
    return Interval(over_items.mean, max(low, ends[0]), min(high, ends[1]))


def t_quantile(probability: float, degrees: int) -> float:
    """The value that Student's t with `degrees` of freedom stays under with `probability`, above 0.5, to 1e-9."""
    low, high = 0.0, 1e6
    while high - low > 1e-9 * max(1.0, low):
        middle = (low + high) / 2
        low, high = (middle, high) if t_within(middle, degrees) < 2 * probability - 1 else (low, middle)
    return high


def t_within(t: float, degrees: int) -> float:
    """The probability that Student's t lies between -t and t.

    The finite series for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4).
    """
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term, total = (cos(angle), 0.0) if odd else (1.0, 0.0)
    for k in range(1 + odd, degrees, 2):
        total += term
        term *= cos(angle) ** 2 * k / (k + 1)
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


def t_test(differences: Sequence[float]) -> float:
    """Two-sided p that differences of few independent runs have the mean 0 (Student). 1.0 where all are 0.

    Raises ValueError for fewer than two.
    """
    if len(differences) < 2:
        raise ValueError("a test over seeds needs two of them")
    error = stdev(differences) / sqrt(len(differences))
    if not error:
        return 0.0 if differences[0] else 1.0
    return max(0.0, 1 - t_within(abs(fmean(differences)) / error, len(differences) - 1))


def harmonic_mean(one: Interval, other: Interval) -> Interval:
    """The harmonic mean of two independent shares with its interval, from the shares' own intervals.

    By recovery of variances (MOVER: Zou and Donner, Statistics in Medicine 27, 2008): each end is as far from the mean
    as the distances that either share's own end makes, squared and added. Not of zero width where a share is 0 or 1.
    """

    def mean(a: float, b: float) -> float:
        return 2 * a * b / (a + b) if a + b else 0.0

    if not one.mean and not other.mean:  # no distance from the mean is known: the end of both ends
        return Interval(0.0, 0.0, mean(one.high, other.high))
    middle = mean(one.mean, other.mean)
    down = (mean(one.low, other.mean), mean(one.mean, other.low))
    up = (mean(one.high, other.mean), mean(one.mean, other.high))
    low, high = (sqrt(sum((end - middle) ** 2 for end in ends)) for ends in (down, up))
    return Interval(middle, max(middle - low, 0.0), min(middle + high, 1.0))


def weighted_sum(parts: Sequence[Interval], weights: Sequence[float]) -> Interval:
    """The sum of weight · part over independent parts, with its interval from the parts' own (MOVER, as above).

    Weights are positive. Raises ValueError where the two have not one length.
    """
    pairs = list(zip(weights, parts, strict=True))
    mean = sum(weight * part.mean for weight, part in pairs)
    low, high = (
        sqrt(sum((weight * (end - part.mean)) ** 2 for weight, part, end in ends))
        for ends in (
            [(weight, part, part.low) for weight, part in pairs],
            [(weight, part, part.high) for weight, part in pairs],
        )
    )
    return Interval(mean, mean - low, mean + high)


def paired_bootstrap(before: Sequence[float], after: Sequence[float], seed: int | str) -> Interval:
    """The mean of after - before with its interval; `before[i]` and `after[i]` belong to the same task.

    Tasks are resampled, not scores: the paired form of Koehn, EMNLP 2004. Raises ValueError for lengths that
    differ or are 0.
    """
    return bootstrap_mean(_differences(before, after), seed)


def paired_shares(before: Sequence[float], after: Sequence[float]) -> Interval:
    """`paired_bootstrap` for values of 0 and 1: the difference of two shares with Newcombe's score interval.

    Method 10 of Newcombe, Statistics in Medicine 17 (1998) 2635. Where no task changed, a bootstrap would
    give an interval of zero width; this one still says how little a few tasks can show.
    """
    won, lost = _changes(before, after)
    n = len(before)
    old, new = wilson(int(sum(before)), n), wilson(int(sum(after)), n)
    both = int(sum(before)) - lost
    neither = n - both - won - lost
    margins = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    product = both * neither - won * lost
    if product > 0:
        product = max(product - n / 2, 0)
    phi = product / sqrt(margins) if margins else 0.0

    def reach(a: float, b: float) -> float:
        return sqrt(max(a * a - 2 * phi * a * b + b * b, 0.0))

    difference = new.mean - old.mean
    return Interval(
        difference,
        difference - reach(new.mean - new.low, old.high - old.mean),
        difference + reach(new.high - new.mean, old.mean - old.low),
    )


def independent_difference(before: Interval, after: Interval) -> Interval:
    """after - before for two independent scores, from their own intervals.

    For shares with Wilson's intervals this is method 10 of Newcombe, Statistics in Medicine 17 (1998) 873; for other
    scores the same recovery of variances (MOVER, as above).
    """
    difference = after.mean - before.mean
    down = sqrt((after.mean - after.low) ** 2 + (before.high - before.mean) ** 2)
    up = sqrt((after.high - after.mean) ** 2 + (before.mean - before.low) ** 2)
    return Interval(difference, difference - down, difference + up)


def fisher(before: Sequence[float], after: Sequence[float]) -> float:
    """Two-sided exact p that two independent shares are alike, for values of 0 and 1.

    Fisher's exact test: the tables with the same sums that are no likelier than the one seen. Raises ValueError for
    no values on a side.
    """
    if not before or not after:
        raise ValueError("no test of no values")
    total, solved = len(before) + len(after), int(sum(before) + sum(after))
    ways = {
        k: comb(len(before), k) * comb(len(after), solved - k)
        for k in range(max(0, solved - len(after)), min(len(before), solved) + 1)
    }
    seen = ways[int(sum(before))]
    return min(1.0, sum(way for way in ways.values() if way <= seen) / comb(total, solved))


def permutation(before: Sequence[float], after: Sequence[float], seed: int | str) -> float:
    """Two-sided p that two independent sets of values come from one, by the difference of their means; at least 1/2001.

    2,000 random divisions of all values; one is added to both counts (Phipson and Smyth, as below).
    """
    values, n = [*before, *after], len(before)
    if not before or not after:
        raise ValueError("no test of no values")
    whole, m = sum(values), len(after)

    def apart(first: float) -> float:
        return abs((whole - first) / m - first / n)

    seen = apart(sum(before)) * (1 - 1e-9)
    rng = Random(f"permutation {seed}")
    extreme = sum(apart(sum(rng.sample(values, n))) >= seen for _ in range(RESAMPLES))
    return (extreme + 1) / (RESAMPLES + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p of each test, adjusted for how many were made together, in the order given.

    Holm, Scandinavian Journal of Statistics 6 (1979): under 0.05 each, all of them together are wrong about any true
    null hypothesis in at most 5 % of the cases, whatever the tests' dependence.
    """
    adjusted, least = dict(p_values), 0.0
    for done, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - done) * p_values[name]))
        adjusted[name] = least
    return adjusted


def mcnemar(before: Sequence[float], after: Sequence[float]) -> float:
    """Two-sided exact p that as many tasks were lost as won, for values of 0 and 1.

    McNemar, Psychometrika 12 (1947), in its exact form: the binomial test over the tasks that changed.
    """
    won, lost = _changes(before, after)
    changed = won + lost
    tail = sum(comb(changed, i) for i in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / 2**changed)


def sign_flip(before: Sequence[float], after: Sequence[float], seed: int | str) -> float:
    """Two-sided p that the differences are symmetric about 0, for values of any size; at least 1/2001.

    Fisher's randomisation test with 2,000 random flips; one is added to both counts so that p is never 0
    (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).
    """
    differences = [d for d in _differences(before, after) if d]
    seen = abs(sum(differences)) * (1 - 1e-9)  # sums that differ by rounding alone count as equal
    rng = Random(f"sign flip {seed}")
    extreme = 0
    for _ in range(RESAMPLES):
        bits = rng.getrandbits(len(differences) + 1)
        extreme += abs(sum(d if bits >> i & 1 else -d for i, d in enumerate(differences))) >= seen
    return (extreme + 1) / (RESAMPLES + 1)


def _differences(before: Sequence[float], after: Sequence[float]) -> list[float]:
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values before and {len(after)} after are not pairs")
    return [b - a for a, b in zip(before, after, strict=True)]


def _changes(before: Sequence[float], after: Sequence[float]) -> tuple[int, int]:
    """How many pairs rose and how many fell."""
    differences = _differences(before, after)
    return sum(d > 0 for d in differences), sum(d < 0 for d in differences)
