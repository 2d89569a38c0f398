"""The report's figures as inline SVG: no script, no library, colours from the page's style sheet.

Each figure is drawn for a given width, so that a narrow screen gets its own drawing and not a shrunken one.

>>> forest([ForestRow("Held-in", (0.1, 0.0, 0.2), (0.8, 0.7, 0.9), strong=True)], width=640)
Markup('<svg ...')
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from markupsafe import Markup, escape

from agenttuning.report.inputs import is_number
from agenttuning.report.numbers import number

Ends = tuple[float, float, float]  # mean, low, high
NARROW = 480  # drawings below this width put their labels above the marks
MAX_POINTS = 400  # a longer curve is averaged down to this many points


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One line of the before/after figure, values in [0, 1]; a side that was not measured is None."""

    label: str
    before: Ends | None
    after: Ends | None
    strong: bool = False


def forest(rows: Sequence[ForestRow], width: int = 680) -> Markup:
    """Means with their 95 % intervals, before above after, on a shared axis from 0 to 100 %."""
    narrow = width < NARROW
    left, right = (8, 8) if narrow else (196, 104)
    pitch, top = (58, 36) if narrow else (40, 34)
    span = width - left - right
    bottom = top + pitch * len(rows)

    def x(value: float) -> float:
        return left + span * min(max(value, 0.0), 1.0)

    parts = [_legend(left)]
    for tick in range(0, 101, 20 if not narrow else 25):
        at = f"{x(tick / 100):.1f}"
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>')
        anchor = {0: "start", 100: "end"}.get(tick, "middle") if narrow else "middle"
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 16}" text-anchor="{anchor}">{tick} %</text>')
    for i, row in enumerate(rows):
        middle = top + pitch * i + (pitch / 2 + 10 if narrow else pitch / 2)
        if row.strong and i:
            edge = top + pitch * i
            parts.append(f'<line class="rule" x1="0" x2="{width}" y1="{edge}" y2="{edge}"/>')
        weight = " strong" if row.strong else ""
        indent = 0 if row.strong else 14
        baseline = middle - 19 if narrow else middle + 4
        parts.append(f'<text class="label{weight}" x="{indent}" y="{baseline:.1f}">{escape(_short(row.label))}</text>')
        values = " → ".join("–" if side is None else number(100 * side[0]) for side in (row.before, row.after))
        parts.append(f'<text class="value{weight}" x="{width}" y="{baseline:.1f}" text-anchor="end">{values}</text>')
        for side, kind, y in ((row.before, "before", middle - 5.5), (row.after, "after", middle + 5.5)):
            if side is not None:
                parts.append(_whisker(kind, x(side[0]), x(side[1]), x(side[2]), y))
    label = "; ".join(f"{row.label}: {_spoken(row.before)} before, {_spoken(row.after)} after" for row in rows)
    return svg(width, bottom + 26, parts, f"Scores in percent before and after training. {label}")


def _legend(x: float) -> str:
    return (
        f'<circle class="before" cx="{x + 6}" cy="12" r="4"/>'
        f'<text class="tick" x="{x + 16}" y="16">start model</text>'
        f'<circle class="after" cx="{x + 106}" cy="12" r="4"/>'
        f'<text class="tick" x="{x + 116}" y="16">tuned</text>'
    )


def _whisker(kind: str, mean: float, low: float, high: float, y: float) -> str:
    caps = "".join(f"M{end:.1f} {y - 3:.1f}V{y + 3:.1f}" for end in (low, high))
    return (
        f'<path class="whisker {kind}" d="M{low:.1f} {y:.1f}H{high:.1f}{caps}"/>'
        f'<circle class="{kind}" cx="{mean:.1f}" cy="{y:.1f}" r="4"/>'
    )


def _spoken(side: Ends | None) -> str:
    if side is None:
        return "not measured"
    return f"{100 * side[0]:.1f} ({100 * side[1]:.1f} to {100 * side[2]:.1f})"


def loss_curve(metrics: Sequence[Mapping[str, Any]], width: int = 680) -> Markup | None:
    """Training loss by step, raw and smoothed, and the learning rate in a strip below; None for no points."""
    points = [(m["step"], m["loss"]) for m in metrics if is_number(m["loss"])]
    if not points:
        return None
    rates = [(m["step"], m["learning_rate"]) for m in metrics if is_number(m.get("learning_rate"))]
    left, right, top, height, strip = 44, 10, 12, 200, 44
    steps = [step for step, _ in points]
    first, last = min(steps), max(steps)
    ticks = nice_ticks(0, max(loss for _, loss in points), 5)
    ceiling = ticks[-1]

    def x(step: float) -> float:
        return left + (width - left - right) * ((step - first) / (last - first) if last > first else 0.5)

    def y(loss: float) -> float:
        return top + height * (1 - loss / ceiling)

    parts = []
    for tick in ticks:
        at = f"{y(tick):.1f}"
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text class="tick" x="{left - 7}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<path class="raw" d="{_path(_thin(points), x, y)}"/>')
    parts.append(f'<path class="curve" d="{_path(_thin(_smooth(points)), x, y)}"/>')
    bottom = top + height
    if rates and (highest := max(rate for _, rate in rates)) > 0:
        base = bottom + 20 + strip

        def rate_y(rate: float) -> float:
            return base - strip * rate / highest

        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{base}" y2="{base}"/>')
        parts.append(f'<path class="raw strong" d="{_path(_thin(rates), x, rate_y)}"/>')
        parts.append(
            f'<text class="tick" x="{left - 7}" y="{base - strip + 5}" text-anchor="end">{highest:.0e}</text>'
            f'<text class="tick" x="{width - right}" y="{base - strip + 5}" text-anchor="end">'
            "learning rate</text>"
        )
        bottom = base
    for tick in nice_ticks(first, last, 5 if width >= NARROW else 3):
        if first <= tick <= last:
            parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text class="tick" x="{width - right}" y="{bottom + 32}" text-anchor="end">step</text>')
    label = f"Training loss from {points[0][1]:.3f} at step {first} to {points[-1][1]:.3f} at step {last}"
    return svg(width, bottom + 38, parts, label)


def share_bar(parts: Sequence[float]) -> Markup:
    """A thin bar of shares that add up to at most 1, the first in the accent colour, the others in greys."""
    x, pieces = 0.0, []
    for i, part in enumerate(parts):
        pieces.append(f'<rect class="part{min(i, 4)}" x="{x:.2f}" width="{max(140 * part - 0.75, 0):.2f}" height="9"/>')
        x += 140 * part
    body = "".join(pieces)
    return Markup(f'<svg class="bar" viewBox="0 0 140 9" width="140" height="9" aria-hidden="true">{body}</svg>')


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` + 1 round numbers that cover [low, high]."""
    span = high - low if high > low else abs(high) or 1.0
    raw = span / most
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    start = math.floor(low / step + 1e-9)
    stop = math.ceil((low + span) / step - 1e-9)
    return [round(i * step, 10) for i in range(start, stop + 1)]


def _smooth(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A centred moving average over a twentieth of the points, narrower at the ends: it does not lag."""
    sums = [0.0, *accumulate(value for _, value in points)]
    reach, last = max(len(points) // 40, 1), len(points) - 1
    out = []
    for i, (step, _) in enumerate(points):
        near = min(reach, i, last - i)
        out.append((step, (sums[i + near + 1] - sums[i - near]) / (2 * near + 1)))
    return out


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most MAX_POINTS points, each the mean of its neighbours."""
    size = math.ceil(len(points) / MAX_POINTS)
    chunks = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(s for s, _ in c) / len(c), sum(v for _, v in c) / len(c)) for c in chunks]


def _path(points: Sequence[tuple[float, float]], x: Any, y: Any) -> str:
    return "M" + "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in points)


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def svg(width: float, height: float, parts: Sequence[str], label: str) -> Markup:
    """A figure of these parts; `label` is what a screen reader says in its place."""
    kind = "narrow" if width < NARROW else "broad"
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return Markup(f'<svg class="figure {kind}" {size} role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>')
