"""Runs of words by their hashes: every run of a length at once, and a table that says which of them are known.

A run's hash is a sum of its words' hashes times powers of a number, modulo 2^64. The table first asks a row of flags,
which fits the processor's cache, so that a run that is not there costs one look.

>>> import numpy as np
>>> table = Grams.of(runs(np.arange(10, dtype=np.uint64), 4))
>>> table.find(runs(np.arange(5, 9, dtype=np.uint64), 4))
(array([0]), array([5]))
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_BASE = 0xC2B2AE3D27D4EB4F
_FLAGS = 8  # a gram, at least


def runs(words: "np.ndarray", length: int) -> "np.ndarray":
    """The hash of the run that begins at each word, for all that end within `words`; shape (words - length + 1)."""
    import numpy as np

    if len(words) < length:
        return np.zeros(0, np.uint64)
    out, done = None, 0
    part, size = words, 1  # hashes of runs of 1, 2, 4 … words, put together as the length is in binary
    while True:
        if length & size:
            out = part if out is None else out[: len(part) - done] * _power(size) + part[done:]
            done += size
        if size * 2 > length:
            break
        part = part[:-size] * _power(size) + part[size:]
        size *= 2
    assert out is not None
    out = out[: len(words) - length + 1] * np.uint64(0xFF51AFD7ED558CCD)
    return out ^ (out >> np.uint64(32))


def _power(exponent: int) -> "np.uint64":
    import numpy as np

    return np.uint64(pow(_BASE, exponent, 2**64))


@dataclass(frozen=True)
class Grams:
    """Distinct hashes in order (uint64), and a flag for the upper bits that each has."""

    known: "np.ndarray"
    flags: "np.ndarray"
    shift: int

    @classmethod
    def of(cls, hashes: "np.ndarray") -> "Grams":
        import numpy as np

        known = np.unique(hashes)
        bits = max(10, (len(known) * _FLAGS - 1).bit_length())
        flags = np.zeros(1 << bits, np.bool_)
        flags[known >> np.uint64(64 - bits)] = True
        return cls(known, flags, 64 - bits)

    def find(self, hashes: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
        """(which of these are known, the number of each of them among the known)."""
        import numpy as np

        if not len(self.known):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        maybe = np.flatnonzero(self.flags[hashes >> np.uint64(self.shift)])
        numbers = np.searchsorted(self.known, hashes[maybe])
        numbers[numbers == len(self.known)] = 0
        right = self.known[numbers] == hashes[maybe]
        return maybe[right], numbers[right]
