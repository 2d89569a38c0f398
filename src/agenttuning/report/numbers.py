"""How the report prints numbers, and text from outside: percent, a real minus sign, nothing that hides or reorders.

>>> interval(0.5, 0.4, 0.6)
'50.0 [40.0, 60.0]'
"""

import re
from collections.abc import Mapping
from typing import Any

MISSING = "–"
MAX_TEXT = 2000  # characters of one text on the page; the files hold it whole
# Controls, among them the escapes of a terminal; marks and overrides of direction; what is invisible; halves of pairs.
_HIDING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


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


def visible(text: str, most: int = MAX_TEXT) -> str:
    """Text from outside, cut to `most` characters, with those that hide or reorder text made plain."""
    rest = len(text) - most
    if rest > 0:
        text = f"{text[:most]}\n… {rest:,} more characters"
    return _HIDING.sub("\ufffd", text.replace("\r\n", "\n"))
