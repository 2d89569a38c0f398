"""An encoded row with its tokens as text: what a model sees of a conversation, and which tokens carry loss.

>>> [shown] = Shown.of(conversation, "agent/database", tokenizer)
>>> [text for weight, _, text, _, _ in shown.runs() if weight]
['Thought: Count the rows.\\nAction: sql SELECT COUNT(*) FROM town<|im_end|>']
"""

from itertools import groupby
from typing import Any

from agenttuning.conversation import Conversation
from agenttuning.training.encode import CAPABILITIES, Encoded, encode


class Shown:
    """`ids`, `weights`, `capabilities` and `tokens` are lists with one entry a token."""

    def __init__(self, encoded: Encoded, tokenizer: Any):
        self.encoded, self.tokenizer = encoded, tokenizer
        self.ids, self.weights = encoded.ids.tolist(), encoded.weights.tolist()
        self.capabilities = [CAPABILITIES[code] for code in encoded.capabilities.tolist()]

    @property
    def tokens(self) -> list[str]:
        return [self.tokenizer.decode([token]) for token in self.ids]

    @classmethod
    def of(cls, conversation: Conversation, source: str, tokenizer: Any) -> "list[Shown]":
        """The rows of a conversation. Raises MaskError where its mask cannot be known."""
        return [cls(encoded, tokenizer) for encoded in encode(conversation, tokenizer, source=source)]

    def plain(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"id": self.encoded.id, "source": self.encoded.source, "tokens": self.tokens}
        return fields | {"ids": self.ids, "weights": self.weights, "capabilities": self.capabilities}

    def runs(self) -> list[tuple[float, str | None, str, int, int]]:
        """(weight, capability, text, first token, one after the last) of neighbours that are trained alike."""
        out, place = [], 0
        for (weight, capability), group in groupby(zip(self.weights, self.capabilities, strict=True)):
            end = place + len(list(group))
            out.append((weight, capability, self.tokenizer.decode(self.ids[place:end]), place, end))
            place = end
        return out
