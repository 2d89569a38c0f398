"""Agent score against a measure of general ability, a point a model, as inline SVG like the report's other figures.

The better corner is always the upper right one: an axis on which less is better runs backwards.

>>> scatter([Dot("0.5", (0.6, 0.5, 0.7), (0.55, 0.5, 0.6), front=True)], "Questions, %", width=640)
Markup('<svg ...')
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

from agenttuning.report.charts import NARROW, Ends, nice_ticks, svg

_SIZE = 12  # px of a label's letters, about


@dataclass(frozen=True, slots=True)
class Dot:
    """One model: its label, its agent score in [0, 1], the measure in its own unit, whether it is on the front."""

    label: str
    agent: Ends
    measure: Ends
    front: bool


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def scatter(
    dots: Sequence[Dot], name: str, width: int = 680, *, share: bool = True, higher_is_better: bool = True
) -> Markup:
    """Points with their 95 % intervals both ways, joined in their order; `share` prints the measure in percent."""
    left, right, top, height = 52, 18, 14, 300
    bottom = top + height
    scale = 100 if share else 1
    x_ticks = _ticks([scale * value for dot in dots for value in dot.measure], 7 if width >= NARROW else 4)
    y_ticks = _ticks([100 * value for dot in dots for value in dot.agent], 6)

    def x(value: float) -> float:
        through = (scale * value - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])
        return left + (width - left - right) * (through if higher_is_better else 1 - through)

    def y(value: float) -> float:
        return bottom - height * (100 * value - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])

    parts = _grid(x_ticks, y_ticks, lambda tick: x(tick / scale), lambda tick: y(tick / 100), (left, width - right))
    parts.append(f'<text class="tick" x="{left}" y="{top - 3}">agent score, %</text>')
    word = "" if higher_is_better else ", less is better: the axis runs backwards"
    parts.append(
        f'<text class="tick" x="{width - right}" y="{bottom + 36}" text-anchor="end">{escape(name)}{word}</text>'
    )
    places = [(x(dot.measure[0]), y(dot.agent[0])) for dot in dots]
    path = "M" + "L".join(f"{across:.1f} {down:.1f}" for across, down in places)
    parts.append(f'<path class="raw" d="{path}"/>')
    for dot, (across, down) in sorted(zip(dots, places, strict=True), key=lambda pair: pair[0].front):
        kind = "after" if dot.front else "before"
        ends = [x(value) for value in dot.measure[1:]], [y(value) for value in dot.agent[1:]]
        parts.append(
            f'<path class="whisker {kind} faint" d="M{ends[0][0]:.1f} {down:.1f}H{ends[0][1]:.1f}'
            f'M{across:.1f} {ends[1][0]:.1f}V{ends[1][1]:.1f}"/>'
        )
    for dot, (across, down) in zip(dots, places, strict=True):
        kind = "after" if dot.front else "before"
        parts.append(f'<circle class="{kind}" cx="{across:.1f}" cy="{down:.1f}" r="4.5"/>')
    parts += _labels([dot.label for dot in dots], places, _Box(left, top, width, bottom))
    spoken = "; ".join(
        f"{dot.label}: {100 * dot.agent[0]:.1f} percent and {scale * dot.measure[0]:.2f}"
        f"{', on the front' if dot.front else ''}"
        for dot in dots
    )
    return svg(width, bottom + 42, parts, f"Agent score against {name}. {spoken}")


def _ticks(values: Sequence[float], most: int) -> list[float]:
    ticks = nice_ticks(min(values), max(values), most)
    return ticks if len(ticks) > 1 else [ticks[0], ticks[0] + 1]


def _grid(
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    x: Callable[[float], float],
    y: Callable[[float], float],
    span: tuple[float, float],
) -> list[str]:
    parts = []
    for tick in y_ticks:
        at = y(tick)
        parts.append(f'<line class="grid" x1="{span[0]}" x2="{span[1]}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{span[0] - 7}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    low, high = y(y_ticks[0]), y(y_ticks[-1])
    for tick in x_ticks:
        at = x(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{low + 18:.1f}" text-anchor="middle">{tick:g}</text>')
    return parts


def _labels(labels: Sequence[str], places: Sequence[tuple[float, float]], frame: _Box) -> list[str]:
    """Each label beside its point, on the side where it covers the least of what is drawn already."""
    taken = [_Box(across - 5, down - 5, across + 5, down + 5) for across, down in places]
    parts = []
    for label, (across, down) in zip(labels, places, strict=True):
        reach = 0.6 * _SIZE * len(label)
        options = [
            _Box(left, down + rise - _SIZE, left + reach, down + rise)
            for rise in (-5, 15, -18, 28)
            for left in (across + 8, across - 8 - reach)
        ]
        best = min(options, key=lambda box: sum(map(box.meets, taken)) + 9 * _outside(box, frame))
        taken.append(best)
        parts.append(f'<text class="label strong" x="{best.left:.1f}" y="{best.bottom:.1f}">{escape(label)}</text>')
    return parts


def _outside(box: _Box, frame: _Box) -> bool:
    return box.left < frame.left or box.right > frame.right or box.top < frame.top or box.bottom > frame.bottom
