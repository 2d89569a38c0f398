"""Questions about tables: read from a teacher's JSON, executed in the real database, written as dbbench's files.

The answer is never what the teacher says but what its statement returns; a change is judged by the state that its
statement leaves, told by the benchmark's fingerprint. The database is the environment's: SQLite with a MySQL layer, or
the MariaDB that AGENTTUNING_MARIADB names.

>>> draft = world.trial(world.read(reply))
>>> draft.record["label"], draft.record["type"]
(['Royal Star', 'North Wind'], ['ranking'])
"""

import hashlib
import json
import os
import random
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agenttuning.conversation import Conversation
from agenttuning.corpus.construct import tables_prompts
from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.reply import code_of, json_of, text_field
from agenttuning.corpus.construct.world import Draft
from agenttuning.engines.base import Reply
from agenttuning.environments import environment_class
from agenttuning.environments.database import Database, dbbench
from agenttuning.environments.database.answers import same_label, same_state, table_hash
from agenttuning.environments.database.backend import Backend, Content, SQLError, plain
from agenttuning.environments.database.environment import MAX_OBSERVATION, SERVER, contents, flat, make_backend
from agenttuning.errors import BadInput, EnvironmentFailure, InvalidAction
from agenttuning.files import write_jsonl
from agenttuning.trajectory import Task, ToolCall

SEEDS = 60  # built-in tasks
MAX_QUESTION, MAX_SQL, MAX_CELL = 1_000, 4_000, 300  # characters
MAX_TABLES, MAX_COLUMNS, MAX_ROWS = 4, 30, 100
SHOWN_ROWS = 3  # that a solver sees of each table
NONSENSE = ("qzx-0-nonsense", "")
_CHANGE = re.compile(r"\s*(insert|update|delete|replace)\b", re.IGNORECASE)
_QUERY = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)
_WHOLE, _NUMBER = re.compile(r"[-+]?\d{1,9}"), re.compile(r"[-+]?\d{1,12}(\.\d{1,6})?")


class Tables:
    name = "database"

    def __init__(self) -> None:
        environment_class("database")  # raises where an extra or a server is missing
        self.judge = "mariadb" if os.environ.get(SERVER) else "sqlite"
        self._desks: list[Desk] = []

    def seeds(self, seed: int) -> list[str]:
        return [task.goal for task in Database().tasks("train", limit=SEEDS, seed=seed)]

    def prompt(self, topic: str, known: Sequence[str], dice: random.Random) -> Conversation:
        return tables_prompts.writing(topic, known, dice)

    def read(self, reply: Reply) -> Draft:
        value = json_of(reply)
        question = text_field(value, "question", most=MAX_QUESTION)
        sql = text_field(value, "sql", most=MAX_SQL).rstrip("; \n")
        tables = value.get("tables", value.get("table"))
        tables = [tables] if isinstance(tables, dict) else tables
        if not isinstance(tables, list) or not tables:
            raise Refused("fields", f"'tables' should be a list of tables, found {str(tables)[:60]}")
        if len(tables) > MAX_TABLES:
            raise Refused("too_long", f"{len(tables)} tables, more than {MAX_TABLES}")
        read = [_table(table) for table in tables]
        change = _CHANGE.match(sql)
        if not change and not _QUERY.match(sql):
            raise Refused("fields", f"'sql' is neither a query nor a change of rows: {sql[:60]!r}")
        record = {
            "description": question,
            "type": [statement_kind(sql)],
            "sql": {"query": sql},
            "table": read[0] if len(read) == 1 else read,
        }
        return Draft(question, record)

    def trial(self, draft: Draft) -> Draft:
        record = dict(draft.record)
        sql = record["sql"]["query"]
        with self._desk() as desk:
            # A first label, so that the loader takes the record; what counts is executed on what it loads.
            tables = contents(loaded(record | {"label": [sql]}))
            if _CHANGE.match(sql):
                before, after = desk.change(tables, sql)
                if same_state(before, after):
                    raise Refused("changes_nothing", sql)
                digests = [table_hash(after[name]) for name in sorted(after)]
                record |= {"label": [sql], "answer_md5": str([(digest,) for digest in digests])}
                task = loaded(record)
                wrong = [("", "done"), (_spoil(tables[0]), "done")]
            else:
                values = desk.query(tables, sql)
                if not same_label(values, desk.query([_typed(table) for table in tables], sql)):
                    raise Refused("text_columns", sql)
                record["label"] = values
                task = loaded(record)
                wrong = [("", nonsense) for nonsense in NONSENSE]
            if not desk.play(task, sql):
                raise Refused("reference_refused", sql)
            for statement, answer in wrong:
                if desk.play(task, statement, answer):
                    raise Refused("accepts_nonsense", repr(statement or answer))
        return Draft(draft.instruction, {"id": record_id("self-instruct", record)} | record)

    def solver_prompt(self, draft: Draft) -> Conversation:
        task = loaded(draft.record)
        tables = contents(task)
        rows = [
            f"{table.name}: {json.dumps([list(row) for row in table.rows[:SHOWN_ROWS]], ensure_ascii=False)}"
            for table in tables
        ]
        with self._desk() as desk:
            return tables_prompts.solving(desk.environment.reset(task), "\n".join(rows))

    def solve(self, draft: Draft, reply: Reply) -> None:
        sql = code_of(reply, "sql", "mysql").rstrip("; \n")
        with self._desk() as desk:
            if not desk.play(loaded(draft.record), sql):
                raise Refused("solver_disagrees", sql)

    def write(self, folder: Path, records: Sequence[dict[str, Any]]) -> Path:
        """One file of dbbench's lines; its name begins with train, so that the loader knows what they are for."""
        path = folder / "train.jsonl"
        write_jsonl(path, records)
        return path

    def close(self) -> None:
        for desk in self._desks:
            desk.close()

    @contextmanager
    def _desk(self) -> Generator["Desk"]:
        """A database for one trial. A server is kept for the next; SQLite's belongs to the thread that opened it."""
        desk = self._desks.pop() if self._desks else Desk()
        try:
            yield desk
        except (EnvironmentFailure, AssertionError) as error:
            raise Refused("environment_error", str(error)) from None
        finally:
            if os.environ.get(SERVER):
                self._desks.append(desk)
            else:
                desk.close()


class Desk:
    """A bare database to find out what a statement does, and the environment to play in."""

    def __init__(self) -> None:
        self._backend: Backend = make_backend()
        self.environment = Database()

    def query(self, tables: Sequence[Content], sql: str) -> list[Any]:
        """The values that a query returns, flat. Raises Refused."""
        self._backend.load(tables)
        rows = self._execute(sql).rows
        if rows is None:
            raise Refused("reference_failed", f"no result: {sql}")
        return answer_values(rows)

    def change(self, tables: Sequence[Content], sql: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """All tables before and after a statement. Raises Refused."""
        self._backend.load(tables)
        before = self._backend.dump()
        self._execute(sql)
        return before, self._backend.dump()

    def _execute(self, sql: str) -> Any:
        try:
            return self._backend.execute(sql)
        except SQLError as error:
            raise Refused("reference_failed", f"{error}: {sql}") from None

    def play(self, task: Task, sql: str, answer: str | None = None) -> bool:
        """Whether an agent that runs this statement and answers what it read solves the task; or answers `answer`."""
        self.environment.reset(task)
        try:
            observation = self.environment.step(ToolCall("execute_sql", {"query": sql})).observation if sql else ""
            values = _read(observation) if answer is None else [answer]
            return self.environment.step(ToolCall("answer", {"values": values})).solved
        except InvalidAction:
            return False

    def close(self) -> None:
        self._backend.close()
        self.environment.close()


def answer_values(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The values of a result as an answer holds them. Raises Refused for none, and for more than an agent reads."""
    values = flat([[plain(value) for value in row] for row in rows])
    size = len(json.dumps(values, ensure_ascii=False))
    if not values or all(value is None for row in rows for value in row):
        raise Refused("empty_result", f"{len(rows)} rows")
    if size > MAX_OBSERVATION:
        raise Refused("result_too_large", f"{len(rows)} rows, {size} characters")
    return [value for row in values for value in (row if isinstance(row, list) else [row])]


def record_id(origin: str, record: Mapping[str, Any]) -> str:
    """The same for the same question about the same tables, in whatever run it was made."""
    content = json.dumps([record["description"], record["table"]], ensure_ascii=False)
    return f"{origin}-{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _read(observation: str) -> list[Any]:
    """A result's values from what an agent reads; what a change or an error says is an answer in words."""
    try:
        values = json.loads(observation)
    except ValueError:
        return [observation]
    return values if isinstance(values, list) else [values]


def loaded(record: dict[str, Any]) -> Task:
    """The record as the environment reads it from a file."""
    with TemporaryDirectory(prefix="agenttuning-") as folder:
        file = Path(folder) / "train.jsonl"
        file.write_text(json.dumps(record) + "\n", encoding="utf-8")
        try:
            (task,) = dbbench.load(file).tasks
        except BadInput as error:
            raise Refused("fields", str(error).removesuffix("; --skip-bad leaves such records out")[-160:]) from None
    return task


def _table(table: Any) -> dict[str, Any]:
    """A table in dbbench's form; the loader looks at the rest."""
    if not isinstance(table, dict):
        raise Refused("fields", f"a table should be an object, found {str(table)[:60]}")
    name = text_field(table, "name", most=64)
    columns, rows = table.get("columns"), table.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list) or not columns or not rows:
        raise Refused("fields", f"{name}: 'columns' and 'rows' should be lists that are not empty")
    if len(columns) > MAX_COLUMNS or len(rows) > MAX_ROWS:
        raise Refused("too_long", f"{name} has {len(columns)} columns and {len(rows)} rows")
    names = [column.get("name") if isinstance(column, dict) else column for column in columns]
    for row in rows:
        if not isinstance(row, list) or len(row) != len(names):
            raise Refused("fields", f"{name}: a row should be a list of {len(names)} values, found {str(row)[:60]}")
        if not all(isinstance(value, str | int | float | None) for value in row):
            raise Refused("fields", f"{name}: a value should be a text or a number: {str(row)[:60]}")
        if any(len(str(value)) > MAX_CELL for value in row):
            raise Refused("too_long", f"{name}: a value has more than {MAX_CELL} characters")
    info = {"columns": [{"name": column, "type": "TEXT"} for column in names], "rows": rows}
    return {"table_name": name, "table_info": info}


def _typed(table: Content) -> Content:
    """The table with the types that its values have: what the statement's writer may have had in mind."""

    def kind(place: int) -> str:
        values = [str(row[place]) for row in table.rows]
        if all(_WHOLE.fullmatch(value) for value in values):
            return "INT"
        return "DOUBLE" if all(_NUMBER.fullmatch(value) for value in values) else "TEXT"

    kinds = [kind(place) for place in range(len(table.columns))]
    cast = {"INT": int, "DOUBLE": float, "TEXT": str}
    rows = tuple(tuple(cast[kind](value) for kind, value in zip(kinds, row, strict=True)) for row in table.rows)
    columns = tuple((name, kind) for (name, _), kind in zip(table.columns, kinds, strict=True))
    return Content(table.name, columns, rows)


def _spoil(table: Content) -> str:
    """A change that nobody asks for."""
    column, name = (text.replace("`", "``") for text in (table.columns[0][0], table.name))
    return f"UPDATE `{name}` SET `{column}` = '{NONSENSE[0]}'"


def statement_kind(sql: str) -> str:
    """dbbench's word for a statement: what it changes, or by which means it finds its answer."""
    text = re.sub(r"'[^']*'", "", sql).upper()
    if change := _CHANGE.match(sql):
        return change[1].upper().replace("REPLACE", "INSERT")
    if found := re.search(r"\b(SUM|AVG|MAX|MIN)\s*\(", text):
        return f"aggregation-{found[1]}"
    if re.search(r"\bCOUNT\s*\(", text):
        return "counting"
    if re.search(r"\bORDER\s+BY\b", text):
        return "ranking"
    return "comparison" if re.search(r"[<>]|\bBETWEEN\b", text) else "other"
