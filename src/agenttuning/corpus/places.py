"""Rows on disk by number: the places of the lines that are of use, themselves on disk.

A place is a line's file and its first byte in one 64-bit number, so 10^9 rows have an index of 8 GB that the system
reads through the memory map, page by page. Any row is one seek away, which is what a shuffled order needs.

>>> places = Places([Path("rows.jsonl")], index)
>>> len(places), places.line(41)
(42, b'{"id": …}\\n')
"""

import mmap
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

_OFFSET = 40  # bits of the place in a file: up to a tebibyte, of up to 16 million files
_OPEN = 64  # files that are held open


def place(file: int, offset: int) -> int:
    return file << _OFFSET | offset


def write_places(stream: IO[bytes], places: Iterable[int]) -> int:
    """Write an index; returns how many there are."""
    held, count = array("Q"), 0
    for one in places:
        held.append(one)
        count += 1
        if len(held) == 1 << 16:
            stream.write(held.tobytes())
            del held[:]
    stream.write(held.tobytes())
    stream.flush()
    return count


class Places:
    """The lines of plain JSONL files that an index names; `index` is the file that `write_places` wrote."""

    def __init__(self, files: Sequence[Path], index: IO[bytes]):
        self.files = files
        self._streams: OrderedDict[int, IO[bytes]] = OrderedDict()
        size = index.seek(0, 2)
        self._map = mmap.mmap(index.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        self._numbers = memoryview(self._map).cast("Q")

    def __len__(self) -> int:
        return len(self._numbers)

    def line(self, number: int) -> bytes:
        file, offset = divmod(self._numbers[number], 1 << _OFFSET)
        stream = self._stream(file)
        stream.seek(offset)
        return stream.readline()

    def where(self, number: int) -> str:
        file, offset = divmod(self._numbers[number], 1 << _OFFSET)
        return f"{self.files[file]}, byte {offset}"

    def _stream(self, file: int) -> IO[bytes]:
        if file in self._streams:
            self._streams.move_to_end(file)
        else:
            if len(self._streams) == _OPEN:
                self._streams.popitem(last=False)[1].close()
            self._streams[file] = self.files[file].open("rb")
        return self._streams[file]

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        self._numbers.release()
        if isinstance(self._map, mmap.mmap):
            self._map.close()
