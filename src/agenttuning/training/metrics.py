"""A line for each step, in ``metrics.jsonl``: loss, learning rate, gradient norm, tokens, seconds.

>>> append(Path("model/metrics.jsonl"), {"step": 1, "loss": 2.31})
>>> last(Path("model/metrics.jsonl"))["step"]
1
"""

import json
import os
from pathlib import Path
from typing import Any


def append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def last(path: Path) -> dict[str, Any]:
    rows = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return json.loads(rows[-1]) if rows else {}


def keep(path: Path, steps: int) -> None:
    """Forget what came after so many steps: a run that goes on from a checkpoint does them again."""
    lines = path.read_bytes().splitlines(keepends=True)[:steps] if path.is_file() else []
    path.write_bytes(b"".join(lines))
