"""What of the evaluation items stands in some texts: a pure function of the texts and the index.

A match is a stretch of an item and one as long of a text that begin and end with the same words, in which at least `n`
words are equal and at most `mismatches` differ, place by place: a skip-gram of n words with that budget. The words that
differ are skipped, not found. With
``exact = n`` it is Llama 2's (arXiv 2307.09288 §A.6), where the first n words must be equal, in both directions.

>>> mark(index, [row_text]).matches.T  # text, document, first word, one after the last, words that differ
array([[  0,   3, 120, 134,   2]])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agenttuning.corpus.contamination.grams import runs
from agenttuning.corpus.contamination.index import Index
from agenttuning.corpus.contamination.words import ROWS, hashes, mark_hash

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Marks:
    """Of the texts 0 … `count` - 1, with so many `words`: the matches, the stretches of equal words in them, and the
    runs of n words that any document has, templates included.

    `matches` has a column for each: text, document, first word of the index, one after the last, and how many words
    between differ. `equal` has the first four for each stretch in them without such words. `known` has text and the
    number of the run.
    """

    count: int
    words: int
    matches: "np.ndarray"
    equal: "np.ndarray"
    known: "np.ndarray"


def mark(index: Index, texts: Sequence[str]) -> Marks:
    """The matches of each text with every document that is no template."""
    import numpy as np

    words = hashes(texts, ROWS)
    edges = np.flatnonzero(words == np.uint64(mark_hash(ROWS)))
    at, number = index.grams.find(runs(words, index.rules.n))
    here, there = _candidates(index, words)
    matches, equal = [], set()
    for text, document, diagonal in _diagonals(index, edges, here, there):
        for first, breaks, end in _matches(index, words, document, diagonal, edges[text] + 1, _end(edges, text, words)):
            matches.append((text, document, first, end, len(breaks)))
            for left, right in pairwise([first - 1, *breaks, end]):
                if right > left + 1:
                    equal.add((text, document, left + 1, right))
    known = np.stack([np.searchsorted(edges, at, "right") - 1, number])
    return Marks(len(texts), len(words) - len(edges), _columns(matches, 5), _columns(sorted(equal), 4), known)


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> "np.ndarray":
    import numpy as np

    return np.array(rows, np.int64).reshape(-1, width).T


def _end(edges: "np.ndarray", text: int, words: "np.ndarray") -> int:
    return int(edges[text + 1]) if text + 1 < len(edges) else len(words)


def _candidates(index: Index, words: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """(place in the texts, place in the index) of equal own runs around which enough words are equal."""
    import numpy as np

    heres, theres = [], []
    for seeds in index.seeds:
        at, number = seeds.grams.find(runs(words, seeds.length))
        counts = seeds.first[number + 1] - seeds.first[number]
        here = np.repeat(at, counts)
        begin = np.repeat(seeds.first[number] - np.cumsum(counts) + counts, counts)
        there = seeds.places[begin + np.arange(len(here))]
        heres.append(here)
        theres.append(there)
    here, there = np.concatenate(heres), np.concatenate(theres)
    # A match that holds the run can be cut down to one with no more equal words than it needs, so that much of it
    # lies in this neighbourhood.
    equal = np.zeros(len(here), np.int32)
    reach = index.rules.n + index.rules.mismatches
    for step in range(index.rules.exact - reach, reach):
        near, far = here + step, there + step
        inside = (near >= 0) & (near < len(words)) & (far >= 0) & (far < len(index.words))
        equal += inside & (words[near * inside] == index.words[far * inside])
    enough = equal >= index.least[index.document_at[there]]
    return here[enough], there[enough]


def _diagonals(
    index: Index, edges: "np.ndarray", here: "np.ndarray", there: "np.ndarray"
) -> list[tuple[int, int, int]]:
    """The distinct (text, document, place in the texts - place in the index) of the candidates."""
    import numpy as np

    keys = np.stack([np.searchsorted(edges, here, "right") - 1, index.document_at[there], here - there])
    return [tuple(key) for key in np.unique(keys, axis=1).T.tolist()]


def _matches(
    index: Index, words: "np.ndarray", document: int, diagonal: int, text_start: int, text_end: int
) -> list[tuple[int, list[int], int]]:
    """(first word, places that differ, one after the last word) of the longest matches of a document on a diagonal."""
    import numpy as np

    start = max(int(index.starts[document]), text_start - diagonal)
    end = min(int(index.ends[document]), text_end - diagonal)
    equal = words[start + diagonal : end + diagonal] == index.words[start:end]
    # Between the differences, with one before the first word and one behind the last, lie the runs of equal words.
    breaks = np.concatenate([[-1], np.flatnonzero(~equal), [len(equal)]])
    length = index.seed_length[start:end]
    begins = np.flatnonzero(length)
    run = np.searchsorted(breaks, begins, "right") - 1
    whole = equal[begins] & (begins + length[begins] <= breaks[run + 1])
    least, budget = int(index.least[document]), int(index.budget[document])
    out = {}
    for seeded in np.unique(run[whole]).tolist():
        for left in range(max(0, seeded - budget), seeded + 1):
            right = min(left + budget, len(breaks) - 2)
            while breaks[right] + 1 == breaks[right + 1]:  # a run without words: the match ends before it
                right -= 1
            first, last = int(breaks[left]) + 1, int(breaks[right + 1])
            if equal[first] and last - first - (right - left) >= least:
                differ = (start + breaks[left + 1 : right + 1]).tolist()
                out[start + first, start + last] = (start + first, differ, start + last)
    return list(out.values())
