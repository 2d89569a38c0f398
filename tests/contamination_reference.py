"""Contamination by the definition alone: every stretch of every item against every stretch of every text.

Quadratic and more; for texts of some dozen words.
"""

import re
from collections import Counter
from collections.abc import Sequence

from agenttuning.corpus.contamination.index import SHORTEST, Rules
from agenttuning.corpus.contamination.items import Item


def split(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]


class Reference:
    """For each item: which of its words are its own, which lie in a match with a text, which are in a known run."""

    def __init__(self, items: Sequence[Item], rules: Rules):
        self.items, self.rules = items, rules
        self.templates = [split(item.template) for item in items]
        self.counts = {length: self._counts(length) for length in (rules.exact, rules.n)}

    def _counts(self, length: int) -> dict[str, Counter]:
        out: dict[str, Counter] = {}
        for set, text in dict.fromkeys((item.set, item.text) for item in self.items):
            out.setdefault(set, Counter()).update(runs(split(text), length))
        return out

    def is_own(self, item: Item, run: tuple[str, ...]) -> bool:
        in_template = any(run in runs(template, len(run)) for template in self.templates)
        return not in_template and self.counts[len(run)][item.set][run] <= self.rules.common

    def own(self, item: Item) -> set[int]:
        words, n = split(item.text), self.rules.n
        shared = {
            place for i, run in enumerate(runs(words, n)) if not self.is_own(item, run) for place in range(i, i + n)
        }
        return set(range(len(words))) - shared

    def matched(self, item: Item, text: str) -> set[int]:
        """The places of the item's words that lie in a match with the text."""
        ours, theirs, rules = split(item.text), split(text), self.rules
        if len(ours) < rules.n:
            found = len(ours) >= SHORTEST and tuple(ours) in runs(theirs, len(ours))
            return set(range(len(ours))) if found else set()
        out: set[int] = set()
        for i in range(len(ours)):
            for j in range(len(theirs)):
                for length in range(rules.n, min(len(ours) - i, len(theirs) - j) + 1):
                    if self._is_match(item, ours[i : i + length], theirs[j : j + length]):
                        out |= {i + k for k in range(length) if ours[i + k] == theirs[j + k]}
        return out

    def _is_match(self, item: Item, ours: Sequence[str], theirs: Sequence[str]) -> bool:
        same = [one == other for one, other in zip(ours, theirs, strict=True)]
        if not same[0] or not same[-1]:
            return False
        if sum(same) < self.rules.n or len(same) - sum(same) > self.rules.mismatches:
            return False
        return any(
            all(same[k : k + length]) and self.is_own(item, tuple(ours[k : k + length]))
            for length in (self.rules.exact, self.rules.n)
            for k in range(len(same) - length + 1)
        )

    def known(self, words: Sequence[str], texts: Sequence[str]) -> set[int]:
        """The places of these words that lie in a run of n words of one of the texts."""
        n = self.rules.n
        there = {run for text in texts for run in runs(split(text), n)}
        return {place for i, run in enumerate(runs(words, n)) if run in there for place in range(i, i + n)}
