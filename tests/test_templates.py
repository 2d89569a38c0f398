"""The loss mask under chat templates of published models: which characters carry loss, row by row."""

import random
from typing import Any

import numpy as np
import pytest
from template_results import RESULTS, pieces
from template_talks import LOOK, TALKS, trained_turns
from template_zoo import TEMPLATES, template, tokenizer_of

from agenttuning.chat_template import ChatTemplate
from agenttuning.conversation import Conversation, Message, Segment, assistant, user
from agenttuning.errors import UserError
from agenttuning.training.encode import Encoded, encode
from agenttuning.trajectory import Tool, ToolCall

torch = pytest.importorskip("torch")

NAMES = [item.name for item in TEMPLATES]


def text_of(row: Encoded, talk: Conversation, template: ChatTemplate) -> str:
    """The rendering that a row was made from: the messages up to one of them, token for token."""
    for end in range(len(talk.messages), 0, -1):
        for next_header in ("", "<|user|>", "<|observation|>"):
            text = template.text(talk, end) + next_header
            if list(row.ids) == template.tokenizer(text, add_special_tokens=False)["input_ids"]:
                return text
    raise AssertionError(f"no rendering of the conversation has these tokens: {template.tokenizer.decode(row.ids)!r}")


def check(rows: list[Encoded], name: str, talk: Conversation) -> None:
    """Every token of the rows carries the weight that the template's result says."""
    result, tokenizer = RESULTS[name], tokenizer_of(template(name))
    turns = trained_turns(talk)
    wanted = [[i] for i in turns] if result.has_row_a_turn(talk.id) else [turns]
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
@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_exactly_what_the_model_samples_is_trained(name: str, talk: Conversation, request: pytest.FixtureRequest):
    reason = RESULTS[name].reason(talk.id)
    if reason:
        with pytest.raises(UserError, match=reason):
            encode(talk, tokenizer_of(template(name)))
    else:
        check(encode(talk, tokenizer_of(template(name))), name, talk)


BITS = ("Lima", "user", " assistant", " final", "to=user", " ", "\n", "\n\n", "🌊", "日本", "'s", ".", "[INST]", " ###",
        "1234", "\t", "é", "think", "model", "{", "}", "<", "|", "…", "\r\n")  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if not RESULTS[name].reason("plain")])
def test_random_conversations(name: str):
    for seed in range(6):
        rng = random.Random(f"{name} {seed}")
        messages = []
        for _ in range(rng.randint(1, 4)):
            texts = ["".join(rng.choices(BITS, k=rng.randint(0, 8))) for _ in range(rng.randint(2, 4))]
            texts[0] += "a"
            flags = [rng.random() < 0.7 for _ in texts]
            segments = [
                Segment(t, train, "reasoning" if train else None) for t, train in zip(texts, flags, strict=True)
            ]
            messages += [user(texts[-1] + "?"), assistant(*segments)]
        talk = Conversation((*messages, user("Why?"))[: rng.choice([None, -1])], id="plain")
        if trained_turns(talk):
            check(encode(talk, tokenizer_of(template(name))), name, talk)


_ASKED = user("What is there?")
_TWO = (ToolCall("look", {"at": "box"}), ToolCall("look", {"at": "lid"}))


@pytest.mark.parametrize(
    ("name", "turn", "tools"),
    [
        ("llama-3.1", Message("assistant", (Segment("look", True),), _TWO[:1], train=True), (LOOK,)),
        ("mistral-v3", Message("assistant", (Segment("look", True),), _TWO[:1], train=True), (LOOK,)),
        ("gpt-oss", Message("assistant", (), _TWO, train=True), (LOOK,)),
        ("zephyr", Message("assistant", (Segment("Look.", True),), _TWO[:1], train=True), ()),
        ("phi-3", Message("assistant", (Segment("Look.", True),), _TWO[:1], train=True), ()),
    ],
    ids=["text that the call repeats", "text that the call repeats too", "second call", "call", "call too"],
)
def test_turn_of_which_the_template_leaves_something_out_is_refused(name: str, turn: Message, tools: tuple[Tool, ...]):
    with pytest.raises(UserError, match="leaves out"):
        encode(Conversation((_ASKED, turn), tools), tokenizer_of(template(name)))


@pytest.mark.parametrize("name", ["chatml", "qwen-3", "gemma"])
def test_empty_answer_is_its_stop_token(name: str):
    [row] = encode(Conversation((_ASKED, assistant(Segment("", True)))), tokenizer_of(template(name)))
    assert tokenizer_of(template(name)).decode(row.ids[row.weights > 0]) == RESULTS[name].stop


def test_empty_answer_before_a_header_that_stops_is_that_header():
    tokenizer = tokenizer_of(template("glm-4"))
    [row] = encode(Conversation((_ASKED, assistant(Segment("", True)))), tokenizer)
    assert tokenizer.decode(row.ids[row.weights > 0]) == "\n<|user|>"


def test_content_that_holds_a_stop_token_is_refused():
    with pytest.raises(UserError, match="its text holds a stop token"):
        encode(
            Conversation((_ASKED, assistant(Segment("A box<|im_end|>and more", True)))),
            tokenizer_of(template("qwen-3")),
        )


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
        for i in trained_turns(talk):
            row = next(row for row in rows if f"/turn-{i}" in row.id or len(rows) == 1)
            prompt = chat.text(talk, i, generation_prompt=True)
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            if list(row.ids[: len(ids)]) != ids:
                text = text_of(row, talk, chat)
                offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
                assert any(start < len(prompt) < end for start, end in offsets), (talk.id, i)
                assert talk.id == "padded"
