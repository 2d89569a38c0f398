"""A regression gate: does a model satisfy its rules, against the model it came from or against fixed bounds?

By the point estimate a rule holds where the value does; `confident` asks the whole 95 % interval to, so that few tasks
cannot pass by luck. A measure that is missing, or that cannot be compared, fails its rule and says why.

>>> checks, notes = gate([parse("held-in > base")], [tuned], [base])
>>> checks[0].passed
True
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from agenttuning.environments import names
from agenttuning.errors import BadInput
from agenttuning.evaluation.comparison import contrasts
from agenttuning.evaluation.differences import inside
from agenttuning.evaluation.measures import FIXED, LOWER_IS_BETTER, WHOLE, Scores, level
from agenttuning.evaluation.published import TASKS
from agenttuning.evaluation.rules import Rule
from agenttuning.evaluation.statistics import Interval, independent_difference
from agenttuning.tables import aligned

_LABELS = ("base", "the model")


@dataclass(frozen=True, slots=True)
class Check:
    """What came of a rule. `margin` is how far the value lies above the bound, `low` and `high` its 95 % interval.

    All are None where nothing could be measured; `reason` says why a rule failed, or how sure one is that did not.
    """

    rule: str
    passed: bool
    reason: str
    value: float | None = None
    bound: float | None = None
    margin: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


def gate(
    rules: Sequence[Rule],
    runs: Sequence[Scores],
    base: Sequence[Scores] = (),
    *,
    confident: bool = False,
    seed: int = 0,
) -> tuple[list[Check], list[str]]:
    """One check a rule, and the notes on the comparison with the base.

    Raises BadInput for a rule about something that no evaluation measures, or about a base that was not given.
    """
    every = (*runs, *base)
    own = {name for scores in every for name in scores["environments"]}
    own |= {name for scores in every for name in scores.get("general", {}).get("items", {})}
    known = dict.fromkeys((*FIXED, *sorted(own | {*names(), *(task for row in TASKS.values() for task in row)})))
    for rule in rules:
        if rule.measure not in known:
            raise BadInput(f"rule {rule.text!r}: {rule.measure!r} is no measure; there are {', '.join(known)}")
        if rule.relative and not base:
            raise BadInput(f"rule {rule.text!r}: no base to compare with; give --against, or a run's folder")
    asked = {rule.measure for rule in rules if rule.relative}
    rows, notes = contrasts(base, runs, seed, labels=_LABELS, only=asked) if asked else ({}, inside(runs, _LABELS[1]))
    return [_check(rule, runs, base, rows.get(rule.measure), notes, confident) for rule in rules], notes


def _check(
    rule: Rule,
    runs: Sequence[Scores],
    base: Sequence[Scores],
    row: dict[str, Any] | None,
    notes: Sequence[str],
    confident: bool,
) -> Check:
    value = level(runs, rule.measure)
    if value is None:
        return Check(rule.text, False, f"the model's evaluation has no {rule.measure}")
    if not rule.relative:
        ends = Interval(*(value[key] - rule.number for key in ("mean", "low", "high")))
        return _decided(rule, value["mean"], rule.number, ends, value["n"], confident)
    if row is not None:
        ends = Interval(*(row[key] - rule.number for key in ("difference", "low", "high")))
        return _decided(rule, row["after"], row["before"] + rule.number, ends, row["n"], confident)
    other = level(base, rule.measure)
    if other is None:
        return Check(rule.text, False, f"the base's evaluation has no {rule.measure}")
    if rule.measure not in WHOLE:
        why = [note for note in notes if note.startswith(f"{rule.measure}:") or rule.measure.startswith("held-")]
        return Check(rule.text, False, why[0] if why else f"{rule.measure}: cannot be compared with the base's")
    sides = [Interval(*(side[key] for key in ("mean", "low", "high"))) for side in (other, value)]
    ends = independent_difference(*sides)
    ends = Interval(*(end - rule.number for end in ends))
    return _decided(rule, value["mean"], other["mean"] + rule.number, ends, value["n"], confident)


def _decided(rule: Rule, value: float, bound: float, ends: Interval, n: int | None, confident: bool) -> Check:
    by_point = rule.holds(ends.mean)
    certain = rule.holds(ends.low) and rule.holds(ends.high)
    said = f"{rule.measure} is {amount(rule.measure, value)}, the bound {amount(rule.measure, bound)}"
    if not by_point:
        reason = said if not rule.holds(ends.low) and not rule.holds(ends.high) else f"{said}; inside the noise"
    elif not certain:
        reason = f"{said}; true of the estimate, but the 95 % interval reaches past the bound"
    else:
        reason = f"{said}; the whole 95 % interval satisfies the rule"
    return Check(rule.text, certain if confident else by_point, reason, value, bound, *ends, n)


def table(checks: Sequence[Check], rules: Sequence[Rule], *, confident: bool) -> str:
    """The checks in aligned columns, and the reason of each."""
    rows = [["rule", "value", "bound", "margin [95 %]", "n", "result"]]
    for check, rule in zip(checks, rules, strict=True):
        ends = [amount(rule.measure, end, sign="+").removesuffix(" %") for end in (check.margin, check.low, check.high)]
        margin = f"{ends[0]} [{ends[1]}, {ends[2]}]" if check.margin is not None else "–"
        numbers = (amount(rule.measure, number) for number in (check.value, check.bound))
        rows.append([check.rule, *numbers, margin, str(check.n or "–"), "holds" if check.passed else "FAILS"])
    by = "the whole 95 % interval" if confident else "the estimate"
    reasons = (f"{'holds' if check.passed else 'FAILS'}: {check.rule}: {check.reason}" for check in checks)
    return "\n".join([aligned(rows), "", *reasons, f"decided by {by}"])


def amount(measure: str, value: float | None, *, sign: str = "") -> str:
    """A value of a measure for people: percent, except where a measure is no share."""
    if value is None:
        return "–"
    whole = measure in LOWER_IS_BETTER or measure.endswith("/W")
    return f"{value:{sign}.3f}" if whole else f"{100 * value:{sign}.1f} %"


def junit(checks: Sequence[Check], name: str) -> str:
    """The checks as JUnit's XML, which CI systems read: a test case a rule."""
    failed = [check for check in checks if not check.passed]
    suite = ElementTree.Element(
        "testsuite", name="agenttuning gate", tests=str(len(checks)), failures=str(len(failed)), errors="0", skipped="0"
    )
    for check in checks:
        case = ElementTree.SubElement(suite, "testcase", classname=_plain(name), name=_plain(check.rule), time="0")
        if check.passed:
            ElementTree.SubElement(case, "system-out").text = _plain(check.reason)
        else:
            ElementTree.SubElement(case, "failure", type="rule", message=_plain(check.reason)).text = _plain(
                check.reason
            )
    root = ElementTree.Element("testsuites", tests=str(len(checks)), failures=str(len(failed)))
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(c if c.isprintable() or c == " " else "?" for c in text)
