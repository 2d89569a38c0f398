"""An engine whose replies are paid for once: the same question to the same model is answered from the journal.

A question is the model, the messages, the tools and the sampling with its seed. Two that are the same and under way
together are asked once. The engine behind is opened at the first question that has no reply yet, so a run whose
replies are all there needs no endpoint.

>>> engine = PaidEngine("http://localhost:8000/v1#teacher", purse, role="write", price=Prices(), open_engine=teacher)
>>> engine.submit(conversation, Sampling(max_tokens=512, temperature=1.0, seed=7)).result().text
"""

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import asdict
from typing import Any, Self

from agenttuning.conversation import Conversation, to_openai
from agenttuning.corpus.construct.config import Prices
from agenttuning.corpus.construct.purse import BYTES_A_TOKEN, Purse, worst_case
from agenttuning.engines.base import Engine, Reply, Sampling
from agenttuning.trajectory import Usage


class PaidEngine:
    """An Engine. `submit` raises BudgetSpent where a new reply might exceed the budget."""

    def __init__(self, model: str, purse: Purse, *, role: str, price: Prices, open_engine: Callable[[], Engine]):
        self.name = "paid"
        self.model = model_name(model)
        self._purse, self._role, self._price, self._open = purse, role, price, open_engine
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Reply]] = {}

    @property
    def template(self) -> str | None:
        return self._open().template

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]:
        question = _question(self.model, conversation, sampling)
        key = hashlib.sha256(question).hexdigest()
        with self._lock:
            if (stored := self._purse.journal.find(key)) is not None:
                return _done(stored)
            if (same := self._under_way.get(key)) is not None:
                return same
            promise = self._under_way[key] = Future()
        tokens, usd = worst_case(len(question), sampling.max_tokens, self._price)
        try:
            self._purse.reserve(tokens, usd)
        except BaseException as error:
            self._forget(key)
            promise.set_exception(error)
            raise
        try:
            asked = self._open().submit(conversation, sampling)
        except BaseException as error:
            self._settle(key, tokens, usd)
            promise.set_exception(error)
            raise

        def arrived(answer: Future[Reply]) -> None:
            try:
                reply = answer.result()
                self._purse.book(self._row(key, reply, len(question)))
            except BaseException as error:
                self._settle(key, tokens, usd)
                promise.set_exception(error)
            else:
                self._settle(key, tokens, usd)
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

    def _row(self, key: str, reply: Reply, size: int) -> dict[str, Any]:
        """A journal's row; tokens that an endpoint does not tell are guessed from the text."""
        usage = reply.usage
        prompt = usage.prompt or size // BYTES_A_TOKEN
        completion = usage.completion or len(reply.text.encode("utf-8", "replace")) // BYTES_A_TOKEN
        cached = min(usage.cached, prompt)
        return {
            "key": key, "role": self._role, "model": self.model, "prompt": prompt, "completion": completion,
            "cached": cached, "usd": round(self._price.usd(prompt, completion, cached), 9),
            "guessed": not (usage.prompt and usage.completion), "finish": reply.finish, "text": reply.text,
        }  # fmt: skip

    def _settle(self, key: str, tokens: int, usd: float) -> None:
        self._purse.release(tokens, usd)
        self._forget(key)

    def _forget(self, key: str) -> None:
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
    future: Future[Reply] = Future()
    future.set_result(Reply(row["text"], Usage(row["prompt"], row["completion"], row["cached"]), row["finish"]))
    return future
