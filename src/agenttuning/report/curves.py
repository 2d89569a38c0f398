"""Training by step: loss, divergence from the start model where it was measured, and the learning rate, one above the
other on one axis of steps.

>>> training_curves([{"step": 1, "loss": 2.0, "divergence": 0.0}, {"step": 2, "loss": 1.4, "divergence": 0.02}])
Markup('<svg ...')
"""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from markupsafe import Markup

from agenttuning.report.charts import NARROW, nice_ticks, svg
from agenttuning.report.inputs import is_number

MAX_POINTS = 400  # a longer curve is averaged down to this many points
LEFT, RIGHT, GAP = 52, 10, 40
HEIGHTS = {"loss": 190, "divergence": 90, "learning_rate": 44}
TITLES = {
    "loss": "loss, nats a token",
    "divergence": "divergence from the start model, nats a token",
    "learning_rate": "learning rate",
}
Points = Sequence[tuple[float, float]]


def training_curves(metrics: Sequence[Mapping[str, Any]], width: int = 680) -> Markup | None:
    """A panel for each measure that has points, loss first; None without any loss. What is no number is left out."""
    series = {name: _points(metrics, name) for name in TITLES}
    if not series["loss"]:
        return None
    steps = [step for step, _ in series["loss"]]
    first, last = min(steps), max(steps)

    def x(step: float) -> float:
        return LEFT + (width - LEFT - RIGHT) * ((step - first) / (last - first) if last > first else 0.5)

    parts, top = [], 24
    for name, points in series.items():
        if points and any(value > 0 for _, value in points):
            parts += _panel(name, points, x, top, width)
            top += HEIGHTS[name] + GAP
    bottom = top - GAP
    for tick in nice_ticks(first, last, 5 if width >= NARROW else 3):
        if first <= tick <= last:
            parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 17}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text class="tick" x="{width - RIGHT}" y="{bottom + 33}" text-anchor="end">step</text>')
    label = "; ".join(
        f"{TITLES[name]} from {points[0][1]:.3g} at step {first:g} to {points[-1][1]:.3g} at step {last:g}"
        for name, points in series.items()
        if points
    )
    return svg(width, bottom + 38, parts, f"Training by step: {label}")


def _points(metrics: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(m["step"], m[name]) for m in metrics if is_number(m["step"]) and is_number(m.get(name))]


def _panel(name: str, points: Points, x: Any, top: int, width: int) -> list[str]:
    height = HEIGHTS[name]
    flat = name == "learning_rate"
    ticks = [0.0, max(v for _, v in points)] if flat else nice_ticks(0, max(v for _, v in points), height // 40)
    ceiling = ticks[-1]

    def y(value: float) -> float:
        return top + height * (1 - max(value, 0.0) / ceiling)

    parts = [f'<text class="tick" x="{LEFT}" y="{top - 9}">{TITLES[name]}</text>']
    for tick in ticks:
        at, text = f"{y(tick):.1f}", f"{tick:.0e}" if flat and tick else f"{tick:g}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 7}" y="{y(tick) + 4:.1f}" text-anchor="end">{text}</text>')
    if flat:
        return [*parts, f'<path class="raw strong" d="{_path(_thin(points), x, y)}"/>']
    return [
        *parts,
        f'<path class="raw" d="{_path(_thin(points), x, y)}"/>',
        f'<path class="curve" d="{_path(_thin(_smooth(points)), x, y)}"/>',
    ]


def _smooth(points: Points) -> list[tuple[float, float]]:
    """A centred moving average over a twentieth of the points, narrower at the ends: it does not lag."""
    sums = [0.0, *accumulate(value for _, value in points)]
    reach, last = max(len(points) // 40, 1), len(points) - 1
    out = []
    for i, (step, _) in enumerate(points):
        near = min(reach, i, last - i)
        out.append((step, (sums[i + near + 1] - sums[i - near]) / (2 * near + 1)))
    return out


def _thin(points: Points) -> list[tuple[float, float]]:
    """At most MAX_POINTS points, each the mean of its neighbours."""
    size = math.ceil(len(points) / MAX_POINTS)
    chunks = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(s for s, _ in c) / len(c), sum(v for _, v in c) / len(c)) for c in chunks]


def _path(points: Points, x: Any, y: Any) -> str:
    return "M" + "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in points)
