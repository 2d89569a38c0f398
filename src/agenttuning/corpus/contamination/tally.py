"""What all rows of a training source have of each evaluation item: a union of marks, and the rates that come of it.

A tally's memory depends on the items, and on how many sources there are, not on the rows. Tallies of parts of a corpus
add up to that of the whole, in any order.

>>> tally = Tally(index)
>>> tally.add(mark(index, texts), sources, names)
>>> rates(index, tally.of("agent/database")).own
array([0.  , 0.05, 1.  ])
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agenttuning.corpus.contamination.index import Index
from agenttuning.corpus.contamination.mark import Marks

if TYPE_CHECKING:
    import numpy as np

MOST_SOURCES = 100  # told apart; the rows of others are counted as one
OTHERS = "other sources"
_EXAMPLES = 3  # rows that are remembered for an item and a source


@dataclass(frozen=True, order=True, slots=True)
class Example:
    """A match: the share of the item's own words that its row has (negative, so that the most comes first), where the
    row is, and the words of the index that match."""

    share: float
    row: str
    first: int
    end: int
    differing: int


@dataclass
class Source:
    """`marked` is, by word of the index, whether a match has it; `known`, by run, whether a row has it;
    `examples` are the rows with most of a document."""

    marked: "np.ndarray"
    known: "np.ndarray"
    rows: int = 0
    examples: dict[int, list[Example]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rates:
    """By item, in [0, 1]: the share of its own words that are marked, and of all words, templates included, that are
    marked or in a known run. `own` is not a number for an item without own words or too short to be looked for."""

    own: "np.ndarray"
    with_templates: "np.ndarray"


class Tally:
    def __init__(self, index: Index):
        self.index = index
        self.sources: dict[str, Source] = {}

    def add(self, marks: Marks, sources: Sequence[str], names: Sequence[str], *, without: Collection[int] = ()) -> None:
        """Marks of texts with the source and the name of each; the texts `without` are not counted."""
        import numpy as np

        chosen = [None if i in without else self._source(name) for i, name in enumerate(sources)]
        different = list(dict.fromkeys(name for i, name in enumerate(sources) if i not in without))
        number = {name: i for i, name in enumerate(different)}
        of_text = np.array([-1 if i in without else number[name] for i, name in enumerate(sources)])
        of_known = of_text[marks.known[0]]
        for i, name in enumerate(different):
            self._source(name).known[marks.known[1][of_known == i]] = True
        shares = covered(self.index, marks)
        for source in chosen:
            if source is not None:
                source.rows += 1
        for text, _, first, end in marks.equal.T.tolist():
            if (source := chosen[text]) is not None:
                source.marked[first:end] = True
        for text, document, first, end, differing in marks.matches.T.tolist():
            source = chosen[text]
            if source is None:
                continue
            best = source.examples.setdefault(document, [])
            best.append(Example(-shares[text, document], names[text], first, end, differing))
            best.sort()
            del best[_EXAMPLES:]

    def merge(self, other: "Tally") -> None:
        """Add the tally of other rows."""
        for name, theirs in other.sources.items():
            ours = self._source(name)
            ours.marked |= theirs.marked
            ours.known |= theirs.known
            ours.rows += theirs.rows
            for document, examples in theirs.examples.items():
                ours.examples[document] = sorted([*ours.examples.get(document, []), *examples])[:_EXAMPLES]

    def of(self, name: str) -> Source:
        return self.sources[name]

    def all(self) -> Source:
        """All sources as one."""
        import numpy as np

        whole = self._empty()
        for source in self.sources.values():
            np.logical_or(whole.marked, source.marked, out=whole.marked)
            np.logical_or(whole.known, source.known, out=whole.known)
            whole.rows += source.rows
        return whole

    def _source(self, name: str) -> Source:
        if name not in self.sources:
            if len(self.sources) >= MOST_SOURCES:
                return self.sources.setdefault(OTHERS, self._empty())
            self.sources[name] = self._empty()
        return self.sources[name]

    def _empty(self) -> Source:
        import numpy as np

        return Source(np.zeros(len(self.index.words), np.bool_), np.zeros(len(self.index.grams.known), np.bool_))


def rates(index: Index, source: Source) -> Rates:
    """The rates of all items for what a source has."""
    import numpy as np

    n = index.rules.n
    known_at = np.zeros(len(index.words), np.bool_)
    is_run = index.gram_at >= 0
    known_at[is_run] = source.known[index.gram_at[is_run]]
    steps = np.zeros(len(known_at) + n, np.int64)
    begins = np.flatnonzero(known_at)
    np.add.at(steps, begins, 1)
    np.add.at(steps, begins + n, -1)
    anywhere = source.marked | (np.cumsum(steps)[: len(known_at)] > 0)
    own_all, own_marked = _by_document(index, index.own), _by_document(index, index.own & source.marked)
    sizes, seen = index.ends - index.starts, _by_document(index, anywhere)
    document, template = index.own_document, index.template_document
    with np.errstate(invalid="ignore"):
        own = own_marked[document] / own_all[document]
        around = (template >= 0).astype(np.int64)
        total = sizes[document] + around * sizes[template]
        whole = (seen[document] + around * seen[template]) / total
    own[list(index.short)] = np.nan
    return Rates(own, whole)


def covered(index: Index, marks: Marks) -> dict[tuple[int, int], float]:
    """For each text and document that match: the share of the document's own words that this text alone has."""
    import numpy as np

    spans: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for text, document, first, end in marks.equal.T.tolist():
        spans.setdefault((text, document), []).append((first, end))
    out = {}
    for (text, document), found in spans.items():
        start, end = int(index.starts[document]), int(index.ends[document])
        marked = np.zeros(end - start, np.bool_)
        for first, last in found:
            marked[first - start : last - start] = True
        own = index.own[start:end]
        out[text, document] = float((marked & own).sum() / own.sum()) if own.any() else 0.0
    return out


def _by_document(index: Index, flags: "np.ndarray") -> "np.ndarray":
    """How many of each document's words are flagged."""
    import numpy as np

    sums = np.concatenate([[0], np.cumsum(flags)])
    return sums[index.ends] - sums[index.starts]
