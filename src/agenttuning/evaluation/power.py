"""How small a difference so many tasks can show: before an evaluation, and beside a comparison.

With `n` tasks and a real difference of the size given here, four of five comparisons find it (power 80 %) at the 5 %
level; a smaller one mostly looks like noise.

>>> round(detectable_share(40, disagree=0.5), 2)
0.3
"""

from math import sqrt
from statistics import NormalDist

LEVEL, POWER = 0.05, 0.8
# How often two models part on a task, for planning: close relatives, and models that have nothing in common.
ALIKE, UNLIKE = 0.2, 0.5
_ALPHA, _BETA = NormalDist().inv_cdf(1 - LEVEL / 2), NormalDist().inv_cdf(POWER)


def detectable_share(n: int, disagree: float) -> float | None:
    """The least difference of two success rates that `n` tasks done by both models show.

    `disagree`, in (0, 1], is the share of tasks that just one of them solves. By Connor's formula for McNemar's test
    (Biometrics 43, 1987, 207): n d^2 = (z_a sqrt(s) + z_b sqrt(s - d^2))^2. None where even a difference as large as
    `disagree` would not show. Raises ValueError for values outside their ranges.
    """
    if n < 1 or not 0 < disagree <= 1:
        raise ValueError(f"no difference for {n} tasks and {disagree} disagreement")

    def enough(d: float) -> bool:
        return sqrt(n) * d >= _ALPHA * sqrt(disagree) + _BETA * sqrt(max(disagree - d * d, 0.0))

    if not enough(disagree):
        return None
    low, high = 0.0, disagree
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detectable_mean(error: float) -> float:
    """The same for means of any values; `error` is the standard error of their difference."""
    return (_ALPHA + _BETA) * error


def in_points(n: int) -> str:
    """What `n` tasks can show, for a person who plans: the range between models alike and unlike."""
    ends = [detectable_share(n, disagree) for disagree in (ALIKE, UNLIKE)]
    if ends[1] is None:
        return "none: too few tasks"
    first = "–" if ends[0] is None else f"{100 * ends[0]:.0f}"
    return f"{first} to {100 * ends[1]:.0f} points" if first != "–" else f"{100 * ends[1]:.0f} points"
