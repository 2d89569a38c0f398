"""Keys and values of sequences that have been computed, kept so that a longer prompt need not compute them again.

>>> kept = Kept(limit=2**30)
>>> kept.add(cache)                            # a conversation's turn has ended
>>> cache, known = kept.begin([1, 5, 9, 7])    # its next turn: `known` tokens are computed already
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

LEAST = 16  # tokens that a copy must save


class Cache:
    """Keys and values of one sequence: a layer's are tensors (kv heads, capacity, head size), filled up to `length`.

    `ids` are the tokens that they belong to; `adapter` is whose they are: another adapter computes others.
    """

    def __init__(self, adapter: str | None = None):
        self.adapter = adapter
        self.ids: list[int] = []
        self.layers: dict[int, tuple[Any, Any]] = {}

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(t.numel() * t.element_size() for pair in self.layers.values() for t in pair)

    def extend(self, layer: int, key: Any, value: Any, start: int) -> tuple[Any, Any]:
        """Put (kv heads, n, head size) behind the first `start` tokens; all keys and values up to there."""
        end = start + key.shape[1]
        held = self.layers.get(layer)
        if held is None or held[0].shape[1] < end:
            capacity = max(end + 32, end * 5 // 4)
            held = (_grown(held and held[0], key, capacity, start), _grown(held and held[1], value, capacity, start))
            self.layers[layer] = held
        held[0][:, start:end] = key
        held[1][:, start:end] = value
        return held[0][:, :end], held[1][:, :end]

    def beginning(self, length: int) -> "Cache":
        """A copy of the first tokens."""
        copy = Cache(self.adapter)
        copy.ids = self.ids[:length]
        copy.layers = {
            layer: (key[:, :length].clone(), value[:, :length].clone()) for layer, (key, value) in self.layers.items()
        }
        return copy


class Kept:
    """Caches of ended sequences, at most `limit` bytes of them; the longest unused go first."""

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self._caches: OrderedDict[int, Cache] = OrderedDict()
        self._number = 0

    def __len__(self) -> int:
        return len(self._caches)

    def add(self, cache: Cache) -> None:
        cache = cache.beginning(len(cache.ids))  # without the room to grow
        for number, other in list(self._caches.items()):
            if other.adapter == cache.adapter and common(other.ids, cache.ids) == len(other.ids):
                self._drop(number)  # what it holds, the new one holds
        self._number += 1
        self._caches[self._number] = cache
        self.size += cache.size
        while self.size > self.limit and self._caches:
            self._drop(next(iter(self._caches)))

    def begin(self, ids: Sequence[int], adapter: str | None = None, running: Iterable[Cache] = ()) -> tuple[Cache, int]:
        """A cache for this prompt, and how many of its tokens are in it: never all, for the last one's prediction is
        wanted. What `running` sequences have computed so far serves as well."""
        best, found, number = 0, None, None
        for other_number, other in [*self._caches.items(), *((None, cache) for cache in running)]:
            if other.adapter == adapter and (shared := min(common(other.ids, ids), len(ids) - 1)) > best:
                best, found, number = shared, other, other_number
        if found is None or best < LEAST:
            return Cache(adapter), 0
        if number is not None:
            self._caches.move_to_end(number)
        return found.beginning(best), best

    def _drop(self, number: int) -> None:
        self.size -= self._caches.pop(number).size


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    low, high = 0, length  # the first `low` are equal, the first `high` are not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle)
    return low


def _grown(held: Any, like: Any, capacity: int, start: int) -> Any:
    import torch

    grown = torch.empty((like.shape[0], capacity, like.shape[2]), dtype=like.dtype, device=like.device)
    if held is not None:
        grown[:, :start] = held[:, :start]
    return grown
