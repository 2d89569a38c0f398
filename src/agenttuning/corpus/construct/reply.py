"""What a teacher's text holds: a JSON object, or a block of code. Never run, only read, and under size limits.

>>> json_of('Here you are:\\n```json\\n{"problem": "How many?"}\\n```')
{'problem': 'How many?'}
>>> code_of("```bash\\nls | wc -l\\n```")
'ls | wc -l'
"""

import json
import re
from typing import Any

from agenttuning.corpus.construct.refusal import Refused
from agenttuning.engines.base import Reply
from agenttuning.files import too_deep

MAX_REPLY = 64 * 1024  # characters that are read
_TRIES = 20  # places where an object may begin
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_BLOCK = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)\n?[ \t]*```", re.DOTALL)


def json_of(reply: Reply) -> dict[str, Any]:
    """The first JSON object of a reply. Raises Refused.

    Line breaks inside its texts are let through, as models write them.
    """
    text = _said(reply)
    decoder = json.JSONDecoder(strict=False)
    place = -1
    for _ in range(_TRIES):
        place = text.find("{", place + 1)
        if place < 0:
            break
        try:
            value, _ = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value and not too_deep(value):
            return _encodable(value)
    raise Refused("cut" if reply.finish == "length" else "no_json", text)


def code_of(reply: Reply, *languages: str) -> str:
    """The first block of code in one of these languages, or of none. Raises Refused."""
    text = _said(reply)
    for language, code in _BLOCK.findall(text):
        if language.lower() in ("", *languages) and code.strip():
            return code.strip().encode(errors="replace").decode()
    raise Refused("solver_unreadable", text)


def text_field(value: dict[str, Any], name: str, *, most: int, empty: bool = False) -> str:
    """A text of an object. Raises Refused."""
    text = value.get(name)
    if empty and text is None:
        return ""
    if not isinstance(text, str) or not (empty or text.strip()):
        raise Refused("fields", f"{name!r} should be a text, found {str(text)[:60]!r}")
    if len(text) > most:
        raise Refused("too_long", f"{name!r} has {len(text)} characters, more than {most}")
    if "\0" in text:
        raise Refused("fields", f"{name!r} holds a null character")
    return text.strip()


def _said(reply: Reply) -> str:
    """Without a reasoning model's thoughts."""
    if len(reply.text) > MAX_REPLY:
        raise Refused("too_long", f"a reply of {len(reply.text)} characters")
    return _THINKING.sub("", reply.text)


def _encodable(value: Any) -> Any:
    """Without halves of surrogate pairs, which no file can hold."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8"))
