"""An engine whose replies are stored: the same question to the same model is answered from a journal, and paid once.

A question is the model, the messages, the tools and the sampling with its seed. Two that are the same and under way
together are asked once. The engine behind is opened at the first question that has no reply yet, so a run whose
replies are all there needs no endpoint.

>>> engine = StoredEngine("http://localhost:8000/v1#teacher", journal, open_engine=teacher, budget=Budget(tokens=9_000))
>>> engine.submit(conversation, Sampling(max_tokens=512, temperature=1.0, seed=7)).result().text
"""

import hashlib
import json
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from agenttuning.budget import Budget, Held, Prices
from agenttuning.conversation import Conversation, to_openai
from agenttuning.engines.base import Engine, Reply, Sampling
from agenttuning.journal import Journal
from agenttuning.trajectory import Request, Usage


@contextmanager
def storing(engine: Engine, model: str, path: Path) -> Generator[Engine]:
    """An endpoint with its replies stored in the file `path`, which goes when the block has come to its end: whatever
    breaks a run off, the next one goes on from them. Any other engine as it is."""
    if engine.name != "openai":
        yield engine
        return
    with Journal(path, sync=False) as journal, StoredEngine(model, journal, open_engine=lambda: engine) as stored:
        yield stored
    path.unlink()


class StoredEngine:
    """An Engine. With a limited `budget`, `submit` waits until the call fits beside those under way, and raises
    BudgetSpent where it does not."""

    name = "stored"

    def __init__(
        self,
        model: str,
        journal: Journal,
        *,
        open_engine: Callable[[], Engine],
        role: str = "",
        budget: Budget | None = None,
        prices: Prices | None = None,
    ):
        """`role` is told in the journal's rows."""
        self.model = model_name(model)
        self._journal, self._open, self._role = journal, open_engine, role
        self._budget, self._prices = budget or Budget(), prices or Prices()
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Reply]] = {}

    @property
    def template(self) -> str | None:
        return self._open().template

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]:
        question = _question(self.model, conversation, sampling)
        key = hashlib.sha256(question).hexdigest()
        with self._lock:
            if (stored := self._journal.find(key)) is not None:
                return _done(stored)
            if (same := self._under_way.get(key)) is not None:
                return same
            promise = self._under_way[key] = Future()
            promise.set_running_or_notify_cancel()  # it will be paid for: who cancels it would wait for it for ever
        held = self._budget.hold(len(question), sampling.max_tokens, self._prices)
        try:
            held.granted.result()
            asked = self._open().submit(conversation, sampling)
        except BaseException as error:
            self._settle(key, held)
            promise.set_exception(error)
            raise

        def arrived(answer: Future[Reply]) -> None:
            try:
                reply = answer.result()
                self._book(key, held, reply)
            except BaseException as error:
                self._settle(key, held)
                promise.set_exception(error)
            else:
                self._settle(key, held)
                promise.set_result(reply)

        asked.add_done_callback(arrived)
        return promise

    def close(self) -> None:
        """Wait for the replies that are under way: they are paid for. The engine behind belongs to who opened it."""
        with self._lock:
            promises = list(self._under_way.values())
        wait(promises)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _book(self, key: str, held: Held, reply: Reply) -> None:
        """Count a reply and store it. What the endpoint told is stored as it is, for who asks again; what counts
        stands beside it."""
        usage = reply.usage
        cost = self._budget.settle(
            held, prompt=usage.prompt, completion=usage.completion, cached=usage.cached,
            written=len(reply.text.encode("utf-8", "replace")),
        )  # fmt: skip
        self._journal.append({
            "key": key, "role": self._role, "model": self.model, "prompt": cost.prompt, "completion": cost.completion,
            "cached": cost.cached, "usd": round(cost.usd, 9), "guessed": not (usage.prompt and usage.completion),
            "usage": asdict(usage), "finish": reply.finish, "text": reply.text,
        })  # fmt: skip

    def _settle(self, key: str, held: Held) -> None:
        self._budget.release(held)
        with self._lock:
            self._under_way.pop(key, None)


def model_name(model: str) -> str:
    """Without the address: the same model at another port is the same model."""
    return model.partition("#")[2] or model


def _question(model: str, conversation: Conversation, sampling: Sampling) -> bytes:
    question = {
        "model": model,
        "messages": to_openai(conversation),
        "tools": [tool.schema() for tool in conversation.tools],
        "sampling": asdict(sampling),
    }
    return json.dumps(question, ensure_ascii=False).encode("utf-8", "replace")


def _done(row: dict[str, Any]) -> Future[Reply]:
    usage = dict(row["usage"])
    requests = tuple(Request(**request) for request in usage.pop("requests"))
    future: Future[Reply] = Future()
    future.set_result(Reply(row["text"], Usage(**usage, requests=requests), row["finish"]))
    return future
