"""What two rows must share to be the same: all words, an agent's actions, or most of their words.

Instructions and tool lists say nothing of a row's own, so near-duplicates are told by what follows them. A fingerprint
is a pure function of its row.

>>> fingerprint(to_atif(trajectory), "rows.jsonl:1", near=True).actions == fingerprint(other, "rows.jsonl:2").actions
True
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from agenttuning.atif import from_atif
from agenttuning.conversation import Conversation, from_row
from agenttuning.corpus.lint.duplicates import hash_of
from agenttuning.corpus.lint.view import View
from agenttuning.errors import BadInput, BadRow
from agenttuning.trajectory import Trajectory

PERMUTATIONS = 128
SHINGLE = 5  # words
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes, 0 where there is nothing to hash: `text` of all that was said, `id` of a conversation's, `actions` of an
    episode's task and calls, `task`, and `episode` of task and seed. `sketch` is a MinHash of the row's own words."""

    source: str
    text: int
    id: int = 0
    actions: int = 0
    task: int = 0
    episode: int = 0
    sketch: Any = None


def fingerprint(row: Mapping[str, Any], where: str, *, near: bool = False) -> Fingerprint:
    """Raises BadRow for a row that is no trajectory and no conversation."""
    try:
        item = from_atif(row) if "schema_version" in row else from_row(row, where=where)
    except BadInput as error:
        text = str(error)
        raise BadRow(text if text.startswith(where) else f"{where}: {text}", "not_a_row") from None
    source = row.get("source")
    return fingerprint_of(item, source if isinstance(source, str) else "", near=near)


def fingerprint_of(item: Trajectory | Conversation, source: str, *, near: bool = False) -> Fingerprint:
    """The same of an item; `source` is a conversation's."""
    text = hash_of(View(item))
    sketch = _sketch(item) if near else None
    if isinstance(item, Conversation):
        return Fingerprint(source, text, _hash(item.id) if item.id else 0, sketch=sketch)
    environment, task, seed = item.key
    calls = [_action(step.decision.call, step.decision.message) for step in item.steps]
    return Fingerprint(
        f"agent/{environment}",
        text,
        actions=_hash([environment, task, calls]),
        task=_hash([environment, task]),
        episode=_hash([environment, task, seed]),
        sketch=sketch,
    )


def _action(call: Any, message: str | None) -> list[Any]:
    return [call.name, dict(call.arguments)] if call is not None else [message]


def _hash(value: Any) -> int:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def _sketch(item: Trajectory | Conversation) -> Any:
    from rensa import RMinHash

    words = _WORD.findall("\n".join(_own(item)).lower())
    shingles = [" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))]
    sketch = RMinHash(PERMUTATIONS, 0)
    sketch.update(shingles)
    return sketch


def _own(item: Trajectory | Conversation) -> Iterator[str]:
    """An episode without its instructions and tools, a conversation without its system prompt."""
    if isinstance(item, Conversation):
        for message in item.messages:
            if message.role != "system":
                yield message.text
                yield from (json.dumps(dict(call.arguments), ensure_ascii=False) for call in message.calls)
        return
    yield item.opening
    for step in item.steps:
        decision = step.decision
        yield from (decision.thought or "", decision.message or "")
        if decision.call is not None:
            yield f"{decision.call.name} {json.dumps(dict(decision.call.arguments), ensure_ascii=False)}"
        yield step.observation
