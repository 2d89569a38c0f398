"""Which of all clean rows are kept: those that say something new, and of one task no more than the cap.

One process reads the keys of all pieces in their order, 32 bytes a row. A set of hashes takes 11 to 16 bytes a row;
from `PASS_ROWS` rows on the hashes are looked at in several passes, each over a part of their values, so that memory
has a bound: 1.6 GB and one bit a row. The places of what is kept are written for `draw`, an index for each source.

>>> choose(Path("prepared.partial"))["duplicates"]
128
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agenttuning.corpus.lint.duplicates import Hashes
from agenttuning.corpus.places import place, write_places
from agenttuning.files import atomic_bytes, json_object, read_json, write_json
from agenttuning.preparation.clean import KEY
from agenttuning.preparation.job import Job

PASS_ROWS = 50_000_000
_READ = KEY * (1 << 15)  # numbers of a file of keys that are held at once


def choose(folder: Path, *, pass_rows: int = PASS_ROWS) -> dict[str, Any]:
    """Write ``SOURCE.places`` for each source of the job and ``chosen.json``; returns what that holds."""
    done = folder / "chosen.json"
    if done.is_file():
        return read_json(done)
    job = Job.read(folder)
    parts = [folder / "parts" / f"{number:06}.keys" for number in range(len(job.units))]
    total = sum(part.stat().st_size for part in parts) // (8 * KEY)
    passes = max(1, -(-total // pass_rows))
    left_out = bytearray(-(-total // 8) or 1)
    counts = Counter[str]()
    first: tuple[int, int, int] | None = None  # of the rows whose id was there before: (row, piece, first byte)
    for one in range(passes):
        contents, ids = Hashes(), Hashes()
        for row, (part, content, id, _, offset) in enumerate(_keys(parts)):
            if id and id % passes == one and not ids.add(id):
                counts["duplicate_ids"] += 1
                first = min(first or (row, part, offset), (row, part, offset))
            if content % passes == one and job.config.duplicates == "drop" and not contents.add(content):
                left_out[row >> 3] |= 1 << (row & 7)
                counts["duplicates"] += 1
    cap = job.config.filter.per_task
    for one in range(passes if cap is not None else 0):
        of_task = Counter[int]()
        for row, (_, _, _, task, _) in enumerate(_keys(parts)):
            if task and task % passes == one and not left_out[row >> 3] >> (row & 7) & 1:
                of_task[task] += 1
                if cap is not None and of_task[task] > cap:
                    left_out[row >> 3] |= 1 << (row & 7)
                    counts["per_task"] += 1
    repeated = _id_at(parts[first[1]].with_suffix(".jsonl"), first[2]) if first else None
    kept = {source: _write_places(folder, job, source, parts, left_out) for source in job.sources}
    report: dict[str, Any] = {
        "rows": total,
        **{name: counts[name] for name in ("duplicates", "duplicate_ids", "per_task")},
    }
    report |= {"kept": kept, "example_of_duplicate_ids": repeated}
    write_json(done, report)
    return report


def index_of(folder: Path, source: str) -> Path:
    return folder / "places" / f"{source.replace('/', '-')}.places"


def _write_places(folder: Path, job: Job, source: str, parts: list[Path], left_out: bytearray) -> int:
    def places() -> Iterator[int]:
        for row, (part, _, _, _, offset) in enumerate(_keys(parts)):
            if job.units[part].source == source and not left_out[row >> 3] >> (row & 7) & 1:
                yield place(part, offset)

    with atomic_bytes(index_of(folder, source)) as stream:
        return write_places(stream, places())


def _keys(parts: list[Path]) -> Iterator[tuple[int, int, int, int, int]]:
    """(piece, hash of the content, of the id, of the task, first byte) of every clean row."""
    for number, part in enumerate(parts):
        with part.open("rb") as stream:
            while data := stream.read(8 * _READ):
                numbers = array("Q", data)
                for i in range(0, len(numbers), KEY):
                    yield number, numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]


def _id_at(part: Path, offset: int) -> str:
    with part.open("rb") as stream:
        stream.seek(offset)
        return str(json_object(stream.readline(), str(part)).get("id"))
