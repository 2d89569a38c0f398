"""What is prepared and how, as the workers read it: one JSON file in the folder that all of them see.

>>> job = Job.read(Path("prepared.partial"))
>>> job.units[0]
Unit(source='agent', file='raw/00000.jsonl', format='agentinstruct', block=Lines(offset=0, first=1, count=812))
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from agenttuning.corpus.contamination import DecontaminateConfig
from agenttuning.corpus.deduplicate import DeduplicateConfig
from agenttuning.corpus.filter import FilterConfig
from agenttuning.corpus.fingerprint import Fingerprint
from agenttuning.corpus.formats import Refused, format_of
from agenttuning.corpus.formats.base import Item
from agenttuning.corpus.formats.rows import files_of, kind_of_file
from agenttuning.corpus.lint import chosen_rules
from agenttuning.corpus.mixture import MixConfig
from agenttuning.corpus.shards import KINDS, Kind, blocks
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import Lines, read_json, write_json
from agenttuning.settings import build, check_at_least, plain, suggest
from agenttuning.zstd import MAGIC

BLOCK = 8 << 20  # bytes of plain JSONL that one piece of work reads at least
FILE = "job.json"


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """How raw shards become shards to train on."""

    mix: MixConfig = field(default_factory=MixConfig)
    """The sources and their shares; what `prepare` is given first is the agents' own source."""
    filter: FilterConfig = field(default_factory=FilterConfig)
    """Which trajectories are worth learning from."""
    deduplicate: DeduplicateConfig = field(default_factory=DeduplicateConfig)
    """Which rows are too much like one before them, and how many episodes of a task stay; not `near`."""
    decontaminate: DecontaminateConfig = field(default_factory=DecontaminateConfig)
    """How rows are compared with evaluation sets, and whether dirty ones are dropped; all rows are, by all workers."""
    fix: Literal["drop", "mask", "none"] = "drop"
    """What happens to rows with faults: drop leaves them out, mask takes the loss off their faulty turns."""
    ignore: tuple[str, ...] = ()
    """Rules of `lint` that are left out."""
    kind: Kind = "jsonl.zst"
    """What the shards are: jsonl, jsonl.zst or parquet."""
    shard_rows: int = 10_000
    """Rows of a shard."""
    max_length: int = 4096
    """Tokens of an encoded row at most, where a model is named."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "shard_rows", "max_length")
        if self.kind not in KINDS:
            raise BadInput(f"kind is {self.kind!r}; {suggest(self.kind, KINDS)}")
        if self.decontaminate.sample < 1:
            raise BadInput("decontaminate.sample must be 1: all rows are looked at")
        if self.deduplicate.near is not None:
            raise BadInput("deduplicate.near compares each row with all others; run `agenttuning deduplicate` for it")
        chosen_rules((), self.ignore)


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the input. `format` is the importer that reads it, None where the file could not be opened at all."""

    source: str
    file: str
    format: str | None
    block: Lines | None = None


@dataclass(slots=True)
class Candidate:
    """A row on its way: where it was read, what it is, the `source` field it will have, and its hashes, which are those
    of the trajectory where it was one."""

    where: str
    item: Item
    source: str
    known: Fingerprint | None = None


@dataclass(frozen=True)
class Job:
    """`model` is whose tokens are counted and encoded, "" for none; `folder` is where the work is done."""

    folder: Path
    config: PrepareConfig
    dialect: str
    seed: int
    model: str
    units: tuple[Unit, ...]

    @property
    def sources(self) -> list[str]:
        return list(dict.fromkeys(unit.source for unit in self.units))

    def write(self) -> None:
        values = {"config": plain(self.config), "dialect": self.dialect, "seed": self.seed, "model": self.model}
        write_json(self.folder / FILE, {**values, "units": [asdict(unit) for unit in self.units]})

    @staticmethod
    def read(folder: Path) -> "Job":
        """The job of a folder; a worker process reads it once."""
        return _read(folder, stamp(folder))


@lru_cache(maxsize=1)
def _read(folder: Path, stamp: tuple[int, int]) -> Job:
    values: Mapping[str, Any] = read_json(folder / FILE)
    units = tuple(
        Unit(one["source"], one["file"], one["format"], Lines(**one["block"]) if one["block"] else None)
        for one in values["units"]
    )
    config = build(PrepareConfig, values["config"], [])
    return Job(folder, config, values["dialect"], values["seed"], values["model"], units)


def stamp(folder: Path) -> tuple[int, int]:
    """What tells a folder's job from one that was there before."""
    found = (folder / FILE).stat()
    return found.st_mtime_ns, found.st_ino


def units_of(paths: Mapping[str, Path], refused: Refused) -> Iterator[Unit]:
    """The input in pieces, in the order of its sources, files and lines; the same for any number of workers.

    A file that is of no format is refused with its reason and left out. Raises BadInput for a path without files.
    """
    for source, path in paths.items():
        for file in files_of(path):
            kind = kind_of_file(file, Refused())
            try:
                format = format_of(file)
            except BadRow as error:
                refused(error)
                continue
            if format is None or kind is None:
                # Without a row that could be read; the piece counts why.
                yield Unit(source, str(file), None)
            elif kind == "lines" and file.open("rb").read(len(MAGIC)) != MAGIC:
                yield from (Unit(source, str(file), format, block) for block in blocks(file, BLOCK))
            else:
                yield Unit(source, str(file), format)
