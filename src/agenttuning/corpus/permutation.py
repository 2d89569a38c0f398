"""A shuffled order that is computed, not stored: place i of n rows, for any n, in constant time and memory.

Numbers below n are pairs (left, right) of a grid that is hardly larger, and a keyed Feistel network over that grid is a
bijection of it (generalized Feistel with cycle walking; Black and Rogaway, Ciphers with Arbitrary Finite Domains).
So an iteration can begin anywhere, and a corpus of 10^9 rows needs no list of them.

>>> [permuted(i, 5, key("mixture", 0)) for i in range(5)]
[3, 0, 4, 2, 1]
"""

from hashlib import blake2b
from math import isqrt

_ROUNDS = 8
_MASK = (1 << 64) - 1


def key(*parts: object) -> int:
    """64 bits of what names a shuffle: a purpose, a seed, a source, an epoch."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def permuted(place: int, count: int, key: int) -> int:
    """Which of `count` rows stands at `place` (both from 0) of the order that `key` names."""
    assert 0 <= place < count, f"place {place} of {count} rows"
    height = isqrt(count - 1) + 1
    width = -(-count // height)
    while True:
        left, right = divmod(place, width)
        for number in range(0, _ROUNDS, 2):
            left = (left + mixed(key, number, right)) % height
            right = (right + mixed(key, number + 1, left)) % width
        place = left * width + right
        if place < count:
            return place


def mixed(key: int, number: int, value: int) -> int:
    """64 bits that depend on all three (the finalizer of SplitMix64)."""
    x = (key + 0x9E3779B97F4A7C15 * (number + 1) + 0xD1B54A32D192ED03 * value) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
