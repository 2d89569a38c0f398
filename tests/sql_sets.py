"""Small text-to-SQL sets in BIRD's and Spider's layout, with real SQLite files."""

import json
import sqlite3
from pathlib import Path

CITIES = [
    (
        number,
        f"City {number}",
        ("GHA", "PER", "ISL")[number % 3],
        1000 * number + 7,
        None if number == 5 else number / 4,
    )
    for number in range(1, 401)
]
COUNTRIES = [("GHA", "Ghana", "Africa"), ("PER", "Peru", "South America"), ("ISL", "Iceland", "Europe")]


def database(root: Path, name: str = "world") -> Path:
    """A country has cities; the foreign key stands in tables.json only."""
    path = root / name / f"{name}.sqlite"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE country (Code TEXT PRIMARY KEY, Name TEXT, Continent TEXT)")
        connection.execute('CREATE TABLE city (ID INTEGER PRIMARY KEY, "City Name" TEXT, CountryCode TEXT, '
                           "Population INTEGER, Area REAL)")  # fmt: skip
        connection.execute("CREATE TABLE river (Name TEXT, Length INTEGER)")
        connection.executemany("INSERT INTO country VALUES (?, ?, ?)", COUNTRIES)
        connection.executemany("INSERT INTO city VALUES (?, ?, ?, ?, ?)", CITIES)
        connection.execute("INSERT INTO river VALUES ('Volta', 1500)")
        connection.execute("CREATE VIEW large AS SELECT * FROM city WHERE Population > 300000")
    connection.close()
    return path


TABLES = [
    {
        "db_id": "world",
        "table_names_original": ["country", "city"],
        "column_names_original": [
            [-1, "*"], [0, "Code"], [0, "Name"], [0, "Continent"], [1, "ID"], [1, "City Name"], [1, "CountryCode"],
            [1, "Population"], [1, "Area"],
        ],
        "foreign_keys": [[6, 1], [99, 1]],
        "primary_keys": [1, 4],
    }
]  # fmt: skip


def bird(root: Path, questions: list) -> Path:
    database(root / "train_databases")
    (root / "train_tables.json").write_text(json.dumps(TABLES))
    (root / "train.json").write_text(json.dumps(questions))
    return root


def spider(root: Path, questions: list) -> Path:
    database(root / "database")
    (root / "tables.json").write_text(json.dumps(TABLES))
    (root / "train_spider.json").write_text(json.dumps(questions))
    return root


LARGEST = {
    "db_id": "world",
    "question": "Which city of Ghana has the most people?",
    "evidence": "most people refers to MAX(Population)",
    "SQL": "SELECT `City Name` FROM city WHERE CountryCode = 'GHA' ORDER BY Population DESC LIMIT 1",
    "difficulty": "simple",
}
COUNT = {
    "db_id": "world",
    "question": "How many cities are there on the continent Africa?",
    "query": "SELECT COUNT(*) FROM city AS T1 JOIN country AS T2 ON T1.CountryCode = T2.Code "
    'WHERE T2.Continent = "Africa"',
    "query_toks": ["SELECT"],
    "sql": {"select": []},
}
