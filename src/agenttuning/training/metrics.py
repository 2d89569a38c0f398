"""A line for each step, in ``metrics.jsonl``: loss, learning rate, gradient norm, tokens, seconds.

>>> steps = Steps(Path("model/metrics.jsonl"), done=20)     # what came after step 20 is forgotten
>>> steps.add({"step": 21, "loss": 2.31, ...}, packs)
"""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agenttuning.training.pack import Pack

_COUNTS = ("tokens", "computed_tokens", "trained_tokens")


class Steps:
    """The steps of a training so far. Without a path, on every rank but the first, they are counted and not written."""

    def __init__(self, path: Path | None, done: int):
        lines = path.read_bytes().splitlines(keepends=True)[:done] if path and path.is_file() else []
        self.path, before = path, json.loads(lines[-1]) if lines else {}
        self.loss = before.get("loss", float("nan"))
        self.totals = {key: before.get(key, 0) for key in _COUNTS}
        self._began = time.monotonic() - before.get("seconds", 0.0)
        if path:
            path.write_bytes(b"".join(lines))

    @property
    def seconds(self) -> float:
        """Of all runs of this training, without what a kill made them do twice."""
        return round(time.monotonic() - self._began, 3)

    def add(self, row: dict[str, Any], packs: Sequence[Pack]) -> dict[str, Any]:
        """Note a step of these packs, those of all ranks; returns its row with totals and seconds."""
        counts = (
            sum(pack.tokens for pack in packs),
            sum(len(pack.ids) for pack in packs),
            sum(len(pack.trained) for pack in packs),
        )
        self.totals = {key: self.totals[key] + count for key, count in zip(_COUNTS, counts, strict=True)}
        self.loss = row["loss"]
        row = row | self.totals | {"seconds": self.seconds}
        if self.path:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        return row
