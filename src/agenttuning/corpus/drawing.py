"""Endless drawing from several sources: seeded, evenly interleaved, and resumed at any place in constant time.

Without replacement every row of a source is drawn once in each of its epochs, in another order each time; with it every
draw takes any row. Which row stands at a place follows from the place and the seed alone.

>>> drawing = Drawing(tree, {"agent": 81, "general": 320}, seed=0)
>>> drawing.seek(1_000_000)
>>> next(drawing), drawing.state
(Drawn(source='general', row=17), {'position': 1000001, 'seed': 0})
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agenttuning.corpus.permutation import key, mixed, permuted
from agenttuning.corpus.proportions import Interleaving, Part


@dataclass(frozen=True, slots=True)
class Drawn:
    """`row` counts from 0 within its source."""

    source: str
    row: int


class Drawing(Iterator[Drawn]):
    """`counts` are the rows of each source of the tree."""

    def __init__(
        self, tree: Part, counts: Mapping[str, int], *, seed: int, replacement: bool = False, position: int = 0
    ):
        self.counts, self.seed, self.replacement, self.position = counts, seed, replacement, position
        self._order = Interleaving(tree, seed=seed)
        self._keys: dict[str, tuple[int, int]] = {}  # of each source: the epoch, and the key of its order

    @property
    def state(self) -> dict[str, int]:
        """What `seek` needs to go on from here, in another process too."""
        return {"position": self.position, "seed": self.seed}

    def seek(self, position: int) -> None:
        self.position = position

    def __next__(self) -> Drawn:
        drawn = self.at(self.position)
        self.position += 1
        return drawn

    def at(self, position: int) -> Drawn:
        """What is drawn at a place, counted from 0."""
        source, number = self._order.locate(position)
        count = self.counts[source]
        epoch, place = (0, number) if self.replacement else divmod(number, count)
        known = self._keys.get(source)
        if known is None or known[0] != epoch:
            known = self._keys[source] = epoch, key("mixture", self.seed, source, epoch)
        if self.replacement:
            return Drawn(source, mixed(known[1], 0, place) % count)
        return Drawn(source, permuted(place, count, known[1]))
