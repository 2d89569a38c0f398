"""What the embedded engines share: a thread that owns the model, and the prompt as token ids.

A subclass writes `run`: take `Job`s from `self.waiting` and settle their futures until a None arrives.
"""

import queue
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

from agenttuning.chat_template import ChatTemplate, prompt_ids
from agenttuning.conversation import Conversation
from agenttuning.engines.base import Reply, Sampling, cut_at_stop
from agenttuning.errors import AgentTuningError, ContextFull, EngineError
from agenttuning.trajectory import Usage


@dataclass(slots=True)
class Job:
    ids: list[int]
    sampling: Sampling
    future: Future[Reply] = field(default_factory=Future)


class BatchingEngine(ABC):
    name: str

    def __init__(self, tokenizer: Any, context: int):
        self.tokenizer, self.context = tokenizer, context
        self.template = ChatTemplate(tokenizer).fingerprint
        self.waiting: queue.Queue[Job | None] = queue.Queue()
        self._tokenizing = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)
        self._thread.start()

    @abstractmethod
    def run(self) -> None:
        """Serve jobs until None comes out of `self.waiting`."""

    def submit(self, conversation: Conversation, sampling: Sampling) -> Future[Reply]:
        try:
            with self._tokenizing:
                job = Job(prompt_ids(conversation, self.tokenizer), sampling)
            if len(job.ids) + sampling.max_tokens > self.context:
                raise ContextFull(
                    f"{len(job.ids)} prompt tokens and {sampling.max_tokens} for the reply do not fit "
                    f"the context of {self.context}"
                )
        except AgentTuningError as error:
            failed: Future[Reply] = Future()
            failed.set_exception(error)
            return failed
        self.waiting.put(job)
        if not self._thread.is_alive():
            job.future.set_exception(EngineError(f"the {self.name} engine has stopped"))
        return job.future

    def settle(self, job: Job, generated: list[int]) -> None:
        """Decode and resolve one job."""
        finish = "length" if len(generated) >= job.sampling.max_tokens else "stop"
        with self._tokenizing:
            text = self.tokenizer.decode(generated, skip_special_tokens=True)
        short = cut_at_stop(text, job.sampling.stop)
        usage = Usage(prompt=len(job.ids), completion=len(generated))
        job.future.set_result(Reply(short, usage, "stop" if short != text else finish))

    def _serve(self) -> None:
        try:
            self.run()
            reason = "closed"
        except Exception as error:  # whatever the engine's library raises must reach those who wait
            reason = f"failed: {error}"
        while True:
            try:
                job = self.waiting.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job.future.set_exception(EngineError(f"the {self.name} engine {reason}"))

    def close(self) -> None:
        self.waiting.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
