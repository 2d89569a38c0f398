"""The part of a database that a question needs, small enough for a task: a world of its own, in which the reference
SQL is executed again.

All tables that the SQL names, and a few others beside them. A table with too many rows is cut to those that the SQL's
literals and joins lead to, and to others spread evenly over it, so that guessing does not help. The answer is what the
reference SQL gives on the excerpt, not on the whole database.

>>> part = excerpt(file, "SELECT name FROM city WHERE country = 'GHA'", links=(), most=200, dice=Random(0))
>>> run(part, "SELECT COUNT(*) FROM city")
[(200,)]
"""

import random
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.sql_set import Link
from agenttuning.corpus.construct.sqlite_file import SqliteFile, Table, quote

OTHERS, OTHER_ROWS = 2, 20  # tables that the SQL does not name, and their rows
MAX_USED, MAX_COLUMNS, MAX_NAME = 10, 100, 60
MAX_CELL = 400  # characters of a text; the rest is cut off
MAX_SIZE = 400_000  # characters of all cells
MAX_RESULT = 1_001  # rows
SECONDS = 5.0
_PAGES = 16_000  # of four kilobytes
_PASSES = 2
_KEYS = 200  # values that are followed along one join


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the excerpt, with the declared types and the values of the file."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]


def excerpt(file: SqliteFile, sql: str, *, links: Sequence[Link], most: int, dice: random.Random) -> tuple[Part, ...]:
    """Raises Refused where the SQL is no query, names what is not there, or needs more than a task may have."""
    tree = parse(sql)
    by_name = {name.casefold(): table for name, table in file.tables.items()}
    common = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    named = dict.fromkeys(found.name.casefold() for found in tree.find_all(exp.Table))
    missing = [name for name in named if name not in by_name and name not in common]
    if missing:
        raise Refused("reference_failed", f"no such table: {missing[0]}")
    used = [by_name[name] for name in named if name in by_name]
    if not used:
        raise Refused("not_a_query", f"it reads no table: {sql}")
    tree = with_texts(tree, {name.casefold() for table in used for name, _ in table.columns})
    others = [table for name, table in by_name.items() if name not in named and len(table.columns) <= MAX_COLUMNS // 3]
    beside = dice.sample(others, min(OTHERS, len(others)))
    if len(used) > MAX_USED or any(len(table.columns) > MAX_COLUMNS for table in used):
        raise Refused("too_wide", f"{len(used)} tables")
    rows = _Chosen(file, used, most, dice).rows(tree, [*_joins(tree, used), *_declared(used, links, by_name)])
    parts = [Part(table.name, table.columns, tuple(_short(row) for row in rows[table.name])) for table in used]
    for table in beside:
        some = file.rows(table, most=min(OTHER_ROWS, most))
        parts.append(Part(table.name, table.columns, tuple(_short(row) for _, row in some)))
    names = [name for part in parts for name in (part.name, *(column for column, _ in part.columns))]
    if any(not name.strip() or len(name) > MAX_NAME for name in names):
        raise Refused("too_wide", "a table or column has no name, or one that is too long")
    size = sum(len(str(value)) for part in parts for row in part.rows for value in row)
    if size > MAX_SIZE:
        raise Refused("too_wide", f"{size} characters; fewer rows make it smaller")
    return tuple(parts)


def parse(sql: str) -> exp.Expr:
    """One SELECT in SQLite's language. Raises Refused."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="sqlite") if tree is not None]
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
        raise Refused("not_a_query", " ".join(str(error).split())) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select | exp.SetOperation | exp.Subquery):
        raise Refused("not_a_query", sql)
    return trees[0]


def with_texts(tree: exp.Expr, columns: set[str]) -> exp.Expr:
    """What SQLite takes for a text: a name in double quotes that is no column's, as Spider writes its values."""
    aliases = {found.alias.casefold() for found in tree.find_all(exp.Alias)}

    def mended(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table and isinstance(node.this, exp.Identifier):
            name = node.name.casefold()
            if node.this.quoted and name not in columns and name not in aliases:
                return exp.Literal.string(node.name)
        return node

    return tree.transform(mended)


def run(parts: Sequence[Part], sql: str, *, seconds: float = SECONDS) -> list[tuple[Any, ...]]:
    """What SQLite gives for a query on these tables, at most MAX_RESULT rows. Raises Refused."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute(f"PRAGMA max_page_count = {_PAGES}")
        for part in parts:
            columns = ", ".join(f"{quote(name)} {_type(kind)}" for name, kind in part.columns)
            connection.execute(f"CREATE TABLE {quote(part.name)} ({columns})")
            marks = ", ".join("?" * len(part.columns))
            connection.executemany(f"INSERT INTO {quote(part.name)} VALUES ({marks})", part.rows)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4_000_000)
        reading = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in reading else sqlite3.SQLITE_DENY)
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        return connection.execute(sql).fetchmany(MAX_RESULT)
    except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
        raise Refused("reference_failed", f"{error}: {sql}") from None
    finally:
        connection.close()


class _Chosen:
    """The rows that are taken of each table, by their identity."""

    def __init__(self, file: SqliteFile, tables: Sequence[Table], most: int, dice: random.Random):
        self._file, self._most, self._dice = file, most, dice
        self._tables = {table.name: table for table in tables}
        self._counts = {table.name: file.count(table.name) for table in tables}
        self._taken: dict[str, dict[Any, tuple[Any, ...]]] = {table.name: {} for table in tables}

    def rows(self, tree: exp.Expr, joins: Sequence[Link]) -> dict[str, list[tuple[Any, ...]]]:
        cut = [name for name, count in self._counts.items() if count > self._most]
        for name in self._tables:
            if name not in cut:
                self._add(name, "", (), self._most)
        for name in cut:
            where, values = _condition(self._tables[name], tree)
            if where:
                self._add(name, where, values, self._most // 2)
        if cut and not any(self._taken[name] for name in cut):
            self._spread(cut[0], max(1, self._most // 2))
        for _ in range(_PASSES):
            for one, column, other, other_column in joins:
                self._follow(one, column, other, other_column)
                self._follow(other, other_column, one, column)
        for name in cut:
            self._spread(name, self._most - len(self._taken[name]))
        return {name: [taken[key] for key in sorted(taken, key=_order)] for name, taken in self._taken.items()}

    def _add(self, name: str, where: str, values: Sequence[Any], most: int) -> None:
        taken = self._taken[name]
        for key, row in self._file.rows(self._tables[name], where, values, most=most):
            if len(taken) < self._most:
                taken.setdefault(key, row)

    def _follow(self, one: str, column: str, other: str, other_column: str) -> None:
        """Take the rows of `other` that rows of `one` are joined with."""
        room = self._most - len(self._taken[other])
        if room <= 0 or self._counts[other] <= self._most:
            return
        place = [name for name, _ in self._tables[one].columns].index(column)
        values = list(dict.fromkeys(row[place] for row in self._taken[one].values() if row[place] is not None))[:_KEYS]
        if values:
            marks = ", ".join("?" * len(values))
            self._add(other, f"{quote(other_column)} IN ({marks})", values, room)

    def _spread(self, name: str, wanted: int) -> None:
        """Rows at even distances over the table."""
        if wanted <= 0:
            return
        if not self._tables[name].rowid:
            self._add(name, "", (), self._most)
            return
        stride = max(1, self._counts[name] // wanted)
        self._add(name, "rowid % ? = ?", (stride, self._dice.randrange(stride)), self._most)


def _condition(table: Table, tree: exp.Expr) -> tuple[str, list[Any]]:
    """What finds the rows that the literals of a query may be about: those columns that it names, each literal."""
    named = {column.name.casefold() for column in tree.find_all(exp.Column)}
    texts = [literal.this for literal in tree.find_all(exp.Literal) if literal.is_string and literal.this.strip("%_ ")]
    parts, values = [], []
    for name, _ in table.columns:
        if name.casefold() in named:
            for text in texts[:10]:
                parts.append(f"{quote(name)} LIKE ?")
                values.append(text)
    return " OR ".join(parts[:100]), values[:100]


def _joins(tree: exp.Expr, tables: Sequence[Table]) -> list[Link]:
    """Pairs of columns of different tables that the query sets equal."""
    by_name = {table.name.casefold(): table for table in tables}
    aliases = {found.alias_or_name.casefold(): by_name.get(found.name.casefold()) for found in tree.find_all(exp.Table)}
    out = []
    for equal in tree.find_all(exp.EQ):
        ends = [_column(side, aliases, tables) for side in (equal.left, equal.right)]
        if ends[0] is not None and ends[1] is not None and ends[0][0] != ends[1][0]:
            out.append((*ends[0], *ends[1]))
    return out


def _column(side: exp.Expr, aliases: dict[str, Table | None], tables: Sequence[Table]) -> tuple[str, str] | None:
    if not isinstance(side, exp.Column):
        return None
    owner = aliases.get(side.table.casefold()) if side.table else None
    for table in [owner] if owner else [] if side.table else tables:
        for name, _ in table.columns:
            if name.casefold() == side.name.casefold():
                return table.name, name
    return None


def _declared(tables: Sequence[Table], links: Sequence[Link], by_name: dict[str, Table]) -> list[Link]:
    """The foreign keys among these tables, the file's own and the set's."""
    own = [(table.name, column, other, target or column) for table in tables for column, other, target in table.links]
    used = {table.name for table in tables}
    out = []
    for one, column, other, target in (*own, *links):
        ends = [_exact(by_name.get(name.casefold()), part) for name, part in ((one, column), (other, target))]
        if ends[0] is not None and ends[1] is not None and {ends[0][0], ends[1][0]} <= used:
            out.append((*ends[0], *ends[1]))
    return out


def _exact(table: Table | None, column: str) -> tuple[str, str] | None:
    """Names as the file spells them."""
    names = [name for name, _ in table.columns if name.casefold() == column.casefold()] if table else []
    return (table.name, names[0]) if table and names else None


def _short(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row whose values fit: long texts cut, blobs as text."""
    values = (value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in row)
    return tuple(
        value[:MAX_CELL].encode(errors="replace").decode() if isinstance(value, str) else value for value in values
    )


def _type(declared: str) -> str:
    """A declared type, as long as it is words; SQLite only looks for some of them in it."""
    return declared if len(declared) <= 40 and all(c.isalnum() or c in " (),_" for c in declared) else ""


def _order(key: Any) -> tuple[str, Any]:
    return (type(key).__name__, key if isinstance(key, int) else repr(key))
