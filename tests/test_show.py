"""`show` prints what a model sees of a row, and where a second template prints or trains something else."""

import json

import pytest
from corpus_rows import chat

from agenttuning.commands.show import show
from agenttuning.errors import BadInput
from agenttuning.files import write_jsonl

pytest.importorskip("torch")


@pytest.fixture
def corpus(tmp_path):
    rows = [chat(1), chat(2)]
    rows[1]["messages"][1]["weight"] = 0.5
    write_jsonl(tmp_path / "chat.jsonl", rows)
    return tmp_path / "chat.jsonl"


def printed(capsys, *arguments, **options):
    show(*arguments, **options)
    return capsys.readouterr().out


def test_the_trained_part_and_its_tokens(corpus, capsys):
    out = printed(capsys, corpus)
    assert "assistant\n«Answer 1.»«<|im_end|>»" in out
    assert out.splitlines()[0].endswith("40 tokens, 5 trained")
    assert "'Answer' 21350" in out


def test_weights_other_than_one_are_named(corpus, capsys):
    assert "trained (weight 0.5): " in printed(capsys, corpus, row=2)


def test_json_has_a_value_a_token(corpus, capsys):
    row = json.loads(printed(capsys, corpus, id="general-0002", json=True))
    assert len(row["tokens"]) == len(row["ids"]) == len(row["weights"]) == len(row["capabilities"])
    assert [t for t, w in zip(row["tokens"], row["weights"], strict=True) if w] == [
        "Answer",
        " ",
        "2",
        ".",
        "<|im_end|>",
    ]


def test_no_difference_from_itself(corpus, capsys):
    assert printed(capsys, corpus, diff="smollm2-135m-instruct").startswith("no difference")


def test_difference_from_another_template(corpus, capsys):
    out = printed(capsys, corpus, diff="vicuna")
    assert "- 'Answer 1.' (trained)" in out
    assert "+ ' Answer 1.' (trained)" in out  # Vicuna's answers begin with a space
    found = json.loads(printed(capsys, corpus, diff="vicuna", json=True))
    assert found["first_rows"] == found["second_rows"] == 1
    assert found["differences"][0]["first"][0] != found["differences"][0]["second"][0]


def test_a_template_that_cannot_be_read(corpus):
    with pytest.raises(BadInput, match=r"'none': No such file or directory; give a Jinja file, or one of agent-flan"):
        show(corpus, chat_template="none")
