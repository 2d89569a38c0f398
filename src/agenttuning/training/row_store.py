"""Encoded rows in a folder of flat arrays, read through the memory map.

    ids.bin, weights.bin, capabilities.bin   one entry a token, all rows end to end
    rows.bin                                 where each row ends, and where its turn_ends do in turns.bin
    turns.bin                                token counts, row after row
    names.jsonl                              [id, source] a row
    counts.json                              written last: what was dropped, by reason

>>> store(folder, [block(rows)])
>>> StoredRows(folder)[0].id
'database/train-0001'
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from agenttuning.files import read_json, write_json
from agenttuning.training.encode import Encoded

COUNTS = "counts.json"
_ARRAYS = {"ids": "int32", "weights": "float32", "capabilities": "int8", "rows": "int64", "turns": "int32"}


@dataclass(slots=True)
class Block:
    """Rows encoded together, as bytes: quick to send from one process to another. `dropped` counts rows by reason,
    `examples` holds the first message of each."""

    arrays: dict[str, bytes]
    names: list[tuple[str, str]]
    dropped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)


def block(rows: Sequence[Encoded]) -> Block:
    import numpy as np

    arrays: dict[str, bytes] = {
        name: np.concatenate([getattr(row, name) for row in rows]).tobytes() if rows else b""
        for name in ("ids", "weights", "capabilities")
    }
    # Lengths for now; `store` knows what came before and makes them ends.
    arrays["rows"] = np.array([[len(row.ids), len(row.turn_ends)] for row in rows], np.int64).tobytes()
    arrays["turns"] = np.array([end for row in rows for end in row.turn_ends], np.int32).tobytes()
    return Block(arrays, [(row.id, row.source) for row in rows])


def store(folder: Path, blocks: Iterable[Block]) -> None:
    """Write the blocks' rows one after another; memory is that of one block."""
    import numpy as np

    folder.mkdir(parents=True)
    dropped: dict[str, int] = {}
    examples: dict[str, str] = {}
    streams = {name: (folder / f"{name}.bin").open("wb") for name in _ARRAYS}
    ends = np.zeros(2, np.int64)
    try:
        with (folder / "names.jsonl").open("w", encoding="utf-8") as names:
            for one in blocks:
                for name, data in one.arrays.items():
                    if name == "rows":
                        lengths = np.frombuffer(data, np.int64).reshape(-1, 2)
                        rows = lengths.cumsum(axis=0) + ends
                        ends = rows[-1] if len(rows) else ends
                        data = rows.tobytes()
                    streams[name].write(data)
                names.writelines(json.dumps(name) + "\n" for name in one.names)
                for reason, count in one.dropped.items():
                    dropped[reason] = dropped.get(reason, 0) + count
                    examples.setdefault(reason, one.examples.get(reason, ""))
    finally:
        for stream in streams.values():
            stream.close()
    write_json(folder / COUNTS, {"dropped": dropped, "examples": examples})


class StoredRows(Sequence[Encoded]):
    """The rows of a folder that `store` wrote; an array is read from disk when it is looked at."""

    def __init__(self, folder: Path):
        import numpy as np

        def array(name: str) -> Any:
            file = folder / f"{name}.bin"  # an empty file cannot be mapped
            return np.memmap(file, _ARRAYS[name], "r") if file.stat().st_size else np.zeros(0, _ARRAYS[name])

        self._ids, self._weights, self._capabilities = array("ids"), array("weights"), array("capabilities")
        self._turns, self._ends = array("turns"), array("rows").reshape(-1, 2)
        self._names = [json.loads(line) for line in (folder / "names.jsonl").open(encoding="utf-8")]
        counts = read_json(folder / COUNTS)
        self.dropped: dict[str, int] = counts["dropped"]
        self.examples: dict[str, str] = counts["examples"]

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        import numpy as np

        return int(np.diff(self._ends[:, 0], prepend=0).max(initial=0))

    @overload
    def __getitem__(self, index: int) -> Encoded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...
    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        start, first_turn = self._ends[index - 1] if index else (0, 0)
        end, last_turn = self._ends[index]
        id, source = self._names[index]
        turns = tuple(int(turn) for turn in self._turns[first_turn:last_turn])
        tokens = (array[start:end] for array in (self._ids, self._weights, self._capabilities))
        return Encoded(id, source, *tokens, turns)
