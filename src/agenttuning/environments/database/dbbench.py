"""AgentBench's dbbench files: one question a line, with its table and its gold answer or gold statement.

    {"description": "how many floors does the capitol square have?", "type": ["other"], "label": ["26"],
     "table": {"table_name": "towers", "table_info": {"columns": [{"name": "Name", ...}], "rows": [[...]]}}}

For INSERT, UPDATE and DELETE the label is the gold statement and `answer_md5` the table's published
fingerprint; for the rest the label is the answer itself (the file's own SELECT statements are often wrong).
As in the benchmark every column is TEXT.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl
from agenttuning.trajectory import Task

_CHANGES = ("INSERT", "UPDATE", "DELETE")
_MD5 = re.compile(r"[0-9a-f]{32}")


def load(path: Path) -> tuple[Task, ...]:
    """Every question of a file. Raises BadInput as ``file:line: reason``."""
    tasks = []
    for line, record in read_jsonl(path):
        try:
            tasks.append(_task(record, line))
        except BadInput as error:
            raise BadInput(f"{path}:{line}: {error}; is this a dbbench file?") from None
    if not tasks:
        raise BadInput(f"{path}: no question in it; give a dbbench file such as dev.jsonl")
    return tuple(tasks)


def _task(record: Mapping[str, Any], line: int) -> Task:
    goal = _get(record, "description", str)
    kinds, label = _get(record, "type", list), _get(record, "label", list)
    table = _get(record, "table", dict)
    name = _get(table, "table_name", str)
    info = _get(table, "table_info", dict)
    columns = _names(_get(info, "columns", list))
    rows = [_row(row, len(columns)) for row in _get(info, "rows", list)]
    if not name.strip() or not _fit(name) or name.lower().startswith("sqlite_"):
        raise BadInput(f"'table_name' cannot be a table's name: {name[:60]!r}")
    if not kinds or not isinstance(kinds[0], str):
        raise BadInput("'type' should be a list that holds a word")
    if not label or not all(isinstance(value, str | int | float) for value in label):
        raise BadInput("'label' should be a list of texts or numbers")
    writes = kinds[0].upper() in _CHANGES
    fingerprint = _MD5.search(str(record.get("answer_md5", "")))
    data = {
        "level": "medium",  # the benchmark has no levels
        "kind": kinds[0].lower(),
        "tables": [{"name": name, "columns": [[column, "TEXT"] for column in columns], "rows": rows}],
        "sql": str(label[0]) if writes else None,
        "thought": "Make the change in the table.",
        "answer": [] if writes else [[value] for value in label],
        "ordered": False,
        "writes": writes,
        "md5": fingerprint[0] if fingerprint and writes else None,
    }
    return Task("database", f"dbbench-{line:04d}", "test", goal, data)


def _get(record: Mapping[str, Any], key: str, kind: type) -> Any:
    value = record.get(key)
    if not isinstance(value, kind):
        raise BadInput(f"{key!r} should be a {kind.__name__}, found {type(value).__name__}")
    return value


def _names(columns: list[Any]) -> list[str]:
    """Column names, made fit for any database: none empty, none twice."""
    if not columns or len(columns) > 500:
        raise BadInput(f"'columns' should hold 1 to 500 columns, found {len(columns)}")
    names: list[str] = []
    for place, column in enumerate(columns, start=1):
        name = column.get("name") if isinstance(column, dict) else None
        if not isinstance(name, str) or not _fit(name):
            raise BadInput(f"column {place} has no 'name' that can be a column's")
        name = name.strip() or f"column {place}"
        while name.casefold() in (other.casefold() for other in names):
            name += "_2"
        names.append(name)
    return names


def _fit(name: str) -> bool:
    """Whether every database can hold the name: no null character, no half of a surrogate pair."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in name)


def _row(row: Any, width: int) -> list[str | None]:
    if not isinstance(row, list) or len(row) != width:
        raise BadInput(f"a row should be a list of {width} values, found {str(row)[:60]}")
    return [None if value is None else str(value).encode(errors="replace").decode() for value in row]
