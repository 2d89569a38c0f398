"""Rows with keys in a file that survives a kill: each is on disk before it counts, one that was cut is taken off.

Only keys and places are kept in memory; a row is read again when it is asked for.

>>> journal = Journal(Path("replies.jsonl"))
>>> journal.append({"key": "a1", "text": "SELECT 1"})
>>> journal.find("a1")["text"]
'SELECT 1'
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from agenttuning.files import disk_error


class Journal:
    def __init__(self, path: Path, *, sync: bool = True):
        """`sync`: whether a row also survives a machine that stops, at the price of some milliseconds."""
        self._path, self._lock, self._sync = path, threading.Lock(), sync
        self._places: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a+b")
        self._stream.seek(0)
        end = 0
        for line in self._stream:
            key = _key(line)
            if key is None:
                break
            self._places[key] = end
            end += len(line)
        self._stream.truncate(end)

    def find(self, key: str) -> dict[str, Any] | None:
        with self._lock:
            if (place := self._places.get(key)) is None:
                return None
            self._stream.seek(place)
            return json.loads(self._stream.readline())

    def append(self, row: Mapping[str, Any]) -> None:
        """Raises BadInput on a full disk; the row then does not count."""
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        with self._lock:
            place = self._stream.seek(0, os.SEEK_END)
            try:
                self._stream.write(line)
                self._stream.flush()
                if self._sync:
                    os.fsync(self._stream.fileno())
            except OSError as error:
                raise disk_error(error, self._path) from error
            self._places[row["key"]] = place

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (row for key in list(self._places) if (row := self.find(key)) is not None)

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _key(line: bytes) -> str | None:
    """The key of a whole line; None for one that was cut."""
    if not line.endswith(b"\n"):
        return None
    try:
        return str(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
