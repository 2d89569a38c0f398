"""The words of all evaluation items, laid out to be found in any text; its memory depends on the items alone.

An item's text is a document, and so is a template; texts that are the same within a set are one document. A run of
words is *own* where it stands in at most `common` places of its set and in no template. A text of fewer than `n` words
is looked for whole; one of fewer than SHORTEST is not looked for.

>>> index = build([Item("database", "1", "Which rocks were found in the cave that has eight tunnels?")], Rules())
>>> mark(index, ["…"])
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agenttuning.corpus.contamination.grams import Grams, runs
from agenttuning.corpus.contamination.items import Item
from agenttuning.corpus.contamination.words import ITEMS, hashes, mark_hash
from agenttuning.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

SHORTEST = 5  # words; a shorter text is found in everything


@dataclass(frozen=True)
class Rules:
    """What a match is: at least `n` equal words in a row, between which at most `mismatches` differ, with `exact` of
    the equal ones beside each other and own."""

    n: int = 10
    mismatches: int = 4
    exact: int = 3
    common: int = 3

    def __post_init__(self) -> None:
        for name, least in (("n", 2), ("mismatches", 0), ("exact", 2), ("common", 1)):
            if getattr(self, name) < least:
                raise BadInput(f"{name} must be at least {least}, found {getattr(self, name)}")
        if self.exact > self.n:
            raise BadInput(f"exact must be at most n, which is {self.n}, found {self.exact}")


@dataclass(frozen=True)
class Seeds:
    """Own runs of one length, each with the places where it begins: those of run `i` are
    ``places[first[i]:first[i + 1]]``."""

    length: int
    grams: Grams
    first: "np.ndarray"
    places: "np.ndarray"


@dataclass(frozen=True)
class Index:
    """Documents one after the other: `words` has all their hashes, `starts` and `ends` where each lies in it.

    `least` and `budget` are, by document, how many words must be equal and how many may differ. `seed_length` is, by
    word, how many own words in a row begin there that make a match possible (0: none), `own` whether the word is in
    no template. `gram_at` is, by word, which of `grams` begins there (-1: none). `own_document` and
    `template_document` are, by item, their numbers (-1: none).
    """

    rules: Rules
    sets: tuple[str, ...]
    ids: tuple[str, ...]
    words: "np.ndarray"
    starts: "np.ndarray"
    ends: "np.ndarray"
    least: "np.ndarray"
    budget: "np.ndarray"
    document_at: "np.ndarray"
    seeds: tuple[Seeds, ...]
    seed_length: "np.ndarray"
    own: "np.ndarray"
    grams: Grams
    gram_at: "np.ndarray"
    own_document: "np.ndarray"
    template_document: "np.ndarray"
    short: tuple[int, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)

    def own_words(self, document: int) -> int:
        return int(self.own[self.starts[document] : self.ends[document]].sum())


def build(items: Sequence[Item], rules: Rules) -> Index:
    """The index of these items. Raises BadInput where there are none."""
    import numpy as np

    if not items:
        raise BadInput("no evaluation items to look for; name suites in the recipe or give --files.NAME FILE")
    documents: dict[tuple[str | None, str], int] = {}
    own_document, template_document = [], []
    for item in items:
        own_document.append(documents.setdefault((item.set, item.text), len(documents)))
        template = item.template.strip()
        template_document.append(documents.setdefault((None, item.template), len(documents)) if template else -1)
    words = hashes([text for _, text in documents], ITEMS)
    starts = np.flatnonzero(words == np.uint64(mark_hash(ITEMS))) + 1
    ends = np.append(starts[1:] - 1, len(words))
    document_at = np.repeat(np.arange(len(documents)), ends - starts + 1)
    sizes, sets = ends - starts, [set for set, _ in documents]
    n, is_template = rules.n, np.array([set is None for set in sets])
    number = {name: i for i, name in enumerate(dict.fromkeys(sets))}
    set_at = np.array([number[name] for name in sets])[document_at]
    template_at = is_template[document_at]
    grams_in = _Places(words, starts, ends, n)
    common = _common(grams_in, set_at, template_at, rules.common)
    own = ~template_at & ~_covered(grams_in.places[common], n, len(words))
    short = ~is_template & (sizes < n) & (sizes >= SHORTEST)
    seed_length = np.zeros(len(words), np.int32)
    lengths = sorted({int(size) for size in sizes[short]})
    for length in lengths:
        seed_length[starts[short & (sizes == length)]] = length
    exact_in = _Places(words, starts, ends, rules.exact)
    usable = ~template_at & (sizes >= n)[document_at]
    kept = exact_in.places[~_common(exact_in, set_at, template_at, rules.common)]
    seed_length[kept[usable[kept]]] = rules.exact
    whole = grams_in.places[~common]
    whole = whole[usable[whole] & ~_any_within(seed_length > 0, whole, n - rules.exact + 1)]
    seed_length[whole] = n
    return Index(
        rules=rules,
        sets=tuple(item.set for item in items),
        ids=tuple(item.id for item in items),
        words=words,
        starts=starts,
        ends=ends,
        least=np.where(short, sizes, n),
        budget=np.where(short, 0, rules.mismatches),
        document_at=document_at,
        seeds=tuple(_seeds(words, seed_length, length) for length in sorted({*lengths, rules.exact, n})),
        seed_length=seed_length,
        own=own,
        grams=(grams := Grams.of(grams_in.hashes)),
        gram_at=_numbered(grams, grams_in, len(words)),
        own_document=np.array(own_document),
        template_document=np.array(template_document),
        short=tuple(i for i, document in enumerate(own_document) if sizes[document] < min(SHORTEST, n)),
    )


class _Places:
    """Every run of a length that lies within a document: where it begins, and its hash."""

    def __init__(self, words: "np.ndarray", starts: "np.ndarray", ends: "np.ndarray", length: int):
        import numpy as np

        within = np.zeros(len(words) + 1, np.int64)
        long = ends - starts >= length
        np.add.at(within, starts[long], 1)
        np.add.at(within, ends[long] - length + 1, -1)
        self.places = np.flatnonzero(np.cumsum(within)[:-1])
        self.hashes = runs(words, length)[self.places]


def _common(found: _Places, set_at: "np.ndarray", template_at: "np.ndarray", most: int) -> "np.ndarray":
    """Which runs are in more than `most` places of their set, or in a template anywhere."""
    import numpy as np

    if not len(found.places):
        return np.zeros(0, np.bool_)
    _, same = np.unique(found.hashes, return_inverse=True)
    in_set = same * (int(set_at.max()) + 1) + set_at[found.places]
    _, key, counts = np.unique(in_set, return_inverse=True, return_counts=True)
    in_template = np.zeros(same.max() + 1, np.bool_)
    in_template[same[template_at[found.places]]] = True
    return (counts[key] > most) | in_template[same]


def _covered(begins: "np.ndarray", length: int, size: int) -> "np.ndarray":
    """Which words lie in one of the runs."""
    import numpy as np

    steps = np.zeros(size + 1, np.int64)
    np.add.at(steps, begins, 1)
    np.add.at(steps, begins + length, -1)
    return np.cumsum(steps)[:-1] > 0


def _any_within(flags: "np.ndarray", begins: "np.ndarray", length: int) -> "np.ndarray":
    """Whether one of the `length` flags from each of these places on is set."""
    import numpy as np

    sums = np.concatenate([[0], np.cumsum(flags)])
    return sums[np.minimum(begins + length, len(flags))] > sums[begins]


def _seeds(words: "np.ndarray", seed_length: "np.ndarray", length: int) -> Seeds:
    import numpy as np

    places = np.flatnonzero(seed_length == length)
    found = runs(words, length)[places]
    order = np.argsort(found, kind="stable")
    grams = Grams.of(found)
    first = np.append(np.searchsorted(found[order], grams.known), len(found))
    return Seeds(length, grams, first, places[order])


def _numbered(grams: Grams, found: _Places, size: int) -> "np.ndarray":
    import numpy as np

    out = np.full(size, -1, np.int64)
    out[found.places] = np.searchsorted(grams.known, found.hashes)
    return out
