"""Files compressed with Zstandard, read and written as streams; a file that is cut off is told, not read as whole.

Python has the codec from 3.14 on; before that the package zstandard is its own (`agenttuning[zstd]`). The stream
readers of libraries end quietly where a file ends in the middle of a frame, so the end of each frame is checked here.

>>> with opened(Path("rows.jsonl.zst")) as stream:
...     stream.readline()
b'{"a": 1}\\n'
"""

import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, BinaryIO

from agenttuning.errors import BadRow, MissingExtra

SUFFIX = ".zst"
MAGIC = b"\x28\xb5\x2f\xfd"
LEVEL = 3
_CHUNK = 8192  # compressed bytes that are unpacked at once: at most 256 MiB come of them, even of a hostile file


def opened(path: Path) -> BinaryIO:
    """A file's bytes, unpacked where it begins as a Zstandard file does. Raises OSError where it cannot be opened."""
    stream = path.open("rb")
    if stream.read(len(MAGIC)) != MAGIC:
        stream.seek(0)
        return stream
    stream.seek(0)
    return io.BufferedReader(_Unpacked(stream, path), 1 << 17)


class _Unpacked(io.RawIOBase):
    """Raises BadRow with the reason ``truncated_zstd`` or ``not_zstd`` behind the last byte that could be read."""

    def __init__(self, stream: IO[bytes], path: Path):
        self.stream, self.path = stream, path
        self.frame: Any = None
        self.packed = self.plain = b""
        self.at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.at == len(self.plain):
            if not self._fill():
                return 0
        piece = self.plain[self.at : self.at + len(buffer)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def _fill(self) -> bool:
        self.packed = self.packed or self.stream.read(_CHUNK)
        if not self.packed:
            if self.frame is not None:
                raise BadRow(f"{self.path}: the file ends inside its Zstandard data; fetch it again", "truncated_zstd")
            return False
        if self.frame is None:
            self.frame = _codec()[0]()
        try:
            self.plain, self.at = self.frame.decompress(self.packed), 0
        except Exception as error:  # the two codecs raise classes of their own
            raise BadRow(f"{self.path}: not Zstandard ({' '.join(str(error).split())[:200]})", "not_zstd") from None
        self.packed = b""
        if self.frame.eof:
            self.packed, self.frame = self.frame.unused_data, None
        return True

    def close(self) -> None:
        self.stream.close()
        super().close()


@contextmanager
def packing(write: Callable[[bytes], object]) -> Generator[Callable[[bytes], object]]:
    """What packs bytes into one frame and hands that to `write`; with one codec the same bytes give the same frame."""
    frame = _codec()[1]()
    yield lambda data: write(frame.compress(data))
    write(frame.flush())


def _codec() -> tuple[Any, Any]:
    """What makes a decompressor and a compressor of one frame."""
    try:
        own = import_module("compression.zstd")
    except ModuleNotFoundError:
        try:
            import zstandard
        except ModuleNotFoundError:
            raise MissingExtra("zstandard", "zstd") from None
        return (
            lambda: zstandard.ZstdDecompressor().decompressobj(),
            lambda: zstandard.ZstdCompressor(level=LEVEL).compressobj(),
        )
    return own.ZstdDecompressor, lambda: own.ZstdCompressor(level=LEVEL)
