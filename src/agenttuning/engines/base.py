"""Who computes tokens: an engine takes a conversation and promises a reply.

`submit` returns at once, so many episodes share one engine, which batches what is waiting.

>>> with make("smollm2-135m-instruct") as engine:
...     engine.submit(conversation, Sampling(max_tokens=64)).result().text
"""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from agenttuning.conversation import Conversation
from agenttuning.trajectory import Usage


@dataclass(frozen=True, slots=True)
class Sampling:
    """`temperature` 0 is greedy. `max_tokens` bounds one reply; `stop` texts cut it and are not part of it. `top_k` 0
    keeps the whole vocabulary."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` without the stop token; `finish` is `length` where the budget cut it."""

    text: str
    usage: Usage
    finish: Literal["stop", "length"] = "stop"


class Engine(Protocol):
    """`submit`'s future raises ContextFull, or EngineError where the engine itself failed."""

    name: str

    @property
    def template(self) -> str | None:
        """Fingerprint of the chat template it prompts with; None where an endpoint keeps that to itself."""
        ...

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str:
    """The text up to the first stop text."""
    ends = [text.find(mark) for mark in stop if mark in text]
    return text[: min(ends)] if ends else text
