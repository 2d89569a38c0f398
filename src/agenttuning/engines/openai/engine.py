"""The engine that asks endpoints: an event loop of its own in a thread, so that a thousand requests need one.

`submit` returns at once. A request takes a place at a replica, is sent, and is sent again where that can help; its
record (tokens, seconds, attempts) travels with the reply into the trajectory.

>>> with OpenAIEngine("http://localhost:8000/v1#agentlm-7b") as engine:
...     engine.submit(conversation, Sampling(max_tokens=64)).result().usage.requests[0].seconds
0.81
"""

import asyncio
import random
import threading
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Self, TypeVar

from agenttuning.budget import Budget
from agenttuning.conversation import Conversation
from agenttuning.endpoint import NO_KEY, connect_async, shown
from agenttuning.engines.base import Reply, Sampling, cut_at_stop
from agenttuning.engines.openai.config import EndpointConfig
from agenttuning.engines.openai.faults import Fault, diagnose
from agenttuning.engines.openai.replicas import Replica, Replicas
from agenttuning.engines.openai.wire import Answer, Unreadable, bounded, prefix, prompt_bytes, read_answer, read_models
from agenttuning.engines.openai.wire import request as body_of
from agenttuning.errors import AgentTuningError, ContextFull, EngineError, RequestFailed
from agenttuning.known_models import KNOWN
from agenttuning.trajectory import Request, Usage

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 20.0  # seconds between two attempts, doubling
LIST_TIMEOUT = 20.0  # seconds for the list of models
REMEDY = (
    "what was paid for is kept: raise the budget, or run the same command again to go on and spend as much once more"
)


class OpenAIEngine:
    name = "openai"
    template = None

    def __init__(self, model: str, config: EndpointConfig | None = None):
        """Raises EngineError where an endpoint does not answer, refuses the key or does not have the model."""
        self.config = config or EndpointConfig()
        self._budget = Budget(tokens=self.config.budget_tokens, usd=self.config.budget_usd, remedy=REMEDY)
        self._over: AgentTuningError | None = None
        self._bad_since: float | None = None  # when the first failure came after the last good reply
        self._last_fault = ""
        self._replicas = Replicas(())
        self._ever_good, self._active, self._next_slot = False, 0, 0.0
        self._jitter = random.Random()  # two clients must not wait alike
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
        self._thread.start()
        try:
            self._call(self._open(model))
        except BaseException:
            self.close()
            raise

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]:
        if self._loop.is_closed():
            failed: Future[Reply] = Future()
            failed.set_exception(EngineError("the openai engine is closed"))
            return failed
        return asyncio.run_coroutine_threadsafe(self._ask(conversation, sampling), self._loop)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self, address: str) -> None:
        """Find out now, not in the middle of a run, whether the endpoints answer and have the model."""
        self._ended = asyncio.Event()
        first, _, self.model = address.partition("#")
        hook = bounded(self.config.largest_reply)
        opened = []
        for url in (first, *self.config.replicas):
            client = connect_async(url, timeout=self.config.timeout, on_response=hook)
            opened.append(Replica(shown(url), client, self.config))
        self._replicas = Replicas(opened)
        await asyncio.gather(*(self._check(replica) for replica in opened))

    async def _check(self, replica: Replica) -> None:
        import openai

        url = replica.url
        try:
            async with asyncio.timeout(LIST_TIMEOUT):
                raw = await replica.client.models.with_raw_response.list()
            served = read_models(raw.content)
        except openai.AuthenticationError:
            raise EngineError(f"{url} refused the key; check the environment variable that holds it") from None
        except openai.APIStatusError as error:
            if error.status_code != 404:  # some servers list no models
                raise EngineError(f"{url} answered {error.status_code} to a list of models") from None
            served = []
        except Unreadable as error:
            reason = f"{error}; check the URL, it usually ends with /v1"
            raise EngineError(f"{url} answered with something that is no list of models: {reason}") from None
        except (TimeoutError, openai.OpenAIError) as error:
            found = diagnose(error, timeout=LIST_TIMEOUT)
            raise EngineError(f"{url} does not answer: {found}; start the server or check the URL") from None
        if not self.model and len(served) == 1:
            self.model = served[0]
        if not self.model or (served and self.model not in served):
            raise EngineError(f"{url} serves {', '.join(served[:10]) or 'no model'}; write the model as URL#MODEL")

    async def _shut(self) -> None:
        self._over = self._over or EngineError("the openai engine is closed")
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for replica in self._replicas.all:
            await replica.client.close()

    async def _ask(self, conversation: Conversation, sampling: Sampling) -> Reply:
        if not self._active:
            self._bad_since = None  # nobody has been asking: that is no silence of the endpoint's
        self._active += 1
        known = KNOWN.get(self.model)
        if known and known.stop:  # its tokenizer does not say where its turns end
            sampling = replace(sampling, stop=(*sampling.stop, known.stop))
        body = body_of(self.model, conversation, sampling)
        try:
            held = self._budget.hold(prompt_bytes(body), sampling.max_tokens, self.config.prices)
            try:
                await asyncio.wrap_future(held.granted)
                answer, record = await self._answer(body)
                self._budget.settle(
                    held, prompt=answer.prompt, completion=answer.completion, cached=answer.cached,
                    written=len(answer.text.encode()),
                )  # fmt: skip
            finally:
                self._budget.release(held)
        finally:
            self._active -= 1
        priced = self.config.price_prompt or self.config.price_completion
        usd = self.config.prices.usd(answer.prompt, answer.completion, answer.cached) if priced else None
        return Reply(
            cut_at_stop(answer.text, sampling.stop),
            Usage(answer.prompt, answer.completion, answer.cached, usd, (record,)),
            answer.finish,
        )

    async def _answer(self, body: Mapping[str, Any]) -> tuple[Answer, Request]:
        """Send a request until it is answered. Raises what `diagnose` calls final, RequestFailed or EngineError."""
        began, key = time.monotonic(), prefix(body)
        first: float | None = None  # when this request first failed
        avoid: Replica | None = None
        attempts = counted = 0
        while True:
            await self._slot()
            replica = await self._place(key, avoid)
            attempts, sent = attempts + 1, time.monotonic()
            found = await self._send(replica, body)
            now = time.monotonic()
            if isinstance(found, Answer):
                self._bad_since, self._ever_good = None, True
                times = {"seconds": round(now - sent, 4), "waited": round(sent - began, 4)}
                tokens = {"prompt": found.prompt, "completion": found.completion, "cached": found.cached}
                return found, Request(**tokens, **times, attempts=attempts, endpoint=replica.url)
            first = now if first is None else first
            self._bad_since = now if self._bad_since is None else self._bad_since
            counted += found.kind in ("timeout", "broken")
            self._last_fault = str(found)
            self._check_patience(now)
            if counted > self.config.retries or now - first >= self.config.patience:
                spent = f"{attempts} attempts in {now - began:.1f} s"
                raise RequestFailed(f"{replica.url}: {found}; given up after {spent}")
            if found.kind != "busy":
                avoid = replica
            pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
            await self._pause(pause * self._jitter.uniform(0.5, 1.0))

    async def _send(self, replica: Replica, body: Mapping[str, Any]) -> Answer | Fault:
        """One attempt at a replica where a place was taken; what it tells about the replica is noted there."""
        sent = time.monotonic()
        probe = replica.breaker.send(sent)
        try:
            async with asyncio.timeout(self.config.timeout):
                raw = await replica.client.chat.completions.with_raw_response.create(**body)
            answer = read_answer(raw.content)
        except asyncio.CancelledError:
            replica.breaker.withdrawn(probe=probe)
            raise
        except Exception as error:
            key = replica.client.api_key if replica.client.api_key != NO_KEY else ""
            found = diagnose(error, timeout=self.config.timeout, secret=key)
            return self._note(replica, found, sent, probe)
        else:
            replica.breaker.good()
            replica.concurrency.measured(time.monotonic() - sent, answer.completion, sent)
            return answer
        finally:
            replica.concurrency.leave()

    def _note(self, replica: Replica, found: Fault | AgentTuningError, sent: float, probe: bool) -> Fault:
        """What a failure says about the replica. Raises where asking again cannot help."""
        now = time.monotonic()
        if isinstance(found, ContextFull):
            replica.breaker.good()  # it is well, the conversation is not
            self._bad_since = None
            raise found
        if not isinstance(found, Fault):
            replica.breaker.withdrawn(probe=probe)
            if isinstance(found, RequestFailed) and self._ever_good:
                raise RequestFailed(f"{replica.url} {found}")
            raise self._stop(EngineError(f"{replica.url} {found}"))
        if found.after is not None:
            replica.rests_until = max(replica.rests_until, now + found.after)
        if found.kind in ("busy", "timeout"):
            replica.concurrency.refused(sent)
        if found.kind == "busy":
            replica.breaker.withdrawn(probe=probe)
        else:
            replica.breaker.failed(now, probe=probe)
        return found

    async def _place(self, key: str, avoid: Replica | None) -> Replica:
        """Wait for a replica that may be asked and a place there."""
        while True:
            if self._over:
                raise self._over
            now = time.monotonic()
            replica = self._replicas.choose(key, now, avoid=avoid)
            if replica is None:
                rest = min(one.rests_until for one in self._replicas.all) - now
                if rest > self.config.patience:
                    told = f"{self._urls()} asks to wait {rest:,.0f} s; run the same command again then"
                    raise self._stop(EngineError(told))
                self._check_patience(now)
                await self._pause(min(max(self._replicas.next_ready(now) - now, 0.01), 1.0))
                continue
            await replica.concurrency.enter()
            if replica.ready(time.monotonic()) and not self._over:
                return replica
            replica.concurrency.leave()

    async def _slot(self) -> None:
        """At most so many requests a minute, evenly spaced."""
        if self.config.requests_per_minute:
            now = time.monotonic()
            at = max(now, self._next_slot)
            self._next_slot = at + 60.0 / self.config.requests_per_minute
            await self._pause(at - now)

    async def _pause(self, seconds: float) -> None:
        """Sleep, or raise what the run is stopped with as soon as it is."""
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return
        assert self._over is not None
        raise self._over

    def _check_patience(self, now: float) -> None:
        if self._bad_since is not None and now - self._bad_since >= self.config.patience:
            silence = f"{self._urls()} gave no good reply for {now - self._bad_since:.0f} s ({self._last_fault})"
            raise self._stop(EngineError(f"{silence}; see to the server, then run the same command to go on"))

    def _stop(self, error: AgentTuningError) -> AgentTuningError:
        """Nothing more is sent; all who wait get the error."""
        if self._over is None:
            self._over = error
            self._ended.set()
            for replica in self._replicas.all:
                replica.concurrency.abandon(error)
        return self._over

    def _urls(self) -> str:
        return ", ".join(replica.url for replica in self._replicas.all)
