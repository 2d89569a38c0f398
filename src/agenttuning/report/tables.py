"""The rows of the report's tables, with every number already printed.

>>> score_rows(read_run(run))[0].label
'Held-in, all'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from agenttuning.environments.base import LEVELS
from agenttuning.report.charts import Ends, ForestRow, share_bar
from agenttuning.report.inputs import SIDES, RunFiles, is_number
from agenttuning.report.numbers import MISSING, count, ends, interval, number, p_value, score
from agenttuning.report.summary import LABELS, news

_METRICS = {"success_rate": "success rate", "reward": "reward"}
MEASURES = {
    "questions": "Checkable questions, %",
    "instructions": "Checkable instructions, %",
    "nll": "Negative log-likelihood, nats a token ↓",
    "perplexity": "Perplexity ↓",
    "divergence": "Divergence from the start model, nats a token ↓",
    "mmlu": "MMLU, %",
    "gsm8k": "GSM8K, %",
    "humaneval": "HumanEval, pass@1, %",
    "mt_bench": "MT-Bench, 1 to 10",
    "ifeval": "IFEval, %",
}
_NO_SHARES = ("nll", "perplexity", "divergence", "mt_bench")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    label: str
    metric: str
    n: str
    before: str
    after: str
    difference: str = MISSING
    p: str = MISSING
    verdict: str = MISSING
    news: str = "even"
    strong: bool = False


@dataclass(frozen=True, slots=True)
class FunnelRow:
    label: str
    tasks: str
    episodes: str
    kept: str
    share: str
    bar: Markup
    dropped: str
    strong: bool = False


def environments(files: RunFiles, held: str) -> list[str]:
    """The scored environments of a group, in the order of the evaluation."""
    names: dict[str, None] = {}
    for scores in files.scores.values():
        names.update((n, None) for n, row in scores["environments"].items() if row["held"] == held)
    return list(names)


def sides(files: RunFiles, name: str) -> list[Mapping[str, Any] | None]:
    """One environment's scores, start model first; None where it was not scored."""
    return [files.scores.get(side, {}).get("environments", {}).get(name) for side in SIDES]


def score_rows(files: RunFiles) -> list[ScoreRow]:
    rows = []
    for held in ("in", "out"):
        names = environments(files, held)
        total = files.comparison.get(f"held_{held}")
        if total:
            rows.append(compared_row(f"Held-{held}, all", "", total, strong=True))
        compared = files.comparison.get("environments", {})
        for name in names:
            old, new = sides(files, name)
            known = old or new or {}
            metric = _METRICS.get(known["metric"], known["metric"])
            if name in compared:
                rows.append(compared_row(name, metric, compared[name]))
            else:
                apart = old is not None and new is not None and bool(files.comparison)
                counts = ", ".join(dict.fromkeys(str(side["n"]) for side in (old, new) if side))
                verdict = "not comparable" if apart else MISSING
                rows.append(ScoreRow(name, metric, counts, score(old), score(new), verdict=verdict))
    return rows


def compared_row(
    label: str,
    metric: str,
    row: Mapping[str, Any],
    scale: float = 100,
    digits: int = 1,
    *,
    strong: bool = False,
) -> ScoreRow:
    means = []
    for side in ("before", "after"):
        span = row.get(f"{side}_interval")
        value = row[side]
        means.append(
            interval(value, *span, scale, digits) if span else number(scale * value, digits),
        )
    difference = number(scale * row["difference"], digits, sign=True)
    return ScoreRow(
        label,
        metric,
        str(row["n"]),
        *means,
        difference=f"{difference} {ends(row['low'], row['high'], scale, digits)}",
        p=p_value(row.get("p_adjusted", row["p_value"])),
        verdict=row["verdict"],
        news=news(row),
        strong=strong,
    )


def group_rows(files: RunFiles, part: str) -> list[ScoreRow]:
    """Scores by environment and level (`part` "by_level") or kind ("by_kind")."""
    rows = []
    for name in [*environments(files, "in"), *environments(files, "out")]:
        old, new = [(side or {}).get(part) or {} for side in sides(files, name)]
        groups = [level for level in LEVELS if level in old or level in new]
        groups += sorted((old.keys() | new.keys()) - set(LEVELS))
        for group in groups:
            known = old.get(group) or new[group]
            row = ScoreRow(name, group, str(known["n"]), score(old.get(group)), score(new.get(group)))
            rows.append(row)
    return rows


def outcome_rows(files: RunFiles) -> list[tuple[str, str, str, str]]:
    """(environment, model, outcomes, mean turns) for each scored environment and side."""
    rows = []
    for name in [*environments(files, "in"), *environments(files, "out")]:
        for label, row in zip(("start model", "tuned"), sides(files, name), strict=True):
            if row and row.get("outcomes"):
                text = "; ".join(f"{outcome}: {n}" for outcome, n in row["outcomes"].items())
                rows.append((name, label, text, number(row.get("mean_turns", 0))))
    return rows


def general_rows(files: RunFiles) -> list[ScoreRow]:
    old, new = [files.scores.get(side, {}).get("general") or {} for side in SIDES]
    compared = files.comparison.get("general") or {}
    rows = []
    for name, label in MEASURES.items():
        scale, digits = (1, 3) if name in _NO_SHARES else (100, 1)
        if name in compared:
            rows.append(compared_row(label, "", compared[name], scale, digits))
        elif old.get(name) or new.get(name):
            known = old.get(name) or new[name]
            before, after = (score(side.get(name), scale, digits) for side in (old, new))
            rows.append(ScoreRow(label, "", str(known["n"]), before, after))
    return rows


def tool_use_rows(files: RunFiles) -> list[ScoreRow]:
    """T-Eval's overall score and its cells, paired where both models got the same items and similarity."""
    old, new = [
        {"overall": part["overall"], **part["cells"]} if (part := files.scores.get(side, {}).get("tool_use")) else {}
        for side in SIDES
    ]
    found = files.comparison.get("tool_use")
    compared = {"overall": found["overall"], **found["cells"]} if found else {}
    rows = []
    for name in {**old, **new}:
        label, strong = name.replace("/", ", ").capitalize(), name == "overall"
        if name in compared:
            rows.append(compared_row(label, "", compared[name], strong=strong))
        else:
            known = old.get(name) or new[name]
            means = (score(side.get(name)) for side in (old, new))
            rows.append(ScoreRow(label, "", str(known["n"]), *means, strong=strong))
    return rows


def tool_use_note(files: RunFiles) -> str:
    """Which items and which similarity the scores of tool use are of."""
    parts = [part for side in SIDES if (part := files.scores.get(side, {}).get("tool_use"))]
    sets = dict.fromkeys(f"{part['source']} items, {part['similarity']} similarity" for part in parts)
    published = bool(parts) and all(part.get("published") for part in parts)
    return f"{'; '.join(sets)}{'' if published else ': these are not the published benchmark’s numbers'}."


def forest_rows(files: RunFiles) -> list[ForestRow]:
    """The lines of the before/after figure: held-in and held-out pooled, and each environment."""
    rows = []
    compared = files.comparison.get("environments", {})
    for held in ("in", "out"):
        total = files.comparison.get(f"held_{held}")
        names = environments(files, held)
        if total and len(names) > 1:
            rows.append(forest_row(f"Held-{held}, all", total, strong=True))
        for name in names:
            alone = len(names) == 1
            label = f"Held-{held}: {name}" if alone else name
            if name in compared:
                rows.append(forest_row(label, compared[name], strong=alone))
            else:
                old, new = sides(files, name)
                rows.append(ForestRow(label, _ends(old), _ends(new), strong=alone))
    return rows


def ability_rows(files: RunFiles) -> list[ForestRow]:
    """The lines of the first figure: one for each ability that was measured, tasks pooled."""
    compared = files.comparison
    general, tool_use = compared.get("general") or {}, compared.get("tool_use") or {}
    found = (
        *((LABELS[name], compared.get(name)) for name in ("held_in", "held_out")),
        *(
            (LABELS.get(name, label.removesuffix(", %")), general.get(name))
            for name, label in MEASURES.items()
            if name not in _NO_SHARES
        ),
        (LABELS["tool_use"], tool_use.get("overall")),
    )
    rows = [forest_row(label, row) for label, row in found if row]
    two_sided = [(files.scores.get(side, {}).get("hallucination") or {}).get("two_sided") for side in SIDES]
    if any(two_sided):
        rows.append(ForestRow("Tools only when needed", _ends(two_sided[0]), _ends(two_sided[1])))
    return rows


def _ends(row: Mapping[str, Any] | None) -> Ends | None:
    return None if row is None else (row["mean"], row["low"], row["high"])


def forest_row(label: str, row: Mapping[str, Any], *, strong: bool = False) -> ForestRow:
    before, after = ((row[side], *row.get(f"{side}_interval", (row[side], row[side]))) for side in ("before", "after"))
    return ForestRow(label, before, after, strong)


def funnel_rows(sources: Mapping[str, Mapping[str, Any]]) -> list[FunnelRow]:
    """One row a source and, for several, their sum; drops are listed from the most frequent on."""
    rows = [_funnel_row(name, [source]) for name, source in sources.items()]
    return [*rows, _funnel_row("All", list(sources.values()), strong=True)] if len(rows) > 1 else rows


def _funnel_row(label: str, sources: Sequence[Mapping[str, Any]], *, strong: bool = False) -> FunnelRow:
    episodes, kept = (sum(source[key] for source in sources) for key in ("episodes", "kept"))
    tasks = sum(source.get("tasks", source["episodes"]) for source in sources)
    reasons: dict[str, int] = {}
    for source in sources:
        for reason, n in (source.get("dropped") or {}).items():
            reasons[reason] = reasons.get(reason, 0) + n
    dropped = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    whole = max(episodes, 1)
    return FunnelRow(
        label,
        count(tasks),
        count(episodes),
        count(kept),
        f"{number(100 * kept / whole)} %" if episodes else MISSING,
        share_bar([kept / whole, *(n / whole for _, n in dropped)]),
        "; ".join(f"{reason}: {n:,}" for reason, n in dropped) or "none",
        strong,
    )


def mixture_table(mixture: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The column names and the rows of the mixture with what is known of them: agent and general, and the sources where
    there are more than these."""
    parts = {"agent": "Agent", "general": "General"}
    columns = ["Part"]
    rows = [[label] for label in parts.values()]
    found = mixture.get("sources")
    sources = (
        {name: one for name, one in found.items() if isinstance(one, Mapping)} if isinstance(found, Mapping) else {}
    )
    of_sources = [[name] for name in sources] if len(sources) > len(parts) else []
    for key, name, shared in (
        ("rows", "Rows", True),
        ("distinct", "Distinct", False),
        ("epochs", "Epochs", False),
        ("tokens", "Tokens", True),
    ):
        values = [n for part in parts if is_number(n := mixture.get(f"{part}_{key}"))]
        if len(values) < len(parts):
            continue
        columns += [name, f"Share of {key}"] if shared else [name]
        for row, value in zip(rows, values, strict=True):
            row.append(count(value))
            if shared:
                row.append(f"{number(100 * value / (sum(values) or 1))} %")
        for row, one in zip(of_sources, sources.values(), strict=False):
            value = one[key] if is_number(one.get(key)) else 0
            row += [count(value), *([f"{number(100 * value / (sum(values) or 1))} %"] if shared else [])]
    return columns, rows + of_sources


def capability_table(manifests: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]] | None:
    """The column names and a row for each capability: what was trained of it before the redesign and after it."""
    found = [m["counts"]["capabilities"] for m in manifests if "capabilities" in (m.get("counts") or {})]
    if not found or not all(isinstance(found[-1].get(side), Mapping) for side in ("before", "after")):
        return None
    before, after = found[-1]["before"], found[-1]["after"]
    units = [unit for unit in ("segments", "tokens") if any(unit in counts for counts in before.values())]
    columns = ["Capability", *(f"{unit.capitalize()} {when}" for unit in units for when in ("before", "after"))]
    rows = [
        [
            name.replace("_", " ").capitalize(),
            *(count(side.get(name, {}).get(unit, 0)) for unit in units for side in (before, after)),
        ]
        for name in dict.fromkeys((*before, *after))
    ]
    return columns, rows
