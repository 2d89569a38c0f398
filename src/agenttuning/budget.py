"""What calls to models cost, and a budget that they do not exceed.

A call is held before it is made, at its worst: a prompt guessed high and the longest reply. Where that does not fit
beside the calls under way it waits for what they really take; where it does not fit without any it is refused. Until a
reply has told how many bytes a token has, the calls of a limited budget go one by one.

>>> budget = Budget(tokens=100_000)
>>> held = budget.hold(4_000, 256, Prices(0.4, 1.6))
>>> held.granted.result()
>>> budget.settle(held, prompt=950, completion=41).usd
0.0004456
"""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from agenttuning.errors import BudgetSpent

BYTES_A_TOKEN = 2.0  # at least, until a reply has told; English has four
MARGIN = 1.25  # how much denser than all prompts so far one may be


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens of prompts, of replies, and of prompts that the endpoint had in its cache
    (None: as other prompt tokens)."""

    prompt: float = 0.0
    completion: float = 0.0
    cached: float | None = None

    def usd(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Dollars for so many tokens; `cached` is a part of `prompt`."""
        kept = self.prompt if self.cached is None else self.cached
        return (max(prompt - cached, 0) * self.prompt + cached * kept + completion * self.completion) / 1e6


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls that were answered, their tokens, and US dollars at the prices of their time."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.calls + other.calls, self.prompt + other.prompt, self.completion + other.completion,
            self.cached + other.cached, self.usd + other.usd,
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class Held:
    """A call that waits or is under way. `granted` has a result when it may be made, and raises BudgetSpent where it
    may not; `prompt` is its guessed tokens, once it is granted."""

    size: int
    reply: int
    prices: Prices
    granted: Future[None] = field(default_factory=Future)
    prompt: int = 0

    @property
    def usd(self) -> float:
        return self.prices.usd(self.prompt, self.reply)


class Budget:
    """For any threads. `tokens` and `usd` bound all that is spent, `spent` of earlier runs included; None: no bound.

    `remedy` ends the line that says that it is used up.
    """

    def __init__(
        self,
        *,
        tokens: int | None = None,
        usd: float | None = None,
        spent: Spent | None = None,
        remedy: str = "raise it and run the same command to go on",
    ):
        self.spent = spent or Spent()
        self._tokens, self._usd, self._remedy = tokens, usd, remedy
        self._lock = threading.Lock()
        self._waiting: deque[Held] = deque()
        self._under_way: set[Held] = set()
        self._answered = False
        self._bytes, self._told = 0, 0  # of prompts whose tokens were told

    def hold(self, size: int, reply: int, prices: Prices) -> Held:
        """Set aside what a call may cost, its prompt of `size` bytes and at most `reply` tokens; end it with `settle`
        or `release`. Calls are granted in the order in which they came."""
        held = Held(size, reply, prices)
        with self._lock:
            self._waiting.append(held)
        self._admit()
        return held

    def settle(self, held: Held, *, prompt: int, completion: int, cached: int = 0, written: int = 0) -> Spent:
        """Book a call that was answered; returns what it cost. Tokens that the endpoint did not tell (0) are guessed
        from the prompt's bytes and the reply's, `written`."""
        with self._lock:
            if prompt:
                self._bytes += held.size
                self._told += prompt
            self._answered = True
            prompt = prompt or int(held.size / BYTES_A_TOKEN)
            completion = completion or int(written / BYTES_A_TOKEN)
            cached = min(cached, prompt)
            cost = Spent(1, prompt, completion, cached, held.prices.usd(prompt, completion, cached))
            self.spent += cost
        self.release(held)
        return cost

    def release(self, held: Held) -> None:
        """The call came to nothing. Does nothing where it was settled."""
        with self._lock:
            self._under_way.discard(held)
            if held in self._waiting:
                self._waiting.remove(held)
        self._admit()

    def estimate(self, size: int) -> int:
        """Tokens of a prompt of so many bytes, guessed high."""
        rate = self._bytes / self._told / MARGIN if self._told else BYTES_A_TOKEN
        return int(size / rate) + 1

    def _admit(self) -> None:
        """Grant or refuse those who wait, as far as that is known."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                held = self._waiting[0]
                held.prompt = self.estimate(held.size)
                fits = self._fits(held)
                if not fits and self._under_way:
                    return
                self._waiting.popleft()
                if fits:
                    self._under_way.add(held)
                refusal = None if fits else BudgetSpent(self._used_up(held))
            # Without the lock: who waited may go on at once, in this thread.
            if held.granted.set_running_or_notify_cancel():
                held.granted.set_exception(refusal) if refusal else held.granted.set_result(None)

    def _fits(self, held: Held) -> bool:
        if self._tokens is None and self._usd is None:
            return True
        if self._under_way and not self._answered:
            return False
        all_held = [held, *self._under_way]
        tokens = self.spent.tokens + sum(one.prompt + one.reply for one in all_held)
        usd = self.spent.usd + sum(one.usd for one in all_held)
        return (self._tokens is None or tokens <= self._tokens) and (self._usd is None or usd <= self._usd)

    def _used_up(self, held: Held) -> str:
        limits = [] if self._tokens is None else [f"{self._tokens:,} tokens"]
        limits += [] if self._usd is None else [f"${self._usd:g}"]
        money, more = ("", "") if self._usd is None else (f" (${self.spent.usd:.4f})", f" (${held.usd:.4f})")
        return (
            f"the budget of {' and '.join(limits)} is used up: {self.spent.tokens:,} tokens{money} spent, and the next "
            f"call may take {held.prompt + held.reply:,}{more}; {self._remedy}"
        )
