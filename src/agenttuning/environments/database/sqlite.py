"""The default database: SQLite in memory that speaks MySQL, a new one in under a millisecond.

A statement gets five seconds and about sixty megabytes; it can reach no file and no other database.
"""

import re
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from agenttuning.environments.database.backend import MAX_ROWS, MAX_SECONDS, Content, Result, SQLError
from agenttuning.environments.database.functions import register
from agenttuning.environments.database.mysql import explain, translate

_DENIED = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)
_SHOW_TABLES = re.compile(r"\s*show\s+(full\s+)?tables\b.*", re.IGNORECASE | re.DOTALL)
_DESCRIBE = re.compile(
    r"\s*(?:desc|describe|explain|show\s+(?:full\s+)?(?:columns|fields)\s+(?:from|in))\s+(`[^`]+`|\w+)\s*;?\s*",
    re.IGNORECASE,
)
_SHOW_CREATE = re.compile(r"\s*show\s+create\s+table\s+(`[^`]+`|\w+)\s*;?\s*", re.IGNORECASE)
_SHOW_DATABASES = re.compile(r"\s*show\s+(databases|schemas)\s*;?\s*", re.IGNORECASE)
_USE = re.compile(r"\s*use\s+\S+\s*;?\s*", re.IGNORECASE)


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class SqliteBackend:
    """One in-memory database, replaced by each `load`."""

    def __init__(self, seconds: float = MAX_SECONDS) -> None:
        self._seconds = seconds
        self._deadline = 0.0
        self._connection: sqlite3.Connection | None = None

    def load(self, tables: Sequence[Content]) -> None:
        self.close()
        connection = sqlite3.connect(":memory:", isolation_level=None)
        register(connection)
        connection.execute("PRAGMA max_page_count = 16000")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4_000_000)
        for table in tables:
            columns = ", ".join(
                f"{quote(name)} {kind}{' COLLATE MYSQL' if kind == 'TEXT' else ''}" for name, kind in table.columns
            )
            connection.execute(f"CREATE TABLE {quote(table.name)} ({columns})")
            marks = ", ".join("?" * len(table.columns))
            connection.executemany(f"INSERT INTO {quote(table.name)} VALUES ({marks})", table.rows)
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(lambda: time.monotonic() > self._deadline, 10_000)
        self._connection = connection

    def execute(self, sql: str) -> Result:
        connection = self._open
        if (shown := self._show(sql)) is not None:
            return Result(shown)
        statement = translate(sql)
        self._deadline = time.monotonic() + self._seconds
        before = connection.total_changes
        try:
            cursor = connection.execute(statement)
            rows = cursor.fetchmany(MAX_ROWS) if cursor.description else None
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            raise explain(str(error), sql) from None
        return Result(rows, connection.total_changes - before)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        self._deadline = time.monotonic() + self._seconds
        return {name: self._open.execute(f"SELECT * FROM {quote(name)}").fetchall() for name in self._tables()}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _open(self) -> sqlite3.Connection:
        assert self._connection is not None, "load() comes before anything else"
        return self._connection

    def _tables(self) -> list[str]:
        names = self._open.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [name for (name,) in names]

    def _show(self, sql: str) -> list[tuple[Any, ...]] | None:
        """The statements that ask about the database itself; None for any other."""
        if _SHOW_TABLES.fullmatch(sql):
            return [(name,) for name in self._tables()]
        if _SHOW_DATABASES.fullmatch(sql):
            return [("main",)]
        if _USE.fullmatch(sql):
            return []
        if match := _DESCRIBE.fullmatch(sql):
            return [(name, kind, "YES", "", None, "") for name, kind in self._columns(match[1].strip("`"))]
        if match := _SHOW_CREATE.fullmatch(sql):
            name = match[1].strip("`")
            columns = ",\n".join(f"  {quote(row[0])} {row[1]} DEFAULT NULL" for row in self._columns(name))
            return [(name, f"CREATE TABLE {quote(name)} (\n{columns}\n)")]
        return None

    def _columns(self, table: str) -> list[tuple[str, str]]:
        columns = self._open.execute("SELECT name, lower(type) FROM pragma_table_info(?)", (table,)).fetchall()
        if not columns:
            raise SQLError(1146, f"Table '{table}' doesn't exist")
        return columns


def _authorize(action: int, first: str | None, *_: object) -> int:
    if action in _DENIED and first not in ("table_info",):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
