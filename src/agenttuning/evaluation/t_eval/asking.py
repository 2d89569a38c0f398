"""Questions to an engine, many at a time, each reply on disk before its place is given to the next.

`t_eval.jsonl` holds a line a reply, in the order they came; called again after a kill, only what is missing is
asked. When all are there, the lines stand in the order of the questions.

>>> ask(engine, items, Path("t_eval.jsonl"))["plan/json/0"]
'[{"id": 0, "name": "database.execute_sql", "args": "{}"}]'
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import IO, Any

from agenttuning.engines import Engine, Sampling
from agenttuning.engines.base import Reply
from agenttuning.errors import ContextFull
from agenttuning.evaluation.t_eval.items import Item
from agenttuning.files import disk_error, read_jsonl, write_jsonl

Progress = Callable[[int, int, str], None]
AT_ONCE = 64


def ask(
    engine: Engine, items: Sequence[Item], path: Path, *, progress: Progress | None = None, at_once: int = AT_ONCE
) -> dict[str, str]:
    """The greedy reply to each item by its id; empty where the prompt does not fit the model's context.

    Raises EngineError where the engine fails; what it answered before is on disk.
    """
    rows = _recover(path)
    missing = [item for item in items if item.id not in rows]
    running: dict[Future[Reply], Item] = {}
    try:
        if missing:
            with path.open("ab") as stream:
                for i, item in enumerate(missing, start=1):
                    sampling = Sampling(max_tokens=item.max_tokens)
                    running[engine.submit(item.conversation, sampling)] = item
                    while len(running) >= at_once or (running and i == len(missing)):
                        ended, _ = wait(running, return_when=FIRST_COMPLETED)
                        for future in ended:
                            row = _row(running.pop(future), future)
                            _append(stream, row)
                            rows[row["id"]] = row
                        if progress:
                            progress(sum(item.id in rows for item in items), len(items), "tool use")
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        for future in running:
            future.cancel()
    ordered = [rows[item.id] for item in items]
    write_jsonl(path, ordered)
    return {row["id"]: row["reply"] for row in ordered}


def _row(item: Item, future: Future[Reply]) -> dict[str, Any]:
    try:
        reply = future.result()
    except ContextFull as error:
        return {"id": item.id, "reply": "", "finish": "context", "reason": str(error)}
    text = reply.text.encode("utf-8", "replace").decode()  # an endpoint may send half a surrogate pair
    return {"id": item.id, "reply": text, "finish": reply.finish, "usage": reply.usage.row()}


def _append(stream: IO[bytes], row: dict[str, Any]) -> None:
    stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    stream.flush()
    os.fsync(stream.fileno())


def _recover(path: Path) -> dict[str, dict[str, Any]]:
    """The replies of an earlier call; a last line that was cut in the middle is taken off."""
    if not path.is_file():
        return {}
    with path.open("r+b") as stream:
        end = sum(len(line) for line in stream if line.endswith(b"\n"))
        stream.truncate(end)
    return {row["id"]: row for _, row in read_jsonl(path) if "id" in row and isinstance(row.get("reply"), str)}
