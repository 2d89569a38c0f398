"""A text-to-SQL set in BIRD's or Spider's layout: questions with a reference SQL, each about one of its databases.

    BIRD     train.json  train_databases/DB/DB.sqlite     {"db_id", "question", "evidence", "SQL", "difficulty"}
             dev.json    dev_databases/DB/DB.sqlite       and question_id
    Spider   train_spider.json  train_others.json  dev.json  tables.json  database/DB/DB.sqlite
                                                          {"db_id", "question", "query", ...}

Sources: bird/README.md of AlibabaResearch/DAMO-ConvAI and README.md of taoyds/spider. Foreign keys are read from
tables.json (BIRD: train_tables.json, dev_tables.json), since many of the databases do not declare them.

>>> of = SqlSet.find(Path("bird/train"))
>>> next(of.questions()).question
'Name movie titles released in year 1945. Sort the listing by the descending order of movie popularity.'
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning.corpus.construct.refusal import Refused
from agenttuning.environments.json_records import json_records
from agenttuning.errors import BadInput
from agenttuning.files import read_json

TRAINING = ("train.json", "train_spider.json", "train_others.json")
MAX_QUESTION, MAX_SQL = 2_000, 4_000  # characters
MAX_TABLES_JSON = 64 * 1024 * 1024  # bytes
_NAME = re.compile(r"[\w][\w .-]{0,99}")
_LEVELS = {"simple": "easy", "moderate": "medium", "challenging": "hard"}

Link = tuple[str, str, str, str]  # a table and its column, and those they refer to


@dataclass(frozen=True, slots=True)
class SqlQuestion:
    """`place` is the file and the number of the record in it."""

    place: str
    db_id: str
    question: str
    evidence: str
    sql: str
    level: str


@dataclass(frozen=True, slots=True)
class SqlSet:
    files: tuple[Path, ...]
    databases: Path

    @classmethod
    def find(cls, source: Path, databases: Path | None = None) -> "SqlSet":
        """The set at a file or in a folder, whose training files come before its dev.json.

        Raises BadInput where there are no questions, or no folder of databases.
        """
        files = (source,) if source.is_file() else _files(source)
        folder = databases or _databases(files[0])
        if folder is None or not folder.is_dir():
            raise BadInput(
                f"{files[0].parent}: no folder of databases in it (train_databases, dev_databases, database); "
                "name it with --databases"
            )
        return cls(files, folder)

    def questions(self) -> Iterator[SqlQuestion | Refused]:
        """Every record in order; one that is not as it should be comes as what is wrong with it."""
        for file in self.files:
            for place, record in json_records(file):
                try:
                    yield _question(record, place)
                except Refused as refused:
                    yield refused

    def file(self, db_id: str) -> Path:
        """The database's file, which lies within the folder. Raises Refused."""
        if not _NAME.fullmatch(db_id) or ".." in db_id:
            raise Refused("no_database", f"{db_id!r} cannot be a database's name")
        root = self.databases.resolve()
        path = (root / db_id / f"{db_id}.sqlite").resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise Refused("no_database", f"there is no {db_id}/{db_id}.sqlite in {self.databases.name}")
        return path

    def links(self) -> dict[str, tuple[Link, ...]]:
        """Foreign keys by database, from the set's tables.json files. Raises BadInput for one that cannot be read."""
        found: dict[str, tuple[Link, ...]] = {}
        for file in self.files:
            stem = file.stem.partition("_")[0]
            for name in (f"{stem}_tables.json", "tables.json", "train_tables.json", "dev_tables.json"):
                path = file.with_name(name)
                if path.is_file():
                    if path.stat().st_size > MAX_TABLES_JSON:
                        raise BadInput(f"{path}: larger than {MAX_TABLES_JSON} bytes; is it the set's list of tables?")
                    content = read_json(path)
                    for entry in content if isinstance(content, list) else ():
                        if isinstance(entry, dict) and isinstance(entry.get("db_id"), str):
                            found[entry["db_id"]] = _links(entry)
                    break
        return found


def _files(folder: Path) -> tuple[Path, ...]:
    for inner in (folder, folder / "data", folder / "train", folder / "dev"):
        files = tuple(inner / name for name in TRAINING if (inner / name).is_file())
        if not files and (inner / "dev.json").is_file():
            files = (inner / "dev.json",)
        if files:
            return files
    raise BadInput(f"{folder}: no questions in it; expected {', '.join(TRAINING)} or dev.json, or name the file")


def _databases(file: Path) -> Path | None:
    stem = file.stem.partition("_")[0]
    names = (f"{stem}_databases", f"{stem}_database", "database", "databases", "train_databases", "dev_databases")
    places = (folder / name for folder in (file.parent, file.parent.parent) for name in names)
    return next((place for place in places if place.is_dir()), None)


def _question(record: Any, place: str) -> SqlQuestion:
    if isinstance(record, BadInput):
        raise Refused("bad_record", f"{place}: {record}")
    sql = next((record[key] for key in ("SQL", "query", "sql") if isinstance(record.get(key), str)), None)
    values = {"db_id": record.get("db_id"), "question": record.get("question"), "SQL or query": sql}
    for name, value in values.items():
        if not isinstance(value, str) or not value.strip():
            raise Refused("bad_record", f"{place}: {name!r} should be a text, found {str(value)[:60]!r}")
    evidence = record.get("evidence")
    evidence = evidence.strip() if isinstance(evidence, str) else ""
    db_id, question, sql = (str(value).strip() for value in values.values())
    if len(question) + len(evidence) > MAX_QUESTION or len(sql) > MAX_SQL:
        raise Refused("too_long", f"{place}: a question of {len(question)} and SQL of {len(sql)} characters")
    texts = [text.encode(errors="replace").decode() for text in (db_id, question, evidence, sql.rstrip("; \n"))]
    return SqlQuestion(place, *texts, _LEVELS.get(str(record.get("difficulty")), "medium"))


def _links(entry: Mapping[str, Any]) -> tuple[Link, ...]:
    """The foreign keys of one database's entry; what points nowhere is passed over."""
    tables = entry.get("table_names_original") or entry.get("table_names") or []
    columns = entry.get("column_names_original") or entry.get("column_names") or []

    def named(number: Any) -> tuple[str, str] | None:
        try:
            table, column = columns[number]
            return (str(tables[table]), str(column)) if table >= 0 else None
        except (TypeError, ValueError, IndexError, KeyError):
            return None

    pairs = entry.get("foreign_keys")
    out = []
    for pair in pairs if isinstance(pairs, list) else ():
        ends = [named(number) for number in pair] if isinstance(pair, list) and len(pair) == 2 else []
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            out.append((*ends[0], *ends[1]))
    return tuple(out)
