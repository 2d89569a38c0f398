"""What Self-Instruct asks of an environment: prompts, reading, trying for real, and files that it loads.

Everything that says no raises Refused with its reason.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agenttuning.conversation import Conversation
from agenttuning.engines.base import Reply


@dataclass(frozen=True, slots=True)
class Draft:
    """A candidate: `record` is it in the environment's published format, `about` what its trial needs besides."""

    instruction: str
    record: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)


class World(Protocol):
    """`judge` says what executes: a verdict of another one does not count."""

    name: str
    judge: str

    def seeds(self, seed: int) -> list[str]:
        """Instructions of built-in tasks, which begin the pool."""
        ...

    def prompt(self, topic: str, known: Sequence[str], dice: random.Random) -> Conversation:
        """Ask for one new problem about a topic, unlike those that are known."""
        ...

    def read(self, reply: Reply) -> Draft: ...

    def trial(self, draft: Draft) -> Draft:
        """Execute the reference: it has to pass its own check, and nonsense has to fail. The draft that comes back is
        whole: it may hold results that only the execution brings."""
        ...

    def solver_prompt(self, draft: Draft) -> Conversation:
        """Ask for a solution of the problem, without a word of the reference."""
        ...

    def solve(self, draft: Draft, reply: Reply) -> None:
        """Execute the second solver's solution; it has to pass the check."""
        ...

    def write(self, folder: Path, records: Sequence[dict[str, Any]]) -> Path:
        """The records as a file or folder that the environment takes as its data."""
        ...

    def close(self) -> None: ...
