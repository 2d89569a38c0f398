"""What a server counts, for Prometheus.

>>> metrics = Metrics(gate)
>>> metrics.requests.labels("/v1/models", "200").inc()
>>> metrics.page()[:6]
b'# HELP'
"""

from typing import Any

from agenttuning.serving.gate import Gate

_FIRST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_BETWEEN = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5)


class Metrics:
    """A registry of its own, so that two servers in one process do not count together."""

    def __init__(self, gate: Gate):
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self._registry, "namespace": "agenttuning"}
        self.requests = Counter("requests", "Requests by path and status.", ["path", "status"], **own)
        self.prompt_tokens = Counter("prompt_tokens", "Tokens of prompts.", ["model"], **own)
        self.reply_tokens = Counter("reply_tokens", "Tokens generated.", ["model"], **own)
        self.cancelled = Counter("cancelled", "Replies whose client left before their end.", **own)
        self.first = Histogram("first_token_seconds", "From request to first token.", buckets=_FIRST, **own)
        self.between = Histogram("between_tokens_seconds", "Between two tokens.", buckets=_BETWEEN, **own)
        Gauge("replies", "Replies that run or wait.", **own).set_function(lambda: gate.admitted_now)
        Gauge("replies_limit", "Replies that may run or wait.", **own).set(gate.limit)

    def page(self) -> bytes:
        from prometheus_client import generate_latest

        return generate_latest(self._registry)
