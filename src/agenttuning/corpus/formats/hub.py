"""A folder as dataset hubs have it: data files and a README.md, the dataset card, with YAML at its top.

    corpus/
      README.md                       licence, sizes, columns, source, how it was made
      data/trajectories.jsonl         or .parquet, one configuration of the data set each
      data/conversations.jsonl

JSONL rows are our own, lossless; `read` opens the folder again. Nothing is uploaded: that is `push`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import yaml

from agenttuning import __version__
from agenttuning.atif import to_atif
from agenttuning.conversation import to_row
from agenttuning.corpus.formats.base import Format, Item, WriteConfig
from agenttuning.corpus.formats.parquet import COLUMNS, Parquet
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import atomic_write
from agenttuning.licences import front_matter
from agenttuning.provenance import forbids, of
from agenttuning.trajectory import Trajectory

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_ORIGIN = ("source", "license", "teacher", "environment", "environment_version")
_LICENSE = _ORIGIN.index("license")
_JSONL_COLUMNS = {
    "trajectories": {
        "schema_version, trajectory_id, agent, steps": "an ATIF v1.8 document",
        "extra": "task, reward, outcome, seed",
    },
    "conversations": {
        "id": "the row's name",
        "messages": "OpenAI messages; assistant turns with train (loss weight) and segments",
        "tools": "function definitions, where there are any",
        "meta": "anything else",
    },
}


class Hub(Format):
    name = "hub"
    about = "a folder for a dataset hub: data files and a dataset card; --license is needed"

    def fits(self, row: Mapping[str, Any]) -> bool:
        return False  # its files are ATIF, chat rows or Parquet

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        raise BadRow(f"{where}: a hub folder is read without a format: each of its files says what it is", "no_turns")

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        yield to_atif(item) if isinstance(item, Trajectory) else to_row(item)

    def write(self, items: Iterable[Item], out: Path, config: WriteConfig, lost: Counter[str]) -> dict[str, int]:
        if not config.license:
            raise BadInput("hub: a dataset card needs a licence; say which: --license apache-2.0")
        return self.write_folder(items, out, config, lost)

    def write_folder(self, items: Iterable[Item], out: Path, config: WriteConfig, lost: Counter[str]) -> dict[str, int]:
        """The data and their card, under the licences of the rows where `config` has none for the whole."""
        sizes = Sizes()
        counted = sizes.counted(items)
        if config.parquet:
            counts = Parquet().write(counted, out / "data", config, lost)
        else:
            counts = self._write_jsonl(counted, out / "data", config, lost)
        with atomic_write(out / "README.md") as stream:
            stream.write(card(sizes, out.name, config))
        return counts

    def _write_jsonl(self, items: Iterable[Item], out: Path, config: WriteConfig, lost: Counter[str]) -> dict[str, int]:
        counts = {"items": 0, "rows": 0}
        with ExitStack() as stack:
            streams: dict[str, IO[str]] = {}
            for item in items:
                kind = kind_of(item)
                if kind not in streams:
                    streams[kind] = stack.enter_context(atomic_write(out / f"{kind}.jsonl"))
                for row in self.rows(item, config, lost):
                    streams[kind].write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                    counts["rows"] += 1
                counts["items"] += 1
        return counts


def kind_of(item: Item) -> str:
    return "trajectories" if isinstance(item, Trajectory) else "conversations"


class Sizes:
    """What a dataset card counts, taken while the items pass."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.turns: Counter[str] = Counter()
        self.trained: Counter[str] = Counter()
        self.environments: Counter[str] = Counter()
        self.origins: Counter[tuple[str, ...]] = Counter()
        self.seeds: dict[tuple[str, ...], tuple[int, int]] = {}

    @property
    def licenses(self) -> list[str]:
        return sorted({origin[_LICENSE] for origin in self.origins})

    def counted(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            kind = kind_of(item)
            self.rows[kind] += 1
            self._trace(of(item))
            if isinstance(item, Trajectory):
                self.environments[item.task.environment] += 1
                flags = [step.train for step in item.steps]
            else:
                flags = [bool(message.train) for message in item.messages if message.role == "assistant"]
            self.turns[kind] += len(flags)
            self.trained[kind] += sum(flags)
            yield item

    def _trace(self, known: Mapping[str, Any]) -> None:
        origin = (*(str(known[name]) for name in _ORIGIN), ", then ".join(map(str, known["transformations"])) or "none")
        self.origins[origin] += 1
        if isinstance(known["seed"], int):
            low, high = self.seeds.get(origin, (known["seed"], known["seed"]))
            self.seeds[origin] = min(low, known["seed"]), max(high, known["seed"])


def card(sizes: Sizes, folder: str, config: WriteConfig, files: Mapping[str, Sequence[str]] | None = None) -> str:
    """The dataset card: YAML for the hub, then the same for people; `files` are those of each kind where they are not
    ``data/KIND``."""
    ending = "parquet" if config.parquet else "jsonl"
    named = config.license or ", ".join(sizes.licenses)
    paths = {kind: list(files[kind]) if files else f"data/{kind}.{ending}" for kind in sizes.rows}
    kinds = sorted(sizes.rows, reverse=True)
    title = config.title or folder
    total = sum(sizes.rows.values())
    front = {
        **front_matter([config.license] if config.license else sizes.licenses),
        "pretty_name": title,
        "task_categories": ["text-generation"],
        "tags": ["agent", "agenttuning"],
        "size_categories": [next((name for most, name in _SIZES if total < most), "n>10M")],
        "configs": [{"config_name": kind, "data_files": [{"split": "train", "path": paths[kind]}]} for kind in kinds],
    }
    columns = COLUMNS if config.parquet else _JSONL_COLUMNS
    lines = ["---", yaml.safe_dump(front, sort_keys=False, allow_unicode=True).rstrip(), "---", "", f"# {title}", ""]
    lines += [config.source or "The source of these data is not stated.", ""]
    lines += ["| configuration | rows | agent's turns | of them trained |", "|---|---|---|---|"]
    lines += [f"| {kind} | {sizes.rows[kind]} | {sizes.turns[kind]} | {sizes.trained[kind]} |" for kind in kinds]
    if sizes.environments:
        lines += ["", "| environment | trajectories |", "|---|---|"]
        lines += [f"| {name} | {count} |" for name, count in sorted(sizes.environments.items())]
    lines += ["", "## Where the rows come from", ""]
    lines += ["| rows | source | licence | teacher | environment | its version | seeds | what was done |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for origin, count in sorted(sizes.origins.items(), key=lambda pair: (-pair[1], pair[0])):
        *known, done = (text.replace("|", "\\|").replace("\n", " ") for text in origin)
        low, high = sizes.seeds.get(origin, (None, None))
        seeds = "unknown" if low is None else str(low) if low == high else f"{low} to {high}"
        lines += [f"| {count} | {' | '.join(known)} | {seeds} | {done} |"]
    if forbidding := [license for license in sizes.licenses if forbids(license)]:
        lines += ["", f"Rows under {', '.join(forbidding)} are here although that forbids training on them."]
    for kind in kinds:
        lines += ["", f"## Columns of {kind}", "", "| column | holds |", "|---|---|"]
        lines += [f"| {name} | {what} |" for name, what in columns[kind].items()]
    lines += ["", "## How it was made", "", "| setting | value |", "|---|---|"]
    lines += [
        f"| {name} | {value} |"
        for name, value in {"written by": f"agenttuning {__version__}", **config.settings}.items()
    ]
    lines += [line for section in config.sections for line in ("", section)]
    lines += ["", f"Licence: {named}.", ""]
    return "\n".join(lines)
