"""What a format is: rows of somebody's file in, trajectories and conversations out, and the same back.

A reader never guesses: a row it cannot read is refused with a reason of one word, and what it reads but cannot carry
over stands in the record's notes. A writer counts what the format has no place for.

>>> for record in FORMATS["sharegpt"].records(rows(Path("chats.json"), refuse), refuse):
...     print(record.where, record.notes)
chats.json[0] ()
"""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from agenttuning.conversation import Conversation
from agenttuning.errors import BadRow
from agenttuning.files import atomic_write
from agenttuning.provenance import marked
from agenttuning.trajectory import Trajectory

Item = Trajectory | Conversation
Refuse = Callable[[BadRow], None]
# Where in an item's `meta` stands what only the format it came from needs, to write it again as it was.
IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Row:
    """One JSON object of a file; `where` is ``file:line`` or ``file[index]``. `span` is its line's first byte and
    number of bytes, None where there is no seeking to it: in an array, a table or a compressed file."""

    where: str
    value: dict[str, Any]
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One imported item. `notes` are one word each: what of its row could not be carried over; `format` is that
    which read it, where that was told from the file."""

    where: str
    item: Item
    notes: tuple[str, ...] = ()
    format: str = ""


@dataclass
class Refused:
    """Counts the rows that could not be read; `examples` has the first message for each reason."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def __call__(self, error: BadRow) -> None:
        self.counts[error.reason] += 1
        self.examples.setdefault(error.reason, str(error))


@dataclass(frozen=True, kw_only=True)
class WriteConfig:
    """How items are written, and what a dataset card says that only its author knows."""

    dialect: str | None = None
    """How trajectories are written as text; as they were imported, or the format's own way, when empty."""
    license: str | None = None
    """The licence of the data, as the hub spells it, e.g. apache-2.0; `hub` needs it."""
    source: str = ""
    """Where the data come from, one sentence for the dataset card."""
    settings: dict[str, str] = field(default_factory=dict)
    """How the data were made, a line each on the dataset card."""
    title: str = ""
    """The dataset card's title; the folder's name when empty."""
    parquet: bool = False
    """Let `hub` write Parquet files instead of JSONL."""


class Format(ABC):
    """`about` says in one line what the format is; `dialect` is how it writes trajectories by default."""

    name: ClassVar[str]
    about: ClassVar[str]
    source: ClassVar[str | None] = None  # the data set that these rows are, where the format is one data set's own
    license: ClassVar[str | None] = None  # of that data set, as its authors state it
    dialect: ClassVar[str] = "react"

    @abstractmethod
    def fits(self, row: Mapping[str, Any]) -> bool:
        """Whether a row looks like this format's, by its fields alone."""

    @abstractmethod
    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        """The item of one row, and notes. Raises BadRow."""

    def records(self, rows: Iterable[Row], refuse: Refuse) -> Iterator[Record]:
        """The items of a file's rows; a row that raises is handed to `refuse`."""
        for row in rows:
            try:
                item, notes = self.item(row.value, row.where)
            except BadRow as error:
                refuse(error)
                continue
            yield Record(row.where, item, notes)

    @abstractmethod
    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        """The rows of one item, none where the format has no place for it; counts in `lost` what they leave out."""

    def write(self, items: Iterable[Item], out: Path, config: WriteConfig, lost: Counter[str]) -> dict[str, int]:
        """Write `out`, a JSON array where its name ends in .json and else JSONL; returns counts."""
        counts = {"items": 0, "rows": 0}

        def rows() -> Iterator[dict[str, Any]]:
            for item in items:
                counts["items"] += 1
                for row in self.rows(item, config, lost):
                    counts["rows"] += 1
                    yield row

        write_rows(out, rows())
        return counts


def attributed(item: Item, format: "Format", source: str | None = None, license: str | None = None) -> Item:
    """The item with where it is from: what is given, else what its format says."""
    known = {"source": source or format.source, "license": license or format.license}
    return marked(item, f"import {format.name}", **{name: value for name, value in known.items() if value})


def write_rows(out: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSONL, or a JSON array with a row a line where the name ends in .json; a row is written as it comes."""
    array = out.suffix == ".json"
    with atomic_write(out) as stream:
        between = "[\n" if array else ""
        for row in rows:
            stream.write(between + json.dumps(row, ensure_ascii=False, separators=(",", ":")))
            stream.write("" if array else "\n")
            between = ",\n" if array else ""
        if array:
            stream.write("\n]\n" if between == ",\n" else "[]\n")


def kept(**fields: Any) -> dict[str, Any]:
    """The `meta` of an imported item: what is not empty of what its own format needs."""
    fields = {name: value for name, value in fields.items() if value}
    return {IMPORTED: fields} if fields else {}


def imported(item: Item, format: str) -> Mapping[str, Any]:
    """What `kept` has kept of an item that came from this format, else nothing."""
    found = item.meta.get(IMPORTED)
    if isinstance(found, Mapping) and found.get("format", format) == format:
        return found
    return {}


def extra_fields(layout: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of the row that no reader knows, to be written again as they were."""
    fields = layout.get("fields")
    return fields if isinstance(fields, Mapping) else {}
