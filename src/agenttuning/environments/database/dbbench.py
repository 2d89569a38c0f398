"""AgentBench's dbbench files, JSON lines or an array: a question, its tables, its gold answer or gold statement.

    {"description": "how many floors does the capitol square have?", "type": ["other"], "label": ["26"],
     "table": {"table_name": "towers", "table_info": {"columns": [{"name": "Name", ...}], "rows": [[...]]}}}

As upstream reads them (src/server/tasks/dbbench/task.py of THUDM/AgentBench): `table` may be a list of tables, every
column is TEXT and every value its text; `evidence` and `add_description` belong to the question. For INSERT, UPDATE
and DELETE `answer_md5` is the tables' fingerprint and the gold statement is the label or `sql.query`; for the rest
the label is the answer (the file's own SELECT statements are often wrong). A file whose name begins with train is for
training, and a record may bring an `id`; upstream's have neither.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.environments.json_records import json_records, of_object
from agenttuning.environments.official import Official, convert
from agenttuning.errors import BadInput
from agenttuning.trajectory import Split, Task

_CHANGES = ("INSERT", "UPDATE", "DELETE")
_MD5 = re.compile(r"[0-9a-f]{32}")
_STATEMENT = re.compile(r"\s*(insert|update|delete|replace|with)\b", re.IGNORECASE)
# What the tables' line of the opening says already.
_KNOWN = re.compile(r"the name of this table is .*, and the headers of this table are .*", re.IGNORECASE | re.DOTALL)
_MOST_COLUMNS = 500
_MOST_TABLES = 50


def load(path: Path, *, skip_bad: bool = False) -> Official:
    """Every question of a file. Raises BadInput as ``file:line: reason``; with `skip_bad` only where none is good."""
    numbers = iter(range(1, 10**9))
    split: Split = "train" if path.stem.startswith("train") else "test"
    official = convert(
        ((place, (next(numbers), record)) for place, record in json_records(path)),
        lambda numbered: of_object(lambda record: _task(record, numbered[0], split))(numbered[1]),
        skip_bad=skip_bad,
    )
    if not official.tasks:
        raise BadInput(f"{path}: no question in it; give a dbbench file such as dev.jsonl")
    return official


def _task(record: Mapping[str, Any], number: int, split: Split) -> Task:
    goal = _get(record, "description", str)
    kind = _kind(record.get("type"))
    if record.get("user_sqlite"):
        raise BadInput("'user_sqlite': its tables are in an SQLite file of their own, which is not read")
    tables = record.get("table")
    if not isinstance(tables, dict | list) or not tables or len(tables) > _MOST_TABLES:
        raise BadInput(f"'table' should be a table or a list of tables, found {type(tables).__name__}")
    read = [_table(table) for table in (tables if isinstance(tables, list) else [tables])]
    if len({table["name"].casefold() for table in read}) < len(read):
        raise BadInput("'table' has two tables of one name")
    writes = kind.upper() in _CHANGES
    fingerprint = _fingerprint(record.get("answer_md5")) if writes else None
    sql = _statement(record) if writes else None
    if writes and not (sql or fingerprint):
        raise BadInput("neither 'label' nor 'sql' holds a gold statement, and there is no 'answer_md5'")
    data = {
        "level": "medium",  # the benchmark has no levels
        "kind": kind.lower(),
        "tables": read,
        "sql": sql,
        "thought": "Make the change in the table.",
        "answer": [] if writes else [[value] for value in _labels(record)],
        "ordered": False,
        "writes": writes,
        "md5": fingerprint,
        "official": True,
    }
    own = record.get("id")
    name = _encodable(own) if isinstance(own, str) and own.strip() else f"dbbench-{number:04d}"
    return Task("database", name, split, _with_context(goal, record), data)


def _kind(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, str) or not first.strip():
        raise BadInput("'type' should be a list that holds a word")
    return first.strip()


def _with_context(goal: str, record: Mapping[str, Any]) -> str:
    lines = [goal]
    for key, title in (("evidence", "Evidence"), ("add_description", "About the table")):
        text = record.get(key)
        if isinstance(text, str) and text.strip() and not _KNOWN.fullmatch(text.strip()):
            lines.append(f"{title}: {text.strip()}")
    return _encodable("\n".join(lines))


def _labels(record: Mapping[str, Any]) -> list[str | int | float | None]:
    label = record.get("label")
    values = label if isinstance(label, list) else [label]
    if "label" not in record or not values or not all(isinstance(v, str | int | float | None) for v in values):
        raise BadInput("'label' should be a list of texts or numbers")
    return [_encodable(value) if isinstance(value, str) else value for value in values]


def _statement(record: Mapping[str, Any]) -> str | None:
    """The gold statement of a change: the label, or what `sql` holds."""
    label, sql = record.get("label"), record.get("sql")
    first = label[0] if isinstance(label, list) and label else label
    query = sql.get("query") if isinstance(sql, dict) else sql
    for text in (first, query):
        if isinstance(text, str) and _STATEMENT.match(text):
            return _encodable(text)
    return None


def _fingerprint(value: Any) -> str | None:
    """``[('0f1e…',)]`` as its digits; of several tables sorted and joined, as upstream does."""
    return "_".join(sorted(_MD5.findall(str(value)))) or None


def _table(table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise BadInput(f"a table of 'table' should be an object, found {type(table).__name__}")
    name = _get(table, "table_name", str)
    info = _get(table, "table_info", dict)
    columns = _names(_get(info, "columns", list))
    rows = [_row(row, len(columns)) for row in _get(info, "rows", list)]
    if not name.strip() or not _fit(name) or len(name) > 64 or name.lower().startswith("sqlite_"):
        raise BadInput(f"'table_name' cannot be a table's name: {name[:60]!r}")
    return {"name": name.strip(), "columns": [[column, "TEXT"] for column in columns], "rows": rows}


def _get(record: Mapping[str, Any], key: str, kind: type) -> Any:
    value = record.get(key)
    if not isinstance(value, kind):
        raise BadInput(f"{key!r} should be a {kind.__name__}, found {type(value).__name__}")
    return value


def _names(columns: list[Any]) -> list[str]:
    """Column names, made fit for any database: none empty, none twice."""
    if not columns or len(columns) > _MOST_COLUMNS:
        raise BadInput(f"'columns' should hold 1 to {_MOST_COLUMNS} columns, found {len(columns)}")
    names: list[str] = []
    for place, column in enumerate(columns, start=1):
        name = column.get("name") if isinstance(column, dict) else column
        if not isinstance(name, str) or not _fit(name):
            raise BadInput(f"column {place} has no 'name' that can be a column's")
        name = name.strip()[:60] or f"column {place}"
        while name.casefold() in (other.casefold() for other in names):
            name += "_2"
        names.append(name)
    return names


def _fit(name: str) -> bool:
    """Whether every database can hold the name: no null character, no half of a surrogate pair."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in name)


def _row(row: Any, width: int) -> list[str]:
    if not isinstance(row, list) or len(row) != width:
        raise BadInput(f"a row should be a list of {width} values, found {str(row)[:60]}")
    return [_encodable(str(value)) for value in row]


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()
