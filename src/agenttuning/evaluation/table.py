"""An evaluation in the terminal: scores by environment and level, the general probe, Agent-H and T-Eval.

>>> console.print(terminal_table(base, tuned, compare_scores(base, tuned)))
"""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from agenttuning.environments.base import LEVELS
from agenttuning.evaluation.agent_h.labels import GROUP_LABELS, MEASURES
from agenttuning.evaluation.sides_table import cells, remarks
from agenttuning.evaluation.sweep import SHOWN

_DIGITS = {"perplexity": 2, "divergence": 4}  # of measures that are no shares; of both, less is better
# Shares among the general measures, by what stands in a table for them; MT-Bench's are ratings from 1 to 10.
_SHARES = {
    "questions": "questions, %",
    "instructions": "instructions, %",
    "mmlu": "MMLU, %",
    "gsm8k": "GSM8K, %",
    "humaneval": "HumanEval pass@1, %",
    "ifeval": "IFEval, %",
}
_RATINGS = {"mt_bench": "MT-Bench, 1 to 10"}
_STYLES = {"rose": "green", "fell": "red", "held": "dim"}


def scores_table(scores: Mapping[str, Any]) -> Group:
    """Rich tables from one model's `scores.json`: shares in percent, and the papers' normalised score."""
    tables = []
    title = f"{scores['model']}, dialect {scores['dialect']}, seed {scores['seed']}"
    if scores["environments"]:
        tables += [_one_model(title, scores), _outcomes(scores["environments"]), _errors(scores["environments"])]
    if general := scores.get("general"):
        table = _table("General ability", "measure", "n", "score [95 %]")
        for name, label in {**_SHARES, **_RATINGS}.items():
            if row := general.get(name):
                table.add_row(Text(label), str(row["n"]), _interval(row, *(() if name in _SHARES else (1, 2))))
                for k, share in row.get("pass_at", {}).items():
                    if k != "1":
                        table.add_row(Text(f"HumanEval pass@{k}, %"), str(row["n"]), f"{100 * share:.1f}")
        if total := scores["normalised"].get("general"):
            table.add_row(Text(f"normalised{_of(total)}", style="bold"), "", _interval(total, 1, 2))
        for name, digits in _DIGITS.items():
            if general.get(name):
                table.add_row(Text(name), str(general[name]["n"]), f"{general[name]['mean']:.{digits}f}")
        tables.append(table)
    if hallucination := scores.get("hallucination"):
        table = _table("Agent-H, %", "measure", "n", "score [95 %]")
        for name, label in MEASURES.items():
            if name in hallucination:
                table.add_row(Text(label), str(hallucination[name]["n"]), _interval(hallucination[name]))
        tables.append(table)
    if tool_use := scores.get("tool_use"):
        table = _table("Tool use (T-Eval), %", "dimension", "n", "score [95 %]")
        for name, row in {"overall": tool_use["overall"], **tool_use["cells"]}.items():
            table.add_row(Text(name.replace("/", ", ")), str(row["n"]), _interval(row))
        tables.append(table)
    return Group(*(part for table in tables if table.row_count for part in (table, Text())))


def _one_model(title: str, scores: Mapping[str, Any]) -> Table:
    """A row an environment, and under each category its normalised score with the number of environments in it."""
    table = _table(title, "environment", "n", "score, % [95 %]", "score / W")
    for held in ("in", "out"):
        rows = {name: row for name, row in scores["environments"].items() if row["held"] == held}
        total = scores["normalised"].get(f"held-{held}")
        for name, row in rows.items():
            ratio = total["tasks"].get(name) if total else None
            label = name if row["tasks"] == "built-in" else f"{name} ({row['tasks']})"
            table.add_row(Text(label), str(row["n"]), _interval(row), "–" if ratio is None else f"{ratio:.2f}")
        if total:
            table.add_row(Text(f"held-{held}, normalised{_of(total)}", style="bold"), "", "", _interval(total, 1, 2))
    return table


def _of(total: Mapping[str, Any]) -> str:
    """How many of a category's tasks a normalised score is over, where it is not over all."""
    played = len(total["tasks"])
    return f" (of {played} of {played + len(total['missing'])})" if total["missing"] else ""


def _outcomes(environments: Mapping[str, Any]) -> Table:
    table = _table("How the episodes ended", "environment", "outcomes")
    table.columns[1].justify = "left"
    for name, row in environments.items():
        ends = sorted(row["outcomes"].items(), key=lambda pair: -pair[1])
        table.add_row(Text(name), Text(", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in ends)))
    return table


def _errors(environments: Mapping[str, Any]) -> Table:
    table = _table("Errors, % of tasks", "environment", "errors")
    table.columns[1].justify = "left"
    for name, row in environments.items():
        shares = row.get("errors", {}).get("shares", {}).items()
        seen = sorted(((c, s["mean"]) for c, s in shares if s["mean"]), key=lambda pair: -pair[1])
        text = ", ".join(f"{100 * mean:.0f} {error.replace('_', ' ')}" for error, mean in seen)
        table.add_row(Text(name), Text(text or "none"))
    return table


def _compared_errors(compared: Mapping[str, Any]) -> Table:
    table = _table(
        "Errors in all environments, % of tasks", "class", "n", "before", "after", "difference [95 %]", "p", "verdict"
    )
    for name, row in compared.items():
        if row["before"] or row["after"]:
            table.add_row(Text(name.replace("_", " ")), *_compared(row))
    return table


def terminal_table(base: Mapping[str, Any], tuned: Mapping[str, Any], comparison: Mapping[str, Any]) -> Group:
    """Rich tables from the two `scores.json` and `comparison.json`: shares in percent, 95 % intervals."""
    tables = [table for table in (_environments(comparison, base), _levels(base, tuned)) if table.row_count]
    if errors := comparison.get("errors"):
        tables.append(_compared_errors(errors["all"]))
    if base.get("general") or tuned.get("general"):
        tables.append(_general(base.get("general", {}), tuned.get("general", {}), comparison.get("general", {})))
    if base.get("hallucination") or tuned.get("hallucination"):
        tables += hallucination_tables(
            base.get("hallucination", {}), tuned.get("hallucination", {}), comparison.get("hallucination", {})
        )
    if base.get("tool_use") or tuned.get("tool_use"):
        tables.append(_tool_use(base.get("tool_use"), tuned.get("tool_use"), comparison.get("tool_use")))
    return Group(*(part for table in tables for part in (table, Text())), *map(Text, remarks(comparison)))


def sweep_table(sweep: Mapping[str, Any]) -> Table:
    """A `sweep.json`, shares in percent; a star where a value is on the front of agent score and that measure."""
    points, setting = sweep["points"], sweep["setting"]
    measures = [name for name in SHOWN if all(name in point["general"] for point in points)]
    heads = [f"{name}{'' if name in _DIGITS else ', %'}" for name in measures]
    table = _table("Agent score against general ability; * on the front", setting, "agent, % [95 %]", *heads)
    for point in points:
        means = (_mean(name, point["general"][name]) + " *" * (name in point["front"]) for name in measures)
        table.add_row(f"{point['value']:g}", _interval(point["agent"]), *means)
    return table


def _mean(measure: str, score: Mapping[str, Any]) -> str:
    return f"{score['mean']:.{_DIGITS[measure]}f}" if measure in _DIGITS else f"{100 * score['mean']:.1f}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 or column == "verdict" else "right", no_wrap=i > 0)
    return table


def _environments(comparison: Mapping[str, Any], base: Mapping[str, Any]) -> Table:
    table = _table("Tasks, %", "environment", "n", "before", "after", "difference [95 %]", "p", "verdict")
    for held in ("in", "out"):
        total = comparison.get(f"held_{held}")
        if total is None:
            continue
        table.add_row(Text(f"held-{held}", style="bold"), *_compared(total))
        for name, row in comparison["environments"].items():
            if base["environments"][name]["held"] == held:
                table.add_row(Text(f"  {name}"), *_compared(row))
    return table


def _levels(base: Mapping[str, Any], tuned: Mapping[str, Any]) -> Table:
    table = _table("By level, %", "environment", "level", "n", "before [95 %]", "after [95 %]")
    for name in [n for n in base["environments"] if n in tuned["environments"]]:
        before, after = (scores["environments"][name].get("by_level", {}) for scores in (base, tuned))
        levels = [level for level in LEVELS if level in before or level in after]
        levels += sorted((before.keys() | after.keys()) - set(LEVELS))
        for i, level in enumerate(levels):
            old, new = before.get(level), after.get(level)
            count = str((old or new or {}).get("n", 0))
            table.add_row(Text(name if i == 0 else ""), Text(level), count, _interval(old), _interval(new))
    return table


def _general(old: Mapping[str, Any], new: Mapping[str, Any], compared: Mapping[str, Any]) -> Table:
    table = _table("General ability", "measure", "n", "before", "after", "difference [95 %]", "p", "verdict")
    for name, label in {**_SHARES, **_RATINGS}.items():
        if name in compared:
            table.add_row(Text(label), *_compared(compared[name], *(() if name in _SHARES else (1, 2))))
    if "nll" in compared:
        row = compared["nll"]
        table.add_row(Text("negative log-likelihood (less is better)"), *_compared(row, scale=1, digits=3))
    for name, digits in _DIGITS.items():
        sides = [side.get(name) for side in (old, new)]
        if any(sides):
            count = str(next(side["n"] for side in sides if side))
            means = ["–" if side is None else f"{side['mean']:.{digits}f}" for side in sides]
            table.add_row(Text(name), count, *means)
    return table


def hallucination_tables(old: Mapping[str, Any], new: Mapping[str, Any], compared: Mapping[str, Any]) -> list[Table]:
    """Agent-H: the two-sided score and its parts, right replies by group, and the faults that occurred."""
    both = _table("Agent-H, %", "measure", "n", "before [95 %]", "after [95 %]")
    paired = _table("Agent-H, item by item, %", "measure", "n", "before", "after", "difference [95 %]", "p", "verdict")
    for name, label in MEASURES.items():
        if name in old or name in new:
            both.add_row(Text(label), *_ends(old.get(name), new.get(name)))
        if name in compared:
            paired.add_row(Text(name), *_compared(compared[name]))
    groups = _table("Agent-H: right replies by group, %", "group", "n", "before [95 %]", "after [95 %]")
    for name, label in GROUP_LABELS.items():
        before, after = (side.get("groups", {}).get(name) for side in (old, new))
        if before or after:
            groups.add_row(Text(label), *_ends(before, after))
    faults = _table(
        "Agent-H: faults, % of the items where they can be (less is better)", "fault", "n", "before", "after"
    )
    for name in dict.fromkeys((*old.get("faults", {}), *new.get("faults", {}))):
        before, after = (side.get("faults", {}).get(name) for side in (old, new))
        if any(side and side["mean"] for side in (before, after)):
            faults.add_row(Text(name.replace("_", " ")), *_ends(before, after))
    return [table for table in (both, paired, groups, faults) if table.row_count]


def _ends(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> tuple[str | Text, ...]:
    """How many items, both numbers where they differ, and the scores."""
    counts = dict.fromkeys(str(side["n"]) for side in (old, new) if side)
    return ", ".join(counts), _interval(old), _interval(new)


def _tool_use(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, compared: Mapping[str, Any] | None
) -> Table:
    """T-Eval's overall score and its cells; without a pairing the means stand beside each other."""
    about = [f"{side['source']} items, {side['similarity']} similarity" for side in (old, new) if side]
    title = f"Tool use (T-Eval, {'; '.join(dict.fromkeys(about))}), %"
    table = _table(title, "dimension", "n", "before", "after", "difference [95 %]", "p", "verdict")
    rows = [side and {"overall": side["overall"], **side["cells"]} for side in (old, new)]
    for name in dict.fromkeys(name for side in rows if side for name in side):
        label = Text(name.replace("/", ", "), style="bold" if name == "overall" else "")
        row = {"overall": compared["overall"], **compared["cells"]}.get(name) if compared else None
        if row is not None:
            table.add_row(label, *_compared(row))
        else:
            ends = [side.get(name) if side else None for side in rows]
            count = str(next(side["n"] for side in ends if side))
            table.add_row(label, count, *("–" if side is None else f"{100 * side['mean']:.1f}" for side in ends))
    return table


def _compared(row: Mapping[str, Any], scale: float = 100, digits: int = 1) -> tuple[str | Text, ...]:
    """The cells of a comparison, the verdict coloured by whether it is good news: where less is better, a fall is."""
    *numbers, word = cells(row, scale, digits)
    swapped = {"rose": "fell", "fell": "rose"} if row.get("better") == "lower" else {}
    verdict = row["verdict"]
    return *map(Text, numbers), Text(word, style=_STYLES[swapped.get(verdict, verdict)])


def _interval(score: Mapping[str, Any] | None, scale: float = 100, digits: int = 1) -> Text:
    if score is None:
        return Text("–")
    mean, low, high = (f"{scale * score[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return Text(f"{mean} [{low}, {high}]")
