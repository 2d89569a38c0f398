"""Rules that a model has to satisfy, as text: `held-in > base`, `general >= base - 1%`, `alfworld >= 0.5`.

    rule     MEASURE OPERATOR BOUND
    OPERATOR >  >=  <  <=
    BOUND    base | base + NUMBER | base - NUMBER | NUMBER
    NUMBER   digits, with a point, with % or without

A percent sign divides by 100: `- 1%` is one point of a score in percent, not one hundredth of it. White space does not
count except inside a word.

>>> parse("general >= base - 1%")
Rule(text='general >= base - 1%', measure='general', operator='>=', relative=True, number=-0.01)
"""

import re
from dataclasses import dataclass

from agenttuning.errors import BadInput

LONGEST = 200  # characters of a rule
_ROUNDING = 1e-12  # what lies nearer to its bound is equal to it
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(/[A-Za-z])?")
_OPERATOR = re.compile(r">=|<=|>|<")
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)\s*(%?)")


@dataclass(frozen=True, slots=True)
class Rule:
    """`measure` `operator` `number`, or base + `number` where `relative`; shares, not percent."""

    text: str
    measure: str
    operator: str
    relative: bool
    number: float

    def holds(self, margin: float) -> bool:
        """Whether a value that lies so far above the bound (negative: below) satisfies the rule."""
        near = abs(margin) < _ROUNDING
        return ("=" in self.operator and near) or (not near and (margin > 0) == self.operator.startswith(">"))


def parse(text: str) -> Rule:
    """Raises BadInput with the place, in characters from 1, and a mark under it."""
    if len(text) > LONGEST:
        raise BadInput(f"rule: {len(text)} characters; a rule has at most {LONGEST}")
    at = _skip(text, 0)
    name = _NAME.match(text, at)
    if not name:
        raise _wrong(text, at, "a measure, such as held-in or alfworld")
    at = _skip(text, name.end())
    operator = _OPERATOR.match(text, at)
    if not operator:
        raise _wrong(text, at, "one of > >= < <=")
    at = _skip(text, operator.end())
    relative, sign = text.startswith("base", at), 1
    if relative:
        at = _skip(text, at + len("base"))
        if at < len(text):
            if text[at] not in "+-−":
                raise _wrong(text, at, "+ or - and a number, or the end")
            sign = 1 if text[at] == "+" else -1
            at = _skip(text, at + 1)
        else:
            return Rule(text, name[0], operator[0], True, 0.0)
    number = _NUMBER.match(text, at)
    if not number:
        raise _wrong(text, at, "a number" if relative else "base or a number")
    end = _skip(text, number.end())
    if end < len(text):
        raise _wrong(text, end, "the end of the rule")
    value = sign * float(number[1]) / (100 if number[3] else 1)
    return Rule(text, name[0], operator[0], relative, value)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _wrong(text: str, at: int, expected: str) -> BadInput:
    shown = "".join(c if c.isprintable() else "?" for c in text)
    found = f"{shown[at : at + 12]!r}" if at < len(text) else "its end"
    return BadInput(f"rule {shown!r}, character {at + 1}: expected {expected}, found {found}")
