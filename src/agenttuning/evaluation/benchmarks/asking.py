"""Questions to an engine, each with its own sampling, each reply on disk as it comes.

A file holds a line a reply with a fingerprint of what was asked; called again it asks only what is missing or was asked
in other words. When all are there, the lines stand in the order of the questions.

>>> ask(engine, [Question("0", Conversation((user("2 + 2?"),)), Sampling())], Path("sums.jsonl"))
{'0': '4'}
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agenttuning.conversation import Conversation, to_openai
from agenttuning.engines import Engine, Reply, Sampling
from agenttuning.errors import ContextFull
from agenttuning.files import disk_error, read_jsonl, write_jsonl

Progress = Callable[[int, int, str], None]
Replies = dict[str, str]
AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Question:
    """`id` is unique in its file."""

    id: str
    conversation: Conversation
    sampling: Sampling

    @property
    def fingerprint(self) -> str:
        asked = [to_openai(self.conversation), asdict(self.sampling)]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def ask(engine: Engine, questions: Sequence[Question], path: Path, *, progress: Progress | None = None) -> Replies:
    """The reply to each question by its id; empty where the prompt does not fit the model's context.

    Raises EngineError where the engine fails; what it answered before is on disk.
    """
    rows = Rows(path)
    missing = [question for question in questions if not rows.has(question.id, question.fingerprint)]
    running: dict[Future[Reply], Question] = {}
    try:
        for i, question in enumerate(missing, start=1):
            running[engine.submit(question.conversation, question.sampling)] = question
            while len(running) >= AT_ONCE or (running and i == len(missing)):
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    rows.add(_row(running.pop(future), future))
                if progress:
                    progress(len(questions) - len(missing) + i - len(running), len(questions), path.stem)
    finally:
        for future in running:
            future.cancel()
    return {row["id"]: row["reply"] for row in rows.settle([question.id for question in questions])}


def _row(question: Question, future: Future[Reply]) -> dict[str, Any]:
    row = {"id": question.id, "asked": question.fingerprint}
    try:
        reply = future.result()
    except ContextFull as error:
        return row | {"reply": "", "finish": "context", "reason": str(error)}
    # An endpoint may send half a surrogate pair.
    text = reply.text.encode("utf-8", "replace").decode()
    return row | {"reply": text, "finish": reply.finish, "usage": reply.usage.row()}


class Rows:
    """A file of results, a line each with `id` and `asked`, written as they come and read again after a kill."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = self._recover()

    def has(self, id: str, asked: str) -> bool:
        return id in self._rows and self._rows[id].get("asked") == asked

    def add(self, row: dict[str, Any]) -> None:
        try:
            with self.path.open("ab") as stream:
                stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise disk_error(error, self.path) from error
        self._rows[row["id"]] = row

    def settle(self, order: Sequence[str]) -> list[dict[str, Any]]:
        """The rows in this order; the file holds them so from now on, and further ones of earlier calls behind them."""
        rows = [self._rows.pop(id) for id in order]
        write_jsonl(self.path, [*rows, *self._rows.values()])
        return rows

    def _recover(self) -> dict[str, dict[str, Any]]:
        """A last line that was cut in the middle is taken off."""
        if not self.path.is_file():
            return {}
        with self.path.open("r+b") as stream:
            stream.truncate(sum(len(line) for line in stream if line.endswith(b"\n")))
        return {row["id"]: row for _, row in read_jsonl(self.path) if isinstance(row.get("id"), str)}
