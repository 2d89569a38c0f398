"""Text on its way to a model: messages made of segments, each trained or not, each with a capability.

A dialect writes a trajectory into a `Conversation`; a chat template and `training.encode` turn that into tokens
and a loss mask. Whether a segment carries loss is decided here, at the text, and only executed below.

>>> reply = assistant(Segment("I will look. ", True, "reasoning"), Segment("look(box)", True, "retrieval"))
>>> reply.text
'I will look. look(box)'
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agenttuning.errors import BadInput
from agenttuning.trajectory import Tool, ToolCall

Role = Literal["system", "user", "assistant", "tool"]
GENERAL_SOURCE = "general"  # the `source` of corpus rows that hold what the model knew; others are agent/ENVIRONMENT
# Agent-FLAN's decomposition (arXiv 2403.12881 §3.2): thought, tool name, arguments, format.
Capability = Literal["reasoning", "retrieval", "understanding", "instruction_following"]


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    train: bool = False
    capability: Capability | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message. `calls` is filled by the native dialect only; its text is the model's template's."""

    role: Role
    segments: tuple[Segment, ...]
    calls: tuple[ToolCall, ...] = ()
    train: bool = False  # whether `calls` and the stop token of this turn carry loss

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Conversation:
    """`tools` is filled only where the chat template prints them (the native dialect)."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    id: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


def system(text: str) -> Message:
    return Message("system", (Segment(text),))


def user(text: str) -> Message:
    return Message("user", (Segment(text),))


def assistant(*segments: Segment, calls: tuple[ToolCall, ...] = ()) -> Message:
    """A model's turn; its stop token is trained when its last segment is."""
    return Message("assistant", segments, calls, train=bool(segments) and segments[-1].train)


def to_openai(conversation: Conversation) -> list[dict[str, Any]]:
    """The messages as chat templates and OpenAI-compatible endpoints take them."""
    rows: list[dict[str, Any]] = []
    call_id = "call_0"
    for i, message in enumerate(conversation.messages):
        row: dict[str, Any] = {"role": message.role, "content": message.text}
        if message.calls:
            call_id = f"call_{i}"
            row["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": dict(call.arguments)},
                }
                for call in message.calls
            ]
        if message.role == "tool":
            row["tool_call_id"] = call_id
        rows.append(row)
    return rows


def to_row(conversation: Conversation) -> dict[str, Any]:
    """A corpus row: OpenAI `messages` whose assistant turns carry their `segments`."""
    rows = to_openai(conversation)
    for row, message in zip(rows, conversation.messages, strict=True):
        if message.role == "assistant":
            row["train"] = message.train
            row["segments"] = [[s.text, s.train, s.capability] for s in message.segments]
    row: dict[str, Any] = {"id": conversation.id, "messages": rows}
    if conversation.tools:
        row["tools"] = [tool.schema() for tool in conversation.tools]
    if conversation.meta:
        row["meta"] = dict(conversation.meta)
    return row


def from_row(row: Mapping[str, Any], *, where: str = "row") -> Conversation:
    """Read a corpus row, ours or anybody's OpenAI-style `messages` row.

    A foreign row has no segments: its assistant turns are trained whole unless they say ``"train": false``
    (`loss`, `trainable` and `weight` are read as the same thing). Raises BadInput that names the row and field.
    """
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadInput(f"{where}: no 'messages' list; expected OpenAI-style chat rows")
    out = []
    for i, item in enumerate(messages):
        if not isinstance(item, Mapping) or item.get("role") not in ("system", "user", "assistant", "tool"):
            raise BadInput(f"{where}: messages[{i}].role must be system, user, assistant or tool")
        text = item.get("content")
        if text is None:
            text = ""
        if not isinstance(text, str):
            raise BadInput(f"{where}: messages[{i}].content must be text, found {type(text).__name__}")
        role = item["role"]
        if role != "assistant":
            out.append(Message(role, (Segment(text),)))
            continue
        train = bool(next((item[k] for k in ("train", "loss", "trainable", "weight") if item.get(k) is not None), True))
        pieces = item.get("segments")
        try:
            segments = (
                tuple(Segment(piece[0], bool(piece[1]), piece[2]) for piece in pieces)
                if pieces is not None
                else (Segment(text, train),)
            )
            calls = tuple(_call(c["function"]) for c in item.get("tool_calls") or ())
        except (TypeError, KeyError, IndexError, ValueError) as error:
            raise BadInput(f"{where}: messages[{i}]: bad segments or tool_calls ({error})") from None
        if "".join(s.text for s in segments) != text:
            raise BadInput(f"{where}: messages[{i}]: the segments do not add up to the content")
        out.append(Message(role, segments, calls, train))
    tools = tuple(
        Tool(t["function"]["name"], t["function"].get("description", ""), t["function"].get("parameters", {}))
        for t in row.get("tools") or ()
    )
    return Conversation(tuple(out), tools, str(row.get("id", "")), row.get("meta") or {})


def _call(function: Mapping[str, Any]) -> ToolCall:
    arguments = function["arguments"]
    if isinstance(arguments, str):  # the wire format; templates want the object
        arguments = json.loads(arguments)
    return ToolCall(function["name"], arguments)
