"""Which characters of a rendered conversation the model would itself have sampled.

For an assistant turn, let P be the messages before it with the generation prompt, and R the messages up to and
with it. At inference the model is given P and goes on; so where R begins with P, what follows is what the model
samples, up to and including the stop token that the template prints. That is the mask: assistant content, what
the template sets around it after its own generation prompt (the space before Llama 2's answers, the channel words
of gpt-oss), the stop token; never headers, prompts, or the newline behind the stop token.

Most templates print a turn the same way whatever follows, and one rendering serves all turns. Some rewrite
history (Qwen 3 takes thoughts out of earlier turns): then a turn is trained in a rendering of its own, in which it
stands as it was sampled. What cannot be found with certainty is refused with the reason.


>>> [rendering.text[span.start:span.end] for span in rendering.spans]
['Thought: Count the rows.\\n', 'Action: sql SELECT COUNT(*) FROM town', '<|im_end|>']
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from agenttuning.chat_template import ChatTemplate
from agenttuning.conversation import Conversation, Message, Segment
from agenttuning.errors import MaskError

_SENTINEL = "Zq7sentinelZq7"  # an answer that no template would change or print by itself


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) that the model samples; `weight` 0 where its segment is not trained."""

    start: int
    end: int
    weight: float
    capability: str | None


@dataclass(frozen=True, slots=True)
class Rendering:
    """A text and, in order, what in it was sampled; `ends` are where a turn, stop token included, is complete;
    `turns` are the messages whose mask this is."""

    text: str
    spans: tuple[Span, ...]
    ends: tuple[int, ...]
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a template sets around the content of a finished turn: `lead` + content + `tail`."""

    lead: str
    tail: str


@dataclass(frozen=True, slots=True)
class _Turn:
    """One assistant turn as printed: where it starts, its text up to the stop token, how that is made up."""

    start: int
    sampled: str
    frame: _Frame
    printed: str  # the content as it stands there


class Masker:
    """Finds masks under one template, and remembers what was proven about it."""

    def __init__(self, template: ChatTemplate):
        self.template = template
        self._proven: set[_Frame] = set()

    def renderings(self, conversation: Conversation) -> list[Rendering]:
        """One rendering in which all trained turns stand as sampled, or, where the template rewrites history, several
        in the order of their turns.

        Messages after a rendering's last trained turn are left out. Without a trained turn: the whole text, no spans.
        Raises MaskError with the reason where a turn's mask cannot be known, BadInput where the template refuses.
        """
        turns = [i for i, message in enumerate(conversation.messages) if _trained(message)]
        if not turns:
            return [Rendering(self.template.text(conversation), (), (), ())]
        return list(reversed(list(_Finder(conversation, self.template, self._proven, turns).renderings())))


def _forms(message: Message) -> tuple[str, ...]:
    """How a template may print the content: as it is, or without white space at its ends."""
    return (message.text,) if message.text == message.text.strip() else (message.text, message.text.strip())


def _trained(message: Message) -> bool:
    return message.role == "assistant" and bool(message.train or any(s.train for s in message.segments))


class _Finder:
    """The masks of one conversation's trained turns."""

    def __init__(self, conversation: Conversation, template: ChatTemplate, proven: set[_Frame], turns: list[int]):
        self.conversation, self.template, self.proven, self.turns = conversation, template, proven, turns
        self.prompts = dict(zip(turns, template.texts(conversation, turns, generation_prompt=True), strict=True))

    def renderings(self) -> Iterator[Rendering]:
        """From the last turn to the first."""
        left = self.turns
        while left:
            last = left[-1]
            text = self.template.text(self.conversation, last + 1)
            final = self._final(last, text)
            found = {i: turn for i in left[:-1] if (turn := self._inner(i, text, final)) is not None}
            found[last] = final
            spans: list[Span] = []
            ends = []
            for i, turn in found.items():
                spans += self._spans(i, text, turn)
                ends.append(spans[-1].end)
            yield Rendering(text, tuple(spans), tuple(ends), tuple(found))
            left = [i for i in left if i not in found]

    def _final(self, i: int, text: str) -> _Turn:
        """Turn `i` in a text that ends with it."""
        prompt, message = self.prompts[i], self.conversation.messages[i]
        if not text.startswith(prompt):
            at = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, prompt, strict=False)))
            raise self._error(
                i,
                "the finished turn does not begin with the prompt",
                f"the prompt goes on with {prompt[at : at + 30]!r} where the turn has {text[at : at + 30]!r}",
            )
        body = text[len(prompt) :]
        if message.calls:
            return self._calls(i, len(prompt), body)
        for printed in _forms(message):
            at = body.find(printed)
            if at >= 0 and (frame := _Frame(body[:at], body[at + len(printed) :])) in self.proven:
                return self._turn(i, len(prompt), printed, frame)
        frame = self._prove(i)
        for printed in _forms(message):
            if body == frame.lead + printed + frame.tail:
                self.proven.add(frame)
                return self._turn(i, len(prompt), printed, frame)
        raise self._error(i, "the template changes its text", f"it prints {body[:60]!r}")

    def _turn(self, i: int, start: int, printed: str, frame: _Frame) -> _Turn:
        closing = self.template.closing(frame.tail)
        if not closing and not self.template.next_header_stops:
            raise self._error(i, "the template prints no stop token", "the model would not learn to end a turn")
        return _Turn(start, frame.lead + printed + closing, frame, printed)

    def _prove(self, i: int) -> _Frame:
        """What stands around the content, shown by printing another one in its place."""
        message = replace(self.conversation.messages[i], segments=(Segment(_SENTINEL),))
        other = replace(self.conversation, messages=(*self.conversation.messages[:i], message))
        body = self.template.text(other)
        if not body.startswith(self.prompts[i]) or body.count(_SENTINEL, len(self.prompts[i])) != 1:
            raise self._error(i, "the template does not print its text", f"but {body[-60:]!r}")
        lead, tail = body[len(self.prompts[i]) :].split(_SENTINEL)
        return _Frame(lead, tail)

    def _calls(self, i: int, start: int, body: str) -> _Turn:
        """The template prints the calls in its own words; all of it is sampled."""
        content = self.conversation.messages[i].text
        printed = next((form for form in _forms(self.conversation.messages[i]) if form in body), None)
        if printed is None:
            raise self._error(i, "the template leaves out the text beside tool calls", repr(content[:60]))
        at = body.find(printed)
        frame = _Frame(body[:at], body[at + len(printed) :])
        return _Turn(start, frame.lead + printed + self.template.closing(frame.tail), frame, printed)

    def _inner(self, i: int, text: str, final: _Turn) -> _Turn | None:
        """Turn `i` with others behind it, or None where it does not stand there as it was sampled."""
        prompt, message = self.prompts[i], self.conversation.messages[i]
        if not text.startswith(prompt):
            return None
        if not (self.template.rewrites or message.calls or self.conversation.messages[self.turns[-1]].calls):
            for printed in _forms(message):
                turn = self._turn(i, len(prompt), printed, final.frame)
                if text.startswith(turn.sampled, turn.start):
                    return turn
        alone = self._final(i, self.template.text(self.conversation, i + 1))
        return alone if text.startswith(alone.sampled, alone.start) else None

    def _spans(self, i: int, text: str, turn: _Turn) -> list[Span]:
        """The turn's segments in order, then its calls, then its stop token."""
        message = self.conversation.messages[i]
        content = turn.start + len(turn.frame.lead)
        cut = len(message.text) - len(message.text.lstrip()) if turn.printed != message.text else 0
        spans, place = [], -cut
        for segment in message.segments:
            start, end = max(0, place), min(len(turn.printed), place + len(segment.text))
            place += len(segment.text)
            if end > start:
                spans.append(Span(content + start, content + end, float(segment.train), segment.capability))
        if spans and turn.frame.lead:
            spans[0] = replace(spans[0], start=turn.start)
        after, end = content + len(turn.printed), turn.start + len(turn.sampled)
        train = float(message.train)
        if message.calls:
            stop = min((end - len(t) for t in self.template.stops if turn.sampled.endswith(t)), default=end)
            spans.append(Span(after if spans else turn.start, stop, train, "understanding"))
            after = stop
        if end == after:
            end = self._stop_in_next_header(text, after)
        if end > after:
            spans.append(Span(after, end, train, "instruction_following"))
        return spans

    def _stop_in_next_header(self, text: str, at: int) -> int:
        """GLM and its like print no stop token: the model stops by sampling the header of the next message."""
        rest = text[at:]
        start = at + len(rest) - len(rest.lstrip())
        return max((start + len(t) for t in self.template.stops if text.startswith(t, start)), default=at)

    def _error(self, i: int, reason: str, detail: str) -> MaskError:
        name = self.conversation.id or "conversation"
        return MaskError(f"{name}: messages[{i}] has no certain loss mask: {reason} ({detail})", f"no mask: {reason}")
