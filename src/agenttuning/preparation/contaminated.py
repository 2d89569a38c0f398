"""Evaluation items in the rows of one piece of work, and in all of them together.

The items stand in ``evaluation.jsonl`` of the job's folder; each worker makes its index of them once. What a piece has
of each item is a tally beside it, and tallies add up, so the table is that of the whole corpus.

>>> looked = Looked(job)
>>> clean = looked.keep(batch)
>>> looked.save(Path("parts/000012.npz"))
"""

import json
from collections.abc import Sequence
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any

from agenttuning.atif import to_atif
from agenttuning.conversation import to_row
from agenttuning.corpus.contamination.index import Index, build
from agenttuning.corpus.contamination.items import Found
from agenttuning.corpus.contamination.listing import listing
from agenttuning.corpus.contamination.mark import mark
from agenttuning.corpus.contamination.stage import ITEMS_FILE, RESULT, result_of
from agenttuning.corpus.contamination.tally import Example, Source, Tally, covered
from agenttuning.corpus.contamination.words import text_of
from agenttuning.corpus.formats.base import Refused
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.texts import texts
from agenttuning.files import atomic_bytes, write_json, write_jsonl
from agenttuning.preparation.job import Candidate, Job, stamp
from agenttuning.trajectory import Trajectory

ITEMS = "evaluation.jsonl"


def write_items(job: Job, evaluate: EvaluateConfig | None) -> bool:
    """Write what is looked for, of an evaluation's suites and of the config's own files; False where that is nothing.

    Raises BadInput for a set that is missing or empty.
    """
    config, out = job.config.decontaminate, job.folder / ITEMS
    if not config.files and (evaluate is None or not config.suites):
        return False
    if not out.is_file():
        rows = list(texts(evaluate, job.seed)) if evaluate is not None and config.suites else []
        own = Found()
        for name, source in config.files.items():
            own.add_file(name, source, skip_bad=config.skip_bad)
        write_jsonl(
            out, [*rows, *({"set": i.set, "id": i.id, "text": i.text, "template": i.template} for i in own.items)]
        )
    return True


class Looked:
    """What the rows of one piece have of the items; nothing is looked for where there are none."""

    def __init__(self, job: Job):
        self.config = job.config.decontaminate
        self.index = _index(job.folder, stamp(job.folder))[1] if (job.folder / ITEMS).is_file() else None
        self.tallies = [Tally(self.index), Tally(self.index)] if self.index is not None else []
        self.dropped = 0

    def keep(self, batch: Sequence[Candidate]) -> list[Candidate]:
        """The rows without those that are dirty, where these are to be dropped."""
        if self.index is None or not batch:
            return list(batch)
        rows = [to_atif(row.item) if isinstance(row.item, Trajectory) else to_row(row.item) for row in batch]
        marks = mark(self.index, [text_of(row) for row in rows])
        bad = {text for (text, _), share in covered(self.index, marks).items() if share >= self.config.dirty}
        drop = bad if self.config.drop == "dirty" else set()
        sources, names = [row.source for row in batch], [row.where for row in batch]
        self.tallies[0].add(marks, sources, names)
        self.tallies[1].add(marks, sources, names, without=drop)
        self.dropped += len(drop)
        return [row for i, row in enumerate(batch) if i not in drop]

    def save(self, path: Path) -> None:
        import numpy as np

        if self.index is None:
            return
        arrays, about = {}, []
        for number, tally in enumerate(self.tallies):
            for name, source in tally.sources.items():
                key = f"{len(about)}"
                arrays |= {f"marked{key}": np.packbits(source.marked), f"known{key}": np.packbits(source.known)}
                examples = {
                    str(document): [astuple(one) for one in found] for document, found in source.examples.items()
                }
                about.append({"tally": number, "name": name, "rows": source.rows, "examples": examples})
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with atomic_bytes(path) as stream:
            np.savez(stream, **arrays)


def write_table(job: Job) -> dict[str, Any] | None:
    """Write ``contamination.json`` and ``items.jsonl`` of all pieces; returns the first, None where nothing was looked
    for."""
    if not (job.folder / ITEMS).is_file():
        return None
    found, index = _index(job.folder, stamp(job.folder))
    whole, left = Tally(index), Tally(index)
    for number in range(len(job.units)):
        _add(job.folder / "parts" / f"{number:06}.npz", index, (whole, left))
    config = job.config.decontaminate
    dropped = {
        name: source.rows - (left.of(name).rows if name in left.sources else 0)
        for name, source in whole.sources.items()
    }
    result = result_of(config, found, index, whole, left, Refused(), dropped)
    write_jsonl(job.folder / ITEMS_FILE, listing(found.items, index, whole, config.clean, config.dirty))
    write_json(job.folder / RESULT, result)
    return result


def _add(path: Path, index: Index, tallies: tuple[Tally, Tally]) -> None:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        for key, one in enumerate(json.loads(arrays["about"].tobytes())):
            examples = {
                int(document): [Example(*found) for found in rows] for document, rows in one["examples"].items()
            }
            marked = np.unpackbits(arrays[f"marked{key}"], count=len(index.words)).astype(np.bool_)
            known = np.unpackbits(arrays[f"known{key}"], count=len(index.grams.known)).astype(np.bool_)
            part = Tally(index)
            part.sources[one["name"]] = Source(marked, known, one["rows"], examples)
            tallies[one["tally"]].merge(part)


@lru_cache(maxsize=1)
def _index(folder: Path, stamp: tuple[int, int]) -> tuple[Found, Index]:
    """The items of a job and their index; a worker makes it once."""
    found = Found()
    found.add_written(folder / ITEMS)
    return found, build(found.items, Job.read(folder).config.decontaminate.rules)
