"""The loss mask under chat templates of published models: which characters carry loss, row by row."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from template_results import NEXT_HEADER, RESULTS, Result
from template_talks import TALKS
from template_zoo import TEMPLATES, Template, template, tokenizer_of

from agenttuning.chat_template import ChatTemplate
from agenttuning.conversation import Conversation, Message
from agenttuning.errors import UserError
from agenttuning.training.encode import Encoded, encode

torch = pytest.importorskip("torch")

NAMES = [item.name for item in TEMPLATES]


def turns_of(talk: Conversation) -> list[int]:
    """The trained turns."""
    return [i for i, m in enumerate(talk.messages) if m.role == "assistant" and any(s.train for s in m.segments) or m.calls]


def expected_turn(result: Result, talk: Conversation, i: int) -> list[tuple[str, bool]]:
    """What the model samples in turn `i`: pieces of text, each with whether it is trained."""
    message = talk.messages[i]
    if message.calls:
        text = result.call if message.text else result.silent_call
        return [(text + (result.stop_after_call or _stop(result, talk, i)), True)]
    pieces = [(segment.text, segment.train) for segment in message.segments]
    if talk.id == "padded" and i == 1:
        pieces = [(result.padded, True)]
    pieces[0] = (result.lead + pieces[0][0], pieces[0][1])
    return [*pieces, (result.tail + _stop(result, talk, i), message.train)]


def _stop(result: Result, talk: Conversation, i: int) -> str:
    if result.stop != NEXT_HEADER:
        return result.stop
    following = talk.messages[i + 1].role if i + 1 < len(talk.messages) else ""
    return {"user": "<|user|>", "tool": "<|observation|>", "": ""}[following]


def text_of(row: Encoded, talk: Conversation, template: ChatTemplate) -> str:
    """The rendering that a row was made from: the messages up to one of them, token for token."""
    for end in range(len(talk.messages), 0, -1):
        text = template.text(talk, end)
        if list(row.ids) == template.tokenizer(text, add_special_tokens=False)["input_ids"]:
            return text
    raise AssertionError(f"no rendering of the conversation has these tokens: {template.tokenizer.decode(row.ids)!r}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_exactly_what_the_model_samples_is_trained(name: str, talk: Conversation):
    item, result = template(name), RESULTS[name]
    tokenizer = tokenizer_of(item)
    reason = result.reason(talk.id)
    if reason:
        with pytest.raises(UserError, match=reason):
            encode(talk, tokenizer)
        return
    turns = turns_of(talk)
    wanted = [[i] for i in turns] if result.has_row_a_turn(talk.id) else [turns]
    rows = encode(talk, tokenizer)
    assert len(rows) == len(wanted)
    chat = ChatTemplate(tokenizer)
    for row, trained in zip(rows, wanted, strict=True):
        text = text_of(row, talk, chat)
        weight = np.zeros(len(text))
        for i in trained:
            place = len(chat.text(talk, i, generation_prompt=True))
            for piece, train in expected_turn(result, talk, i):
                assert text.startswith(piece, place), (text[place:], piece)
                weight[place : place + len(piece)] = train
                place += len(piece)
        offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        assert [float(weight[start]) for start, _ in offsets] == list(row.weights), spelled(row, tokenizer)


def spelled(row: Encoded, tokenizer: Any) -> str:
    """The trained tokens between bars, for a message."""
    tokens = tokenizer.convert_ids_to_tokens(row.ids)
    return "".join(f"|{t}|" if w else t for t, w in zip(tokens, row.weights, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_prompt_at_inference_is_the_start_of_the_row(name: str):
    """Token for token, but where the template's last character and the model's first are one token."""
    item, result = template(name), RESULTS[name]
    tokenizer = tokenizer_of(item)
    chat = ChatTemplate(tokenizer)
    for talk in TALKS.values():
        if result.reason(talk.id):
            continue
        rows = encode(talk, tokenizer)
        for i in turns_of(talk):
            row = next(row for row in rows if f"/turn-{i}" in row.id or len(rows) == 1)
            prompt = chat.text(talk, i, generation_prompt=True)
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            if list(row.ids[: len(ids)]) != ids:
                text = text_of(row, talk, chat)
                offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
                print(name, talk.id, i, repr(text[len(prompt)-6:len(prompt)+6]))
                assert any(start < len(prompt) < end for start, end in offsets), (name, talk.id, i)
