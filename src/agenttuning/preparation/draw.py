"""One output shard on its own: the rows that the mixture has at its places, and their tokens.

    corpus/00007.jsonl.zst    the rows        encoded/00007/    their tokens and loss mask, as training stores them
    reports/00007.json        how many of each source; written last

>>> draw(Path("prepared.partial"), 7)["rows"]
10000
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from agenttuning.conversation import from_row
from agenttuning.corpus.drawing import Drawing
from agenttuning.corpus.mixture import SAMPLE, tree_of
from agenttuning.corpus.places import Places
from agenttuning.corpus.proportions import Known
from agenttuning.corpus.shards import shard_name, write_shard
from agenttuning.errors import BadInput, MaskError, UserError
from agenttuning.files import read_json, write_json
from agenttuning.preparation.choose import index_of
from agenttuning.preparation.job import Job, stamp


def draw(folder: Path, number: int) -> dict[str, Any]:
    """Write shard `number` of the job in `folder`, unless it is written; returns its report."""
    done = folder / "reports" / f"{number:05}.json"
    if done.is_file():
        return read_json(done)
    job, drawing, total = Job.read(folder), drawing_of(folder), total_rows(folder)
    size = job.config.shard_rows
    drawn: Counter[str] = Counter()
    lines: list[bytes] = []
    for position in range(number * size, min(total, (number + 1) * size)):
        one = drawing.at(position)
        drawn[one.source] += 1
        lines.append(_places(folder)[one.source].line(one.row))
    name = shard_name(number, job.config.kind)
    write_shard(folder / "corpus" / name, (json.loads(line) for line in lines))
    encoded = _encode(job, lines, folder / "encoded" / f"{number:05}", name) if job.model else {}
    report = {"rows": len(lines), "drawn": dict(sorted(drawn.items())), **encoded}
    write_json(done, report)
    return report


def plan(folder: Path) -> dict[str, Any]:
    """What `draw` goes by, as one file: the rows in all, and those of each source's mean trained tokens."""
    done = folder / "drawing.json"
    if done.is_file():
        return read_json(done)
    job = Job.read(folder)
    config = job.config.mix
    by_tokens = config.by == "tokens" or config.tokens is not None
    if by_tokens and not job.model:
        raise BadInput("by tokens, rows are counted by a model's tokenizer; name the model: --model")
    known: dict[str, tuple[int, float]] = {}
    for source, places in _places(folder).items():
        if not len(places):
            raise BadInput(
                f"{source}: no rows are left to draw from; see what was left out in {folder / 'chosen.json'}"
            )
        known[source] = len(places), _mean_tokens(job, places) if by_tokens else 1.0
    total, _ = tree_of(config, {name: Known(*one) for name, one in known.items()})
    report = {"rows": total, "known": known}
    write_json(done, report)
    return report


def total_rows(folder: Path) -> int:
    return plan(folder)["rows"]


def drawing_of(folder: Path) -> Drawing:
    job, known = Job.read(folder), {name: Known(*one) for name, one in plan(folder)["known"].items()}
    _, tree = tree_of(job.config.mix, known)
    counts = {name: one.rows for name, one in known.items()}
    return Drawing(tree, counts, seed=job.seed, replacement=job.config.mix.replacement)


def _places(folder: Path) -> dict[str, Places]:
    """Of every source that has a share; a worker opens them once."""
    return _opened(folder, stamp(folder))


@lru_cache(maxsize=1)
def _opened(folder: Path, stamp: tuple[int, int]) -> dict[str, Places]:
    job = Job.read(folder)
    parts = [folder / "parts" / f"{number:06}.jsonl" for number in range(len(job.units))]
    return {source: Places(parts, index_of(folder, source).open("rb")) for source in job.sources}


@cache
def _encoder(model: str) -> Any:
    from agenttuning import models
    from agenttuning.training.encode import Encoder

    return Encoder(models.load_tokenizer(models.resolve(model)))


def _mean_tokens(job: Job, places: Places) -> float:
    from agenttuning.training.encode import trained_tokens

    looked_at = min(len(places), SAMPLE)
    encoder = _encoder(job.model)
    rows = (json.loads(places.line(i * len(places) // looked_at)) for i in range(looked_at))
    return max(1, sum(sum(trained_tokens(encoder, from_row(row)).values()) for row in rows)) / looked_at


def _encode(job: Job, lines: list[bytes], out: Path, name: str) -> dict[str, Any]:
    """Store the rows' tokens; returns how many, and which rows have none, by reason."""
    from agenttuning.training.encode import cut
    from agenttuning.training.row_store import block, store

    dropped: Counter[str] = Counter()
    kept = []

    def conversations() -> Iterator[tuple[Any, str]]:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            yield from_row(row, where=f"{name}:{number}"), row["source"]

    for found in _encoder(job.model).encode_all(conversations()):
        if isinstance(found, UserError):
            dropped[found.reason if isinstance(found, MaskError) else "refused by the chat template"] += 1
            continue
        for row in found:
            short = cut(row, job.config.max_length)
            dropped["no trained token within max_length"] += short is None
            if short is not None:
                dropped["cut to max_length"] += len(short.ids) < len(row.ids)
                kept.append(short)
    one = block(kept)
    one.dropped = {reason: count for reason, count in dropped.items() if count}
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    store(partial, [one])
    partial.rename(out)
    return {
        "tokens": sum(len(row.ids) for row in kept),
        "trained_tokens": sum(row.trained for row in kept),
        "encoding": one.dropped,
    }
