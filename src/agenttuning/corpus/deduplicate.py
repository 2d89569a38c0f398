"""Rows that say what others before them said: the same episode, the same text, the same actions, nearly the same text.

The first of those that are alike stays. Rows stream through in order; what is held in memory is 11 to 16 bytes a row
for each exact comparison, some 600 for near-duplicates. The same rows give the same bytes, whatever the number of
processes.

>>> deduplicate(DeduplicateConfig(near=0.8), [Path("filtered/kept.jsonl")], Path("deduplicated/kept.jsonl"))["dropped"]
{'same_actions': 12, 'near_duplicate': 3}
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from agenttuning.corpus.fingerprint import PERMUTATIONS, Fingerprint, fingerprint
from agenttuning.corpus.formats.base import Refused, Row
from agenttuning.corpus.formats.parquet import Parquet
from agenttuning.corpus.formats.rows import files_of, rows
from agenttuning.corpus.in_order import in_order
from agenttuning.corpus.lint.duplicates import Hashes
from agenttuning.corpus.shards import row_of
from agenttuning.errors import BadInput, BadRow, MissingExtra
from agenttuning.files import read_json, write_json, write_jsonl
from agenttuning.progress import Progress
from agenttuning.settings import check_at_least
from agenttuning.tables import aligned

BATCH = 500  # rows that are compared at once
BANDS = 32  # of a MinHash: enough for a similarity of a half and more
FUNNEL = "funnel.json"


@dataclass(frozen=True, kw_only=True)
class DeduplicateConfig:
    """Which rows are too much like one before them. Episodes of the same task and seed always are."""

    text: bool = True
    """Drop a row that says what one before it said, word for word."""
    actions: bool = True
    """Drop an episode in which the agent does in the same task what it did in one before it."""
    near: float | None = None
    """Drop a row whose five-word shingles are those of one before it to at least this share, in (0, 1], as MinHash
    estimates it; instructions and tool lists do not count. None when empty."""
    per_task: int | None = None
    """At most this many episodes of one task, the first ones; all of them when empty."""
    skip_bad: bool = False
    """Count rows that cannot be read and leave them out, instead of stopping at the first."""
    workers: int = 2
    """Processes."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "per_task", "workers")
        if self.near is not None and not 0 < self.near <= 1:
            raise BadInput(f"near must be above 0 and at most 1, found {self.near}")


def deduplicate(
    config: DeduplicateConfig, inputs: Sequence[Path], out: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Write the rows that stay to `out`, and the funnel of `filter` that stands beside the input, brought up to date,
    beside it; returns counts.

    Inputs are files or folders of trajectories or chat rows. A row is dropped for the first reason that holds:
    ``duplicate`` (same task and seed), ``same_text``, ``same_actions``, ``per_task``, ``near_duplicate``. Raises
    BadInput for a row that cannot be read (unless `skip_bad`), and where no row is left.
    """
    if config.near is not None:
        try:
            import rensa  # noqa: F401
        except ModuleNotFoundError:
            raise MissingExtra("rensa", "corpus") from None
    refused, seen = Refused(), _Seen(config)
    dropped: dict[str, Counter[str]] = {}
    tasks: dict[str, int] = {}
    total: Counter[str] = Counter()

    def kept() -> Iterator[dict[str, Any]]:
        done = 0
        jobs = ((batch, batch) for batch in _batches(config, inputs, refused))
        for batch, prints in in_order(_fingerprints, config.near is not None, jobs, processes=config.workers):
            for row, known in zip(batch, prints, strict=True):
                if isinstance(known, BadRow):
                    _refuse(config, refused, known)
                    continue
                total[known.source] += 1
                tasks[known.source] = tasks.get(known.source, 0) + seen.is_new_task(known)
                reason = seen.reason(known)
                if reason is None:
                    yield row.value
                else:
                    dropped.setdefault(known.source, Counter())[reason] += 1
            done += len(batch)
            if progress:
                progress(done, None, batch[-1].where)

    left = write_jsonl(out, kept())
    if not left:
        raise BadInput(f"{', '.join(map(str, inputs))}: no rows to keep; give files of trajectories or chat rows")
    _write_funnel(inputs, out, total, tasks, dropped)
    reasons: Counter[str] = sum(dropped.values(), Counter())
    return {
        "rows": left,
        "read": total.total(),
        "dropped": dict(sorted(reasons.items())),
        "sources": {name: {"rows": total[name], "dropped": dict(dropped.get(name, {}))} for name in sorted(total)},
        "repeated_ids": seen.repeated_ids,
        "unreadable": {"counts": dict(refused.counts), "examples": refused.examples},
    }


def deduplication_lines(counts: Mapping[str, Any]) -> list[str]:
    """The counts to read: a line for each source, and what was wrong with rows."""
    reasons = list(counts["dropped"])
    table = [["", "rows", "kept", *reasons]]
    for name, source in counts["sources"].items():
        numbers = [source["rows"], source["rows"] - sum(source["dropped"].values())]
        table.append([name or "rows", *map(str, numbers), *(str(source["dropped"].get(r, 0)) for r in reasons)])
    lines = aligned(table).splitlines()
    if counts["repeated_ids"]:
        lines.append(f"{counts['repeated_ids']} rows have the id of another row and say something else; they are kept")
    for reason, number in counts["unreadable"]["counts"].items():
        lines.append(f"{number} rows left out, {reason}: {counts['unreadable']['examples'][reason]}")
    return lines


class _Seen:
    """The rows that have stayed so far."""

    def __init__(self, config: DeduplicateConfig):
        self.config = config
        self.all_tasks, self.ids = Hashes(), Hashes()
        self.episodes, self.texts, self.actions = Hashes(), Hashes(), Hashes()
        self.of_task: Counter[int] = Counter()
        self.repeated_ids = self.kept = 0
        self.near: Any = None
        if config.near is not None:
            from rensa import RMinHashDeduplicator

            self.near = RMinHashDeduplicator(config.near, PERMUTATIONS, True, BANDS, 0)

    def is_new_task(self, row: Fingerprint) -> bool:
        return row.task != 0 and self.all_tasks.add(row.task)

    def reason(self, row: Fingerprint) -> str | None:
        """Why the row is dropped, None for one that stays."""
        config = self.config
        if row.episode in self.episodes:
            return "duplicate"
        if config.text and row.text in self.texts:
            return "same_text"
        if config.actions and row.actions in self.actions:
            return "same_actions"
        if config.per_task is not None and row.task and self.of_task[row.task] >= config.per_task:
            return "per_task"
        if self.near is not None and not self.near.add(str(self.kept), row.sketch):
            return "near_duplicate"
        self._keep(row)
        return None

    def _keep(self, row: Fingerprint) -> None:
        self.kept += 1
        if self.config.text:
            self.texts.add(row.text)
        if self.config.per_task is not None and row.task:
            self.of_task[row.task] += 1
        for hashes, hash in ((self.episodes, row.episode), (self.actions, row.actions)):
            if hash:
                hashes.add(hash)
        self.repeated_ids += row.id != 0 and not self.ids.add(row.id)


def _batches(config: DeduplicateConfig, inputs: Sequence[Path], refused: Refused) -> Iterator[list[Row]]:
    def refuse(error: BadRow) -> None:
        _refuse(config, refused, error)

    found = (row for path in inputs for file in files_of(path) for row in _rows(file, refuse))
    while batch := list(islice(found, BATCH)):
        yield batch


def _rows(file: Path, refuse: Callable[[BadRow], None]) -> Iterator[Row]:
    """Rows as our JSONL has them; a table keeps them in columns."""
    for row in rows(file, refuse):
        if file.suffix != ".parquet":
            yield row
            continue
        try:
            yield Row(row.where, row_of(Parquet().item(row.value, row.where)[0]))
        except BadRow as error:
            refuse(error)


def _refuse(config: DeduplicateConfig, refused: Refused, error: BadRow) -> None:
    if not config.skip_bad:
        raise error
    refused(error)


def _fingerprints(near: bool, batch: Sequence[Row]) -> list[Fingerprint | BadRow]:
    out: list[Fingerprint | BadRow] = []
    for row in batch:
        try:
            out.append(fingerprint(row.value, row.where, near=near))
        except BadRow as error:
            out.append(error)
    return out


def _write_funnel(
    inputs: Sequence[Path], out: Path, total: Counter[str], tasks: dict[str, int], dropped: dict[str, Counter[str]]
) -> None:
    """The filter's funnel, where one stands beside the input, with what was dropped here; else one of these rows."""
    before = inputs[0].with_name(FUNNEL)
    sources = read_json(before)["sources"] if before.is_file() else {}
    for name in sorted(total):
        environment = name.removeprefix("agent/") or "rows"
        fresh = {"tasks": tasks.get(name, 0), "episodes": total[name], "kept": total[name], "dropped": {}}
        source = sources.setdefault(environment, fresh)
        source["kept"] -= dropped.get(name, Counter()).total()
        source["dropped"] = dict(Counter(source["dropped"]) + dropped.get(name, Counter()))
    write_json(out.with_name(FUNNEL), {"sources": dict(sorted(sources.items()))})
