"""Files that are whole or absent: JSONL in and out, atomic writes, hashes.

Every stage writes to ``NAME.partial`` and renames when complete, so a file with its final name is finished.

>>> write_jsonl(Path("rows.jsonl"), [{"a": 1}, {"a": 2}])
2
"""

import errno
import hashlib
import json
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from agenttuning import zstd
from agenttuning.errors import BadInput

MAX_LINE = 64 * 1024 * 1024  # a longer JSONL line is a broken file, not a row

MAX_DEPTH = 100  # of lists and objects in a row


@contextmanager
def atomic_write(path: Path) -> Generator[IO[str]]:
    """Open ``path.partial`` for text; rename it to `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise disk_error(error, path) from error
    partial.replace(path)


@contextmanager
def atomic_bytes(path: Path) -> Generator[IO[bytes]]:
    """The same for bytes. The temporary name is this process's own: of two that write the same file the later stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_error(error, path) from error
        raise
    partial.replace(path)


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Generator[None]:
    """Hold `path` for this process: two at work in it would overwrite each other. Where another one holds it, wait
    for it, or raise BadInput that names its process."""
    try:
        import fcntl
    except ModuleNotFoundError:  # not a POSIX system
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f".{path.name}.lock")
    while True:
        with file.open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                stream.seek(0)
                holder = stream.read().strip() or "?"
                raise BadInput(f"{path}: process {holder} is at work on it; wait for it or stop it") from None
            if not file.exists() or file.stat().st_ino != os.fstat(stream.fileno()).st_ino:
                continue  # the holder that we waited for has removed this file: lock the one of that name now
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            try:
                yield
            finally:
                file.unlink(missing_ok=True)
            return


def disk_error(error: OSError, path: Path) -> BadInput | OSError:
    """A full disk as one clear line; any other error as it is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BadInput(f"{path}: no space left on the disk; free some and run the same command again")
    return error


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with atomic_write(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def read_jsonl(path: Path, *, block: "Lines | None" = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) for each non-empty line, or those of a block. Raises BadInput as ``file:line: reason``."""
    first = block.first if block else 1
    for number, line in enumerate(lines(path, block), start=first):
        if line.strip():
            yield number, json_object(line, f"{path}:{number}")


def json_object(line: bytes, where: str) -> dict[str, Any]:
    """The object of one line. Raises BadInput that begins with `where`."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON ({error}); repair or delete that line") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value


@dataclass(frozen=True, slots=True)
class Lines:
    """Neighbouring lines of a file: where they begin, the number of the first (from 1), how many they are."""

    offset: int
    first: int
    count: int


def line_blocks(path: Path, count: int) -> Iterator[Lines]:
    """The file's lines in blocks of at most `count`."""
    offset, start, number, first = 0, 0, 0, 1
    for number, line in enumerate(lines(path), start=1):
        offset += len(line)
        if number - first + 1 == count:
            yield Lines(start, first, count)
            start, first = offset, number + 1
    if number >= first:
        yield Lines(start, first, number - first + 1)


def lines(path: Path, block: Lines | None = None) -> Iterator[bytes]:
    """The lines of a file, or of a block of it; of one that is compressed as they were. Raises BadInput where it cannot
    be opened, and where its compressed data end too early."""
    try:
        stream = zstd.opened(path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}; check the path") from None
    with stream:
        if block and not stream.seekable():
            for _ in islice(iter(lambda: stream.readline(MAX_LINE), b""), block.first - 1):
                pass
        elif block:
            stream.seek(block.offset)
        yield from islice(iter(lambda: stream.readline(MAX_LINE), b""), block.count if block else None)


def write_json(path: Path, value: Any) -> None:
    with atomic_write(path) as stream:
        json.dump(value, stream, ensure_ascii=False, indent=2)
        stream.write("\n")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}; check the path") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({error})") from None


def sha256(path: Path) -> str:
    """Hex digest of a file, or of a folder's files in sorted order with their relative names."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if file != path:
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def too_deep(value: Any) -> bool:
    """Whether lists and objects stand in each other more than MAX_DEPTH deep: what may be read, but not safely walked
    or written."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    return bool(level)
