"""Pages that can be opened by title, and found by BM25 when the title is only nearly right.

>>> index = TextIndex([Page("Oslo", ("Oslo is the capital of Norway.", "It lies by a fjord."))])
>>> index.page("oslo").title
'Oslo'
>>> index.similar("capital of Norway")
['Oslo']
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from agenttuning.errors import MissingExtra

if TYPE_CHECKING:
    from bm25s import BM25

_WORD = re.compile(r"\w+")
# Words that say nothing about a page; short, because BM25 weighs the others down by itself.
_STOP = frozenset(
    word
    for line in (
        "a an and are as at be by did do does for from had has have he her his how in into is it its of on or",
        "she that the their they this to was were what when where which who whose with",
    )
    for word in line.split()
)
TITLE_WEIGHT = 3  # a title's words count as if they stood in the text this many times


def fold(text: str) -> str:
    """Lower case, accents and outer quotes away, single spaces: what two spellings of one title share."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(plain.split()).strip(" \"'`“”‘’")


def words(text: str) -> list[str]:
    return [word for word in _WORD.findall(fold(text)) if word not in _STOP]


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    sentences: tuple[str, ...]

    def mentions(self, keyword: str) -> list[int]:
        """Positions of the sentences that hold `keyword`, in any case and with or without accents."""
        wanted = fold(keyword)
        return [i for i, sentence in enumerate(self.sentences) if wanted and wanted in fold(sentence)]


class TextIndex:
    """Pages by title; of two with the same title the first stays. The BM25 part is built on its first use."""

    def __init__(self, pages: Iterable[Page]):
        self._exact: dict[str, Page] = {}
        self._folded: dict[str, Page] = {}
        for page in pages:
            self._exact.setdefault(page.title, page)
            self._folded.setdefault(fold(page.title), page)
        self._pages = list(self._exact.values())

    def __len__(self) -> int:
        return len(self._pages)

    def page(self, title: str) -> Page | None:
        """The page of this title: to the letter first, else whatever the case and the accents."""
        return self._exact.get(title) or self._folded.get(fold(title))

    def similar(self, query: str, limit: int = 5) -> list[str]:
        """Up to `limit` titles, best first; equal scores keep the pages' order. Raises MissingExtra."""
        known = (self._known(word) for word in words(query))
        wanted = list(dict.fromkeys(word for word in known if word is not None))
        if not wanted:
            return []
        scores = self._bm25.get_scores(wanted)
        best = (-scores).argsort(kind="stable")[:limit]
        return [self._pages[i].title for i in best.tolist() if scores[i] > 0]

    def _known(self, word: str) -> str | None:
        """The word itself where a page has it, else the word of the pages that is spelled most like it."""
        if word in self._vocabulary:
            return word
        near = (other for other in self._vocabulary if other[0] == word[0] and abs(len(other) - len(word)) <= 2)
        return next(iter(get_close_matches(word, sorted(near), n=1, cutoff=0.8)), None)

    @cached_property
    def _documents(self) -> list[list[str]]:
        return [
            words(page.title) * TITLE_WEIGHT + [word for s in page.sentences for word in words(s)]
            for page in self._pages
        ]

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(word for document in self._documents for word in document)

    @cached_property
    def _bm25(self) -> "BM25":
        try:
            from bm25s import BM25
        except ModuleNotFoundError:
            raise MissingExtra("bm25s", "search") from None
        retriever = BM25()
        retriever.index(self._documents, show_progress=False)
        return retriever
