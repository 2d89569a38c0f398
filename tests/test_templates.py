"""The loss mask under chat templates of published models: which characters carry loss, row by row."""

from typing import Any

import numpy as np
import pytest
from template_results import RESULTS, pieces
from template_talks import TALKS, trained_turns
from template_zoo import TEMPLATES, template, tokenizer_of

from agenttuning.chat_template import ChatTemplate
from agenttuning.conversation import Conversation
from agenttuning.errors import UserError
from agenttuning.training.encode import Encoded, encode

torch = pytest.importorskip("torch")

# What encode does not do yet, by template and conversation: these tests say so when it does.
OPEN = {
    ("smollm-3", "padded"), ("qwen-3", "padded"), ("nemotron-3-nano", "padded"), ("nemotron-3-super", "padded"),
    ("nemotron-3-ultra", "padded"), ("nemotron-3.5", "padded"),  # white space stripped at one end only
    ("glm-4", "last-user"), ("glm-4.5", "last-user"),  # the last turn's stop token is in the message behind it
    ("falcon-h1", "calls"), ("falcon-h1", "silent-calls"), ("command-a", "calls"), ("command-a", "silent-calls"),
    ("diffusion-gemma", "silent-calls"),  # a header that the prompt lacks
}  # fmt: skip
NAMES = [item.name for item in TEMPLATES]


def text_of(row: Encoded, talk: Conversation, template: ChatTemplate) -> str:
    """The rendering that a row was made from: the messages up to one of them, token for token."""
    for end in range(len(talk.messages), 0, -1):
        text = template.text(talk, end)
        if list(row.ids) == template.tokenizer(text, add_special_tokens=False)["input_ids"]:
            return text
    raise AssertionError(f"no rendering of the conversation has these tokens: {template.tokenizer.decode(row.ids)!r}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_exactly_what_the_model_samples_is_trained(name: str, talk: Conversation, request: pytest.FixtureRequest):
    if (name, talk.id) in OPEN:
        request.applymarker(pytest.mark.xfail(strict=True))
    item, result = template(name), RESULTS[name]
    tokenizer = tokenizer_of(item)
    reason = result.reason(talk.id)
    if reason:
        with pytest.raises(UserError, match=reason):
            encode(talk, tokenizer)
        return
    turns = trained_turns(talk)
    wanted = [[i] for i in turns] if result.has_row_a_turn(talk.id) else [turns]
    rows = encode(talk, tokenizer)
    assert len(rows) == len(wanted)
    chat = ChatTemplate(tokenizer)
    for row, trained in zip(rows, wanted, strict=True):
        text = text_of(row, talk, chat)
        weight = np.zeros(len(text))
        for i in trained:
            place = len(chat.text(talk, i, generation_prompt=True))
            for piece, train in pieces(result, talk, i):
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
        if result.reason(talk.id) or (name, talk.id) in OPEN:
            continue
        rows = encode(talk, tokenizer)
        for i in trained_turns(talk):
            row = next(row for row in rows if f"/turn-{i}" in row.id or len(rows) == 1)
            prompt = chat.text(talk, i, generation_prompt=True)
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            if list(row.ids[: len(ids)]) != ids:
                text = text_of(row, talk, chat)
                offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
                assert any(start < len(prompt) < end for start, end in offsets), (talk.id, i)
                assert talk.id == "padded"
