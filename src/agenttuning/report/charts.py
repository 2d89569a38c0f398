"""The report's figures as inline SVG: no script, no library, colours from the page's style sheet.

Each figure is drawn for a given width, so that a narrow screen gets its own drawing and not a shrunken one.

>>> forest([ForestRow("Held-in", (0.1, 0.0, 0.2), (0.8, 0.7, 0.9), strong=True)], width=640)
Markup('<svg ...')
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from agenttuning.report.numbers import number, visible

Ends = tuple[float, float, float]  # mean, low, high
NARROW = 480  # drawings below this width put their labels above the marks


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

    parts = [_legend(left), *_percents(x, top, bottom, narrow=narrow)]
    for i, row in enumerate(rows):
        middle = top + pitch * i + (pitch / 2 + 10 if narrow else pitch / 2)
        if row.strong and i:
            edge = top + pitch * i
            parts.append(f'<line class="rule" x1="0" x2="{width}" y1="{edge}" y2="{edge}"/>')
        kind, indent = ("label strong", 0) if row.strong else ("label", 14)
        parts.append(_line(row, width, middle - 19 if narrow else middle + 4, kind, indent))
        for side, kind, y in ((row.before, "before", middle - 5.5), (row.after, "after", middle + 5.5)):
            if side is not None:
                parts.append(_whisker(kind, x(side[0]), x(side[1]), x(side[2]), y))
    label = "; ".join(f"{row.label}: {_spoken(row.before)} before, {_spoken(row.after)} after" for row in rows)
    return svg(width, bottom + 26, parts, f"Scores in percent before and after training. {label}")


def _legend(x: float, *, squares: bool = False) -> str:
    marks, size = [], 'width="12" height="10"' if squares else 'r="4"'
    for kind, text, at in (("before", "start model", x), ("after", "tuned", x + 100)):
        shape = f'<rect class="{kind}" x="{at}" y="7"' if squares else f'<circle class="{kind}" cx="{at + 6}" cy="12"'
        marks.append(f"{shape} {size}/>")
        marks.append(f'<text class="tick" x="{at + 17}" y="16">{text}</text>')
    return "".join(marks)


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


def bars(rows: Sequence[ForestRow], width: int = 680, about: str = "Scores") -> Markup:
    """A pair of bars from 0 to 100 % for each row, before above after, with whiskers of 95 %."""
    narrow = width < NARROW
    left, right = (8, 8) if narrow else (228, 104)
    pitch, top = (62, 34) if narrow else (40, 30)
    span, bottom = width - left - right, top + pitch * len(rows)

    def x(value: float) -> float:
        return left + span * min(max(value, 0.0), 1.0)

    parts = [_legend(left, squares=True), *_percents(x, top, bottom, narrow=narrow)]
    for i, row in enumerate(rows):
        middle = top + pitch * i + (pitch / 2 + 11 if narrow else pitch / 2)
        parts.append(_line(row, width, middle - 21 if narrow else middle + 4, "label", 0))
        parts.append(f'<path class="axis" d="M{left} {middle - 13:.1f}v26"/>')
        for side, kind, y in ((row.before, "before", middle - 11), (row.after, "after", middle + 1)):
            if side is not None:
                mean, low, high = map(x, side)
                parts.append(
                    f'<rect class="{kind}" x="{left}" y="{y:.1f}" width="{max(mean - left, 0):.1f}" height="10"/>'
                    f'<path class="whisker over" d="M{low:.1f} {y + 5:.1f}H{high:.1f}'
                    f'M{low:.1f} {y + 2:.1f}v6M{high:.1f} {y + 2:.1f}v6"/>'
                )
    label = "; ".join(f"{row.label}: {_spoken(row.before)} before, {_spoken(row.after)} after" for row in rows)
    return svg(width, bottom + 26, parts, f"{about} in percent before and after training. {label}")


def _percents(x: Callable[[float], float], top: float, bottom: float, *, narrow: bool) -> list[str]:
    """The grid of an axis from 0 to 100 %."""
    parts = []
    for tick in range(0, 101, 25 if narrow else 20):
        at = f"{x(tick / 100):.1f}"
        anchor = {0: "start", 100: "end"}.get(tick, "middle") if narrow else "middle"
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 16}" text-anchor="{anchor}">{tick} %</text>')
    return parts


def _line(row: ForestRow, width: int, baseline: float, kind: str, indent: int) -> str:
    """The label of a row at the left and its two means at the right."""
    values = " → ".join("–" if side is None else number(100 * side[0]) for side in (row.before, row.after))
    value = kind.replace("label", "value")
    return (
        f'<text class="{kind}" x="{indent}" y="{baseline:.1f}">{escape(_short(row.label))}</text>'
        f'<text class="{value}" x="{width}" y="{baseline:.1f}" text-anchor="end">{values}</text>'
    )


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


def _short(text: str, most: int = 34) -> str:
    text = visible(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def svg(width: float, height: float, parts: Sequence[str], label: str) -> Markup:
    """A figure of these parts; `label` is what a screen reader says in its place."""
    kind = "narrow" if width < NARROW else "broad"
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    label = escape(visible(label, 4000))
    return Markup(f'<svg class="figure {kind}" {size} role="img" aria-label="{label}">{"".join(parts)}</svg>')
