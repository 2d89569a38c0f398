"""How an endpoint is asked: time-outs, retries, how many requests at once, several replicas, and what may be spent.

>>> EndpointConfig(replicas=["http://second:8000/v1"], budget_tokens=5_000_000)
"""

from dataclasses import dataclass, field

from agenttuning.budget import Prices
from agenttuning.errors import BadInput
from agenttuning.settings import check_above_zero, check_at_least


@dataclass(frozen=True)
class EndpointConfig:
    """How an endpoint is asked; what is here changes speed and cost, never what is asked."""

    replicas: list[str] = field(default_factory=list)
    """Further base URLs that serve the same model; a conversation stays with one of them all."""
    timeout: float = 120.0
    """Seconds for one request, from its first byte to the reply's last."""
    retries: int = 5
    """How often a request that failed is sent again before it is given up."""
    patience: float = 300.0
    """Seconds without a single good reply from any endpoint after which the run stops; also how long one request waits
    for an endpoint that is busy or away."""
    failures: int = 5
    """Failures in a row after which an endpoint is left alone for a while."""
    concurrency_start: int = 4
    """Requests at once to an endpoint in the beginning."""
    concurrency_most: int = 256
    """The most requests at once to an endpoint."""
    slowdown: float = 3.0
    """How many times slower a token may come than with few requests at once, before there are no more of them."""
    requests_per_minute: float | None = None
    """Evenly spaced, over all endpoints; none: no limit of our own."""
    largest_reply: int = 8_000_000
    """Bytes of one reply's body; a larger one is not read to its end."""
    budget_tokens: int | None = None
    """Tokens, of prompts and replies, that one command may use; none: no limit."""
    budget_usd: float | None = None
    """Money that one command may use, by the prices below; none: no limit."""
    price_prompt: float = 0.0
    """Dollars for a million prompt tokens."""
    price_cached: float | None = None
    """Dollars for a million prompt tokens that the endpoint had in its cache; none: as other prompt tokens."""
    price_completion: float = 0.0
    """Dollars for a million generated tokens."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "failures", "concurrency_start", "concurrency_most", "largest_reply", "budget_tokens")
        check_at_least(self, 0, "retries", "price_prompt", "price_cached", "price_completion")
        check_above_zero(self, "timeout", "patience", "requests_per_minute", "budget_usd")
        if not self.slowdown > 1:
            raise BadInput(f"slowdown must be greater than 1, found {self.slowdown}")
        for url in self.replicas:
            if not url.startswith(("http://", "https://")) or "#" in url:
                raise BadInput(f"replicas holds {url!r}; write base URLs without a model, e.g. http://second:8000/v1")
        if self.budget_usd is not None and not (self.price_prompt or self.price_completion):
            raise BadInput("budget_usd needs what tokens cost: price_prompt and price_completion, in dollars a million")

    @property
    def prices(self) -> Prices:
        return Prices(self.price_prompt, self.price_completion, self.price_cached)
