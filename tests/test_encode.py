"""The loss mask on the real model's template."""

import pytest

from agenttuning import dialects
from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.models import BUILT_IN, load_tokenizer, resolve
from agenttuning.training.encode import cut, encode

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
    return tokenizer.decode([i for i, w in zip(encoded.ids, encoded.weights, strict=True) if w])


def test_exactly_the_trained_segments_and_their_stop_tokens(tokenizer):
    assert trained_text(encode(TALK, tokenizer), tokenizer) == (" Lima — by the sea 🌊.<|im_end|>Santiago.<|im_end|>")


def test_ids_are_those_of_the_whole_text(tokenizer):
    rows = [{"role": m.role, "content": m.text} for m in TALK.messages]
    text = tokenizer.apply_chat_template(rows, tokenize=False)
    assert list(encode(TALK, tokenizer).ids) == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_greedy_decoding_from_the_untrained_prefix_meets_the_next_trained_token(tokenizer):
    """The prompt at inference is a prefix of the training row, token for token."""
    encoded = encode(TALK, tokenizer)
    rows = [{"role": m.role, "content": m.text} for m in TALK.messages[:4]]
    prompt = tokenizer.apply_chat_template(rows, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert list(encoded.ids[: len(prompt)]) == list(prompt)
    assert encoded.weights[len(prompt)] == 1.0
    assert encoded.weights[len(prompt) - 1] == 0.0


def test_a_cut_row_ends_with_a_whole_turn(tokenizer):
    encoded = encode(TALK, tokenizer)
    short = cut(encoded, encoded.turn_ends[1] + 3)
    assert len(short.ids) == encoded.turn_ends[1]
    assert trained_text(short, tokenizer).endswith("Santiago.<|im_end|>")
    assert cut(encoded, 10) is None


def test_capabilities_follow_the_tokens(tokenizer):
    encoded = encode(TALK, tokenizer)
    kinds = {c for c, w in zip(encoded.capabilities, encoded.weights, strict=True) if w}
    assert kinds == {"reasoning", "instruction_following"}


def test_native_dialect_is_refused_where_the_template_hides_tools(tokenizer):
    from test_dialects import episode

    from agenttuning.errors import BadInput

    with pytest.raises(BadInput, match="prints no tools"):
        encode(dialects.get("native").write(episode()), tokenizer)
