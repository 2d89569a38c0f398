"""What the run took: time, memory, tokens and, where prices were given, money, stage by stage.

>>> cost_table(read_run(run)).rows[0][:2]
['collect', '41.5 s']
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agenttuning.report.evaluated import Spent
from agenttuning.report.inputs import RunFiles, is_number
from agenttuning.report.numbers import MISSING, count, duration, number

_TRAINED = ("tokens", "computed_tokens")  # in the manifest of a training


@dataclass(frozen=True, slots=True)
class CostTable:
    """Numbers as printed; the last column says what came of a stage, the last row is the sum of several."""

    columns: list[str]
    rows: list[list[str]]
    counts: list[str]


def cost_table(files: RunFiles) -> CostTable | None:
    """A row for each stage that has a manifest, with those columns of which anything is known."""
    if not files.manifests:
        return None
    spent = [_spent(files, manifest) for manifest in files.manifests]
    total = sum((one for one in spent if one), Spent())
    priced, asked = total.usd is not None, total != Spent()
    columns = ["Stage", "Time", "Peak memory"]
    columns += ["Tokens read", "of these cached", "Tokens written"] if asked else []
    columns += ["Cost, $"] if priced else []
    stages = [manifest["stage"] for manifest in files.manifests]
    rows = [
        [
            _label(manifest, several=stages.count(manifest["stage"]) > 1),
            duration(manifest["seconds"]),
            f"{number(memory, 0)} MB" if is_number(memory := manifest.get("peak_memory_mb")) else MISSING,
            *_tokens(one, asked=asked, priced=priced),
        ]
        for manifest, one in zip(files.manifests, spent, strict=True)
    ]
    counts = [_counts(manifest) for manifest in files.manifests]
    if len(rows) > 1:
        seconds = sum(manifest["seconds"] for manifest in files.manifests)
        rows.append(["all", duration(seconds), MISSING, *_tokens(total, asked=asked, priced=priced)])
        counts.append("")
    return CostTable(columns, rows, counts)


def _spent(files: RunFiles, manifest: Mapping[str, Any]) -> Spent | None:
    """Tokens of a stage: those of its episodes, or those that a training read."""
    if manifest["folder"] in files.spent:
        return files.spent[manifest["folder"]]
    counts = manifest.get("counts") or {}
    if manifest["stage"] == "train" and all(is_number(counts.get(key)) for key in _TRAINED):
        tokens, computed = (counts[key] for key in _TRAINED)
        return Spent(prompt=tokens, cached=max(tokens - computed, 0))
    return None


def _label(manifest: Mapping[str, Any], *, several: bool) -> str:
    """The stage, with its folder's name where a run has several of them."""
    return f"{manifest['stage']}, {manifest['folder'].rpartition('/')[2]}" if several else str(manifest["stage"])


def _tokens(one: Spent | None, *, asked: bool, priced: bool) -> list[str]:
    cells = []
    if asked:
        numbers = (one.prompt, one.cached, one.completion) if one else (0, 0, 0)
        cells += [count(n) if n else MISSING for n in numbers]  # an engine that counts none says 0
    if priced:
        cells.append(MISSING if one is None or one.usd is None else number(one.usd, 2 if one.usd >= 1 else 4))
    return cells


def _counts(manifest: Mapping[str, Any]) -> str:
    known = ("seconds", *_TRAINED)  # in columns of their own
    numbers = {key: n for key, n in (manifest.get("counts") or {}).items() if is_number(n) and key not in known}
    return "; ".join(f"{name.replace('_', ' ')}: {count(n)}" for name, n in numbers.items()) or MISSING
