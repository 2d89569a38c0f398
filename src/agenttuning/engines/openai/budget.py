"""What one command may spend, in tokens and in dollars; it ends between two requests, never in the middle of one.

A request is sent only where its prompt, by the tokens a character that were found so far, and its longest reply still
fit beside all that is on its way; the first one goes alone, to find them. So a budget is kept up to the error of that
estimate, and every reply that was paid for comes back.

>>> budget = Budget(EndpointConfig(budget_tokens=100_000))
>>> held = await budget.hold(characters=4_000, reply=256)
>>> budget.settle(held, prompt=950, completion=41)
"""

import asyncio
from dataclasses import dataclass

from agenttuning.engines.openai.config import EndpointConfig
from agenttuning.errors import BudgetSpent

CHARACTERS_A_TOKEN = 3.0  # until a reply has told; on the safe side for English


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """An estimate that stands in for a request on its way; no two are the same."""

    characters: int
    prompt: int
    reply: int


class Budget:
    """Lives in one event loop. `tokens` and `usd` are spent; `prompt_tokens` and the like are of all good replies."""

    def __init__(self, config: EndpointConfig):
        self._config = config
        self._unlimited = config.budget_tokens is None and config.budget_usd is None
        self.tokens, self.usd = 0, 0.0
        self._held: list[Held] = []
        self._characters, self._counted = 0, 0  # of prompts whose tokens were told
        self._changed = asyncio.Event()

    async def hold(self, characters: int, reply: int) -> Held:
        """Set aside what a request may cost, waiting for others to settle where it does not fit beside them.

        Raises BudgetSpent where it does not fit at all.
        """
        while True:
            held = Held(characters, self.estimate(characters), reply)
            first = not self._counted and not self.tokens
            if self._unlimited or (self._fits([*self._held, held]) and not (first and self._held)):
                self._held.append(held)
                return held
            if not self._held:
                raise self._spent()
            self._changed.clear()
            await self._changed.wait()

    def settle(self, held: Held, *, prompt: int, completion: int, cached: int = 0) -> None:
        """The request was answered and cost so many tokens; 0 where the endpoint did not say, then the estimate."""
        if prompt:
            self._characters += held.characters
            self._counted += prompt
        prompt, completion = prompt or held.prompt, completion or held.reply
        self.tokens += prompt + completion
        self.usd += self._config.cost(prompt, completion, cached)
        self.release(held)

    def release(self, held: Held) -> None:
        """The request came to nothing."""
        if held in self._held:
            self._held.remove(held)
        self._changed.set()

    def estimate(self, characters: int) -> int:
        """Tokens of a prompt of so many characters."""
        rate = self._characters / self._counted if self._counted else CHARACTERS_A_TOKEN
        return int(characters / rate) + 1

    def _fits(self, held: list[Held]) -> bool:
        tokens, usd = self._config.budget_tokens, self._config.budget_usd
        prompt, reply = sum(one.prompt for one in held), sum(one.reply for one in held)
        if tokens is not None and self.tokens + prompt + reply > tokens:
            return False
        return usd is None or self.usd + self._config.cost(prompt, reply) <= usd

    def _spent(self) -> BudgetSpent:
        tokens, usd = self._config.budget_tokens, self._config.budget_usd
        limits = [] if tokens is None else [f"{tokens:,} tokens"]
        limits += [] if usd is None else [f"${usd:g}"]
        money = "" if usd is None else f" (${self.usd:.4f})"
        return BudgetSpent(
            f"the budget of {' and '.join(limits)} is used up: {self.tokens:,} tokens{money} spent, and the next "
            "request does not fit; what is finished is kept: raise the budget, or run the same command again to spend "
            "as much once more"
        )
