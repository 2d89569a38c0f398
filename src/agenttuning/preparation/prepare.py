"""From raw shards to a corpus, in three rounds of work; what is done already is not done again.

    prepared/
      corpus/00000.jsonl.zst …    encoded/00000/ …    prepared.json    manifest.json

>>> prepare(PrepareConfig(), {"agent": Path("raw"), "general": Path("chat")}, out, dialect="command", seed=0)
{'read': 52000, 'refused': {'not_json': 3}, …, 'rows': 40000}
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agenttuning.corpus.contamination.table import contamination_table
from agenttuning.corpus.formats import Refused
from agenttuning.corpus.formats.rows import files_of
from agenttuning.corpus.shards import shard_name
from agenttuning.errors import BadInput
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.files import write_json
from agenttuning.preparation.choose import choose
from agenttuning.preparation.contaminated import write_items, write_table
from agenttuning.preparation.draw import plan
from agenttuning.preparation.job import FILE, Job, PrepareConfig, units_of
from agenttuning.preparation.workers import Workers, each
from agenttuning.progress import Progress, bar
from agenttuning.settings import plain
from agenttuning.stages import Stage
from agenttuning.tables import aligned

REPORT = "prepared.json"


def prepare(
    config: PrepareConfig,
    paths: Mapping[str, Path],
    folder: Path,
    *,
    dialect: str,
    seed: int,
    model: str = "",
    evaluate: EvaluateConfig | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fill `folder` from the sources, or go on in it; returns the report, which is also ``prepared.json``, and seconds.

    `model` is whose tokens are stored under ``encoded``, "" for none; `evaluate` is what else is
    looked for in the rows beside the config's own evaluation sets. Raises BadInput where nothing is left to draw.
    """
    workers = workers or Workers()
    folder = folder.resolve()
    _sweep_up(folder)
    refused = Refused()
    job = Job(folder, config, dialect, seed, model, tuple(units_of(paths, refused)))
    if not job.units:
        why = "; ".join(refused.examples.values()) or "there are no rows"
        raise BadInput(f"nothing could be imported: {why}")
    if not (folder / FILE).is_file():
        write_items(job, evaluate)
        job.write()
    seconds: dict[str, float] = {}
    totals = _Totals(refused)
    for piece in _timed("clean", each("clean", folder, len(job.units), workers), len(job.units), seconds, progress):
        totals.add(piece)
    began = time.monotonic()
    chosen = choose(folder)
    shards = -(-plan(folder)["rows"] // config.shard_rows)
    seconds["choose"] = round(time.monotonic() - began, 2)
    for piece in _timed("draw", each("draw", folder, shards, workers), shards, seconds, progress):
        totals.add(piece)
    report = totals.report(chosen)
    if table := write_table(job):
        report["contamination"] = table["table"]
    report["shards"] = [shard_name(number, config.kind) for number in range(shards)]
    write_json(folder / REPORT, report)
    for name in ("parts", "places", "reports"):
        shutil.rmtree(folder / name)
    for name in (FILE, "chosen.json", "drawing.json"):
        (folder / name).unlink()
    return {**report, "seconds": seconds}


def prepare_stage(
    config: PrepareConfig,
    agent: Path,
    out: Path,
    *,
    dialect: str,
    seed: int,
    model: str = "",
    evaluate: EvaluateConfig | None = None,
    workers: Workers | None = None,
) -> Stage:
    """The stage of `prepare`. Inputs are known by name, size and time: a hash would read all of a corpus once more."""
    paths = config.mix.paths(agent)

    def work(partial: Path) -> Mapping[str, Any]:
        with bar("prepare") as progress:
            return prepare(
                config,
                paths,
                partial,
                dialect=dialect,
                seed=seed,
                model=model,
                evaluate=evaluate,
                workers=workers,
                progress=progress,
            )

    files = [(source, file, file.stat()) for source, path in paths.items() for file in files_of(path)]
    inputs = [[source, str(file.resolve()), found.st_size, found.st_mtime_ns] for source, file, found in files]
    settings = plain(config) | {
        "dialect": dialect,
        "seed": seed,
        "model": model,
        "inputs": inputs,
        "evaluate": plain(evaluate),
    }
    return Stage("prepare", out, settings, (), work)


def _timed(
    name: str, reports: Iterator[dict[str, Any]], pieces: int, seconds: dict[str, float], progress: Progress | None
) -> Iterator[dict[str, Any]]:
    began = time.monotonic()
    for done, report in enumerate(reports, start=1):
        if progress:
            progress(done, pieces, name)
        yield report
    seconds[name] = round(time.monotonic() - began, 2)


def _sweep_up(folder: Path) -> None:
    """Remove what a killed worker had half written."""
    for file in folder.rglob("*.partial"):
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()


class _Totals:
    """Sums over the pieces as they come, in no order that depends on who finished first."""

    def __init__(self, refused: Refused):
        self.counts = {name: Counter[str]() for name in ("refused", "found", "dropped", "drawn", "encoding")}
        self.counts["refused"].update(refused.counts)
        self.examples = dict(refused.examples)
        self.sums = Counter[str]()

    def add(self, piece: Mapping[str, Any]) -> None:
        """A piece of `clean` or a shard of `draw`."""
        for name, counts in self.counts.items():
            counts.update(piece.get(name, {}))
        for reason, text in piece.get("examples", {}).items():
            self.examples[reason] = min(text, self.examples.get(reason, text))
        names = ("read",) if "read" in piece else ("rows", "tokens", "trained_tokens")
        self.sums.update({name: piece[name] for name in names if name in piece})

    def report(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        self.counts["dropped"].update(chosen["dropped"])
        report: dict[str, Any] = {"read": self.sums["read"]}
        report |= {name: {k: n for k, n in sorted(counts.items()) if n} for name, counts in self.counts.items()}
        report |= {"examples": dict(sorted(self.examples.items())), "kept": chosen["kept"]}
        report |= {name: chosen[name] for name in ("duplicate_ids", "example_of_duplicate_ids")}
        return report | {name: n for name, n in sorted(self.sums.items()) if name != "read"}


def prepared_table(report: Mapping[str, Any]) -> str:
    """The report to read: how many rows went in and came out, then what was refused, dropped and drawn."""
    kept = sum(report["kept"].values())
    blocks = [f"{report['read']} rows read, {kept} clean, {report['rows']} drawn in {len(report['shards'])} shards"]
    for title, name in (
        ("refused", "refused"),
        ("dropped", "dropped"),
        ("drawn from", "drawn"),
        ("tokens", "encoding"),
    ):
        if report[name]:
            blocks.append(aligned([[title, "rows"], *([reason, str(n)] for reason, n in report[name].items())]))
    blocks += [f"for example {text}" for text in report["examples"].values()]
    if report["duplicate_ids"]:
        blocks.append(
            f"{report['duplicate_ids']} rows have the id of another, first {report['example_of_duplicate_ids']!r}"
        )
    if "tokens" in report:
        blocks.append(f"{report['tokens']} tokens, {report['trained_tokens']} of them trained")
    if "contamination" in report:
        blocks.append(contamination_table(report["contamination"]))
    return "\n".join(blocks)
