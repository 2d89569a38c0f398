"""MySQL's functions that SQLite lacks, as Python functions that a connection registers.

>>> substring_index("a,b,c", ",", 2)
'a,b'
"""

import hashlib
import math
import re
import sqlite3
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_MAX_TEXT = 100_000


def number(value: Any) -> Any:
    """A value where MySQL wants a number: a text's leading number, else 0."""
    if not isinstance(value, str):
        return value
    match = _NUMBER.match(value)
    if match is None:
        return 0
    text = match[0].strip()
    result = float(text)
    return int(result) if math.isfinite(result) and result.is_integer() else result


def fold(text: str) -> str:
    """Texts are equal in MySQL's default collation if they fold to the same: no case, accents, end spaces."""
    if text.isascii():
        return text.lower().rstrip(" ")
    marks = unicodedata.normalize("NFD", text.casefold())
    return "".join(c for c in marks if not unicodedata.combining(c)).rstrip(" ")


def collate(a: str, b: str) -> int:
    left, right = fold(a), fold(b)
    return (left > right) - (left < right)


def concat(*parts: Any) -> str | None:
    return None if None in parts else "".join(map(_text, parts))


def concat_ws(separator: Any, *parts: Any) -> str | None:
    return None if separator is None else _text(separator).join(_text(part) for part in parts if part is not None)


def substring_index(text: Any, mark: Any, count: Any) -> str | None:
    if None in (text, mark, count):
        return None
    if not mark:
        return ""
    parts = _text(text).split(_text(mark))
    count = int(count)
    return _text(mark).join(parts[:count] if count >= 0 else parts[count:])


def left(text: Any, count: Any) -> str | None:
    return None if None in (text, count) else _text(text)[: max(0, int(count))]


def right(text: Any, count: Any) -> str | None:
    if None in (text, count):
        return None
    return _text(text)[-int(count) :] if int(count) > 0 else ""


def substring(text: Any, start: Any, count: Any) -> str | None:
    if None in (text, start, count):
        return None
    word, first = _text(text), int(start) - 1 if int(start) > 0 else len(_text(text)) + int(start)
    return word[first : first + max(0, int(count))] if int(start) and first >= 0 else ""


def locate(part: Any, text: Any, start: Any = 1) -> int | None:
    if None in (part, text, start):
        return None
    return fold(_text(text)).find(fold(_text(part)), max(0, int(start) - 1)) + 1


def find_in_set(part: Any, text: Any) -> int | None:
    if None in (part, text):
        return None
    members = [fold(member) for member in _text(text).split(",")]
    return members.index(fold(_text(part))) + 1 if fold(_text(part)) in members else 0


def lpad(text: Any, size: Any, fill: Any) -> str | None:
    return _pad(text, size, fill, at_end=False)


def rpad(text: Any, size: Any, fill: Any) -> str | None:
    return _pad(text, size, fill, at_end=True)


def _pad(text: Any, size: Any, fill: Any, *, at_end: bool) -> str | None:
    if None in (text, size, fill) or not 0 <= int(size) <= _MAX_TEXT:
        return None
    word, size = _text(text)[: int(size)], int(size)
    padding = (_text(fill) * size)[: size - len(word)]
    return word + padding if at_end else padding + word


def repeat(text: Any, count: Any) -> str | None:
    if None in (text, count) or len(_text(text)) * int(count) > _MAX_TEXT:
        return None
    return _text(text) * int(count)


def regexp(pattern: Any, text: Any) -> int | None:
    """Backtracking patterns are cut short by limiting the text."""
    if None in (pattern, text):
        return None
    return int(re.search(_text(pattern)[:200], _text(text)[:1000], re.IGNORECASE) is not None)


def truncate(value: Any, places: Any) -> Any:
    if None in (value, places):
        return None
    scale = 10 ** int(places)
    return math.trunc(number(value) * scale) / scale


def as_format(value: Any, places: Any) -> str | None:
    return None if None in (value, places) else f"{number(value):,.{max(0, int(places))}f}"


def as_signed(value: Any) -> int | None:
    """CAST AS SIGNED: a text's leading whole part, a number rounded."""
    if value is None:
        return None
    return int(number(value)) if isinstance(value, str) else math.floor(value + 0.5)


def part_of_date(pick: Callable[[date], Any]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        try:
            return pick(datetime.fromisoformat(_text(value)))
        except ValueError:
            return None

    return function


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "MYNUM": (1, number),
    "MYSIGNED": (1, as_signed),
    "CONCAT": (-1, concat),
    "CONCAT_WS": (-1, concat_ws),
    "SUBSTRING_INDEX": (3, substring_index),
    "MYLEFT": (2, left),
    "MYRIGHT": (2, right),
    "LOCATE": (-1, locate),
    "STR_POSITION": (-1, lambda text, part, start=1: locate(part, text, start)),
    "MID": (-1, lambda text, start, count=_MAX_TEXT: substring(text, start, count)),
    "LPAD": (3, lpad),
    "RPAD": (3, rpad),
    "REPEAT": (2, repeat),
    "REVERSE": (1, lambda text: None if text is None else _text(text)[::-1]),
    "REGEXP": (2, regexp),
    "REGEXP_LIKE": (2, lambda text, pattern: regexp(pattern, text)),
    "MYTRUNCATE": (2, truncate),
    "MYFORMAT": (2, as_format),
    "MD5": (1, lambda text: None if text is None else hashlib.md5(_text(text).encode()).hexdigest()),
    "YEAR": (1, part_of_date(lambda day: day.year)),
    "MONTH": (1, part_of_date(lambda day: day.month)),
    "DAY": (1, part_of_date(lambda day: day.day)),
    "DAYNAME": (1, part_of_date(lambda day: day.strftime("%A"))),
    "MONTHNAME": (1, part_of_date(lambda day: day.strftime("%B"))),
    "CHAR_LENGTH": (1, lambda text: None if text is None else len(_text(text))),
    "GREATEST": (-1, lambda *values: None if None in values else max(values, key=number)),
    "LEAST": (-1, lambda *values: None if None in values else min(values, key=number)),
    "ELT": (-1, lambda place, *rest: rest[place - 1] if place and 0 < place <= len(rest) else None),
    "ASCII": (1, lambda text: None if text is None else ord(_text(text)[:1] or "\0")),
    "SPACE": (1, lambda count: repeat(" ", count)),
    "NOW": (0, lambda: datetime.now().isoformat(" ", "seconds")),
    "FIELD": (-1, lambda value, *rest: next((i for i, x in enumerate(rest, 1) if x == value), 0)),
    "FIND_IN_SET": (2, find_in_set),
}


class GroupConcat:
    """GROUP_CONCAT with DISTINCT, ORDER BY and SEPARATOR; `distinct` and `descending` are 0 or 1."""

    def __init__(self) -> None:
        self._parts: list[tuple[Any, str]] = []
        self._separator, self._distinct, self._ordered, self._descending = ",", 0, 0, 0

    def step(self, *arguments: Any) -> None:
        """Arguments: value, separator, distinct, ordered, the key to order by, descending."""
        value, self._separator, self._distinct, self._ordered, key, self._descending = arguments
        if value is not None:
            self._parts.append((key, _text(value)))

    def finalize(self) -> Any:
        parts = self._parts
        if self._ordered:
            parts = sorted(parts, key=_sort_key, reverse=bool(self._descending))
        texts = [text for _, text in parts]
        if self._distinct:
            texts = list({fold(text): text for text in reversed(texts)}.values())[::-1]
        return self._separator.join(texts)[:_MAX_TEXT] if texts else None


def _sort_key(part: tuple[Any, str]) -> tuple[int, Any]:
    key = part[0]
    return (0, 0) if key is None else (2, fold(key)) if isinstance(key, str) else (1, key)


def register(connection: sqlite3.Connection) -> None:
    connection.create_collation("MYSQL", collate)
    connection.create_aggregate("MYGROUP", 6, GroupConcat)
    for name, (arguments, function) in _FUNCTIONS.items():
        connection.create_function(name, arguments, function, deterministic=True)
