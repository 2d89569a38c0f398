"""What a reader has to know before believing a number: plain sentences, none where nothing is amiss.

A comparison of different tasks, counts, versions or prompts is still a page of numbers; here it is said.

>>> cautions(read_run(run))
['webarena was left out of this run: django-oscar is not installed.']
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from agenttuning.report.inputs import SIDES, RunFiles
from agenttuning.report.numbers import count

BUILT_IN = "built-in"  # tasks of no file
NAMES = {"base": "the start model", "tuned": "the tuned model"}
_BROKEN = {"model_error": "the model or its engine failed", "environment_error": "the environment broke"}
_SUITES = {"general": "the general probe", "hallucination": "Agent-H", "tool_use": "T-Eval"}
# Settings of an evaluation that change what its scores mean.
_SETTINGS = ("seed", "split", "max_tokens", "max_turns", "temperature", "engine")


def cautions(files: RunFiles) -> list[str]:
    parts = (_unfinished, _left_out, _noted, _broken, _settings_differ, _versions, _stale, _dirty)
    return [sentence for part in parts for sentence in part(files)]


def not_measured(files: RunFiles) -> list[str]:
    """The suites that neither model was measured on, where there are scores at all."""
    if not files.scores:
        return []
    found = {row["held"] for scores in files.scores.values() for row in scores["environments"].values()}
    names = [name for held, name in (("in", "held-in tasks"), ("out", "held-out tasks")) if held not in found]
    return names + [name for part, name in _SUITES.items() if not any(s.get(part) for s in files.scores.values())]


def _unfinished(files: RunFiles) -> Iterator[str]:
    for side, episodes in files.unfinished.items():
        yield (
            f"The evaluation of {NAMES[side]} has not ended: {count(episodes)} episodes are there and none of them is "
            "in a score here. Run it again, it goes on where it stopped."
        )


def _left_out(files: RunFiles) -> Iterator[str]:
    for line in (files.recipe or "").splitlines():
        if line.startswith("# left out: "):
            name, _, why = line.removeprefix("# left out: ").partition(": ")
            yield f"{name} was left out of this run: {why}."


def _noted(files: RunFiles) -> Iterator[str]:
    """What the comparison says of itself."""
    for note in files.comparison.get("notes") or ():
        yield f"{note}{'' if str(note).endswith('.') else '.'}"


def _broken(files: RunFiles) -> Iterator[str]:
    if "notes" in files.comparison:  # they have it
        return
    for side in SIDES:
        for name, row in files.scores.get(side, {}).get("environments", {}).items():
            for outcome, why in _BROKEN.items():
                if broken := (row.get("outcomes") or {}).get(outcome):
                    played = sum(row["outcomes"].values())
                    yield (
                        f"{name}, {NAMES[side]}: {count(broken)} of {count(played)} episodes ended because {why}. They "
                        "count as unsolved, so the score is a lower end."
                    )


def _settings_differ(files: RunFiles) -> Iterator[str]:
    old, new = (_settings(files, side) for side in SIDES)
    differ = [key for key in _SETTINGS if key in old and key in new and old[key] != new[key]]
    if differ:
        what = "; ".join(f"{key.replace('_', ' ')} {old[key]} before, {new[key]} after" for key in differ)
        yield f"The two models were not evaluated alike: {what}."


def _settings(files: RunFiles, side: str) -> dict[str, Any]:
    for manifest in files.manifests:
        if manifest["folder"] == f"evaluation/{side}" and isinstance(manifest.get("settings"), Mapping):
            return dict(manifest["settings"])
    return {}


def _versions(files: RunFiles) -> Iterator[str]:
    """Who played the episodes: one version in each environment, or a sentence that says which."""
    names = dict.fromkeys(name for side in SIDES for name in files.episodes.get(side, {}))
    for name in names:
        sides = {s: Counter(e.version for e in files.episodes.get(s, {}).get(name, {}).values()) for s in SIDES}
        if len({version for found in sides.values() for version in found}) > 1:
            what = "; ".join(f"{NAMES[side]} with {_listed(found)}" for side, found in sides.items() if found)
            yield f"{name}: episodes of different versions of the environment ({what}); its tasks may differ."


def _listed(versions: Mapping[str, int]) -> str:
    return ", ".join(f"{version or 'an unknown one'} ({count(n)})" for version, n in versions.items())


def _stale(files: RunFiles) -> Iterator[str]:
    for name, row in files.comparison.get("environments", {}).items():
        found = [files.scores.get(side, {}).get("environments", {}).get(name) for side in SIDES]
        if any(side is None or row["n"] > side["n"] for side in found):
            yield f"{name}: comparison.json is of other scores than these; run it again."


def _dirty(files: RunFiles) -> Iterator[str]:
    result = files.contamination
    if result is None:
        return
    rows = result["left"] if result.get("drop") == "dirty" else result["table"]
    for row in rows:
        if row["source"] == "all" and row["dirty"]:
            yield f"{row['set']}: {count(row['dirty'])} of {count(row['items'])} items stand in the training data."
