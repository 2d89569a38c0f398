"""What came of the run, in words, computed from the comparison alone: what rose, what held, what fell.

The rule is the same for good news and bad: a change is named only where its paired 95 % interval excludes 0.

>>> headline(comparison)
'The tuned model is a better agent on held-in tasks; ... Its general ability held.'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from agenttuning.report.numbers import ends, number, p_value

FEW = 30  # fewer tasks than this deserve a word of caution
LABELS = {
    "held_in": "Held-in tasks",
    "held_out": "Held-out tasks",
    "questions": "General questions",
    "instructions": "General instructions",
    "nll": "Perplexity on general conversations",
    "tool_use": "Tool use (T-Eval)",
    "restraint": "No call where none is due (Agent-H)",
    "use": "The right call where one is due (Agent-H)",
}
_GENERAL = ("questions", "instructions", "nll")
# What the headline says of the other measures, where they changed.
_CHANGED = {
    "tool_use": {"rose": "uses tools better", "fell": "uses tools worse"},
    "restraint": {"rose": "calls fewer tools without need", "fell": "calls more tools without need"},
    "use": {"rose": "makes more of the calls that are due", "fell": "makes fewer of the calls that are due"},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the summary. `news` is "good", "bad" or "even"; `verdict` the word for the value itself."""

    name: str
    verdict: str
    news: str
    text: str
    row: Mapping[str, Any]

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def within(self) -> bool:
        """Whether the tuned model's mean lies inside the start model's own interval."""
        low, high = self.row.get("before_interval", (1, 0))
        return low <= self.row["after"] <= high


def findings(comparison: Mapping[str, Any]) -> list[Finding]:
    """Held-in, held-out, each part of the general probe, T-Eval and both sides of Agent-H: those that were measured."""
    rows = [(name, comparison.get(name)) for name in ("held_in", "held_out")]
    rows += list((comparison.get("general") or {}).items())
    rows.append(("tool_use", (comparison.get("tool_use") or {}).get("overall")))
    rows += list((comparison.get("hallucination") or {}).items())
    return [_finding(name, row) for name, row in rows if row and name in LABELS]


def news(row: Mapping[str, Any]) -> str:
    """Whether a change is good news, which depends on the direction that is better."""
    if row["verdict"] == "held":
        return "even"
    return "good" if (row["verdict"] == "rose") != (row.get("better") == "lower") else "bad"


def _finding(name: str, row: Mapping[str, Any]) -> Finding:
    if name == "nll":
        change = (
            f"{number(exp(row['before']), 2)} before, {number(exp(row['after']), 2)} after; negative "
            f"log-likelihood {number(row['difference'], 3, sign=True)} nats a token "
            f"{ends(row['low'], row['high'], 1, 3)}, less is better"
        )
    else:
        change = (
            f"{number(100 * row['before'])} % before, {number(100 * row['after'])} % after, "
            f"{number(100 * row['difference'], sign=True)} points {ends(row['low'], row['high'])}"
        )
    finding = Finding(name, row["verdict"], news(row), "", row)
    p = _equals(row.get("p_adjusted", row["p_value"]))
    text = f"{change}; n\u00a0=\u00a0{row['n']}, p\u00a0{p}."
    if row["verdict"] == "held" and row.get("detectable") and name != "nll":
        text += f" This many would show a change of {number(100 * row['detectable'], 0)} points."
    if name == "nll" and finding.news == "bad" and finding.within:
        text += " The mean is still inside the start model's own interval."
    if row["n"] < FEW:
        text += f" Only {row['n']} items: take this as a hint."
    return Finding(name, row["verdict"], finding.news, text, row)


def _equals(value: float) -> str:
    text = p_value(value)
    return (text if text.startswith("<") else f"= {text}").replace(" ", "\u00a0")


def headline(found: Sequence[Finding]) -> str:
    """At most three plain sentences; empty where nothing was compared."""
    by_name = {finding.name: finding for finding in found}
    tasks = []
    if "held_in" in by_name:
        words = {
            "rose": "is a better agent on held-in tasks",
            "held": "is no measurably better agent on held-in tasks",
            "fell": "is a worse agent on held-in tasks",
        }
        tasks.append(words[by_name["held_in"].verdict])
    if "held_out" in by_name:
        words = {
            "rose": "is better on held-out tasks",
            "held": "does not measurably differ on held-out tasks",
            "fell": "is worse on held-out tasks",
        }
        tasks.append(words[by_name["held_out"].verdict])
    sentences = [f"The tuned model {' and '.join(tasks)}."] if tasks else []
    if general := [finding for finding in found if finding.name in _GENERAL]:
        sentences.append(_general_sentence(general))
    changed = [words[f.verdict] for f in found if (words := _CHANGED.get(f.name)) and f.verdict in words]
    if changed:
        sentences.append(f"It {_enumerated(changed)}.")
    return " ".join(sentences)


def _enumerated(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _general_sentence(general: Sequence[Finding]) -> str:
    lost = [finding for finding in general if finding.news == "bad"]
    if not lost:
        gained = any(finding.news == "good" for finding in general)
        return "Its general ability held or rose." if gained else "Its general ability held."
    if all(finding.name == "nll" and finding.within for finding in lost):
        if len(general) == 1:
            return "Its perplexity on general conversations rose, within the start model's interval."
        return (
            "Its general answers held; its perplexity on general conversations rose, within the start model's interval."
        )
    return f"It lost general ability: {', '.join(f.label.lower() for f in lost)}."
