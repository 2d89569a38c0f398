"""What teachers were paid, and what may still be spent.

Every reply goes into the journal before it is used, with what it cost, so a run that is stopped and started again
finds what it has paid for. A call is made only where its worst case, all of its reply's tokens included, still fits
beside the calls that are under way: a budget is not exceeded.

>>> purse = Purse(Journal(Path("replies.jsonl")), tokens=100_000)
>>> purse.spent["write"].calls
12
"""

import threading
from dataclasses import dataclass
from typing import Any

from agenttuning.corpus.construct.config import Prices
from agenttuning.corpus.construct.journal import Journal
from agenttuning.errors import BudgetSpent

BYTES_A_TOKEN = 2  # what a prompt has at least; English has four


@dataclass(slots=True)
class Spent:
    """By one role, over all runs: tokens, and US dollars at the prices of their time."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion


class Purse:
    """`tokens` and `usd` bound everything that the journal holds; None: no bound."""

    def __init__(self, journal: Journal, *, tokens: int | None = None, usd: float | None = None):
        self.journal = journal
        self.spent: dict[str, Spent] = {}
        self._tokens, self._usd = tokens, usd
        self._lock = threading.Lock()
        self._reserved = [0.0, 0.0]  # tokens and dollars of calls under way
        for row in journal:
            self._count(row)

    @property
    def total(self) -> Spent:
        rows = self.spent.values()
        return Spent(
            sum(row.calls for row in rows), sum(row.prompt for row in rows), sum(row.completion for row in rows),
            sum(row.cached for row in rows), sum(row.usd for row in rows),
        )  # fmt: skip

    def reserve(self, tokens: int, usd: float) -> None:
        """Raises BudgetSpent where a call of so much might exceed the budget."""
        with self._lock:
            total = self.total
            for name, limit, used, held, more in (
                ("tokens", self._tokens, total.tokens, self._reserved[0], tokens),
                ("US dollars", self._usd, total.usd, self._reserved[1], usd),
            ):
                if limit is not None and used + held + more > limit:
                    raise BudgetSpent(
                        f"the budget of {limit:g} {name} is used up ({used:.6g} spent, the next call may take "
                        f"{more:.3g}); raise it and run the same command to go on"
                    )
            self._reserved[0] += tokens
            self._reserved[1] += usd

    def release(self, tokens: int, usd: float) -> None:
        with self._lock:
            self._reserved[0] -= tokens
            self._reserved[1] -= usd

    def book(self, row: dict[str, Any]) -> None:
        """Store a reply; only then it counts."""
        self.journal.append(row)
        with self._lock:
            self._count(row)

    def _count(self, row: dict[str, Any]) -> None:
        spent = self.spent.setdefault(row["role"], Spent())
        spent.calls += 1
        spent.prompt += row["prompt"]
        spent.completion += row["completion"]
        spent.cached += row["cached"]
        spent.usd += row["usd"]


def worst_case(text_bytes: int, max_tokens: int, price: Prices) -> tuple[int, float]:
    """Tokens and dollars that a call may take at most, its prompt's tokens being guessed high."""
    prompt = text_bytes // BYTES_A_TOKEN + 16
    return prompt + max_tokens, price.usd(prompt, max_tokens, 0)
