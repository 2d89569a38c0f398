"""From an engine's thread to the server's loop: a reply token by token, counted, and ended when nobody waits.

>>> async for delta in generate(models, served, ask):
...     print(delta.text, end="")
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from agenttuning.engines.base import Sampling
from agenttuning.engines.batching import Job, Token
from agenttuning.errors import ContextFull
from agenttuning.serving.gate import Gate
from agenttuning.serving.metrics import Metrics
from agenttuning.serving.models import Models, Served
from agenttuning.serving.problem import Problem
from agenttuning.serving.text import TextStream


@dataclass(frozen=True, slots=True)
class Ask:
    """One reply. `ids` is the prompt, `stops` are texts that end the reply; `top` and `echo` as in `Job`. With
    `continues` the reply is the prompt's own text going on, so that its first word keeps its space."""

    served: Served
    ids: list[int]
    sampling: Sampling
    stops: tuple[str, ...] = ()
    top: int | None = None
    echo: bool = False
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """`text` is what has become certain with `token`; `prompt` marks a token of the prompt. The last one of a reply
    has an `ending`: a stop token, a stop text (`stop`, which is no part of the text), or the token limit."""

    text: str = ""
    token: Token | None = None
    prompt: bool = False
    ending: Literal["token", "text", "length"] | None = None
    stop: str = ""


class Generator:
    """What the endpoints share to get replies."""

    def __init__(self, models: Models, gate: Gate, metrics: Metrics):
        self.models, self.gate, self.metrics = models, gate, metrics

    def reply_tokens(self, wanted: int | None, prompt: int, default: int) -> int:
        """The token budget of a reply. Raises Problem 400 where prompt and reply do not fit the context."""
        room = self.models.context - prompt
        if room < (1 if wanted is None else wanted):
            raise Problem(
                400,
                f"the maximum context length is {self.models.context} tokens; the prompt has {prompt} and "
                f"{wanted or 1} are to follow",
                param="messages",
                code="context_length_exceeded",
            )
        return min(default, room) if wanted is None else wanted

    async def generate(self, ask: Ask) -> AsyncGenerator[Delta, None]:
        """One reply; waits for its turn. The caller has it admitted by the gate."""
        began = time.monotonic()
        engine = await asyncio.to_thread(self.models.engine, ask.served, scores=ask.top is not None or ask.echo)
        async with self.gate.running:
            loop = asyncio.get_running_loop()
            arrived: asyncio.Queue[list[Token] | Future] = asyncio.Queue()
            job = Job(ask.ids, ask.sampling, lambda tokens: _post(loop, arrived, tokens, job), ask.top, ask.echo,
                      ask.served.adapter)  # fmt: skip
            job.ended.add_done_callback(lambda ended: _post(loop, arrived, ended, job))
            engine.start(job)
            self.metrics.prompt_tokens.labels(ask.served.name).inc(len(ask.ids))
            try:
                async for delta in self._read(ask, arrived, began):
                    yield delta
            finally:
                if not job.ended.done():
                    job.cancelled = True

    async def _read(self, ask: Ask, arrived: asyncio.Queue, began: float) -> AsyncIterator[Delta]:
        text = TextStream(self.models.tokenizer, ask.stops, ask.ids if ask.continues else ())
        counted = self.metrics.reply_tokens.labels(ask.served.name)
        echoed, last = 0, began
        while True:
            item = await arrived.get()
            if isinstance(item, Future):
                ending = _ending(item)
                rest = text.finish()
                yield Delta(rest, ending="text" if text.stopped else ending, stop=text.stopped)
                return
            for token in item:
                if ask.echo and echoed < len(ask.ids):
                    echoed += 1
                    yield Delta(token=token, prompt=True)
                    continue
                counted.inc()
                now = time.monotonic()
                (self.metrics.first if last is began else self.metrics.between).observe(now - last)
                last = now
                new = "" if token.id in self.models.stops else text.push(token.id)
                yield Delta(new, token, ending="text" if text.stopped else None, stop=text.stopped)
                if text.stopped:
                    return


def _post(loop: asyncio.AbstractEventLoop, arrived: asyncio.Queue, item: Any, job: Job) -> None:
    """Called in the engine's thread, which must outlive a server that has gone."""
    try:
        loop.call_soon_threadsafe(arrived.put_nowait, item)
    except RuntimeError:
        job.cancelled = True


def _ending(ended: Future) -> Literal["token", "length"]:
    error = ended.exception()
    if isinstance(error, ContextFull):
        raise Problem(400, str(error), code="context_length_exceeded")
    if error is not None:
        raise Problem(503, f"the engine failed ({error})", headers={"Retry-After": "5"})
    return "length" if ended.result() == "length" else "token"


async def merged(streams: Sequence[AsyncGenerator[Delta, None]]) -> AsyncGenerator[tuple[int, Delta], None]:
    """(stream's place, delta) of all as they come."""
    arrived: asyncio.Queue[tuple[int, Delta | BaseException | None]] = asyncio.Queue(maxsize=64)

    async def drain(place: int, stream: AsyncGenerator[Delta, None]) -> None:
        try:
            async with aclosing(stream):
                async for delta in stream:
                    await arrived.put((place, delta))
            await arrived.put((place, None))
        except Exception as error:
            await arrived.put((place, error))

    tasks = [asyncio.create_task(drain(place, stream)) for place, stream in enumerate(streams)]
    try:
        left = len(tasks)
        while left:
            place, item = await arrived.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                left -= 1
            else:
                yield place, item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
