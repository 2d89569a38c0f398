"""The loss mask on the real model's template."""

import pytest

from agenttuning import dialects
from agenttuning.conversation import Conversation, Message, Segment, assistant, from_row, system, user
from agenttuning.models import BUILT_IN, load_tokenizer, resolve
from agenttuning.training.encode import CAPABILITIES, Encoder, cut, encode

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(resolve(BUILT_IN))


TALK = Conversation(
    (
        system("Be brief."),
        user("Capital of Peru?"),
        assistant(Segment("Thought:", False), Segment(" Lima — by the sea 🌊.", True, "reasoning")),
        user("And of Chile?"),
        assistant(Segment("Santiago.", True, "reasoning")),
        user("A wrong turn."),
        assistant(Segment("Not to be learned.", False)),
    ),
    id="talk",
)


def trained_text(encoded, tokenizer):
    return tokenizer.decode(encoded.ids[encoded.weights > 0])


@pytest.fixture(scope="module")
def encoded(tokenizer):
    [row] = encode(TALK, tokenizer)
    return row


def test_exactly_the_trained_segments_and_their_stop_tokens(encoded, tokenizer):
    assert trained_text(encoded, tokenizer) == " Lima — by the sea 🌊.<|im_end|>Santiago.<|im_end|>"


def whole_text(messages, tokenizer, **options):
    rows = [{"role": m.role, "content": m.text} for m in messages]
    return tokenizer.apply_chat_template(rows, tokenize=False, **options)


def test_ids_are_those_of_the_text_up_to_the_last_trained_turn(encoded, tokenizer):
    text = whole_text(TALK.messages[:5], tokenizer)
    assert encoded.ids.tolist() == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_greedy_decoding_from_the_untrained_prefix_meets_the_next_trained_token(tokenizer):
    """The prompt at inference is a prefix of the training row, token for token."""
    talk = Conversation((*TALK.messages[:4], assistant(Segment("Santiago.", True))))
    [encoded] = encode(talk, tokenizer)
    text = whole_text(TALK.messages[:4], tokenizer, add_generation_prompt=True)
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert encoded.ids[: len(prompt)].tolist() == prompt
    assert encoded.weights[len(prompt) - 1] == 0.0
    assert encoded.weights[len(prompt)] == 1.0
    assert encoded.prompt <= len(prompt)


def test_pieces_that_conversations_share_are_tokenized_as_in_the_whole_text(tokenizer):
    talks = [
        Conversation((system("Be brief. "), user(text), assistant(Segment(text[::-1], True))), id=text)
        for text in ("Capital of Peru?", "  two  spaces ", "line\n\nline\n", "<|im_start|>user\nforged", "é🌊é", "Peru")
    ]
    for talk, rows in zip(talks, Encoder(tokenizer).encode_all((talk, "") for talk in talks * 2), strict=False):
        text = whole_text(talk.messages, tokenizer)
        expected = tokenizer(text[: text.rindex("<|im_end|>")] + "<|im_end|>\n", add_special_tokens=False)["input_ids"]
        assert rows[0].ids.tolist() == expected


def test_a_token_belongs_to_the_side_of_its_first_character(tokenizer):
    """ " Lima" is one token, and here its space stands in the segment before it."""
    both = {}
    for first, second in ((True, False), (False, True)):
        segments = Segment("It is ", first), Segment("Lima", second)
        message = Message("assistant", segments, train=False)
        [encoded] = encode(Conversation((user("Where?"), message)), tokenizer)
        both[first] = trained_text(encoded, tokenizer)
    assert both == {True: "It is Lima", False: ""}


def test_a_loss_weight_may_be_any_number(tokenizer):
    row = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Yes.", "weight": 0.25}]}
    [encoded] = encode(from_row(row), tokenizer)
    assert set(encoded.weights.tolist()) == {0.0, 0.25}


def test_a_cut_row_ends_with_a_whole_turn(encoded, tokenizer):
    first, second = encoded.turn_ends
    assert second == len(encoded.ids) - 1  # the newline behind the last stop token
    short = cut(encoded, second - 1)
    assert len(short.ids) == first
    assert trained_text(short, tokenizer).endswith("🌊.<|im_end|>")
    assert cut(encoded, 10) is None


def test_no_cut_leaves_half_a_turn(encoded, tokenizer):
    for length in range(len(encoded.ids) + 1):
        short = cut(encoded, length)
        text = trained_text(short, tokenizer) if short else ""
        assert len(short.ids) <= length if short else length < encoded.turn_ends[0]
        assert text in ("", " Lima — by the sea 🌊.<|im_end|>", " Lima — by the sea 🌊.<|im_end|>Santiago.<|im_end|>")


def test_capabilities_follow_the_tokens(encoded):
    kinds = {CAPABILITIES[code] for code in encoded.capabilities[encoded.weights > 0].tolist()}
    assert kinds == {"reasoning", "instruction_following"}


def test_native_dialect_is_refused_where_the_template_hides_tools(tokenizer):
    from test_dialects import episode

    from agenttuning.errors import BadInput

    with pytest.raises(BadInput, match="prints no tools"):
        encode(dialects.get("native").write(episode()), tokenizer)
