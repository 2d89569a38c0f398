"""The characters and the tone of what the agent says: control characters, wrong encodings, refusals.

Printing these as text is what a model would learn; in prompts and observations they are what an agent must read.
"""

import re
from collections.abc import Iterator

from agenttuning.corpus.lint.rule import Found, around, mentions, rule
from agenttuning.corpus.lint.view import View

_CONTROL = tuple(chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127))
# Marks that turn the direction of text around and so hide what it says (CVE-2021-42574).
_DIRECTION = tuple(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_ESCAPED_CONTROL = re.compile("[" + re.escape("".join((*_CONTROL, *_DIRECTION))) + "]")


@rule("control-characters", "fault", "the agent writes control characters or marks that turn text around")
def control_characters(view: View) -> Iterator[Found]:
    said = view.said
    if not any(c in said for c in _CONTROL) and (said.isascii() or not any(c in said for c in _DIRECTION)):
        return
    for turn in view.answers:
        if match := _ESCAPED_CONTROL.search(view.parts[turn].text):
            yield turn, around(match)


# UTF-8 that was read as Windows-1252 or Latin-1: an accented letter, a quotation mark, a dash, an emoji.
_MOJIBAKE = re.compile(
    "\ufffd|\u00c3[\u0080-\u00bf\u0192\u201a-\u201e\u2020-\u2022\u0152\u0153\u0160\u0161\u0178]"
    "|\u00e2\u20ac[\u0080-\u00bf\u0152\u0153\u0161\u02dc\u2013-\u2122]|\u00e2\u0080[\u0080-\u00bf]"
    "|\u00f0\u0178[\u0080-\u00bf\u2018-\u201d\u02dc\u2122]|\u00c2[\u0080-\u00a0\u00a3\u00a9\u00b0](?!\\w)"
)


@rule("mojibake", "fault", "the agent writes replacement characters or text in a wrong encoding")
def mojibake(view: View) -> Iterator[Found]:
    if view.said.isascii():
        return
    for turn in view.answers:
        if match := _MOJIBAKE.search(view.parts[turn].text):
            yield turn, around(match)


# All in small letters; the pattern matches no text without one of them.
_HINTS = ("cannot", "can't", "cant", "can\u2019t", "unable", "not able", "won't", "won\u2019t", "will not", "an ai",
          "artificial", "language model", "refuse", "decline")  # fmt: skip
_CANNOT = r"(?:can(?:not|['\u2019]?t)|won['\u2019]t|will not|am unable to|am not able to)"
_REFUSAL = re.compile(
    # As an AI, I have no access to …
    r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b[^.!?\n]{0,80}?"
    rf"(?:{_CANNOT}|unable|not able|do(?:es)?n['\u2019]?t have|do not have|not programmed|not allowed)"
    # I'm sorry, but I can't …
    r"|\bI(?:['\u2019]m| am) (?:(?:very |so |really )?sorry|afraid),? (?:but |that )?(?:I|this|that|as)\b"
    rf"[^.!?\n]{{0,60}}?(?:{_CANNOT}|unable|not able)"
    rf"|\b(?:sorry|I apologi[sz]e),? (?:but )?I {_CANNOT}"
    # I cannot help with …
    rf"|\bI (?:{_CANNOT}|must decline to|(?:have to )?refuse to) (?:help|assist|comply|fulfil|do that|engage"
    r"|provide (?:assistance|that|this|any)|continue with (?:this|that)"
    r"|complete (?:this|that|the|your) (?:request|task))",
    re.IGNORECASE,
)
_START = 300  # characters: a refusal comes first


@rule("refusal", "info", "the agent refuses")
def refusal(view: View) -> Iterator[Found]:
    if not mentions(view, _HINTS):
        return
    for turn in view.answers:
        if match := _REFUSAL.search(view.parts[turn].text[:_START]):
            yield turn, around(match)


def refuses(text: str) -> bool:
    """Whether a reply begins with a refusal."""
    return _REFUSAL.search(text[:_START]) is not None
