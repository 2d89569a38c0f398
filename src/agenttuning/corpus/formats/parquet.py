"""Parquet: trajectories and conversations as tables, nothing lost.

`out` is a folder with ``trajectories.parquet`` and ``conversations.parquet``, as found. What differs from row to row
(a tool's schema, a call's arguments, the whole ATIF document) stands as JSON text in its column, so that every reader
of Parquet opens the file; the plain columns are what one filters and counts by.

>>> write("parquet", items, Path("corpus"))
{'items': 2, 'rows': 2, 'lost': {}}
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agenttuning.atif import dumps, from_atif
from agenttuning.conversation import to_row
from agenttuning.corpus.formats.atif import Atif
from agenttuning.corpus.formats.base import Format, Item, WriteConfig
from agenttuning.corpus.formats.openai import OpenAI
from agenttuning.corpus.formats.tools import checked
from agenttuning.errors import BadRow, MissingExtra
from agenttuning.trajectory import Trajectory

BATCH = 500  # rows that are held before they are written
_OF_MESSAGE = ("tool_calls", "segments")
_OF_ROW = ("tools", "meta")
COLUMNS = {
    "trajectories": {
        "environment": "what the task is from",
        "task_id": "the task",
        "split": "train, dev or test",
        "goal": "what was asked",
        "reward": "between 0 and 1",
        "outcome": "solved, failed, turn_limit, …",
        "agent": "who acted",
        "steps": "how many turns the agent took",
        "atif": "the whole trajectory as ATIF v1.8 JSON",
    },
    "conversations": {
        "id": "the row's name",
        "messages": "role, content, train (loss weight); tool_calls and segments as JSON",
        "tools": "function definitions as JSON",
        "meta": "anything else as JSON",
        "source": "of a row of a corpus: general, or agent/ENVIRONMENT",
    },
}


class Parquet(Format):
    name = "parquet"
    about = "tables of trajectories and conversations, as agenttuning writes them"

    def fits(self, row: Mapping[str, Any]) -> bool:
        if isinstance(row.get("atif"), str):
            return True
        messages = row.get("messages")
        return (
            isinstance(messages, list)
            and _OF_ROW[1] in row
            and all(isinstance(m, Mapping) and isinstance(m.get("segments", 0), str | None) for m in messages)
        )

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        if isinstance(row.get("atif"), str):
            document = _json(row["atif"], where, "foreign_atif")
            if not isinstance(document, Mapping):
                raise BadRow(f"{where}: 'atif' holds no object", "foreign_atif")
            return Atif().item(document, where)
        messages = row.get("messages")
        if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
            raise BadRow(f"{where}: expected the column 'messages' or 'atif'", "no_turns")
        decoded = {
            **_decoded(row, _OF_ROW, where),
            "messages": [_decoded(message, _OF_MESSAGE, where) for message in messages],
        }
        return OpenAI().item(decoded, where)

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        if isinstance(item, Trajectory):
            yield {
                "environment": item.task.environment,
                "task_id": item.task.id,
                "split": item.task.split,
                "goal": item.task.goal,
                "reward": float(item.reward),
                "outcome": item.outcome,
                "agent": item.agent,
                "steps": len(item.steps),
                "atif": dumps(item),
            }
            return
        yield _columns(to_row(item))

    def write(self, items: Iterable[Item], out: Path, config: WriteConfig, lost: Counter[str]) -> dict[str, int]:
        counts = {"items": 0, "rows": 0}
        with ExitStack() as stack:
            tables: dict[str, _Table] = {}
            for item in items:
                counts["items"] += 1
                kind = "trajectories" if isinstance(item, Trajectory) else "conversations"
                if kind not in tables:
                    tables[kind] = stack.enter_context(_Table(out / f"{kind}.parquet", kind))
                for row in self.rows(item, config, lost):
                    counts["rows"] += 1
                    tables[kind].add(row)
        return counts


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the rows of a corpus, or ATIF documents, as one table; returns how many."""
    count = 0
    with ExitStack() as stack:
        table: _Table | None = None
        for row in rows:
            trajectory = "schema_version" in row
            if table is None:
                table = stack.enter_context(_Table(path, "trajectories" if trajectory else "conversations"))
            for one in Parquet().rows(from_atif(row), WriteConfig(), Counter()) if trajectory else (_columns(row),):
                table.add(one)
            count += 1
        if table is None:
            stack.enter_context(_Table(path, "conversations"))
    return count


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """A corpus row as the table of conversations has it."""
    messages = [{**_encoded(message, _OF_MESSAGE), "train": _number(message)} for message in row["messages"]]
    return {"tools": None, "meta": None, "source": None, **_encoded(row, _OF_ROW), "messages": messages}


class _Table:
    """A Parquet file that gets its name when it is whole."""

    def __init__(self, path: Path, kind: str):
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError:
            raise MissingExtra("pyarrow", "parquet") from None
        self.path, self.partial = path, path.with_name(path.name + ".partial")
        text, list_, number = pyarrow.string(), pyarrow.list_, pyarrow.float64()
        types = dict.fromkeys(COLUMNS[kind], text) | {"reward": number, "steps": pyarrow.int32()}
        parts = [("role", text), ("content", text), ("train", number), ("tool_call_id", text)]
        types["messages"] = list_(pyarrow.struct([*parts, *((name, text) for name in _OF_MESSAGE)]))
        self.schema = pyarrow.schema([(name, types[name]) for name in COLUMNS[kind]])
        self.held: list[dict[str, Any]] = []

    def __enter__(self) -> "_Table":
        from pyarrow.parquet import ParquetWriter

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.writer = ParquetWriter(self.partial, self.schema, compression="zstd")
        return self

    def add(self, row: dict[str, Any]) -> None:
        self.held.append(row)
        if len(self.held) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        from pyarrow import Table

        self.writer.write_table(Table.from_pylist(self.held, self.schema))
        self.held = []

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.held:
            self._flush()
        self.writer.close()
        if kind is None:
            self.partial.replace(self.path)


def _number(message: Mapping[str, Any]) -> float | None:
    return float(message["train"]) if "train" in message else None


def _encoded(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {n: json.dumps(value, ensure_ascii=False) if n in names else value for n, value in row.items()}


def _decoded(row: Mapping[str, Any], names: tuple[str, ...], where: str) -> dict[str, Any]:
    """A row whose JSON texts are values again; what is None is left out."""
    return {
        name: _json(value, where, "not_json") if name in names and isinstance(value, str) else value
        for name, value in row.items()
        if value is not None
    }


def _json(text: str, where: str, reason: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"{where}: not JSON ({error})", reason) from None
    return checked(value, where, reason)
