"""How the report prints numbers: shares in percent, a real minus sign, intervals in brackets.

>>> interval(0.5, 0.4, 0.6)
'50.0 [40.0, 60.0]'
"""

from collections.abc import Mapping
from typing import Any

MISSING = "–"


def number(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """A number with a typographic minus; what rounds to zero has no sign of its own."""
    text = f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def interval(mean: float, low: float, high: float, scale: float = 100, digits: int = 1) -> str:
    return f"{number(scale * mean, digits)} {ends(low, high, scale, digits)}"


def ends(low: float, high: float, scale: float = 100, digits: int = 1) -> str:
    return f"[{number(scale * low, digits)}, {number(scale * high, digits)}]"


def score(row: Mapping[str, Any] | None, scale: float = 100, digits: int = 1) -> str:
    return MISSING if row is None else interval(row["mean"], row["low"], row["high"], scale, digits)


def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else MISSING if value is None else str(value)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
