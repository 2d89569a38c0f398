"""The words of a text as contamination counts them: letters and digits in lower case, nothing else.

Words, not a model's tokens: the same corpus is as contaminated for one model as for the next, a changed comma or line
break hides nothing, and no tokenizer has to run over the corpus. What is written without spaces (Chinese, Japanese) is
taken character by character. Words are compared by 64-bit hashes, computed for a megabyte of text at once.

>>> text = clean("Look up the fruit of harvest_A71.")
>>> [text[first:end] for first, end in places(text)]
['Look', 'up', 'the', 'fruit', 'of', 'harvest', 'A71']
>>> len(hashes([text], ROWS))  # one more: the mark before a text
8
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

if TYPE_CHECKING:
    import numpy as np

# What stands before each text, a byte that UTF-8 never has. Texts that are compared have different ones, so that no
# run of equal words reaches from one text into the next.
ROWS, ITEMS = b"\xfe", b"\xff"
PIECE = 1 << 20  # bytes that are hashed at once
_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_SPACELESS}]|[^\\W_{_SPACELESS}]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LONE = re.compile(f"([{_SPACELESS}])|([\\W_])")
_BASE = 0x9E3779B97F4A7C15  # any odd number with many ones
# What no model reads, or reads a second time (`segments` spell out the `content` beside them).
_UNREAD = frozenset({"id", "trajectory_id", "role", "from", "source", "split", "segments", "meta", "extra"})


def clean(text: str) -> str:
    """The text in the one spelling in which words and their places are told."""
    return text if text.isascii() else normalize("NFKC", text)


def places(text: str) -> list[tuple[int, int]]:
    """Where each word stands in a clean text: (first character, one after the last)."""
    return [match.span() for match in _WORD.finditer(text)]


def text_of(row: Any) -> str:
    """All that a model reads of a row: chat messages, ShareGPT conversations, ATIF steps, tools, any other fields."""
    return "\n".join(_strings(row))


def hashes(texts: Sequence[str], mark: bytes) -> "np.ndarray":
    """The words of all texts as hashes (uint64), each text behind the hash of its `mark`."""
    import numpy as np

    parts, waiting, size = [], [], 0
    for text in texts:
        data = b" " + mark + b" " + _spelled(text)
        if waiting and size + len(data) > PIECE:
            parts.append(_hashed(b"".join(waiting)))
            waiting, size = [], 0
        waiting.append(data)
        size += len(data)
    parts += [_hashed(piece) for piece in _pieces(b"".join(waiting))]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def mark_hash(mark: bytes) -> int:
    return int(_hashed(mark)[0])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _UNREAD:
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _spelled(text: str) -> bytes:
    """UTF-8 in which every byte above 127 is a letter's; lower case but for ASCII, whose table does that."""
    if text.isascii():
        return text.encode()
    return _FOREIGN.sub(_letters, clean(text)).encode("utf-8", "replace")


def _letters(match: re.Match[str]) -> str:
    return _LONE.sub(lambda one: f" {one[1]} " if one[1] else " ", match[0]).casefold()


def _pieces(data: bytes) -> Iterator[bytes]:
    """Pieces that end between words; only a word of a piece's length is cut."""
    start = 0
    while len(data) - start > PIECE:
        end = max(data.rfind(b" ", start, start + PIECE), data.rfind(b"\n", start, start + PIECE))
        end = end if end > start else start + PIECE
        yield data[start:end]
        start = end
    if start < len(data):
        yield data[start:]


@cache
def _tables() -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
    """A number for each byte (0 between words), and the powers of the base and of its inverse."""
    import numpy as np

    numbers = np.zeros(256, np.uint64)
    for byte in range(256):
        letter = chr(byte)
        if byte > 127 or letter.isalnum():
            numbers[byte] = (byte if byte > 127 else ord(letter.lower())) * 0xD6E8FEB86659FD93 % 2**64 | 1
    length = PIECE + 1
    powers, inverses = (np.full(length, base, np.uint64) for base in (_BASE, pow(_BASE, -1, 2**64)))
    powers[0] = inverses[0] = 1
    return numbers, np.multiply.accumulate(powers), np.multiply.accumulate(inverses)


def _hashed(data: bytes) -> "np.ndarray":
    """A word's hash is the sum of its letters' numbers times powers of the base, told from two running sums."""
    import numpy as np

    if len(data) > PIECE:
        return np.concatenate([_hashed(piece) for piece in _pieces(data)])
    numbers, powers, inverses = _tables()
    values = numbers[np.frombuffer(data, np.uint8)]
    edges = np.flatnonzero(np.diff(values != 0, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    out = (sums[ends] - sums[starts]) * inverses[starts]
    out ^= out >> np.uint64(29)
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(32)
    return out
