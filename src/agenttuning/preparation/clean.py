"""One piece of the input on its own: its rows are imported, looked at by every step and written as corpus rows.

    parts/000012.jsonl   the rows that passed      parts/000012.keys   their hashes and places, 48 bytes each
    parts/000012.json    what was refused, found and dropped, by reason; written last

A step is a function from a row to the row that goes on, or to the word for which it is left out; `STEPS` lists them in
their order. What passes them is compared with the evaluation sets, many rows at once (`contaminated`).

>>> clean(Path("prepared.partial"), 12)["rows"]
5012
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from agenttuning import dialects
from agenttuning.atif import from_atif
from agenttuning.conversation import GENERAL_SOURCE, from_row
from agenttuning.corpus.filter import why_dropped
from agenttuning.corpus.fingerprint import fingerprint_of
from agenttuning.corpus.formats import Refused, get
from agenttuning.corpus.formats.base import Item, Record, attributed
from agenttuning.corpus.formats.rows import rows
from agenttuning.corpus.lint import Report, Row, chosen_rules, fixed
from agenttuning.corpus.lint.fix import mendable
from agenttuning.corpus.shards import line_of, row_of
from agenttuning.files import atomic_bytes, read_json, write_json
from agenttuning.preparation.contaminated import Looked
from agenttuning.preparation.job import Candidate, Job, Unit
from agenttuning.provenance import forbids, marked, of
from agenttuning.trajectory import SPLITS, Trajectory

# The numbers of a row in a file of keys: hashes (0: there is nothing to hash) and its first byte in the part.
KEYS = ("id", "episode", "text", "actions", "task", "offset")
BATCH = 500  # rows that are compared with the evaluation sets at once
STATEFUL = "duplicate-row"  # a rule that remembers rows; `choose` does its work


Step = Callable[[Candidate], Candidate | str]


def clean(folder: Path, number: int) -> dict[str, Any]:
    """Do piece `number` of the job in `folder`, unless it is done; returns its report."""
    done = folder / "parts" / f"{number:06}.json"
    if done.is_file():
        return read_json(done)
    job = Job.read(folder)
    unit = job.units[number]
    refused, dropped = Refused(), Counter[str]()
    lint = Report(chosen_rules((), (*job.config.ignore, STATEFUL)))
    steps = [make(job, unit, lint) for make in STEPS]
    looked, counts = Looked(job), Counter[str]()
    keys, offset = array("Q"), 0
    with ExitStack() as stack:
        stream = stack.enter_context(atomic_bytes(done.with_suffix(".jsonl")))
        for batch in _batches(_passed(unit, steps, refused, dropped, counts)):
            for row in looked.keep(batch):
                line = line_of({"id": "", "source": row.source, **row_of(row.item)})
                stream.write(line)
                keys.extend(getattr(row.known, name) for name in KEYS[:-1])
                keys.append(offset)
                offset += len(line)
        with atomic_bytes(done.with_suffix(".keys")) as index:
            index.write(keys.tobytes())
    looked.save(done.with_suffix(".npz"))
    if looked.dropped:
        dropped["contaminated"] = looked.dropped
    report = {
        "source": unit.source,
        "read": counts["read"],
        "refused": dict(sorted(refused.counts.items())),
        "examples": dict(sorted(refused.examples.items())),
        "found": {name: count.rows for name, count in lint.counts.items() if count.rows},
        "dropped": dict(sorted(dropped.items())),
        "rows": len(keys) // len(KEYS),
    }
    write_json(done, report)
    return report


def _records(unit: Unit, refused: Refused) -> Iterator[Record]:
    found = rows(Path(unit.file), refused, unit.block)
    if unit.format is None:
        for _ in found:  # counts what stands there
            pass
        return iter(())
    return get(unit.format).records(found, refused)


def _passed(
    unit: Unit, steps: list[Step], refused: Refused, dropped: Counter[str], counts: Counter[str]
) -> Iterator[Candidate]:
    for record in _records(unit, refused):
        counts["read"] += 1
        found = _through(steps, record, unit)
        if isinstance(found, str):
            dropped[found] += 1
        else:
            yield found


def _batches(rows: Iterator[Candidate]) -> Iterator[list[Candidate]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _through(steps: list[Step], record: Record, unit: Unit) -> Candidate | str:
    agent = unit.source.partition("/")[0] == "agent"
    candidate = Candidate(record.where, record.item, "agent" if agent else GENERAL_SOURCE)
    for step in steps:
        found = step(candidate)
        if isinstance(found, str):
            return found
        candidate = found
    return candidate


def _imported(job: Job, unit: Unit, lint: Report) -> Step:
    def step(row: Candidate) -> Candidate | str:
        split = row.item.task.split if isinstance(row.item, Trajectory) else _split(row.item)
        if split in SPLITS and split != "train":
            return f"split: {split}"
        if of(row.item)["transformations"]:  # imported before, by `import` or a stage of ours
            return row
        return replace(row, item=attributed(row.item, get(unit.format or "")))

    return step


def _split(item: Item) -> Any:
    kept = item.meta.get("imported")
    fields = kept.get("fields") if isinstance(kept, dict) else None
    return fields.get("split") if isinstance(fields, dict) else None


def _licensed(job: Job, unit: Unit, lint: Report) -> Step:
    def step(row: Candidate) -> Candidate | str:
        license = of(row.item)["license"]
        return f"license: {license}" if forbids(license, job.config.mix.allow_licenses) else row

    return step


def _linted(job: Job, unit: Unit, lint: Report) -> Step:
    fix = job.config.fix

    def step(row: Candidate) -> Candidate | str:
        looked_at = Row(row.where, row.item)
        wrong = mendable(lint.check(looked_at), ())
        if not wrong or fix == "none":
            return row
        mended = fixed(looked_at, wrong, fix)
        if mended is None:
            return f"fault: {wrong[0].rule.name}"
        item = from_atif(mended) if isinstance(row.item, Trajectory) else from_row(mended, where=row.where)
        return replace(row, item=marked(item, "lint mask"))

    return step


def _filtered(job: Job, unit: Unit, lint: Report) -> Step:
    def step(row: Candidate) -> Candidate | str:
        if not isinstance(row.item, Trajectory):
            trained = any(s.train and s.text.strip() for m in row.item.messages for s in m.segments)
            trained = trained or any(m.train and m.calls for m in row.item.messages)
            return row if trained else "no_steps"
        return why_dropped(job.config.filter, row.item) or row

    return step


def _hashed(job: Job, unit: Unit, lint: Report) -> Step:
    def step(row: Candidate) -> Candidate | str:
        return replace(row, known=fingerprint_of(row.item, row.source))

    return step


def _written(job: Job, unit: Unit, lint: Report) -> Step:
    writer = dialects.get(job.dialect)

    def step(row: Candidate) -> Candidate | str:
        if not isinstance(row.item, Trajectory):
            environment = row.item.meta.get("environment")
            named = row.source != GENERAL_SOURCE and isinstance(environment, str)
            return replace(row, source=f"agent/{environment}") if named else row
        return replace(row, item=writer.write(row.item), source=f"agent/{row.item.task.environment}")

    return step


STEPS: tuple[Callable[[Job, Unit, Report], Step], ...] = (_imported, _licensed, _linted, _filtered, _hashed, _written)
