"""A corpus of any size: rows over shards, each a JSONL, ``.jsonl.zst`` or Parquet file, one reader and one writer.

    corpus/
      00000.jsonl.zst  00001.jsonl.zst  …      or one file, or files of several of these kinds

What can be read is read, and what cannot is refused with a reason and counted: a broken line, a line of 100 MB, a file
that ends inside its compressed data, a table of another schema. Memory is that of one row.

>>> write_shard(Path("corpus/00000.jsonl.zst"), rows)
1000
>>> refused = Refused()
>>> rows = [record.item for record in read(Path("corpus"), refused=refused)]
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from agenttuning import zstd
from agenttuning.atif import to_atif
from agenttuning.conversation import to_row
from agenttuning.corpus.formats import Refused, read
from agenttuning.corpus.formats.base import Item
from agenttuning.corpus.formats.parquet import write_rows
from agenttuning.corpus.formats.rows import files_of
from agenttuning.errors import BadInput
from agenttuning.files import Lines, atomic_bytes
from agenttuning.trajectory import Trajectory

__all__ = ["KINDS", "Kind", "Refused", "blocks", "files_of", "line_of", "read", "shard_name", "write_shard"]

Kind = Literal["jsonl", "jsonl.zst", "parquet"]
KINDS: tuple[Kind, ...] = ("jsonl", "jsonl.zst", "parquet")


_HELD = 1 << 20  # bytes that are gathered before they are written


def shard_name(number: int, kind: Kind) -> str:
    """``00007.jsonl.zst``; the order of names is the order of shards up to 100,000 of them."""
    return f"{number:05}.{kind}"


def write_shard(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows to a file, whole or not at all, as its name ends; returns how many. The same rows give the same
    bytes. Raises BadInput for another ending."""
    if path.name.endswith(".parquet"):
        return write_rows(path, rows)
    if not path.name.endswith((".jsonl", ".jsonl.zst")):
        raise BadInput(f"{path}: a shard's name ends in {', '.join('.' + kind for kind in KINDS)}")
    count, held = 0, bytearray()
    with ExitStack() as stack:
        write = stack.enter_context(atomic_bytes(path)).write
        if path.name.endswith(zstd.SUFFIX):
            write = stack.enter_context(zstd.packing(write))
        for row in rows:
            held += line_of(row)
            count += 1
            if len(held) >= _HELD:
                write(bytes(held))
                held.clear()
        write(bytes(held))
    return count


def line_of(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def row_of(item: Item) -> dict[str, Any]:
    """An item as our own JSONL has it."""
    return to_atif(item) if isinstance(item, Trajectory) else to_row(item)


def blocks(path: Path, size: int) -> Iterator[Lines]:
    """A file's lines in blocks of at least `size` bytes, for several to work on it; memory is a megabyte."""
    start = offset = lines = 0
    first = 1
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            end = piece.rfind(b"\n") + 1
            if end and offset + end - start >= size:
                lines += piece.count(b"\n", 0, end)
                yield Lines(start, first, lines)
                start, first, lines = offset + end, first + lines, piece.count(b"\n", end)
            else:
                lines += piece.count(b"\n")
            offset += len(piece)
    if offset > start:
        yield Lines(start, first, lines + 1)
