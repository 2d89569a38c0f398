"""What the embedded engines share: a thread that owns the model, and the prompt as token ids.

A subclass writes `run`: take `Job`s from `self.waiting`, deliver their tokens and end them, until a None arrives.
Whoever wants a whole reply calls `submit`; a server, which passes tokens on as they come, makes its own jobs:

>>> job = Job(prompt_ids, Sampling(max_tokens=16), deliver=print)
>>> engine.start(job)
>>> job.ended.result()
'stop'
"""

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from agenttuning.chat_template import ChatTemplate, prompt_ids
from agenttuning.conversation import Conversation
from agenttuning.engines.base import Reply, Sampling, cut_at_stop
from agenttuning.errors import AgentTuningError, ContextFull, EngineError
from agenttuning.trajectory import Usage

Ending = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Token:
    """`logprob` is the model's own, in nats, at temperature 1; `top` holds the likeliest ids at its place, likeliest
    first. Both only where the job asks for them; the first token of a prompt has none."""

    id: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(slots=True, eq=False)
class Job:
    """One sequence to go on with. `deliver` is called in the engine's thread with new tokens, the stop token
    included; `ended` resolves behind the last call, or raises what went wrong. Set `cancelled` to end it early: it
    then ends as `stop`.

    With `top` set, every token comes with its log-probability and so many alternatives; with `echo` the prompt's
    tokens are delivered first. `adapter` is one of the engine's.
    """

    ids: list[int]
    sampling: Sampling
    deliver: Callable[[list[Token]], object]
    top: int | None = None
    echo: bool = False
    adapter: str | None = None
    cancelled: bool = False
    ended: Future[Ending] = field(default_factory=Future)


class BatchingEngine(ABC):
    """`stops` are the ids that end a turn: the eos token, and what the model's settings and its template name."""

    name: str

    def __init__(self, tokenizer: Any, context: int):
        self.tokenizer, self.context = tokenizer, context
        template = ChatTemplate(tokenizer)
        self.template = template.fingerprint
        self.stops = stop_ids(tokenizer, template)
        self.waiting: queue.Queue[Job | None] = queue.Queue()
        self.tokenizing = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)
        self._thread.start()

    @abstractmethod
    def run(self) -> None:
        """Serve jobs until None comes out of `self.waiting`."""

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self, job: Job) -> None:
        """Begin a job; whatever is wrong comes out of `job.ended`."""
        if len(job.ids) + job.sampling.max_tokens > self.context:
            job.ended.set_exception(
                ContextFull(
                    f"{len(job.ids)} prompt tokens and {job.sampling.max_tokens} for the reply do not fit "
                    f"the context of {self.context}"
                )
            )
            return
        self.waiting.put(job)
        if not self.alive:
            self._refuse_waiting("has stopped")

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]:
        reply: Future[Reply] = Future()
        generated: list[int] = []
        try:
            with self.tokenizing:
                ids = prompt_ids(conversation, self.tokenizer)
        except AgentTuningError as error:
            reply.set_exception(error)
            return reply
        job = Job(ids, sampling, lambda tokens: generated.extend(token.id for token in tokens))

        def settle(ended: Future[Ending]) -> None:
            error = ended.exception()
            if error is None:
                reply.set_result(self._reply(job, generated, ended.result()))
            else:
                reply.set_exception(error)

        job.ended.add_done_callback(settle)
        self.start(job)
        return reply

    def _reply(self, job: Job, generated: list[int], ending: Ending) -> Reply:
        with self.tokenizing:
            text = self.tokenizer.decode(generated, skip_special_tokens=True)
        short = cut_at_stop(text, job.sampling.stop)
        usage = Usage(prompt=len(job.ids), completion=len(generated))
        return Reply(short, usage, "stop" if short != text else ending)

    def _serve(self) -> None:
        try:
            self.run()
            reason = "closed"
        except Exception as error:  # whatever the engine's library raises must reach those who wait
            reason = f"failed: {error}"
        self._refuse_waiting(reason)

    def _refuse_waiting(self, reason: str) -> None:
        while True:
            try:
                job = self.waiting.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job.ended.set_exception(EngineError(f"the {self.name} engine {reason}"))

    def close(self) -> None:
        self.waiting.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stop_ids(tokenizer: Any, template: ChatTemplate) -> frozenset[int]:
    """The ids of the tokens that end a turn."""
    found = zip(template.stops, tokenizer.convert_tokens_to_ids(list(template.stops)), strict=True)
    # An unknown token has an id too: that of all unknown ones.
    named = {index for token, index in found if tokenizer.convert_ids_to_tokens(index) == token}
    return frozenset(named | ({tokenizer.eos_token_id} - {None}))
