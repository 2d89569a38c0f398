"""Which of all clean rows are kept: those that `deduplicate` does not drop, by the hashes that `clean` wrote.

One process reads the keys of all pieces in their order, 48 bytes a row, once for each comparison: same episode, same
text, same actions, then the cap of a task. A set of hashes takes 11 to 16 bytes a row; from `PASS_ROWS` rows on a
comparison takes several passes, each over a part of the values, so that memory has a bound: 0.8 GB and one bit a row.
The places of what is kept are written for `draw`, an index for each source.

>>> choose(Path("prepared.partial"))["dropped"]
{'same_text': 128}
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agenttuning.corpus.lint.duplicates import Hashes
from agenttuning.corpus.places import place, write_places
from agenttuning.files import atomic_bytes, json_object, read_json, write_json
from agenttuning.preparation.clean import KEYS
from agenttuning.preparation.job import Job

PASS_ROWS = 50_000_000
_READ = len(KEYS) * (1 << 15)  # numbers of a file of keys that are held at once
_TASK = KEYS.index("task")


class _Keys:
    """The keys of all clean rows, read again for each look at them, and which rows are left out so far."""

    def __init__(self, parts: list[Path], pass_rows: int):
        self.parts = parts
        self.rows = sum(part.stat().st_size for part in parts) // (8 * len(KEYS))
        self.passes = max(1, -(-self.rows // pass_rows))
        self.left_out = bytearray(-(-self.rows // 8) or 1)

    def leave_out(self, row: int) -> None:
        self.left_out[row >> 3] |= 1 << (row & 7)

    def kept(self) -> Iterator[tuple[int, int, array, int]]:
        """(row, its part, an array and where in it the keys of the row begin) of every row that is not left out."""
        row = 0
        for number, part in enumerate(self.parts):
            with part.open("rb") as stream:
                while data := stream.read(8 * _READ):
                    numbers = array("Q", data)
                    for at in range(0, len(numbers), len(KEYS)):
                        if not self.left_out[row >> 3] >> (row & 7) & 1:
                            yield row, number, numbers, at
                        row += 1

    def repeated(self, name: str) -> Iterator[tuple[int, int, int]]:
        """(row, part, first byte) of the rows that have the hash `name` of one before them."""
        column, offset = KEYS.index(name), KEYS.index("offset")
        for one in range(self.passes):
            seen = Hashes()
            for row, part, numbers, at in self.kept():
                hash = numbers[at + column]
                if hash and hash % self.passes == one and not seen.add(hash):
                    yield row, part, numbers[at + offset]

    def beyond(self, cap: int) -> Iterator[int]:
        """The rows of a task behind its first `cap`."""
        for one in range(self.passes):
            of_task = Counter[int]()
            for row, _, numbers, at in self.kept():
                task = numbers[at + _TASK]
                if task and task % self.passes == one:
                    of_task[task] += 1
                    if of_task[task] > cap:
                        yield row


def choose(folder: Path, *, pass_rows: int = PASS_ROWS) -> dict[str, Any]:
    """Write ``SOURCE.places`` for each source of the job and ``chosen.json``; returns what that holds."""
    done = folder / "chosen.json"
    if done.is_file():
        return read_json(done)
    job = Job.read(folder)
    keys = _Keys([folder / "parts" / f"{number:06}.keys" for number in range(len(job.units))], pass_rows)
    config, dropped = job.config.deduplicate, Counter[str]()
    comparisons = (("duplicate", "episode", True), ("same_text", "text", config.text))
    for reason, name, wanted in (*comparisons, ("same_actions", "actions", config.actions)):
        for row, _, _ in keys.repeated(name) if wanted else ():
            keys.leave_out(row)
            dropped[reason] += 1
    for row in keys.beyond(config.per_task) if config.per_task is not None else ():
        keys.leave_out(row)
        dropped["per_task"] += 1
    count, first = 0, None
    for found in keys.repeated("id"):
        count, first = count + 1, min(first or found, found)
    kept = {source: _write_places(folder, job, source, keys) for source in job.sources}
    report: dict[str, Any] = {"rows": keys.rows, "dropped": dict(dropped), "kept": kept, "duplicate_ids": count}
    report["example_of_duplicate_ids"] = _id_at(keys.parts[first[1]].with_suffix(".jsonl"), first[2]) if first else None
    write_json(done, report)
    return report


def index_of(folder: Path, source: str) -> Path:
    return folder / "places" / f"{source.replace('/', '-')}.places"


def _write_places(folder: Path, job: Job, source: str, keys: _Keys) -> int:
    offset = KEYS.index("offset")
    places = (
        place(part, numbers[at + offset]) for _, part, numbers, at in keys.kept() if job.units[part].source == source
    )
    with atomic_bytes(index_of(folder, source)) as stream:
        return write_places(stream, places)


def _id_at(part: Path, offset: int) -> str:
    with part.open("rb") as stream:
        stream.seek(offset)
        return str(json_object(stream.readline(), str(part)).get("id"))
