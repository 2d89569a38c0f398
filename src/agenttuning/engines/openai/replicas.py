"""Several endpoints with one model: which of them is asked.

A conversation stays with the replica that had its first request, which has its prefix in the cache. A new one goes to
the replica with the least to do for its places. A replica whose circuit is open, or that has asked for a pause, is
passed over, and the conversations that ask meanwhile move to others for good.

>>> replicas = Replicas([Replica(url, client, config) for url, client in clients])
>>> replica = replicas.choose(prefix(body), now)
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from agenttuning.engines.openai.breaker import Breaker
from agenttuning.engines.openai.concurrency import Concurrency
from agenttuning.engines.openai.config import EndpointConfig

REMEMBERED = 100_000  # conversations whose replica is known


class Replica:
    """One endpoint: its client, its limit, its circuit."""

    def __init__(self, url: str, client: Any, config: EndpointConfig):
        self.url, self.client = url, client
        self.concurrency = Concurrency(
            start=config.concurrency_start, most=config.concurrency_most, slowdown=config.slowdown
        )
        self.breaker = Breaker(config.failures)
        self.rests_until = 0.0
        """When the pause ends that it asked for."""

    def ready(self, now: float) -> bool:
        return self.breaker.allows(now) and now >= self.rests_until

    def ready_at(self, now: float) -> float:
        """When it may be worth asking again, by the clock."""
        reopens = self.breaker.reopens
        if reopens is not None and now >= reopens and not self.breaker.allows(now):
            reopens = now + 0.25  # a probe is on its way
        return max(self.rests_until, reopens or now)


class Replicas:
    def __init__(self, replicas: Sequence[Replica]):
        self.all = tuple(replicas)
        self._of: OrderedDict[str, Replica] = OrderedDict()

    def choose(self, prefix: str, now: float, *, avoid: Replica | None = None) -> Replica | None:
        """The replica for a conversation, None where none is ready; `avoid` failed a moment ago."""
        known = self._of.get(prefix)
        if known is not None and known is not avoid and known.ready(now):
            self._of.move_to_end(prefix)
            return known
        ready = [one for one in self.all if one.ready(now)]
        others = [one for one in ready if one is not avoid] or ready
        if not others:
            return None
        chosen = min(others, key=lambda one: (one.concurrency.load, _rank(prefix, one.url)))
        self._of[prefix] = chosen
        self._of.move_to_end(prefix)
        if len(self._of) > REMEMBERED:
            self._of.popitem(last=False)
        return chosen

    def next_ready(self, now: float) -> float:
        """When the first of them may be asked again, by the clock."""
        return min(one.ready_at(now) for one in self.all)


def _rank(prefix: str, url: str) -> bytes:
    """Between replicas with as much to do, the same one for a prefix every time (rendezvous hashing)."""
    return hashlib.sha256(f"{prefix} {url}".encode()).digest()
