"""When an endpoint is left alone: after some failures in a row nothing is sent to it but one probe at a time.

The pause between probes doubles from FIRST to LONGEST seconds, with jitter, so that clients do not come back together.
The first reply that is good closes the circuit again (M. Nygard, Release It!, chapter on stability patterns).

>>> breaker = Breaker(failures=5)
>>> breaker.allows(now), breaker.send(now)
(True, False)
"""

import random

FIRST, LONGEST = 1.0, 30.0  # seconds


class Breaker:
    def __init__(self, failures: int):
        self._most, self._in_a_row, self._times_open = failures, 0, 0
        self._probing = False
        # Two clients must not wait alike, so this is the one place where the same seed is no virtue.
        self._jitter = random.Random()
        self.reopens: float | None = None
        """When a probe may be sent; None while the circuit is closed."""

    def allows(self, now: float) -> bool:
        """Whether a request may be sent."""
        return self.reopens is None or (not self._probing and now >= self.reopens)

    def send(self, now: float) -> bool:
        """Note that a request that was allowed is sent; whether it is a probe."""
        self._probing = self.reopens is not None
        return self._probing

    def good(self) -> None:
        self._in_a_row, self._times_open, self._probing, self.reopens = 0, 0, False, None

    def failed(self, now: float, *, probe: bool) -> None:
        self._in_a_row += 1
        if probe or (self.reopens is None and self._in_a_row >= self._most):
            pause = min(FIRST * 2**self._times_open, LONGEST)
            self._times_open += 1
            self._probing = False
            self.reopens = now + pause * self._jitter.uniform(0.75, 1.25)

    def withdrawn(self, *, probe: bool) -> None:
        """A request ended without telling anything about the endpoint: cancelled, or answered that it is busy."""
        if probe:
            self._probing = False
