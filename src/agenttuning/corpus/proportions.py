"""Which source stands at which place of a mixture: a tree of shares, and a closed form for any place in it.

    agent 2                    of every 10 rows
    general 8
      general/gpt-4 1          of every 5 of those
      general/gpt-3.5 4

Parts are interleaved evenly: at each branching any window holds its parts within one row of their share. A place's
part and the row's number within that part are computed from the place alone, so an iteration can begin anywhere.

>>> tree = Part("", 5, (Part("agent", 1), Part("general", 4)))
>>> [Interleaving(tree, seed=0).locate(place)[0] for place in range(5)]
['general', 'general', 'agent', 'general', 'general']
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from agenttuning.corpus.sampling import allot
from agenttuning.errors import BadInput

AGENT, GENERAL = "agent", "general"


@dataclass(frozen=True, slots=True)
class Part:
    """`rows` of one round, the sum of the parts' where there are some; a leaf's name is its source's."""

    name: str
    rows: int
    parts: tuple["Part", ...] = ()

    def leaves(self) -> dict[str, int]:
        """The rows of one round of every source."""
        if not self.parts:
            return {self.name: self.rows}
        return {name: rows for part in self.parts for name, rows in part.leaves().items()}


class Interleaving:
    """Places of an endless iteration that goes round after round; the same seed gives the same order."""

    def __init__(self, tree: Part, *, seed: int):
        self.tree = tree
        self._phases: dict[str, int] = {}
        self._begin(tree, seed)

    def _begin(self, part: Part, seed: int) -> None:
        rest = part.rows
        for one in part.parts:
            name = f"interleave/{seed}/{one.name}"
            self._phases[one.name] = Random(name).randrange(rest) if rest else 0
            rest -= one.rows
            self._begin(one, seed)

    def locate(self, place: int) -> tuple[str, int]:
        """(source, which of its rows this is, from 0) at a place from 0."""
        part = self.tree
        while part.parts:
            rest = part.rows
            for one in part.parts:
                before = self._before(one, place, rest)
                if self._before(one, place + 1, rest) > before:
                    part, place = one, before
                    break
                place, rest = place - before, rest - one.rows
            else:
                raise AssertionError(f"no part of {part.name!r} has rows")
        return part.name, place

    def _before(self, part: Part, place: int, total: int) -> int:
        return (part.rows * place + self._phases[part.name]) // total if total else 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a source: its rows, and the mean trained tokens of one (1 where shares are of rows)."""

    rows: int
    tokens: float = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """A node of the tree of names: its sources' rows together, and the mean tokens of a row as they are drawn."""

    name: str
    parts: tuple["Group", ...]
    shares: Mapping[str, float]  # of each part, in rows
    rows: int
    tokens: float

    def split(self, rows: int) -> Part:
        """The rows of one round shared out among the sources."""
        if not self.parts:
            return Part(self.name, rows)
        counts = allot(self.shares, rows)
        return Part(self.name, rows, tuple(part.split(counts[part.name]) for part in self.parts))


def grouped(name: str, sources: Mapping[str, Known], weights: Mapping[str, float]) -> Group:
    """The tree below `name`, from sources whose names have `/` between their levels.

    A part's share of its group is its weight, in rows or in trained tokens as `Known.tokens` is 1 or not. Parts of a
    group that have no weights have shares as they have rows: every row is drawn equally often. Raises BadInput where
    only some of them have a weight.
    """
    if name in sources:
        return Group(name, (), {}, sources[name].rows, sources[name].tokens)
    depth = name.count("/") + 1
    below = dict.fromkeys(
        "/".join(source.split("/")[: depth + 1]) for source in sources if source.startswith(name + "/")
    )
    parts = tuple(grouped(one, sources, weights) for one in below)
    weighted = [part.name for part in parts if part.name in weights]
    if weighted and len(weighted) < len(parts):
        missing = ", ".join(part.name for part in parts if part.name not in weights)
        raise BadInput(f"weights has {', '.join(weighted)} and not {missing}; give each part of {name} its weight")
    shares = {part.name: weights[part.name] / part.tokens if weighted else part.rows for part in parts}
    total = sum(shares.values())
    if not total > 0:
        raise BadInput(f"weights: no part of {name} has a weight above 0")
    mean = sum(shares[part.name] * part.tokens for part in parts) / total
    return Group(name, parts, shares, sum(part.rows for part in parts), mean)
