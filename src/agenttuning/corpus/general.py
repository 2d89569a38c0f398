"""General conversations from anybody's JSONL: OpenAI messages, ShareGPT, or the built-in rehearsal rows.

    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}

A row with a `split` is trained on only when that is ``train``: the others are kept for the general probe.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.conversation import Conversation, from_row
from agenttuning.errors import BadInput

# The start model's own answers to our prompts, made by `agenttuning rehearse`.
GENERAL = Path(__file__).parent.parent / "data" / "general" / "rehearsal.jsonl"
PROMPTS = GENERAL.with_name("prompts.jsonl")

_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "assistant": "assistant",
}


def read_general(row: Mapping[str, Any], where: str) -> Conversation | None:
    """The conversation of one row; None where it is not for training or holds nothing to learn.

    Raises BadInput with `where` (file:line) for a row of neither format.
    """
    if row.get("split", "train") != "train":
        return None
    if "messages" in row:
        conversation = from_row(row, where=where)
    elif "conversations" in row:
        conversation = from_row({"id": row.get("id", ""), "messages": _sharegpt(row, where)}, where=where)
    else:
        keys = ", ".join(map(repr, list(row)[:5])) or "none"
        raise BadInput(f"{where}: expected a 'messages' or a 'conversations' list, found the keys {keys}")
    trained = any(s.train and s.text.strip() for m in conversation.messages for s in m.segments)
    return conversation if trained else None


def _sharegpt(row: Mapping[str, Any], where: str) -> list[dict[str, str]]:
    """The turns as messages, from the first of the user on: shared logs often begin with half an answer."""
    turns = row["conversations"]
    if not isinstance(turns, list):
        raise BadInput(f"{where}: 'conversations' must be a list, found {type(turns).__name__}")
    messages = []
    for i, turn in enumerate(turns):
        role = _ROLES.get(turn.get("from", turn.get("role", ""))) if isinstance(turn, Mapping) else None
        text = turn.get("value", turn.get("content")) if role else None
        if role is None or not isinstance(text, str):
            raise BadInput(f"{where}: conversations[{i}] needs 'from' (human, gpt or system) and a text 'value'")
        if role == "assistant" and not any(m["role"] == "user" for m in messages):
            continue
        messages.append({"role": role, "content": text})
    return messages or [{"role": "user", "content": ""}]
