"""A source of a mixture: the rows of a file or of a folder of shards, each drawn by its number.

A source is read once to see which rows are of use; from then on a row is one seek away. Shards that are compressed or
tables are unpacked into one plain file first, for there is no seeking in them. Rows whose licence forbids training are
left out and counted, and so is nothing else: a row that cannot be read stops the mixing, with its place.

>>> with source("general", Path("general.jsonl"), read_general, scratch, allowed=()) as rows:
...     len(rows), rows[0].id
(320, 'general-0000')
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agenttuning import zstd
from agenttuning.conversation import Conversation
from agenttuning.corpus.formats import read
from agenttuning.corpus.formats.rows import files_of
from agenttuning.corpus.places import Places, place, write_places
from agenttuning.corpus.shards import line_of, row_of
from agenttuning.errors import BadInput
from agenttuning.files import json_object, lines
from agenttuning.provenance import forbids, provenance

# From a row and its place to the conversation and the corpus row's `source`; None for a row that is of no use.
Read = Callable[[Mapping[str, Any], str], tuple[Conversation, str] | None]


class Source:
    """`refused` counts, by licence, the rows that are not to be trained on. Close it, or use it in a `with`."""

    def __init__(self, name: str, path: Path, read: Read, scratch: Path, *, allowed: Collection[str]):
        self.name, self.path, self.read = name, path, read
        self.refused: Counter[str] = Counter()
        self._stack = ExitStack()
        scratch.mkdir(parents=True, exist_ok=True)
        stem = name.replace("/", "-")
        files = _plain(path, scratch / f"{stem}.jsonl")
        index = self._stack.enter_context((scratch / f"{stem}.places").open("w+b"))
        write_places(index, self._useful(files, allowed))
        self.places = Places(files, index)
        self._stack.callback(self.places.close)
        if not len(self.places):
            found = ", ".join(f"{count} under {license}" for license, count in sorted(self.refused.items()))
            why = f"; left out for their licence: {found}; allow one by its name (allow_licenses)" if found else ""
            raise BadInput(f"{path}: no rows to draw from; give its share another source or leave it out (eta){why}")

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> tuple[Conversation, str]:
        found = self.read(json.loads(self.places.line(number)), self.places.where(number))
        assert found is not None, self.places.where(number)
        return found

    def _useful(self, files: list[Path], allowed: Collection[str]) -> Iterator[int]:
        for file, path in enumerate(files):
            offset = 0
            for number, line in enumerate(lines(path), start=1):
                if line.strip():
                    found = self.read(json_object(line, f"{path}:{number}"), f"{path}:{number}")
                    license = provenance(found[0].meta)["license"] if found else ""
                    if forbids(license, allowed):
                        self.refused[license] += 1
                    elif found is not None:
                        yield place(file, offset)
                offset += len(line)


def _plain(path: Path, spool: Path) -> list[Path]:
    """The JSONL files to seek in: those of the source, or one that holds what is in its other shards."""
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder; check the path")
    files = files_of(path) if path.is_dir() else [path]
    if all(file.suffix in (".jsonl", ".ndjson", ".json") for file in files):
        return files
    with spool.open("wb") as stream:
        for file in files:
            if file.name.endswith(zstd.SUFFIX) or file.suffix in (".jsonl", ".ndjson"):
                for number, line in enumerate(lines(file), start=1):
                    if line.strip():
                        json_object(line, f"{file}:{number}")
                        stream.write(line if line.endswith(b"\n") else line + b"\n")
            else:
                stream.writelines(line_of(row_of(record.item)) for record in read(file, strict=True))
    return [spool]
