"""What the page asks for: lists by filter and search, and one trajectory whole, from the index.

A list is its rows' numbers, found once; a page of it is a slice, so that any place of 100,000 rows is as near as the
first one. Counts beside the filters are those under all other filters and the search.

>>> index = Index.of([Path("runs/quickstart")])
>>> index.listed(Query(outcome="solved", search="select count")).total
212
"""

import json
import sqlite3
import threading
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.models import cache_folder
from agenttuning.progress import Progress
from agenttuning.viewer import document as documents
from agenttuning.viewer.search import match
from agenttuning.viewer.sources import find, sides
from agenttuning.viewer.store import COLUMNS, stored

FACETS = ("set", "environment", "outcome", "model", "change")
_COLUMN = {"set": "name", "model": "agent"}  # where a facet's column is called otherwise
LARGEST = 500  # rows of a page
_SHOWN = ("id", "name", "change", "other", *COLUMNS)


@dataclass(frozen=True, slots=True)
class Query:
    """What is listed; None: whatever it is."""

    set: str | None = None
    environment: str | None = None
    outcome: str | None = None
    model: str | None = None
    change: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """How many rows there are, for each facet its values with their counts, the most frequent first, and where in the
    list the row stands that was asked for (None: nowhere)."""

    total: int
    facets: Mapping[str, list[tuple[str, int]]]
    position: int | None


class Index:
    """An index that is open for reading, from any thread."""

    def __init__(self, file: Path, name: str, paths: Sequence[Path]):
        self.file, self.name, self.paths = file, name, paths
        self._threads = threading.local()
        self.total = self._all("SELECT count(*) FROM rows")[0][0]
        # Each row's facets as one number: few combinations stand in many rows.
        numbers: dict[tuple[str, ...], int] = {}
        self._combination = array("L", [0]) * self.total
        columns = ", ".join(_COLUMN.get(facet, facet) for facet in FACETS)
        for id, *values in self._all(f"SELECT id, {columns} FROM rows INDEXED BY facets"):
            self._combination[id] = numbers.setdefault(tuple(values), len(numbers))
        self._values = list(numbers)
        self._hits = lru_cache(maxsize=32)(self._search)
        self._counts = lru_cache(maxsize=32)(self._count)
        self._ids = lru_cache(maxsize=32)(self._filter)

    @classmethod
    def of(cls, paths: Sequence[Path], progress: Progress = lambda done, total, text: None) -> "Index":
        """The index of runs, evaluations or files. Raises BadInput where one of them has no trajectory."""
        sources = find(paths)
        sets = list(dict.fromkeys(source.set for source in sources))
        file = stored(sources, sides(sets, paths), cache_folder() / "view", progress)
        return cls(file, " · ".join(path.resolve().name for path in paths), [source.path for source in sources])

    def bad(self) -> list[dict[str, Any]]:
        """What could not be read: file, reason, count, and the first places of it."""
        return [
            {
                "file": str(self.paths[file]),
                "reason": reason,
                "count": count,
                "examples": [f"{self.paths[file]}{example}" for example in json.loads(examples)],
            }
            for file, reason, count, examples in self._all("SELECT * FROM bad ORDER BY file, reason")
        ]

    def listed(self, query: Query, id: int | None = None) -> Listed:
        """Size and facets of a list, and the place of a row in it."""
        words = match(query.search)
        chosen = [getattr(query, facet) for facet in FACETS]
        facets: list[Counter[str]] = [Counter() for _ in FACETS]
        total = 0
        for number, count in self._counts(words).items():
            values = self._values[number]
            wrong = [i for i, want in enumerate(chosen) if want is not None and values[i] != want]
            total += 0 if wrong else count
            for i in range(len(FACETS)):
                if not wrong or wrong == [i]:
                    facets[i][values[i]] += count
        ids = self._ids(words, *chosen)
        place = 0 if id is None else bisect_left(ids, id)
        position = place if id is not None and place < len(ids) and ids[place] == id else None
        return Listed(total, {name: _ordered(found) for name, found in zip(FACETS, facets, strict=True)}, position)

    def page(self, query: Query, offset: int, limit: int) -> list[dict[str, Any]]:
        """At most `limit` (and LARGEST) rows of a list from `offset` on."""
        ids = self._ids(match(query.search), *(getattr(query, facet) for facet in FACETS))
        wanted = ids[max(offset, 0) : max(offset, 0) + min(max(limit, 0), LARGEST)]
        marks = ",".join("?" * len(wanted))
        rows = self._all(f"SELECT {', '.join(_SHOWN)} FROM rows WHERE id IN ({marks}) ORDER BY id", tuple(wanted))
        return [_row(row) for row in rows]

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows in order, with `place`, the file and line they are from."""
        for start in range(0, self.total, LARGEST):
            asked = f"SELECT file, place, {', '.join(_SHOWN)} FROM rows WHERE id >= ? AND id < ? ORDER BY id"
            for file, place, *values in self._all(asked, (start, start + LARGEST)):
                yield {"place": f"{self.paths[file]}{place}", **_row(values)}

    def trajectory(self, id: int) -> dict[str, Any]:
        """One trajectory whole, with `others`, the rows on the same task. Raises BadInput where there is none, or where
        its file has changed."""
        where, row = self._row(id)
        found = documents.detail(self.document(id))
        asked = (
            f"SELECT {', '.join(_SHOWN)} FROM rows WHERE environment = ? AND task = ? AND id != ? ORDER BY id LIMIT 100"
        )
        others = [_row(other) for other in self._all(asked, (row["environment"], row["task"], id))]
        return {**row, **found, "where": where, "others": others}

    def document(self, id: int) -> dict[str, Any]:
        """The ATIF document of a row."""
        found = self._all("SELECT file, start, size, place, task FROM rows WHERE id = ?", (id,))
        if not found:
            raise BadInput(f"no trajectory has the number {id}")
        file, start, size, place, task = found[0]
        path = self.paths[file]
        if start is None:
            return json.loads(self._all("SELECT body FROM documents WHERE id = ?", (id,))[0][0])
        try:
            with path.open("rb") as stream:
                stream.seek(start)
                value = json.loads(stream.read(size).decode("utf-8-sig"))
            if documents.summary(value)["task"] != task:
                raise ValueError("another trajectory stands there")
        except (OSError, ValueError, AttributeError):
            raise BadInput(f"{path}{place}: the file has changed; start the viewer again") from None
        return value

    def _row(self, id: int) -> tuple[str, dict[str, Any]]:
        found = self._all(f"SELECT file, place, {', '.join(_SHOWN)} FROM rows WHERE id = ?", (id,))
        if not found:
            raise BadInput(f"no trajectory has the number {id}")
        file, place, *values = found[0]
        return f"{self.paths[file]}{place}", _row(values)

    def _search(self, words: str | None) -> Sequence[int]:
        if words is None:
            return range(self.total)
        return array(
            "q", [id for (id,) in self._all("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (words,))]
        )

    def _count(self, words: str | None) -> Counter[int]:
        """How many of the rows that were found have which combination of facets."""
        return Counter(map(self._combination.__getitem__, self._hits(words)))

    def _filter(self, words: str | None, *chosen: str | None) -> Sequence[int]:
        fits = [all(w is None or w == v for w, v in zip(chosen, values, strict=True)) for values in self._values]
        if all(fits):
            return self._hits(words)
        combination = self._combination
        return array("q", [id for id in self._hits(words) if fits[combination[id]]])

    def _all(self, asked: str, values: tuple = ()) -> list[tuple]:
        if not hasattr(self._threads, "database"):
            self._threads.database = sqlite3.connect(f"{self.file.as_uri()}?mode=ro&immutable=1", uri=True)
        return self._threads.database.execute(asked, values).fetchall()


def _ordered(found: Counter[str]) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _row(values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(_SHOWN, values, strict=True))
    row["set"] = row.pop("name")
    row["model"] = row.pop("agent")
    return row
