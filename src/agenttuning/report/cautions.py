"""What a reader has to know before believing a number: plain sentences, none where nothing is amiss.

A comparison of different tasks, counts, versions or prompts is still a page of numbers; here it is said.

>>> cautions(read_run(run))
['database: 60 tasks before and 40 after; the differences are over the 40 that both models did.']
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
_SETTINGS = ("dialect", "seed", "split", "max_tokens", "max_turns", "temperature", "engine")


def cautions(files: RunFiles) -> list[str]:
    parts = (_unfinished, _left_out, _one_sided, _unlike, _counts, _broken, _prompts, _versions, _stale, _dirty)
    return [sentence for part in parts for sentence in part(files)]


def not_measured(files: RunFiles) -> list[str]:
    """The suites that neither model was measured on, where there are scores at all."""
    if not files.scores:
        return []
    found = {row["held"] for scores in files.scores.values() for row in scores["environments"].values()}
    names = [name for held, name in (("in", "held-in tasks"), ("out", "held-out tasks")) if held not in found]
    return names + [name for part, name in _SUITES.items() if not any(s.get(part) for s in files.scores.values())]


def comparable(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two models' rows of an environment are of the same tasks, measured in the same way."""
    return old["metric"] == new["metric"] and old.get("tasks", BUILT_IN) == new.get("tasks", BUILT_IN)


def _pairs(files: RunFiles) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    base, tuned = (files.scores.get(side, {}).get("environments", {}) for side in SIDES)
    yield from ((name, base[name], tuned[name]) for name in base if name in tuned)


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


def _one_sided(files: RunFiles) -> Iterator[str]:
    if len(files.scores) < len(SIDES):
        return
    for side, other in (SIDES, SIDES[::-1]):
        here, there = files.scores[side], files.scores[other]
        names = [name for name in here["environments"] if name not in there["environments"]]
        names += [name for part, name in _SUITES.items() if here.get(part) and not there.get(part)]
        if names:
            yield (
                f"Measured for {NAMES[side]} alone: {', '.join(names)}. Nothing is compared there, and no total of "
                "both models has it."
            )


def _unlike(files: RunFiles) -> Iterator[str]:
    for name, old, new in _pairs(files):
        if not comparable(old, new):
            what = [f"{row.get('tasks', BUILT_IN)} tasks, {row['metric'].replace('_', ' ')}" for row in (old, new)]
            yield f"{name}: not comparable, {what[0]} before and {what[1]} after."


def _counts(files: RunFiles) -> Iterator[str]:
    for name, old, new in _pairs(files):
        shared = len(old["items"].keys() & new["items"].keys()) if "items" in old and "items" in new else None
        if comparable(old, new) and shared is not None and (old["n"] != shared or new["n"] != shared):
            both = f"the {count(shared)} that both models did" if shared else "none, as they share none"
            yield f"{name}: {count(old['n'])} tasks before, {count(new['n'])} after; the differences are over {both}."


def _broken(files: RunFiles) -> Iterator[str]:
    for side in SIDES:
        for name, row in files.scores.get(side, {}).get("environments", {}).items():
            for outcome, why in _BROKEN.items():
                if broken := (row.get("outcomes") or {}).get(outcome):
                    played = sum(row["outcomes"].values())
                    yield (
                        f"{name}, {NAMES[side]}: {count(broken)} of {count(played)} episodes ended because {why}. They "
                        "count as unsolved, so the score is a lower end."
                    )


def _prompts(files: RunFiles) -> Iterator[str]:
    if len(files.scores) < len(SIDES):
        return
    old, new = ({**_settings(files, side), **files.scores[side]} for side in SIDES)
    differ = [key for key in _SETTINGS if key in old and key in new and old[key] != new[key]]
    if differ:
        what = "; ".join(f"{key.replace('_', ' ')} {old[key]} before, {new[key]} after" for key in differ)
        yield f"The two models were not evaluated alike: {what}."
    templates = [side.get("chat_template") for side in (old, new)]
    if all(templates) and templates[0] != templates[1]:
        yield "The two models were prompted with different chat templates: what differs may be that alone."


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
    compared = files.comparison.get("environments", {})
    for name, old, new in _pairs(files):
        if name in compared and "items" in old and "items" in new:
            shared = len(old["items"].keys() & new["items"].keys())
            if compared[name]["n"] != shared:
                yield f"{name}: comparison.json is older than the scores; run it again."


def _dirty(files: RunFiles) -> Iterator[str]:
    result = files.contamination
    if result is None:
        return
    rows = result["left"] if result.get("drop") == "dirty" else result["table"]
    for row in rows:
        if row["source"] == "all" and row["dirty"]:
            yield f"{row['set']}: {count(row['dirty'])} of {count(row['items'])} items stand in the training data."
