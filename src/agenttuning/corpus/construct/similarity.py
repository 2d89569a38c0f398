"""How alike two instructions are: ROUGE-L, the F-measure of their longest common subsequence of words.

Self-Instruct (arXiv 2212.10560) keeps an instruction whose ROUGE-L with every earlier one is at most 0.7; so does
the pool here. The subsequence is found with one integer operation a word (Hyyrö 2004), so that a pool of thousands
costs milliseconds.

>>> rouge_l(words("How many files are in /srv?"), words("How many files are in /opt?"))
0.8333333333333334
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")  # scripts that put no spaces between words


def words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_ALONE.sub(r" \1 ", text.casefold())))


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """In [0, 1]; 0 where one of them has no words."""
    if not one or not other:
        return 0.0
    return 2 * _common(one, other) / (len(one) + len(other))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence; bit i stands for word i of `one`."""
    places: dict[str, int] = {}
    for i, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << i
    whole = (1 << len(one)) - 1
    state = whole
    for word in other:
        match = state & places.get(word, 0)
        state = ((state + match) | (state - match)) & whole
    return len(one) - state.bit_count()


class Pool:
    """Instructions in the order in which they came; `begun` of them were there first."""

    def __init__(self, seeds: Iterable[str], most: float = 0.7):
        self._most = most
        self.texts: list[str] = []
        self._words: list[tuple[tuple[str, ...], Counter[str]]] = []
        for text in seeds:
            self.add(text)
        self.begun = len(self.texts)

    def nearest(self, text: str) -> tuple[float, str]:
        """The highest ROUGE-L with an instruction of the pool, and that instruction; (0, "") in an empty pool."""
        mine = words(text)
        counts = Counter(mine)
        best, found = 0.0, ""
        for theirs, (other, other_counts) in zip(self.texts, self._words, strict=True):
            if not mine or not other:
                continue
            # No subsequence has more words than both hold.
            size = len(mine) + len(other)
            if 2 * min(len(mine), len(other)) <= best * size:
                continue
            if 2 * sum((counts & other_counts).values()) <= best * size:
                continue
            score = rouge_l(mine, other)
            if score > best:
                best, found = score, theirs
        return best, found

    def refuses(self, text: str) -> str | None:
        """The instruction that this one is nearly; None where there is none."""
        score, other = self.nearest(text)
        return other if score > self._most else None

    def add(self, text: str) -> None:
        self.texts.append(text)
        mine = words(text)
        self._words.append((mine, Counter(mine)))

    def draw(self, dice: random.Random, number: int) -> list[str]:
        """Different instructions, a quarter of them constructed ones where there are any, as Self-Instruct draws."""
        new = self.texts[self.begun :]
        first = dice.sample(new, min(len(new), max(1, number // 4) if number else 0))
        seeds = self.texts[: self.begun]
        rest = dice.sample(seeds, min(len(seeds), number - len(first)))
        drawn = [*first, *rest]
        dice.shuffle(drawn)
        return drawn
