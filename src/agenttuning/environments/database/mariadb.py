"""A real MariaDB or MySQL server, for scores that are exact to the benchmark's.

    AGENTTUNING_MARIADB=mysql://user:password@127.0.0.1:3306/ agenttuning validate database
    AGENTTUNING_MARIADB=/run/mysqld/mysqld.sock agenttuning validate database

Every episode gets a schema of its own that is dropped afterwards. The agent's statements run with the rights
of the user named there: give one that may create and drop schemas named `agenttuning_*` and nothing else.
"""

import re
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

from agenttuning.environments.database.backend import (
    MAX_QUERY,
    MAX_ROWS,
    MAX_SECONDS,
    Content,
    Result,
    SQLError,
)
from agenttuning.environments.database.mysql import syntax_error
from agenttuning.environments.database.sqlite import quote
from agenttuning.errors import BadInput

_ALLOWED = re.compile(
    r"[\s(]*(select|with|insert|replace|update|delete|show|desc|describe|explain|truncate|values"
    r"|(create|alter|drop)\s+(temporary\s+)?(table|index|view))\b",
    re.IGNORECASE,
)
_FILES = re.compile(r"into\s+(out|dump)file|load_file|load\s+data|/\*[!M]", re.IGNORECASE)


def connection_arguments(address: str) -> dict[str, Any]:
    """What PyMySQL needs for a socket's path or a ``mysql://user:password@host:port/`` address."""
    if address.startswith("/"):
        return {"unix_socket": address, "user": "root"}
    try:
        parts = urlsplit(address)
        port = parts.port or 3306
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("mysql", "mariadb") or not parts.hostname:
        raise BadInput("AGENTTUNING_MARIADB should be a socket's path or mysql://user:password@host:3306/")
    return {
        "host": parts.hostname,
        "port": port,
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or ""),
    }


class MariaBackend:
    """One connection; `load` makes a new schema and drops the one before."""

    def __init__(self, address: str, seconds: float = MAX_SECONDS) -> None:
        self._schema: str | None = None
        try:
            self._connection = pymysql.connect(
                **connection_arguments(address), charset="utf8mb4", autocommit=True, connect_timeout=10
            )
        except pymysql.Error as error:
            raise BadInput(
                f"AGENTTUNING_MARIADB: cannot connect ({_text(error)[1]}); start the server or unset the variable"
            ) from None
        self._run("SET SESSION sql_mode = ''")
        self._run(f"SET SESSION sql_select_limit = {MAX_ROWS}")
        try:
            self._run(f"SET SESSION max_statement_time = {seconds}")
        except pymysql.Error:
            self._run(f"SET SESSION max_execution_time = {int(seconds * 1000)}")

    def load(self, tables: Sequence[Content]) -> None:
        self._drop()
        schema = f"agenttuning_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE `{schema}` CHARACTER SET utf8mb4")
        self._schema = schema
        self._run(f"USE `{schema}`")
        for table in tables:
            columns = ", ".join(f"{quote(name)} {kind}" for name, kind in table.columns)
            self._run(f"CREATE TABLE {quote(table.name)} ({columns})")
            marks = ", ".join(["%s"] * len(table.columns))
            name = quote(table.name).replace("%", "%%")
            with self._connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", table.rows)

    def execute(self, sql: str) -> Result:
        if len(sql) > MAX_QUERY:
            raise SQLError(1153, f"Got a statement of {len(sql)} characters, more than {MAX_QUERY}")
        if not _ALLOWED.match(sql) or _FILES.search(sql):
            raise syntax_error(sql.strip()[:40])
        try:
            with self._connection.cursor() as cursor:
                changed = cursor.execute(sql)
                if cursor.description is None:
                    return Result(None, changed)
                return Result(list(cursor.fetchall())[:MAX_ROWS])
        except pymysql.Error as error:
            code, text = _text(error)
            raise SQLError(code, text.replace(f"{self._schema}.", "")) from None

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        self._run("SET SESSION sql_select_limit = DEFAULT")
        names = [name for (name,) in self._run("SHOW TABLES")]
        state = {name: self._run(f"SELECT * FROM {quote(name)}") for name in names}
        self._run(f"SET SESSION sql_select_limit = {MAX_ROWS}")
        return state

    def close(self) -> None:
        if self._connection.open:
            self._drop()
            self._connection.close()

    def _drop(self) -> None:
        if self._schema is not None:
            self._run(f"DROP DATABASE IF EXISTS `{self._schema}`")
            self._schema = None

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


def _text(error: pymysql.Error) -> tuple[int, str]:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 1105
    return code, str(error.args[1] if len(error.args) > 1 else error)
