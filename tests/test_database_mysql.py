"""MySQL's ways over SQLite, and the same on a real server."""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from database_play import check_benchmark_file, needs_data, needs_server, play, query
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.database.backend import Backend, Content, SQLError
from agenttuning.environments.database.environment import SERVER, Database, show
from agenttuning.environments.database.mysql import translate
from agenttuning.environments.database.sqlite import SqliteBackend
from agenttuning.errors import BadInput

TOWNS = (
    Content(
        "Town List",
        (("Name", "TEXT"), ("Area (km²)", "TEXT"), ("pop", "INT"), ("note", "TEXT")),
        (("Ashford", "12.5", 1200, "a,b,c"), ("brack", "9", 800, None), ("Córdoba", "100 ha", 30, "x")),
    ),
    Content(
        "ship",
        (("name", "TEXT"), ("town", "TEXT"), ("length", "INT")),
        (("Swan", "Ashford", 10), ("Star", "brack", 20), ("Moon", "Ashford", 15)),
    ),
)
# Each with what MySQL gives, as the agent reads it.
QUERIES = {
    "SELECT Name FROM `Town List` WHERE Name = 'ASHFORD'": '["Ashford"]',
    "SELECT Name FROM `Town List` WHERE Name = 'cordoba'": '["Córdoba"]',
    'SELECT name FROM ship WHERE name = "swan"': '["Swan"]',
    "SELECT LOWER('ABC') = 'Abc'": "[1]",
    "SELECT Name FROM `Town List` WHERE `Area (km²)` > 10 ORDER BY pop": '["Córdoba", "Ashford"]',
    "SELECT Name FROM `Town List` WHERE `Area (km²)` BETWEEN 5 AND 50": '["Ashford", "brack"]',
    "SELECT Name FROM `Town List` WHERE pop = '1200'": '["Ashford"]',
    "SELECT MAX(CAST(`Area (km²)` AS UNSIGNED)) FROM `Town List`": "[100]",
    "SELECT CONCAT(name, '-', length) FROM ship LIMIT 1": '["Swan-10"]',
    "SELECT SUBSTRING_INDEX(note, ',', 2) FROM `Town List` LIMIT 1": '["a,b"]',
    "SELECT IF(length > 12, 'b', 's'), LEFT(name, 2) FROM ship": '[["s", "Sw"], ["b", "St"], ["b", "Mo"]]',
    "SELECT GROUP_CONCAT(name ORDER BY name SEPARATOR '; ') FROM ship": '["Moon; Star; Swan"]',
    "SELECT town, COUNT(*) AS n FROM ship GROUP BY town HAVING n > 1": '[["Ashford", 2]]',
    "SELECT AVG(length), ROUND(AVG(length), 1) FROM ship": "[[15, 15]]",
    "SELECT 7 / 2, 7 DIV 2, 1 / 0, TRUNCATE(2.567, 1)": "[[3.5, 3, null, 2.5]]",
    "SELECT name FROM ship WHERE name REGEXP '^s' LIMIT 1, 1": '["Star"]',
    "SELECT name FROM ship WHERE length = 10 || length = 20": '["Swan", "Star"]',
    "SHOW TABLES": '["Town List", "ship"]',
    "DESCRIBE ship": '[["name", "text", "YES", "", null, ""], ["town", "text", "YES", "", null, ""], '
    '["length", "int", "YES", "", null, ""]]',
    "INSERT INTO ship SET name = 'e', length = 9": "OK, 1 row changed.",
    "REPLACE INTO ship VALUES ('a', 'b', 1)": "OK, 1 row changed.",
    "UPDATE ship SET length = 5, town = 'X' WHERE length > 12": "OK, 2 rows changed.",
    "UPDATE ship SET length = 1 ORDER BY length DESC LIMIT 1": "OK, 1 row changed.",
    "UPDATE ship s JOIN `Town List` t ON s.town = t.Name SET s.length = 9 WHERE t.pop > 1000": ("OK, 2 rows changed."),
    "DELETE FROM ship LIMIT 2": "OK, 2 rows changed.",
}
ERRORS = {
    "SELECT nope FROM ship": "ERROR 1054: Unknown column 'nope' in 'field list'",
    "SELECT `nope` FROM ship": "ERROR 1054: Unknown column 'nope' in 'field list'",
    "SELECT name FROM ship WHERE nope = 1": "ERROR 1054: Unknown column 'nope' in 'where clause'",
    "SELECT name FROM nope": "ERROR 1146: Table 'nope' doesn't exist",
    "SELECT NOPE(name) FROM ship": "ERROR 1305: FUNCTION NOPE does not exist",
    "SELECT name FROM ship WHERE COUNT(*) > 1": "ERROR 1111: Invalid use of group function",
    "SELECT name FROM ship JOIN ship AS t ON 1": "ERROR 1052: Column 'name' in 'field list' is ambiguous",
    "INSERT INTO ship VALUES ('a')": "ERROR 1136: Column count doesn't match value count at row 1",
    "CREATE TABLE ship (a INT)": "ERROR 1050: Table 'ship' already exists",
    "SELECT name FRM ship": "ERROR 1064",
    "SELEC name": "ERROR 1064",
    "SELECT 1; SELECT 2": "ERROR 1064",
    "ATTACH DATABASE 'x.db' AS x": "ERROR 1064",
    "PRAGMA table_info(ship)": "ERROR 1064",
    "SELECT * FROM sqlite_master": "ERROR 1044",
    "SELECT load_extension('x')": "ERROR 1044",
}


@pytest.fixture
def sqlite():
    backend = SqliteBackend()
    backend.load(TOWNS)
    yield backend
    backend.close()


@pytest.mark.parametrize("sql", QUERIES)
def test_sqlite_answers_as_mysql(sqlite, sql):
    assert show(sqlite.execute(sql)) == QUERIES[sql]


@pytest.mark.parametrize("sql", ERRORS)
def test_sqlite_complains_as_mysql(sqlite, sql):
    with pytest.raises(SQLError) as error:
        sqlite.execute(sql)
    assert str(error.value).startswith(ERRORS[sql])


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
        "SELECT COUNT(*) FROM " + ", ".join(f"ship AS s{i}" for i in range(30)),
        "INSERT INTO ship SELECT a.name, a.town, 1 FROM " + ", ".join(f"ship AS {c}" for c in "abcdefghijklmnop"),
    ],
)
def test_a_runaway_statement_is_stopped(sql):
    backend = SqliteBackend(seconds=0.3)
    backend.load(TOWNS)
    started = time.monotonic()
    with pytest.raises(SQLError) as error:
        backend.execute(sql)
    assert error.value.code in (3024, 1114)
    assert time.monotonic() - started < 3
    assert backend.execute("SELECT 1").rows == [(1,)]


def test_long_results_are_cut():
    environment = Database()
    task = environment.tasks("train", limit=1)[0]
    environment.reset(task)
    table = task.data["tables"][0]["name"]
    shown = query(environment, f"SELECT 'a long piece of text' FROM {table} a, {table} b, {table} c")
    assert len(shown) < 830
    assert shown.endswith("rows)")


WORDS = [
    "SELECT",
    "(",
    ")",
    "name",
    "FROM",
    "ship",
    "WHERE",
    "=",
    "'",
    "`",
    '"',
    ",",
    "*",
    ";",
    "1",
    "JOIN",
    "UPDATE",
]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_no_statement_breaks_the_database(sql):
    backend = SqliteBackend(seconds=0.5)
    backend.load(TOWNS)
    with suppress(SQLError):
        show(backend.execute(sql))
    assert backend.execute("SELECT 1").rows == [(1,)]
    backend.close()


def test_translation_is_plain_where_the_languages_agree():
    sql = "SELECT name FROM ship WHERE town = 'Ashford' ORDER BY length DESC LIMIT 1"
    assert translate(sql) == sql


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A private MariaDB on a unix socket: no port, no system service."""
    folder = tmp_path_factory.mktemp("mariadb")
    # A socket's path may have 107 characters, fewer than some temporary folders.
    link = Path(f"/tmp/agenttuning-test-{os.getpid()}.sock")
    common = [
        "--no-defaults",
        f"--datadir={folder / 'data'}",
        "--user=root" if os.getuid() == 0 else "--skip-log-bin",
    ]
    subprocess.run(
        ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["mariadbd", *common, "--skip-networking", f"--socket={link}", "--debug-no-sync"],
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(150):
            if link.exists():
                break
            time.sleep(0.1)
        yield str(link)
    finally:
        process.terminate()
        process.wait(timeout=30)


@needs_server
def test_a_real_server_agrees_with_the_default(server, monkeypatch):
    monkeypatch.setenv(SERVER, server)
    environment = Database()
    for task in environment.tasks("test", limit=40):
        assert play(environment, task).solved, (task.id, task.goal)
    environment.reset(environment.tasks("test", limit=1)[0])
    assert query(environment, "SELECT nope").startswith("ERROR 1054: Unknown column 'nope'")
    assert query(environment, "SELECT 1 INTO OUTFILE '/tmp/x'").startswith("ERROR 1064")
    assert query(environment, "DROP DATABASE mysql").startswith("ERROR 1064")
    environment.close()


@needs_server
def test_the_same_queries_give_the_same_on_a_real_server(server):
    from agenttuning.environments.database.mariadb import MariaBackend

    backend: Backend = MariaBackend(server)
    shown = {}
    for sql in QUERIES:
        if not sql.startswith("DESCRIBE"):  # the server adds a display width to INT
            backend.load(TOWNS)
            shown[sql] = show(backend.execute(sql))
    backend.close()
    assert shown == {sql: QUERIES[sql] for sql in shown}


@needs_server
@needs_data
def test_a_real_server_solves_the_benchmark_file(server, monkeypatch):
    monkeypatch.setenv(SERVER, server)
    check_benchmark_file()


@pytest.mark.parametrize("address", ["localhost", "postgres://h/", "mysql://", "mysql://h:port/", "/no/such.sock"])
def test_a_bad_address_is_the_users_to_mend(monkeypatch, address):
    monkeypatch.setenv(SERVER, address)
    environment = Database()
    with pytest.raises(BadInput, match=SERVER):
        environment.reset(environment.tasks("train", limit=1)[0])
