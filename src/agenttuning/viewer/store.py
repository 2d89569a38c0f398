"""The index file: one row a trajectory, its words, and what could not be read, in SQLite, made once.

The trajectories themselves stay where they are and are read again by their place; only those of arrays, tables and
compressed files are kept in the index, because there is no seeking in them. A place is stored without its file,
which is named as it was given this time.

>>> file = stored(sources, pairs, cache_folder() / "view")
"""

import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from agenttuning.corpus.formats import FORMATS
from agenttuning.corpus.formats.base import Row
from agenttuning.corpus.formats.rows import rows
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import disk_error
from agenttuning.progress import Progress
from agenttuning.viewer.document import searched, summary
from agenttuning.viewer.search import PARTS, spaced
from agenttuning.viewer.sources import Source

VERSION = 1  # of the tables below
KEPT = 20  # index files in the cache; the oldest go
EXAMPLES = 20  # of bad rows, a file and reason
COLUMNS = (
    "environment", "task", "seed", "split", "outcome", "reward", "agent", "turns", "written", "read", "goal",
)  # fmt: skip
_SCHEMA = f"""
CREATE TABLE rows (
  id INTEGER PRIMARY KEY, file INTEGER, start INTEGER, size INTEGER, place TEXT, name TEXT, change TEXT DEFAULT '',
  other INTEGER, {", ".join(COLUMNS)}
);
CREATE TABLE documents (id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE bad (file INTEGER, reason TEXT, count INTEGER, examples TEXT);
CREATE VIRTUAL TABLE words USING fts5({", ".join(PARTS)}, content='', columnsize=0);
"""
_CHANGES = (
    ("gained", "a.outcome != 'solved' AND b.outcome = 'solved'"),
    ("lost", "a.outcome = 'solved' AND b.outcome != 'solved'"),
    ("both", "a.outcome = 'solved' AND b.outcome = 'solved'"),
    ("neither", "a.outcome != 'solved' AND b.outcome != 'solved'"),
)
_BATCH = 500


def stored(sources: Sequence[Source], pairs: Sequence[tuple[str, str]], folder: Path, progress: Progress) -> Path:
    """The index of these files as they are now: that of `folder`, or one that is made there (or, where that cannot be
    written, in the temporary folder)."""
    state = [(str(s.path.resolve()), s.set, *_state(s.path)) for s in sources]
    name = hashlib.sha256(json.dumps([VERSION, state, pairs]).encode()).hexdigest()[:20] + ".sqlite"
    own = f"agenttuning-view-{os.getuid()}" if hasattr(os, "getuid") else "agenttuning-view"
    for place in (folder, Path(tempfile.gettempdir()) / own):
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = place / name
            if file.is_file():
                os.utime(file)
                return file
            if not os.access(place, os.W_OK) or (hasattr(os, "getuid") and place.stat().st_uid != os.getuid()):
                continue
        except OSError:
            continue
        _make(file, sources, pairs, progress)
        _tidy(place)
        return file
    raise BadInput(f"{folder}: cannot be written, nor can the temporary folder; set AGENTTUNING_CACHE to a folder")


def _make(file: Path, sources: Sequence[Source], pairs: Sequence[tuple[str, str]], progress: Progress) -> None:
    partial = file.with_suffix(f".{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as database:
            database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")
            _tables(database)
            database.execute("BEGIN")
            count = 0
            for number, source in enumerate(sources):
                count = _add(database, number, source, count, progress)
            _pair(database, pairs)
            database.execute("COMMIT")
        partial.replace(file)
    except sqlite3.Error as error:
        if "full" in str(error):
            raise BadInput(f"{file}: no space left on the disk; free some, or set AGENTTUNING_CACHE") from None
        raise
    except OSError as error:
        raise disk_error(error, file) from error
    finally:
        partial.unlink(missing_ok=True)


def _tables(database: sqlite3.Connection) -> None:
    try:
        database.executescript(_SCHEMA)
    except sqlite3.OperationalError as error:
        if "fts5" not in str(error):
            raise
        raise BadInput(
            "this Python's SQLite has no FTS5, which the search needs; use another build of Python"
        ) from None


def _add(database: sqlite3.Connection, number: int, source: Source, count: int, progress: Progress) -> int:
    """Index one file; returns how many trajectories there are up to its end."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}

    def refuse(error: BadRow) -> None:
        counts[error.reason] += 1
        found = examples.setdefault(error.reason, [])
        if len(found) < EXAMPLES:
            found.append(str(error).removeprefix(str(source.path)))

    marks = ", ".join("?" * len(COLUMNS))
    insert = f"INSERT INTO rows (id, file, start, size, place, name, {', '.join(COLUMNS)}) VALUES (?,?,?,?,?,?,{marks})"
    batch: list[tuple[Any, ...]] = []
    words: list[tuple[Any, ...]] = []

    def flush() -> None:
        database.executemany(insert, batch)
        database.executemany(f"INSERT INTO words (rowid, {', '.join(PARTS)}) VALUES (?, ?, ?, ?, ?)", words)
        batch.clear()
        words.clear()
        progress(count, None, source.path.name)

    for row in _trajectories(source.path, refuse):
        line, texts = summary(row.value), searched(row.value)
        start, size = row.span or (None, None)
        place = row.where.removeprefix(str(source.path))
        batch.append((count, number, start, size, place, source.set, *(line[name] for name in COLUMNS)))
        words.append((count, *(spaced(texts[part]) for part in PARTS)))
        if row.span is None:
            database.execute("INSERT INTO documents VALUES (?, ?)", (count, json.dumps(row.value, ensure_ascii=False)))
        count += 1
        if len(batch) == _BATCH:
            flush()
    flush()
    found = ((number, reason, n, json.dumps(examples[reason])) for reason, n in counts.items())
    database.executemany("INSERT INTO bad VALUES (?, ?, ?, ?)", found)
    return count


def _trajectories(path: Path, refuse: Any) -> Iterator[Row]:
    for row in rows(path, refuse):
        if FORMATS["atif"].fits(row.value):
            yield row
        else:
            refuse(BadRow(f"{row.where}: no trajectory (its schema_version is not ATIF's)", "no_trajectory"))


def _pair(database: sqlite3.Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Mark what became of each task from before to after, and the other row of the pair."""
    database.execute("CREATE INDEX same ON rows (environment, task, seed, name)")
    for before, after in pairs:
        cases = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in _CHANGES)
        found = database.execute(
            f"SELECT a.id, b.id, CASE {cases} END FROM rows a JOIN rows b ON b.environment = a.environment "
            "AND b.task = a.task AND b.seed = a.seed AND b.name = ? WHERE a.name = ? AND a.outcome != '' "
            "AND b.outcome != ''",
            (after, before),
        ).fetchall()
        database.executemany(
            "UPDATE rows SET change = ?, other = ? WHERE id = ? AND other IS NULL",
            [(change, other, one) for a, b, change in found for one, other in ((a, b), (b, a))],
        )
    database.execute("CREATE INDEX facets ON rows (name, environment, outcome, agent, change)")


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _tidy(folder: Path) -> None:
    """The newest KEPT index files stay."""
    ages = []
    for file in folder.glob("*.sqlite"):
        with suppress(OSError):
            ages.append((file.stat().st_mtime, file))
    for file in folder.glob("*.partial"):  # of a process that was killed
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > 86400:
                file.unlink()
    for _, file in sorted(ages, reverse=True)[KEPT:]:
        with suppress(OSError):
            file.unlink()
