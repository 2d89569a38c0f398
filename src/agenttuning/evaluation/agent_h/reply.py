"""What a model replied to an item, as it stands in agent_h.jsonl.

>>> Reply.of(item, agent.turn(item.trajectory(), nobody)).row()["call"]
{'name': 'track_parcel', 'arguments': {'tracking_code': 'KX20418832ZA'}}
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from agenttuning.agents.base import Turn
from agenttuning.evaluation.agent_h.item import Item
from agenttuning.trajectory import ToolCall

DEEPEST = 40  # levels of lists and objects in a call's arguments; one that nests deeper cannot be stored


@dataclass(frozen=True, slots=True)
class Reply:
    """`written` is the raw text. Where the dialect could read it there is a `call` or a `message`, else `unreadable`
    says why not; prose is unreadable in most dialects and still an answer. `failed` says why there is no reply.
    `usage` is `trajectory.Usage.row`, None where nothing is known of it."""

    id: str
    query: str
    written: str = ""
    thought: str | None = None
    call: ToolCall | None = None
    message: str | None = None
    unreadable: str | None = None
    failed: str | None = None
    usage: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, item: Item, turn: Turn) -> Self:
        said, call = turn.decision, turn.decision.call
        unreadable = None if turn.unreadable is None else str(turn.unreadable)
        if call is not None and _is_deep(call.arguments):
            call, unreadable = None, f"The arguments are nested more than {DEEPEST} levels deep."
        if call is not None:
            call = ToolCall(_clean(call.name), json.loads(_clean(json.dumps(call.arguments, ensure_ascii=False))))
        thought, message = (None if text is None else _clean(text) for text in (said.thought, said.message))
        usage = None if turn.usage is None else turn.usage.row()
        return cls(item.id, item.query, _clean(turn.written or ""), thought, call, message, unreadable, usage=usage)

    def row(self) -> dict[str, Any]:
        return asdict(self) | {"call": None if self.call is None else asdict(self.call)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Raises TypeError or KeyError for a row that `row` did not make."""
        if not isinstance(row, Mapping):
            raise TypeError("a reply is an object")
        texts: dict[str, Any] = {name: value for name, value in row.items() if name != "call"}
        if not all(isinstance(texts[name], str) for name in ("id", "query", "written")):
            raise TypeError("id, query and written are texts")
        call = row["call"]
        if call is not None and not (isinstance(call["name"], str) and isinstance(call["arguments"], Mapping)):
            raise TypeError("a call is a name and an object")
        return cls(**texts, call=None if call is None else ToolCall(call["name"], call["arguments"]))

    @property
    def said(self) -> str:
        """What the model said in words: what the dialect read as thought and message, else the whole raw text."""
        if self.call is None and self.message is not None:
            return f"{self.thought or ''}\n{self.message}".strip()
        return self.written.strip()


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair, which JSON lets a model write, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, Mapping | list)
            for inner in (outer.values() if isinstance(outer, Mapping) else outer)
        ]
    return bool(level)
