"""Tokens into text as they come: never half a character, never the beginning of a stop text.

>>> stream = TextStream(tokenizer, stops=("\\nObservation:",))
>>> stream.push(9906), stream.push(198), stream.finish()
('Hello', '', '\\n')
"""

import re
from collections.abc import Sequence
from typing import Any

_HALF = "\ufffd"  # what an incomplete character decodes to
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class TextStream:
    """`stopped` is the stop text that was met; what comes behind it is not given out.

    `before` are tokens that the text follows, so that a first word keeps its space.
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str] = (), before: Sequence[int] = ()):
        self._tokenizer, self._stops = tokenizer, [stop for stop in stops if stop]
        self._ids = list(before[-4:])
        self._start, self._read = 0, len(self._ids)  # of the window that is decoded, and what of it is given out
        self._held = ""
        self.stopped = ""

    def push(self, index: int) -> str:
        """The text that is certain with this token."""
        self._ids.append(index)
        whole = self._decode(self._start, len(self._ids))
        if whole.endswith(_HALF) and len(self._ids) - self._read < 8:  # a character has at most four bytes
            return ""
        new = whole[len(self._decode(self._start, self._read)) :]
        self._start, self._read = self._read, len(self._ids)
        return self._certain(new)

    def finish(self) -> str:
        """What was held back."""
        new = self._decode(self._start, len(self._ids))[len(self._decode(self._start, self._read)) :]
        self._read = len(self._ids)
        text, self._held = self._certain(new) + self._held, ""
        return text

    def _decode(self, start: int, end: int) -> str:
        ids = self._ids[start:end]
        return self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _certain(self, new: str) -> str:
        if self.stopped:
            return ""
        text = self._held + new
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            at, self.stopped = min(found)
            self._held = ""
            return text[:at]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` may be the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


def token_bytes(tokenizer: Any, index: int) -> bytes:
    """What a token stands for, byte for byte; a special token is its name."""
    text = tokenizer.decode([index], clean_up_tokenization_spaces=False)
    if _HALF not in text:
        return text.encode()
    token = tokenizer.convert_ids_to_tokens(index)
    byte = _BYTE.fullmatch(token)
    if byte:
        return bytes([int(byte.group(1), 16)])
    table = _gpt2_bytes()
    return bytes(table[c] for c in token) if all(c in table for c in token) else text.encode()


def token_text(tokenizer: Any, index: int) -> str:
    """A token's text; one that is no whole characters is written as ``bytes:\\xe2\\x82``, as OpenAI writes it."""
    data = token_bytes(tokenizer, index)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def _gpt2_bytes() -> dict[str, int]:
    """The characters by which byte-level vocabularies write bytes: printable ones as they are, others from U+0100."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in set(plain)]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + place): byte for place, byte in enumerate(others)}
