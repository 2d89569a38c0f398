"""Who decides: given the trajectory so far, an agent gives its next turn.

>>> turn = agent.turn(trajectory, environment)
>>> turn.decision.call
ToolCall(name='execute_sql', arguments={'query': 'SELECT COUNT(*) FROM town'})
"""

from dataclasses import dataclass
from typing import Protocol

from agenttuning.errors import FormatError
from agenttuning.rollout.workers import Seat
from agenttuning.trajectory import Decision, Trajectory, Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """`written` is a model's exact text; `unreadable` says why it holds no decision (which is empty then)."""

    decision: Decision
    written: str | None = None
    usage: Usage | None = None
    unreadable: FormatError | None = None
    cut: bool = False  # the reply's token budget ran out


class Agent(Protocol):
    """`name` goes into the trajectory; `dialect` is None for who does not write text, `template` (a chat template's
    fingerprint) for who was prompted with none that is known."""

    @property
    def name(self) -> str: ...

    @property
    def dialect(self) -> str | None: ...

    @property
    def template(self) -> str | None: ...

    def turn(self, trajectory: Trajectory, environment: Seat) -> Turn:
        """Raises NoExpert, ContextFull or EngineError; the episode records each as its outcome."""
        ...
