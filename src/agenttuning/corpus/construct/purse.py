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
        self._settled = threading.Condition()
        self._under_way = 0  # calls
        self._reserved = [0.0, 0.0]  # their tokens and dollars
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
        """Hold so much for a call. Where that is too much beside calls under way, wait for what they really take;
        raises BudgetSpent where it is too much without any."""
        with self._settled:
            while (told := self._exceeded(tokens, usd)) is not None:
                if not self._under_way:
                    raise BudgetSpent(told)
                self._settled.wait()
            self._under_way += 1
            self._reserved[0] += tokens
            self._reserved[1] += usd

    def _exceeded(self, tokens: int, usd: float) -> str | None:
        total = self.total
        for name, limit, used, held, more in (
            ("tokens", self._tokens, total.tokens, self._reserved[0], tokens),
            ("US dollars", self._usd, total.usd, self._reserved[1], usd),
        ):
            if limit is not None and used + held + more > limit:
                return (
                    f"the budget of {limit:g} {name} is used up ({used:.6g} spent, the next call may take {more:.3g}); "
                    "raise it and run the same command to go on"
                )
        return None

    def release(self, tokens: int, usd: float) -> None:
        """The call has ended; what it took is booked, or it failed."""
        with self._settled:
            self._under_way -= 1
            self._reserved[0] -= tokens
            # No rest of rounding may stay when nothing is under way.
            self._reserved[1] = self._reserved[1] - usd if self._under_way else 0.0
            self._settled.notify_all()

    def book(self, row: dict[str, Any]) -> None:
        """Store a reply; only then it counts."""
        self.journal.append(row)
        with self._settled:
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
