"""Tool calls out of a model's text, while it comes: content before the calls is given out, the calls when they end.

Calls stand between ``<tool_call>`` tags (Qwen, Hermes, and whatever `messages` tells a model), or the whole reply is
one JSON object with the name of a tool and its arguments (Llama 3).

>>> reader = ToolReader({"weather"})
>>> reader.push('<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>')
('', [ToolCall(name='weather', arguments={'city': 'Rome'})])
"""

from agenttuning.dialects.base import load_arguments
from agenttuning.errors import FormatError
from agenttuning.trajectory import ToolCall

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


class ToolReader:
    """What is no call of a known form stays content. `begun` is text that the reply was made to begin with."""

    def __init__(self, names: set[str], begun: str = ""):
        self._names, self._held = names, begun
        self._started = False  # some content was given out

    def push(self, text: str) -> tuple[str, list[ToolCall]]:
        """(content, calls) that are certain now."""
        self._held += text
        content, calls = "", list[ToolCall]()
        while True:
            if not self._started and self._held.lstrip().startswith("{"):
                return content, calls  # perhaps a call without tags: known at the end
            at = self._held.find(_OPEN)
            if at < 0:
                keep = _beginning(self._held)
                content += self._give(self._held[: len(self._held) - keep])
                self._held = self._held[len(self._held) - keep :]
                return content, calls
            end = self._held.find(_CLOSE, at)
            if end < 0:
                content += self._give(self._held[:at])
                self._held = self._held[at:]
                return content, calls
            call = _read(self._held[at + len(_OPEN) : end])
            whole = self._held[: end + len(_CLOSE)]
            self._held = self._held[end + len(_CLOSE) :]
            content += self._give(whole[:at] if call else whole)
            if call:
                calls.append(call)

    def finish(self) -> tuple[str, list[ToolCall]]:
        """What is left: a call whose closing tag is missing, one without tags, or content."""
        at = self._held.find(_OPEN)
        call = _read(self._held[at + len(_OPEN) :]) if at >= 0 else _read(self._held)
        if at < 0 and call is not None and call.name not in self._names:
            call = None
        content, self._held = (self._held if call is None else self._held[: max(at, 0)]), ""
        return self._give(content), [call] if call else []

    def _give(self, content: str) -> str:
        """Content, without the line breaks that only part it from a call."""
        if not self._started and not content.strip():
            return ""
        self._started = True
        return content


def _read(text: str) -> ToolCall | None:
    try:
        value = load_arguments(text)
    except FormatError:
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if not isinstance(value.get("name"), str) or not isinstance(arguments, dict):
        return None
    return ToolCall(value["name"], arguments)


def _beginning(text: str) -> int:
    """How many characters at the end may be the beginning of an opening tag."""
    longest = min(len(text), len(_OPEN) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(_OPEN[:size])), 0)
