"""Other people's formats by name, read into our two kinds of item and written from them.

    agentinstruct  agent-flan  toolbench  sharegpt  glaive  openai  atif  parquet  hub  inspect

>>> refused = Refused()
>>> for record in read(Path("AgentInstruct/db.jsonl"), refused=refused):
...     print(record.where, record.item.task.goal)
>>> write("sharegpt", (record.item for record in read(Path("db.jsonl"))), Path("db-sharegpt.json"))
{'items': 538, 'rows': 538, 'lost': {}}
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from agenttuning.corpus.formats.agent_flan import AgentFlan
from agenttuning.corpus.formats.agentinstruct import AgentInstruct
from agenttuning.corpus.formats.atif import Atif
from agenttuning.corpus.formats.base import Format, Item, Record, Refuse, Refused, Row, WriteConfig
from agenttuning.corpus.formats.glaive import Glaive
from agenttuning.corpus.formats.hub import Hub
from agenttuning.corpus.formats.inspect import Inspect
from agenttuning.corpus.formats.openai import OpenAI
from agenttuning.corpus.formats.parquet import Parquet
from agenttuning.corpus.formats.rows import files_of, rows
from agenttuning.corpus.formats.sharegpt import ShareGPT
from agenttuning.corpus.formats.toolbench import ToolBench
from agenttuning.errors import BadInput, BadRow
from agenttuning.settings import suggest

# In the order in which a row's format is looked for: the more special ones first.
FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Atif(),
        ToolBench(),
        AgentInstruct(),
        AgentFlan(),
        Glaive(),
        Parquet(),
        OpenAI(),
        ShareGPT(),
        Hub(),
        Inspect(),
    )
}
LOOKED_AT = 20  # rows of a file from which its format is told

__all__ = ["FORMATS", "Format", "Item", "Record", "Refused", "WriteConfig", "format_of", "get", "read", "write"]


def get(name: str) -> Format:
    """The format of that name. Raises BadInput that lists the names there are."""
    if name not in FORMATS:
        raise BadInput(f"unknown format {name!r}; {suggest(name, list(FORMATS))}")
    return FORMATS[name]


def read(
    path: Path, format: str | None = None, *, strict: bool = False, refused: Refused | None = None
) -> Iterator[Record]:
    """Stream the records of a file, or of all data files in a folder.

    Where no format is given each file's is told from its first rows. A row that cannot be read is counted in
    `refused` and the others go on; `strict` raises it instead, as BadRow. Raises BadInput for a file that is of no
    known format; in a folder such a file is refused with the reason ``unknown_format``.
    """
    chosen = get(format) if format is not None else None
    refuse: Refuse = _raise if strict else refused if refused is not None else Refused()
    for file in files_of(path):
        found = rows(file, refuse)
        reader = chosen
        if reader is None:
            first = list(islice(found, LOOKED_AT))
            found = chain(first, found)
            try:
                reader = _told(first, file)
            except BadRow as error:
                if file == path:
                    raise BadInput(str(error)) from None
                refuse(error)
                continue
        if reader is not None:
            yield from (replace(record, format=reader.name) for record in reader.records(found, refuse))


def write(format: str, items: Iterable[Item], out: Path, config: WriteConfig | None = None) -> dict[str, Any]:
    """Write items to `out` (a folder for `hub` and `parquet`, else a file) and return ``items``, ``rows`` and
    ``lost``: for how many items the format had no place for what, by a word each."""
    lost: Counter[str] = Counter()
    counts = get(format).write(items, out, config or WriteConfig(), lost)
    return {**counts, "lost": dict(sorted(lost.items()))}


def format_of(file: Path) -> str | None:
    """The name of a file's format, None where none of its first rows can be read. Raises BadRow for an unknown one."""
    found = _told(list(islice(rows(file, Refused()), LOOKED_AT)), file)
    return None if found is None else found.name


def _told(first: list[Row], file: Path) -> Format | None:
    """The first format that one of the rows fits, None for a file without rows. Raises BadRow."""
    for row in first:
        for format in FORMATS.values():
            if format.fits(row.value):
                return format
    if not first:
        return None
    seen = ", ".join(repr(name)[:40] for name in list(first[0].value)[:6]) or "nothing"
    raise BadRow(
        f"{file}: a row with the fields {seen} is of no known format; the formats are {', '.join(FORMATS)}",
        "unknown_format",
    )


def _raise(error: BadRow) -> None:
    raise error
