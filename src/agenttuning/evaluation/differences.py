"""Which items of two evaluations belong together, and what has to be said about those that do not.

`pair` puts two sets of items beside each other; `words` does so for every measure of two evaluations, and says what is
missing, mixed, of another version or of another size. Nothing is left out without a word.

>>> pair({"": {"a": 1.0, "b": 0.0}}, {"": {"b": 1.0, "c": 1.0}})
Pairing(before={'b': 0.0}, after={'b': 1.0}, paired=True, n_before=2, n_after=2)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agenttuning.evaluation.measures import HALLUCINATION, Items, Scores, cells, merged, pooled
from agenttuning.evaluation.t_eval.pooling import Cells, in_both

BROKEN = ("environment_error", "model_error")  # outcomes of episodes that something else than the agent ended
_PARTS = {"general": "the general probe", "hallucination": "Agent-H", "tool_use": "T-Eval"}


@dataclass(frozen=True, slots=True)
class Pairing:
    """A value an item on each side; where `paired`, of the same items in the same order.

    `n_before` and `n_after` count the items that each side has in all.
    """

    before: Items
    after: Items
    paired: bool
    n_before: int
    n_after: int


def pair(before: Cells, after: Cells) -> Pairing:
    """By what both have; where that is nothing, each side as it is. Both have items."""
    counts = [len({item for items in side.values() for item in items}) for side in (before, after)]
    old, new = in_both(before, after)
    if not old:
        return Pairing(pooled(before), pooled(after), False, *counts)
    one, other = pooled(old), pooled(new)
    order = sorted(one)
    return Pairing({i: one[i] for i in order}, {i: other[i] for i in order}, True, *counts)


def words(
    before: Sequence[Scores], after: Sequence[Scores], labels: tuple[str, str]
) -> tuple[dict[str, Pairing], list[str]]:
    """The pairing of every measure that both sides have, and the notes on the two evaluations."""
    notes = [*_settings(before, after, labels)]
    for side, label in ((before, labels[0]), (after, labels[1])):
        notes += inside(side, label)
    out: dict[str, Pairing] = {}
    environments = _rows(before, after)
    for name, (old, new) in environments.items():
        if not old or not new:
            notes.append(f"{name}: only {labels[0] if old else labels[1]} played it; it is in no comparison")
        elif pairing := _environment(name, before, after, labels, notes):
            out[name] = pairing
    for held in ("in", "out"):
        _total(held, out, environments, notes)
    for key, label in _PARTS.items():
        have = [any(scores.get(key) for scores in side) for side in (before, after)]
        if have[0] != have[1]:
            notes.append(f"{label}: only {labels[0] if have[0] else labels[1]} has it; it is in no comparison")
        elif all(have):
            out |= _probes(key, label, before, after, notes)
    return out, notes


def _rows(before: Sequence[Scores], after: Sequence[Scores]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Each environment's rows in the runs of either side."""
    names = dict.fromkeys(name for scores in (*before, *after) for name in scores["environments"])
    sides = [
        {n: [s["environments"][n] for s in side if n in s["environments"]] for n in names} for side in (before, after)
    ]
    return {name: (sides[0][name], sides[1][name]) for name in names}


def _settings(before: Sequence[Scores], after: Sequence[Scores], labels: tuple[str, str]) -> list[str]:
    notes = []
    for key, label in (("dialect", "dialects"), ("chat_template", "chat templates")):
        old, new = ({str(scores[key]) for scores in side if scores.get(key)} for side in (before, after))
        if old and new and old != new:
            notes.append(
                f"different {label}: {', '.join(sorted(old))} ({labels[0]}), {', '.join(sorted(new))} ({labels[1]})"
            )
    counts = [len(before), len(after)]
    if max(counts) > 1 and min(counts) == 1:
        lone = labels[counts.index(1)]
        notes.append(f"{lone} has one seed only: the intervals do not know how far another one would have differed")
    return notes


def inside(side: Sequence[Scores], label: str) -> list[str]:
    """What has to be said about one side alone: episodes that broke off, runs that are not alike."""
    notes = []
    for name, (rows, _) in _rows(side, ()).items():
        broken = {end: n for end in BROKEN if (n := sum(row.get("outcomes", {}).get(end, 0) for row in rows))}
        if broken:
            count = sum(sum(row["outcomes"].values()) for row in rows)
            ends = " and ".join(end.replace("_", " ") for end in broken)
            notes.append(
                f"{name}: {sum(broken.values())} of {count} episodes of {label} broke off ({ends}); they count as "
                "unsolved"
            )
        if len(rows) < len(side):
            notes.append(f"{name}: {len(rows)} of the {len(side)} runs of {label} played it; its score is over those")
        if len({row["n"] for row in rows}) > 1:
            notes.append(f"{name}: the runs of {label} have {', '.join(str(row['n']) for row in rows)} tasks")
        if changed := _changed(rows):
            notes.append(f"{name}: {len(changed)} tasks read differently in the runs of {label}: two versions of it")
    for key, name in (("dialect", "dialects"), ("chat_template", "chat templates")):
        if len(values := {str(scores[key]) for scores in side if scores.get(key)}) > 1:
            notes.append(f"the runs of {label} have different {name}: {', '.join(sorted(values))}")
    return notes


def _environment(
    name: str, before: Sequence[Scores], after: Sequence[Scores], labels: tuple[str, str], notes: list[str]
) -> Pairing | None:
    old, new = _rows(before, after)[name]
    files = sorted({row.get("tasks", "built-in") for row in (*old, *new)})
    if len(files) > 1:
        notes.append(f"{name}: tasks of different origin ({' and '.join(files)}); not compared")
        return None
    changed = _changed([*old, *new])
    sides = [merged([cells(scores, name) for scores in side if cells(scores, name)]) for side in (before, after)]
    shared = sides[0][""].keys() & sides[1][""].keys()
    if changed and changed >= shared:
        notes.append(f"{name}: two versions of the environment: the same tasks read differently; not compared")
        return None
    if changed:
        notes.append(f"{name}: {len(changed)} tasks read differently in two versions of the environment; left out")
        sides = [{"": {item: value for item, value in side[""].items() if item not in changed}} for side in sides]
    pairing = pair(*sides)
    if not pairing.paired:
        notes.append(
            f"{name}: no task is the same ({pairing.n_before} of {labels[0]}, {pairing.n_after} of {labels[1]}): "
            "compared as independent sets, not task by task"
        )
    elif len(pairing.before) < max(pairing.n_before, pairing.n_after):
        notes.append(
            f"{name}: {pairing.n_before} tasks of {labels[0]}, {pairing.n_after} of {labels[1]}; "
            f"compared on the {len(pairing.before)} that both played"
        )
    return pairing


def _changed(rows: Sequence[Scores]) -> set[str]:
    """The tasks that did not tell the agent the same everywhere; files without digests cannot say."""
    asked: dict[str, set[str]] = {}
    for row in rows:
        for item, digest in row.get("asked", {}).items():
            asked.setdefault(item, set()).add(digest)
    return {item for item, digests in asked.items() if len(digests) > 1}


def _total(held: str, pairings: dict[str, Pairing], environments: Mapping[str, Any], notes: list[str]) -> None:
    """All environments of a side together: those whose tasks are paired, or all where none is."""
    names = [name for name, (old, new) in environments.items() if (old or new)[0]["held"] == held]
    mixed = [n for n in names if len({row["held"] for rows in environments[n] for row in rows}) > 1]
    notes += [f"{name}: held-in in one evaluation and held-out in another; it is in no total" for name in mixed]
    mine = {name: pairings[name] for name in names if name in pairings and name not in mixed}
    paired = {name: pairing for name, pairing in mine.items() if pairing.paired}
    used = paired or mine
    if not used:
        return
    if len(used) < len(names):
        notes.append(f"held-{held}: over {', '.join(used)} alone, {len(used)} of {len(names)} environments")
    old, new = (
        {f"{name}/{i}": value for name, one in used.items() for i, value in getattr(one, side).items()}
        for side in ("before", "after")
    )
    counts = [sum(getattr(one, side) for one in used.values()) for side in ("n_before", "n_after")]
    pairings[f"held-{held}"] = Pairing(old, new, bool(paired), *counts)


def _probes(
    key: str, label: str, before: Sequence[Scores], after: Sequence[Scores], notes: list[str]
) -> dict[str, Pairing]:
    """The measures of the general probe, of Agent-H or of T-Eval."""
    if key == "tool_use":
        kinds = [{(s[key]["source"], s[key]["similarity"]) for s in side if s.get(key)} for side in (before, after)]
        if len(kinds[0] | kinds[1]) > 1:
            notes.append(f"{label}: other items or another similarity; not compared")
            return {}
        names: Sequence[str] = ["tool-use"]
    elif key == "hallucination":
        names = HALLUCINATION
    else:
        found = dict.fromkeys(name for s in (*before, *after) for name in s.get(key, {}).get("items", {}))
        names = [*(name for name in found if name != "kl"), "general"]  # kl is itself a comparison with the start model
    out: dict[str, Pairing] = {}
    for name in names:
        old, new = (
            merged([found for scores in side if (found := cells(scores, name))]) if side else {}
            for side in (before, after)
        )
        if not old or not new:
            if old or new:
                notes.append(f"{label}, {name}: only one of the two has it; it is in no comparison")
            continue
        out[name] = pair(old, new)
        if not out[name].paired:
            notes.append(f"{label}, {name}: no item is the same: compared as independent sets, not item by item")
        if key == "tool_use":
            both = in_both(old, new)
            out |= {f"{name}/{cell}": pair({cell: both[0][cell]}, {cell: both[1][cell]}) for cell in both[0]}
    return out
