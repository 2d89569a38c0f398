"""Every training row against every evaluation item: a table, a listing, and a corpus without the dirty rows.

`decontaminate` reads the rows once, marks them in one process or several, and writes ``contamination.json`` (the
table), ``items.jsonl`` (the listing) and, where rows are to be dropped, ``corpus.jsonl``. The same rows and items give
the same bytes, whatever the number of processes.

>>> decontaminate(DecontaminateConfig(), Path("corpus/corpus.jsonl"), items, Path("decontaminated"))["dirty"]
0
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from agenttuning.corpus.contamination.index import SHORTEST, Index, Rules, build
from agenttuning.corpus.contamination.items import Found
from agenttuning.corpus.contamination.listing import listing
from agenttuning.corpus.contamination.mark import mark
from agenttuning.corpus.contamination.table import ALL, COUNTS, by_source
from agenttuning.corpus.contamination.tally import Tally, covered
from agenttuning.corpus.contamination.words import text_of
from agenttuning.corpus.formats.base import Refused, Row
from agenttuning.corpus.formats.rows import files_of, rows
from agenttuning.corpus.in_order import in_order
from agenttuning.errors import BadInput, BadRow, MissingExtra
from agenttuning.files import write_json, write_jsonl
from agenttuning.progress import Progress
from agenttuning.settings import check_at_least

BATCH = 1 << 20  # characters of text that are marked at once
RESULT, ITEMS_FILE, CORPUS = "contamination.json", "items.jsonl", "corpus.jsonl"


@dataclass(frozen=True, kw_only=True)
class DecontaminateConfig:
    """How training rows are compared with what the model is evaluated on (docs/contamination.md)."""

    n: int = 10
    """Equal words that make a match."""
    mismatches: int = 4
    """Words that may differ between them, the skip-gram budget."""
    exact: int = 3
    """How many of the equal words stand side by side, in words that are the item's own; n gives Llama 2's rule, which
    finds fewer changed texts and fewer that are only worded alike."""
    common: int = 3
    """A run of words in more places of its set than this is a template's, and not an item's own."""
    clean: float = 0.2
    """An item with a smaller share of its own words in the training rows is clean."""
    dirty: float = 0.8
    """An item with at least this share is dirty."""
    drop: Literal["none", "dirty"] = "none"
    """Which rows are left out: none, or dirty, those that alone make an item dirty."""
    suites: bool = True
    """Whether the suites that the recipe evaluates are looked for."""
    files: dict[str, str] = field(default_factory=dict)
    """Further evaluation sets by name: JSONL, JSON or Parquet, all texts of a row or those of FILE#FIELD,FIELD."""
    sample: float = 1.0
    """The share of the rows that is looked at, in (0, 1]; with less than all, rates are too low and none is dropped."""
    skip_bad: bool = False
    """Count rows that cannot be read and leave them out, instead of stopping at the first."""
    workers: int = 2
    """Processes."""

    def __post_init__(self) -> None:
        _ = self.rules
        check_at_least(self, 1, "workers")
        if not 0 < self.clean <= self.dirty <= 1:
            raise BadInput(f"clean must be above 0 and at most dirty, and dirty at most 1, found {self.clean}")
        if not 0 < self.sample <= 1:
            raise BadInput(f"sample must be above 0 and at most 1, found {self.sample}")
        if self.sample < 1 and self.drop != "none":
            raise BadInput("sample must be 1 where dirty rows are dropped: rows that are not looked at may be dirty")

    @property
    def rules(self) -> Rules:
        return Rules(self.n, self.mismatches, self.exact, self.common)


def decontaminate(
    config: DecontaminateConfig, corpus: Path, found: Found, out: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Look for the items in a file or folder of rows; writes into the folder `out` and returns counts.

    Raises BadInput for a row that cannot be read (unless `skip_bad`), where there are no rows or no items.
    """
    try:
        import numpy  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtra("numpy", "corpus") from None
    index = build(found.items, config.rules)
    whole, left, refused = Tally(index), Tally(index), Refused()
    dropped: dict[str, int] = {}
    done = 0

    def kept() -> Iterator[dict[str, Any]]:
        nonlocal done
        jobs = ((batch, [row.text for row in batch]) for batch in _batches(config, corpus, refused))
        for batch, marks in in_order(mark, index, jobs, processes=config.workers):
            sources, names = [row.source for row in batch], [row.where for row in batch]
            whole.add(marks, sources, names)
            bad = {text for (text, _), share in covered(index, marks).items() if share >= config.dirty}
            if config.drop == "dirty":
                left.add(marks, sources, names, without=bad)
            for i, row in enumerate(batch):
                if i in bad and config.drop == "dirty":
                    dropped[row.source] = dropped.get(row.source, 0) + 1
                else:
                    yield row.value
            done += len(batch)
            if progress:
                progress(done, None, f"{len(bad)} dirty rows" if bad else "")

    if config.drop == "dirty":
        write_jsonl(out / CORPUS, kept())
    else:
        deque(kept(), maxlen=0)
    if not done:
        raise BadInput(f"{corpus}: no rows to look at; make some with: agenttuning mix")
    result = result_of(config, found, index, whole, left, refused, dropped)
    write_jsonl(out / ITEMS_FILE, listing(found.items, index, whole, config.clean, config.dirty))
    write_json(out / RESULT, result)
    return {"rows": done, **{kind: _items(result, kind) for kind in ("items", *COUNTS, "unknown")}, **result}


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    source: str
    text: str
    value: dict[str, Any]


def _batches(config: DecontaminateConfig, corpus: Path, refused: Refused) -> Iterator[list[_Row]]:
    """The rows in order, about BATCH characters at a time."""
    batch, size = [], 0
    for number, (file, row) in enumerate(_rows(config, corpus, refused)):
        if config.sample < 1 and not _drawn(number, config.sample):
            continue
        batch.append(_Row(row.where, _source(row.value, file), text_of(row.value), row.value))
        size += len(batch[-1].text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _rows(config: DecontaminateConfig, corpus: Path, refused: Refused) -> Iterator[tuple[Path, Row]]:
    def refuse(error: BadRow) -> None:
        if not config.skip_bad:
            raise error
        refused(error)

    for file in files_of(corpus):
        for row in rows(file, refuse):
            yield file, row


def _source(row: Mapping[str, Any], file: Path) -> str:
    """What a corpus row says of itself, the environment of a trajectory, else the file's name."""
    extra = row.get("extra")
    task = extra.get("task") if isinstance(extra, dict) else None
    if isinstance(task, dict) and isinstance(task.get("environment"), str):
        return f"agent/{task['environment']}"
    source = row.get("source")
    return source if isinstance(source, str) and source else file.stem


def _drawn(number: int, share: float) -> bool:
    digest = blake2b(str(number).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2**64


def _items(result: Mapping[str, Any], kind: str) -> int:
    """How many items of all sets are of this kind."""
    return sum(row[kind] for row in result["table"] if row["source"] == ALL)


def result_of(
    config: DecontaminateConfig,
    found: Found,
    index: Index,
    whole: Tally,
    left: Tally,
    refused: Refused,
    dropped: Mapping[str, int],
) -> dict[str, Any]:
    """What ``contamination.json`` holds; `left` is the table of what is left where rows were dropped."""
    short: dict[str, int] = {}
    for i in index.short:
        short[index.sets[i]] = short.get(index.sets[i], 0) + 1
    limits = config.clean, config.dirty
    return {
        "rules": {"n": config.n, "mismatches": config.mismatches, "exact": config.exact, "common": config.common},
        "thresholds": {"clean": config.clean, "dirty": config.dirty},
        "dropped": sum(dropped.values()),
        "sample": config.sample,
        "drop": config.drop,
        "sources": {
            name: {"rows": whole.of(name).rows, "dropped": dropped.get(name, 0)} for name in sorted(whole.sources)
        },
        "table": by_source(index, whole, *limits),
        "left": by_source(index, left, *limits) if config.drop != "none" else [],
        "too_short": short,
        "shortest": min(SHORTEST, config.n),
        "repeated_ids": found.repeated,
        "goal_only": found.goal_only,
        "unreadable_items": {"counts": dict(found.refused.counts), "examples": found.refused.examples},
        "unreadable_rows": {"counts": dict(refused.counts), "examples": refused.examples},
    }
