"""A SQLite file that nobody vouches for: opened to be read only, with limits of time and size.

Only tables are read, each by a plain SELECT of ours; views, virtual tables and triggers are never touched, functions of
the file's own schema are not run, and nothing is written, not even a journal.

>>> with SqliteFile(Path("database/world_1/world_1.sqlite")) as file:
...     file.tables["city"].columns[0], file.count("city")
(('ID', 'INTEGER'), 4079)
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote as percent

from agenttuning.corpus.construct.refusal import Refused

SECONDS = 20.0  # for all that is read of a file for one question
MAX_BYTES = 16 * 1024**3
MAX_CELL = 1024 * 1024  # bytes
MAX_TABLES, MAX_COLUMNS = 500, 500
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}
_PRAGMAS = ("table_info", "foreign_key_list")


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are names with their declared types; `links` are (column, other table, its column or "")."""

    name: str
    columns: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str, str], ...]
    rowid: bool


class SqliteFile:
    """Raises Refused for what cannot be read, and where it takes too long."""

    def __init__(self, path: Path, *, seconds: float = SECONDS):
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Refused("bad_database", f"{path.name} has {size} bytes, more than {MAX_BYTES}")
        self._name, self._deadline = path.name, time.monotonic() + seconds
        # immutable: no lock, no journal is replayed, no file beside it is made
        uri = f"file:{percent(str(path))}?mode=ro&immutable=1"
        try:
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        except sqlite3.Error as error:
            raise Refused("bad_database", f"{path.name}: {error}") from None
        self._connection.text_factory = lambda value: value.decode("utf-8", "replace")
        try:
            for pragma in ("trusted_schema = OFF", "query_only = ON", "mmap_size = 0", "cell_size_check = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
            self._connection.set_authorizer(_authorize)
            self._connection.set_progress_handler(lambda: time.monotonic() > self._deadline, 1_000)
            self.tables = self._read_tables()
        except Refused:
            self.close()
            raise
        except (sqlite3.Error, OverflowError) as error:
            self.close()
            raise self._refused(error) from None

    def count(self, table: str) -> int:
        return int(self._run(f"SELECT COUNT(*) FROM {quote(table)}")[0][0])

    def rows(
        self, table: Table, where: str = "", parameters: Sequence[Any] = (), *, most: int
    ) -> list[tuple[Any, tuple[Any, ...]]]:
        """At most so many (identity, row) of a table; `where` is a condition of ours with ? for values."""
        identity = "rowid, " if table.rowid else ""
        columns = ", ".join(quote(name) for name, _ in table.columns)
        condition = f" WHERE {where}" if where else ""
        found = self._run(
            f"SELECT {identity}{columns} FROM {quote(table.name)}{condition} LIMIT {int(most)}", parameters
        )
        return [(row[0], row[1:]) if table.rowid else (row, row) for row in found]

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> Refused:
        slow = "interrupted" in str(error)
        return Refused("database_slow" if slow else "bad_database", f"{self._name}: {error}")

    def _read_tables(self) -> dict[str, Table]:
        listed = self._run(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
            f"ORDER BY name LIMIT {MAX_TABLES}"
        )
        tables = {}
        for name, sql in listed:
            if (
                not isinstance(name, str)
                or not isinstance(sql, str)
                or sql.lstrip().upper().startswith("CREATE VIRTUAL")
            ):
                continue
            columns = self._run(f"PRAGMA table_info({quote(name)})")
            if not columns or len(columns) > MAX_COLUMNS:
                continue
            keys = self._run(f"PRAGMA foreign_key_list({quote(name)})")
            links = tuple((str(key[3]), str(key[2]), str(key[4] or "")) for key in keys)
            try:
                self._run(f"SELECT rowid FROM {quote(name)} LIMIT 0")
                rowid = True
            except Refused:
                rowid = False
            tables[name] = Table(name, tuple((str(row[1]), str(row[2] or "")) for row in columns), links, rowid)
        return tables


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _authorize(action: int, first: str | None, *_: object) -> int:
    if action in _READING or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
