"""The JSON objects of a file, one at a time: JSONL, a JSON array of any size, one big object, Parquet; each but the
last also compressed with Zstandard.

What a file is, is seen in its first characters, not in its name. Memory is bounded by the largest object, not by
the file; a line that is broken costs that line, a broken place in an array the rest of the array.

>>> [row.where for row in rows(Path("chats.json"), refuse)]
['chats.json[0]', 'chats.json[1]']
"""

import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TextIO

from agenttuning import zstd
from agenttuning.corpus.formats.base import Refuse, Row
from agenttuning.errors import BadInput, BadRow, MissingExtra
from agenttuning.files import MAX_DEPTH, MAX_LINE, Lines, too_deep

SUFFIXES = (".json", ".jsonl", ".ndjson", ".parquet", zstd.SUFFIX)
# What our own stages write beside their rows.
SIDECARS = frozenset({"manifest.json", "stage.json", "funnel.json", "import.json"})
CHUNK = 1 << 16  # characters of an array that are read at once
MAX_OBJECT = MAX_LINE // 4  # characters; a longer object in an array is a broken file
_PARQUET = b"PAR1"
# A lone surrogate cannot be written again as UTF-8, a number this large not as JSON.
_SUSPECT = re.compile(r"\\ud[89a-f]|\d[eE]\+?\d{3}", re.IGNORECASE)


def files_of(path: Path) -> list[Path]:
    """The data files that a path stands for, in order of their names. Raises BadInput where there is none."""
    if path.is_dir():
        data = (p for p in path.rglob("*") if p.suffix in SUFFIXES and p.name not in SIDECARS and p.is_file())
        found = sorted(p for p in data if not any(part.startswith(".") for part in p.relative_to(path).parts))
        if not found:
            raise BadInput(f"{path}: no data files there; expected some that end in {', '.join(SUFFIXES)}")
        return found
    if not path.is_file():
        raise BadInput(f"{path}: no such file; check the path")
    return [path]


def rows(path: Path, refuse: Refuse, block: Lines | None = None) -> Iterator[Row]:
    """The objects of one file, or of a block of one that is not compressed and has an object on each line.

    What is no object is handed to `refuse` as ``not_json``, ``not_utf8``, ``too_long``, ``too_deep``,
    ``not_an_object``, ``not_parquet``, ``truncated_zstd`` or ``not_zstd``. Raises BadInput where the file cannot be
    opened.
    """
    kind = kind_of_file(path, refuse)
    if kind == "parquet":
        return _parquet(path, refuse)
    if kind == "document":
        return _document(path, refuse)
    return _lines(path, refuse, block) if kind == "lines" else iter(())


def kind_of_file(path: Path, refuse: Refuse) -> Literal["parquet", "document", "lines"] | None:
    """What stands in a file; None for compressed data that cannot be read at all, which `refuse` gets."""
    try:
        with zstd.opened(path) as stream:
            head = stream.read(4096)
    except BadRow as error:
        refuse(error)
        return None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}; check the path") from None
    if head.startswith(_PARQUET):
        return "parquet"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    name = path.name.removesuffix(zstd.SUFFIX)
    if start == b"[" or (start == b"{" and name.endswith(".json") and not _is_lines(path)):
        return "document"
    return "lines"


def _is_lines(path: Path) -> bool:
    """Whether each of the first two lines with text is a whole JSON object."""
    with zstd.opened(path) as stream:
        lines = (line for line in islice(iter(lambda: stream.readline(MAX_LINE), b""), 100) if line.strip())
        for line in islice(lines, 2):
            try:
                if not isinstance(json.loads(line.decode("utf-8-sig")), dict):
                    return False
            except (ValueError, RecursionError):
                return False
    return True


def _lines(path: Path, refuse: Refuse, block: Lines | None) -> Iterator[Row]:
    try:
        yield from _read_lines(path, refuse, block)
    except BadRow as error:  # of compressed data, behind the last line that is whole
        refuse(error)


def _read_lines(path: Path, refuse: Refuse, block: Lines | None) -> Iterator[Row]:
    with zstd.opened(path) as stream:
        if block:
            stream.seek(block.offset)
        first = block.first if block else 1
        last = block.first + block.count - 1 if block else None
        number, cut, end = first - 1, False, block.offset if block else 0
        seeks = stream.seekable()
        while (number != last or cut) and (line := stream.readline(MAX_LINE)):
            start, end = end, end + len(line)
            whole = line.endswith(b"\n") or len(line) < MAX_LINE
            if cut:  # the rest of a line that was too long
                cut = not whole
                continue
            number += 1
            if not line.strip():
                continue
            where = f"{path}:{number}"
            if not whole:
                cut = True
                refuse(BadRow(f"{where}: longer than {MAX_LINE >> 20} MiB", "too_long"))
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                value = json.loads(text, parse_constant=_no_constant)
            except UnicodeDecodeError as error:
                refuse(BadRow(f"{where}: not UTF-8 (byte {error.start})", "not_utf8"))
            except ValueError as error:
                refuse(BadRow(f"{where}: not JSON ({error})", "not_json"))
            except RecursionError:
                refuse(BadRow(f"{where}: nested too deeply", "too_deep"))
            else:
                yield from _checked(value, text, where, refuse, (start, len(line)) if seeks else None)


def _document(path: Path, refuse: Refuse) -> Iterator[Row]:
    """The elements of an array, or the objects that stand one after another."""
    index = 0
    try:
        with io.TextIOWrapper(zstd.opened(path), encoding="utf-8-sig") as stream:
            for value, text in _values(stream):
                yield from _checked(value, text, f"{path}[{index}]", refuse)
                index += 1
    except BadRow as error:
        refuse(error)
    except UnicodeDecodeError as error:
        refuse(BadRow(f"{path}[{index}]: not UTF-8 ({error.reason}); the rest of the file is not read", "not_utf8"))
    except RecursionError:
        refuse(BadRow(f"{path}[{index}]: nested too deeply; the rest of the file is not read", "too_deep"))
    except ValueError as error:
        refuse(BadRow(f"{path}[{index}]: not JSON ({error}); the rest of the file is not read", "not_json"))


def _values(stream: TextIO) -> Iterator[tuple[Any, str]]:
    """(value, its text) one after another. Raises ValueError, also where an array does not end, and RecursionError."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    buffer = stream.read(CHUNK)
    opened, place, wanted = buffer.lstrip().startswith("["), 0, CHUNK
    if opened:
        place = buffer.index("[") + 1
    while True:
        while place < len(buffer) and buffer[place] in " \t\r\n,":
            place += 1
        if place < len(buffer) and buffer[place] == "]" and opened:
            if (buffer[place + 1 :] + stream.read(CHUNK)).strip():
                raise ValueError("there is text behind the end of the array")
            return
        try:
            value, end = decoder.raw_decode(buffer, place) if place < len(buffer) else (None, len(buffer))
        except ValueError:
            value, end = None, len(buffer)
            if len(buffer) - place > MAX_OBJECT:
                raise
        if end < len(buffer):
            yield value, buffer[place:end]
            place, wanted = end, CHUNK
            continue
        # What was read may be half of a value: read on, twice as much each time, so that the work stays linear.
        more = stream.read(wanted)
        if not more:
            break
        buffer, place, wanted = buffer[place:] + more, 0, 2 * wanted
    if place < len(buffer):
        value, _ = decoder.raw_decode(buffer, place)
        yield value, buffer[place:]
    if opened:
        raise ValueError("the array does not end")


def _checked(value: Any, text: str, where: str, refuse: Refuse, span: tuple[int, int] | None = None) -> Iterator[Row]:
    """The row, where it is an object that can be written again."""
    if not isinstance(value, dict):
        refuse(BadRow(f"{where}: expected a JSON object, found {type(value).__name__}", "not_an_object"))
        return
    if _SUSPECT.search(text):
        try:
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except ValueError as error:
            refuse(BadRow(f"{where}: a number or a character that JSON cannot hold ({error})", "not_json"))
            return
    if too_deep(value):
        refuse(BadRow(f"{where}: nested more than {MAX_DEPTH} deep", "too_deep"))
        return
    yield Row(where, value, span)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _parquet(path: Path, refuse: Refuse) -> Iterator[Row]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError:
        raise MissingExtra("pyarrow", "parquet") from None
    index = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64):
                for value in batch.to_pylist():
                    where = f"{path}[{index}]"
                    index += 1
                    try:
                        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
                    except (TypeError, ValueError) as error:
                        refuse(BadRow(f"{where}: a value that JSON cannot hold ({error})", "not_json"))
                        continue
                    yield from _checked(value, text, where, refuse)
    # All of what a damaged file has made pyarrow raise, and the like.
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        refuse(BadRow(f"{path}[{index}]: not Parquet ({reason}); the rest of the file is not read", "not_parquet"))
