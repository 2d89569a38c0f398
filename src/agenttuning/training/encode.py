"""A conversation as token ids with a loss weight each.

The rule: a token carries loss if the model would itself have sampled it there and its segment says `train`:
assistant text and the stop token, never headers, prompts, or what the template adds. A token that straddles two
segments belongs to the side of its first character.

>>> encoded = encode(conversation, tokenizer)
>>> tokenizer.decode([i for i, w in zip(encoded.ids, encoded.weights) if w])
'Thought: Count the rows.\\nAction: sql SELECT COUNT(*) FROM town<|im_end|>'
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Any

from agenttuning.chat_template import render
from agenttuning.conversation import Conversation, Message
from agenttuning.errors import MaskError


@dataclass(frozen=True, slots=True)
class Encoded:
    """`ids`, `weights` and `capabilities` have one entry a token; `turn_ends` are the token counts at which an
    assistant turn, stop token included, is complete."""

    id: str
    source: str
    ids: tuple[int, ...]
    weights: tuple[float, ...]
    capabilities: tuple[str | None, ...]
    turn_ends: tuple[int, ...]

    @property
    def trained(self) -> int:
        return sum(weight > 0 for weight in self.weights)

    @property
    def prompt(self) -> int:
        """Tokens before the first trained one."""
        return next((i for i, weight in enumerate(self.weights) if weight > 0), len(self.ids))


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    train: bool
    capability: str | None


def encode(conversation: Conversation, tokenizer: Any, *, source: str = "") -> Encoded:
    """Raises MaskError where the template rewrites what came before, so that no mask would be true."""
    text = render(conversation, tokenizer, generation_prompt=False)
    spans: list[_Span] = []
    ends: list[int] = []
    for i, message in enumerate(conversation.messages):
        if message.role == "assistant":
            spans += _turn_spans(conversation, i, message, text, tokenizer)
            ends.append(spans[-1].end if spans else 0)
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts = [span.start for span in spans]
    weights, capabilities = [], []
    for first, last in tokens["offset_mapping"]:
        k = bisect_right(starts, first) - 1
        inside = k >= 0 and first < spans[k].end and last > first
        weights.append(1.0 if inside and spans[k].train else 0.0)
        capabilities.append(spans[k].capability if inside and spans[k].train else None)
    firsts = [first for first, _ in tokens["offset_mapping"]]
    return Encoded(
        conversation.id,
        source,
        tuple(tokens["input_ids"]),
        tuple(weights),
        tuple(capabilities),
        tuple(bisect_right(firsts, end - 1) for end in ends),
    )


def _turn_spans(conversation: Conversation, i: int, message: Message, text: str, tokenizer: Any) -> list[_Span]:
    """Character spans of turn `i` in the rendered text: its segments in order, then its stop token."""
    before = replace(conversation, messages=conversation.messages[:i])
    through = replace(conversation, messages=conversation.messages[: i + 1])
    prompt = render(before, tokenizer, generation_prompt=True)
    turn = render(through, tokenizer, generation_prompt=False)
    where = f"{conversation.id or 'conversation'}: messages[{i}]"
    if not text.startswith(prompt):
        raise MaskError(f"{where}: the chat template writes the turns before it differently once it is there")
    if not text.startswith(turn.rstrip()):
        raise MaskError(f"{where}: the chat template rewrites this turn once others follow it")
    body = turn[len(prompt) :]
    start = len(prompt)
    stop = _stop_token(body, message, tokenizer)
    spans: list[_Span] = []
    position = start
    if message.calls:
        # The template prints the calls in its own words: all of the turn is one thing the model samples.
        length = len(body.rstrip()) if stop is None else stop[0]
        spans.append(_Span(start, start + length, message.train, "understanding"))
        position = start + length
    else:
        if not body.startswith(message.text):
            raise MaskError(
                f"{where}: the chat template changes the text (it prints {body[:40]!r}…); "
                "strip white space from the content or use another template"
            )
        for segment in message.segments:
            spans.append(_Span(position, position + len(segment.text), segment.train, segment.capability))
            position += len(segment.text)
    if stop is not None:
        spans.append(_Span(start + stop[0], start + stop[1], message.train, "instruction_following"))
    return [span for span in spans if span.end > span.start]


def _stop_token(body: str, message: Message, tokenizer: Any) -> tuple[int, int] | None:
    """Where in the turn's text its stop token stands: the first special token after the content, if any."""
    at = 0 if message.calls else len(message.text)
    specials = {*tokenizer.all_special_tokens, tokenizer.eos_token} - {None}
    found = [(body.find(token, at), token) for token in sorted(specials) if token in body[at:]]
    if not found:
        return None
    position, token = min(found)
    return position, position + len(token)


def cut(encoded: Encoded, length: int) -> Encoded | None:
    """At most `length` tokens, ending with a whole turn; None where no trained token is left."""
    if len(encoded.ids) > length:
        fitting = [end for end in encoded.turn_ends if end <= length]
        end = fitting[-1] if fitting else 0
        encoded = replace(
            encoded,
            ids=encoded.ids[:end],
            weights=encoded.weights[:end],
            capabilities=encoded.capabilities[:end],
            turn_ends=tuple(fitting),
        )
    return encoded if encoded.trained else None
