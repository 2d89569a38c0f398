"""MySQL's ways over SQLite, and the same on a real server."""

import time
from contextlib import suppress

import pytest
from database_play import TOWNS, query
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.database.backend import SQLError
from agenttuning.environments.database.environment import SERVER, Database, show
from agenttuning.environments.database.mysql import translate
from agenttuning.environments.database.sqlite import SqliteBackend
from agenttuning.errors import BadInput
from agenttuning.trajectory import ToolCall

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
    "SELECT load_extension('x')": "ERROR 1305",
    "SELECT name AS n FROM ship WHERE n = 'Swan'": "ERROR 1054: Unknown column 'n' in 'where clause'",
    "SELECT name FROM ship HAVING length > 1": "ERROR 1054: Unknown column 'length' in 'having clause'",
    "SELECT name FROM ship WHERE length = (SELECT length FROM ship)": "ERROR 1242",
    "SELECT * FROM (SELECT name FROM ship)": "ERROR 1248",
    "SELECT name FROM ship JOIN ship ON 1 = 1": "ERROR 1066",
    "SELECT *": "ERROR 1096: No tables used",
    "SELECT name FROM ship WHERE length IN (SELECT length FROM ship LIMIT 1)": "ERROR 1235",
    "SELECT MAX(SUM(length)) FROM ship": "ERROR 1111",
    "SELECT LENGTH(name, 1) FROM ship": "ERROR 1582",
    "SELECT name, FROM ship": "ERROR 1064",
    "SELECT name FROM ship WHERE name == 'a'": "ERROR 1064",
    "SELECT * FROM 'ship'": "ERROR 1064",
    "DROP TABLE nope": "ERROR 1051",
    "ALTER TABLE ship DROP COLUMN nope": "ERROR 1091",
    "INSERT INTO ship (name, name) VALUES ('a', 'b')": "ERROR 1110",
    "INSERT INTO ship (name) VALUES ('a', 'b')": "ERROR 1136",
    "SELECT @x": "ERROR 1235",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE ship": "ERROR 1064",
    "SELECT 1 INTO OUTFILE '/tmp/x'": "ERROR 1064",
    "SELECT LOAD_FILE('/etc/passwd')": "ERROR 1305",
    "DROP DATABASE main": "ERROR 1",
    "SELECT SLEEP(100)": "ERROR 1305",
    "SELECT BENCHMARK(1000000000, MD5('x'))": "ERROR 1305",
    "VACUUM INTO '/tmp/x'": "ERROR 1064",
    "DELETE FROM information_schema.tables": "ERROR 10",
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


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT REPEAT('x', 4000000000)",
        "SELECT SPACE(1000000000), LPAD('x', 2000000000, 'y')",
        "SELECT REPEAT(REPEAT('x', 100000), 100000)",
        "SELECT CONCAT(" + ", ".join(["REPEAT('x', 90000)"] * 40) + ")",
        "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' REGEXP '(a+)+$'",
        "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' REGEXP '(a|aa)+$'",
        "SELECT REPEAT('a', 5000) REGEXP 'a*a*a*a*a*b'",
        "SELECT REPEAT('a', 90000) LIKE '" + "%a_" * 300 + "b'",
        "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' LIKE '%a%a%a%a%a%a%a%a%a%a%a%b'",
        "SELECT a.name, REPEAT('x', 90000) FROM " + ", ".join(f"ship AS {c}" for c in "abcdefgh"),
        "SELECT RANDOMBLOB(1000000000)",
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT 1" + " + 1" * 2400,
        "SELECT POWER(10, 400), EXP(10000), 9e307 * 10, 9223372036854775807 + 1, FORMAT(1e300, 30)",
        "SELECT DATE_ADD('2012-01-01', INTERVAL 999999999999 YEAR), FROM_DAYS(999999999)",
        "SELECT GROUP_CONCAT(REPEAT(name, 20000)) FROM ship",
    ],
)
def test_huge_values_are_bounded(sql):
    backend = SqliteBackend(seconds=0.5)
    backend.load(TOWNS)
    started = time.monotonic()
    rows: list[tuple[object, ...]] = []
    with suppress(SQLError):
        rows = backend.execute(sql).rows or []
    assert time.monotonic() - started < 5
    assert len(rows) <= 1000
    assert sum(len(str(row)) for row in rows) < 100_000_000
    assert backend.execute("SELECT 1").rows == [(1,)]


def test_a_table_can_be_dropped_and_the_episode_goes_on():
    environment = Database()
    task = next(task for task in environment.tasks("train", limit=20) if task.data["writes"])
    environment.reset(task)
    name = task.data["tables"][0]["name"]
    assert query(environment, f"DROP TABLE {name}") == "OK, 0 rows changed."
    assert query(environment, f"SELECT * FROM {name}") == f"ERROR 1146: Table '{name}' doesn't exist"
    assert not environment.step(ToolCall("answer", {"values": ["done"]})).solved


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


@settings(max_examples=150)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_no_statement_breaks_the_database(sql):
    backend = SqliteBackend(seconds=0.5)
    backend.load(TOWNS)
    with suppress(SQLError):
        show(backend.execute(sql))
    assert backend.execute("SELECT 1").rows == [(1,)]
    backend.close()


SCHEMA = {"ship": {"name": "TEXT", "town": "TEXT", "length": "INT"}}


def test_translation_is_plain_where_the_languages_agree():
    sql = "SELECT name FROM ship WHERE town = 'Ashford' AND length > 5 ORDER BY length DESC LIMIT 1"
    (translated,) = translate(sql, SCHEMA)
    assert translated.replace("`", "") == sql.replace(
        "town = 'Ashford' AND length > 5", "(town = 'Ashford') AND (length > 5)"
    )


def test_statements_about_the_session_are_accepted_and_transactions_are_real(sqlite):
    for sql in ("SET SQL_SAFE_UPDATES = 0;", "COMMIT", "START TRANSACTION", "BEGIN"):
        assert sqlite.execute(sql).rows is None
    sqlite.execute("DELETE FROM ship")
    sqlite.execute("ROLLBACK")
    assert len(sqlite.dump()["ship"]) == 3


def test_random_numbers_are_the_same_in_every_episode(sqlite):
    drawn = sqlite.execute("SELECT RAND(), RAND(5)").rows
    sqlite.load(TOWNS)
    assert sqlite.execute("SELECT RAND(), RAND(5)").rows == drawn


@pytest.mark.parametrize("address", ["localhost", "postgres://h/", "mysql://", "mysql://h:port/", "/no/such.sock"])
def test_a_bad_address_is_the_users_to_mend(monkeypatch, address):
    monkeypatch.setenv(SERVER, address)
    environment = Database()
    with pytest.raises(BadInput, match=SERVER):
        environment.reset(environment.tasks("train", limit=1)[0])
