"""From foreign files to ours: trajectories.jsonl for `filter`, conversations.jsonl for `mix` and `train`.

Both are written as the records stream by, and beside them ``import.json``: how many of each, how much of what the
agents wrote could be read, which rows were refused and what was not carried over, by reason.

>>> convert([Path("AgentInstruct")], Path("imported"))["trajectories"]["database"]
{'rows': 538, 'steps': 1116, 'read': 1116}
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any

from agenttuning.atif import to_atif
from agenttuning.conversation import to_row
from agenttuning.corpus.formats import Item, Record, Refused, get, read
from agenttuning.corpus.formats.base import IMPORTED, attributed, extra_fields
from agenttuning.errors import BadInput
from agenttuning.files import atomic_write, write_json
from agenttuning.progress import Progress
from agenttuning.tables import aligned
from agenttuning.trajectory import SPLITS, Trajectory

NAMES = ("trajectories.jsonl", "conversations.jsonl", "import.json")


def convert(
    inputs: Iterable[Path],
    out: Path,
    *,
    format: str | None = None,
    limit: int | None = None,
    strict: bool = False,
    source: str | None = None,
    license: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write what the inputs hold into the folder `out` and return the report.

    `source` and `license` go into every row's provenance; without them what the format says of its data set.

    Raises BadInput where `out` holds an import already, or where not one row could be read.
    """
    there = [name for name in NAMES if (out / name).exists()]
    if there:
        raise BadInput(f"{out}: holds {there[0]} already; give another folder, or remove that file")
    refused, counts = Refused(), _Counts()
    with ExitStack() as stack:
        streams: dict[str, IO[str]] = {}
        for done, record in enumerate(records(inputs, format, limit=limit, strict=strict, refused=refused), start=1):
            counts.add(record)
            kind = NAMES[0] if isinstance(record.item, Trajectory) else NAMES[1]
            if kind not in streams:
                streams[kind] = stack.enter_context(atomic_write(out / kind))
            item = attributed(record.item, get(record.format), source, license)
            streams[kind].write(json.dumps(_row(item), ensure_ascii=False, separators=(",", ":")) + "\n")
            if progress and done % 50 == 0:
                progress(done, limit, record.where)
    if not streams:
        why = "; ".join(refused.examples.values()) or "there are no rows"
        raise BadInput(f"nothing could be imported: {why}")
    report = counts.report(refused)
    write_json(out / NAMES[2], report)
    return report


def records(
    inputs: Iterable[Path], format: str | None, *, limit: int | None, strict: bool, refused: Refused
) -> Iterator[Record]:
    """The records of several files or folders, at most `limit`."""
    every = (record for path in inputs for record in read(path, format, strict=strict, refused=refused))
    return islice(every, limit)


class _Counts:
    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.chats = self.turns = 0

    def add(self, record: Record) -> None:
        self.notes.update(record.notes)
        if isinstance(record.item, Trajectory):
            name = record.item.task.environment
            self.rows[name] += 1
            self.steps[name] += len(record.item.steps)
            self.read[name] += sum(step.error != "format" for step in record.item.steps)
        else:
            self.chats += 1
            self.turns += sum(message.role == "assistant" for message in record.item.messages)

    def report(self, refused: Refused) -> dict[str, Any]:
        taken, dropped = self.rows.total() + self.chats, refused.counts.total()
        return {
            "records": taken,
            "share_read": round(taken / (taken + dropped), 4),
            "trajectories": {
                name: {"rows": rows, "steps": self.steps[name], "read": self.read[name]}
                for name, rows in sorted(self.rows.items())
            },
            "conversations": {"rows": self.chats, "turns": self.turns},
            "notes": dict(sorted(self.notes.items())),
            "refused": dict(sorted(refused.counts.items())),
            "examples": dict(sorted(refused.examples.items())),
        }


def report_table(report: dict[str, Any]) -> str:
    """The report to read: what was imported, then each reason with its count and, for a refused row, an example."""
    rows = [["", "rows", "agent's turns", "of them read"]]
    for name, source in report["trajectories"].items():
        share = 100 * source["read"] / source["steps"] if source["steps"] else 0
        rows.append([name, str(source["rows"]), str(source["steps"]), f"{share:.1f}%"])
    chats = report["conversations"]
    if chats["rows"]:
        rows.append(["conversations", str(chats["rows"]), str(chats["turns"]), ""])
    lines = [aligned(rows), "", f"{100 * report['share_read']:.1f}% of the rows were read."]
    if report["notes"]:
        lines += ["", aligned([["not carried over", "rows"], *([n, str(c)] for n, c in report["notes"].items())])]
    if report["refused"]:
        lines += ["", aligned([["refused", "rows"], *([n, str(c)] for n, c in report["refused"].items())])]
        lines += [f"for example {example}" for example in report["examples"].values()]
    return "\n".join(lines)


def _row(item: Item) -> dict[str, Any]:
    if isinstance(item, Trajectory):
        return to_atif(item)
    row = to_row(item)
    split = extra_fields(item.meta.get(IMPORTED, {})).get("split")
    # `mix` leaves out what is not for training, and looks for that here.
    return {**row, "split": split} if split in SPLITS else row
