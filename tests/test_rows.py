"""A corpus as tokens: encoded once, kept, the same however it was made."""

import json
import os

import numpy as np
import pytest
import tiny

from agenttuning.chat_template import ChatTemplate
from agenttuning.errors import BadInput
from agenttuning.models import BUILT_IN, load_tokenizer, resolve
from agenttuning.training.encode import encode
from agenttuning.training.rows import BLOCK_ROWS, PARALLEL_FROM, batch, read_rows


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(resolve(BUILT_IN))


@pytest.fixture
def cache(tmp_path, monkeypatch, tokenizer):
    monkeypatch.setenv("AGENTTUNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoded"


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def talk(answer, **extra):
    return {"messages": [{"role": "user", "content": "Well?"}, {"role": "assistant", "content": answer}], **extra}


def same(one, other):
    return (one.id, one.source, one.turn_ends) == (other.id, other.source, other.turn_ends) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("ids", "weights", "capabilities")
    )


def test_stored_rows_are_the_encoded_ones(tmp_path, cache, tokenizer):
    from agenttuning.conversation import from_row

    rows = [talk("One."), talk("Two words."), talk("", id="empty"), talk("Three 🌊.", id="sea", source="general")]
    read, dropped = read_rows(write(tmp_path / "corpus.jsonl", rows), tokenizer, 512)
    fresh = [encoded for row in rows for encoded in encode(from_row(row), tokenizer, source=row.get("source", ""))]
    assert len(read) == len(fresh) == 4
    assert all(same(a, b) for a, b in zip(read, fresh, strict=True))
    assert same(read[-1], fresh[-1])
    assert [row.id for row in read[1:3]] == ["", "empty"]
    assert not any(dropped.values())


def test_a_corpus_is_encoded_once_for_a_template_and_a_length(tmp_path, cache, tokenizer):
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 5)
    read_rows(corpus, tokenizer, 512)
    [folder] = (path for path in cache.iterdir() if path.is_dir())
    before = (folder / "ids.bin").stat().st_mtime_ns
    read_rows(corpus, tokenizer, 512)
    assert (folder / "ids.bin").stat().st_mtime_ns == before
    read_rows(corpus, tokenizer, 511)
    tiny.write_corpus(corpus, 6)
    read_rows(corpus, tokenizer, 512)
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 3


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity") or os.cpu_count() == 1, reason="needs two processors")
def test_several_processes_give_the_same_bytes_as_one(tmp_path, cache, tokenizer, monkeypatch):
    rows = PARALLEL_FROM * BLOCK_ROWS + 7
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", rows)
    found, allowed = [], os.sched_getaffinity(0)
    try:
        for processors in ({min(allowed)}, allowed):
            os.sched_setaffinity(0, processors)
            monkeypatch.setenv("AGENTTUNING_CACHE", str(tmp_path / str(len(processors))))
            assert len(read_rows(corpus, tokenizer, 512)[0]) == rows
            [folder] = (path for path in (tmp_path / str(len(processors)) / "encoded").iterdir() if path.is_dir())
            found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    finally:
        os.sched_setaffinity(0, allowed)
    assert found[0] == found[1]


def test_what_is_dropped_is_counted_by_reason(tmp_path, cache, tokenizer):
    long = talk("word " * 600)
    two = {"messages": [*talk("Short.")["messages"], *long["messages"]]}
    unanswered = {"messages": [{"role": "user", "content": "Hello?"}]}
    read, dropped = read_rows(write(tmp_path / "c.jsonl", [talk("Yes."), long, two, unanswered]), tokenizer, 256)
    assert [tokenizer.decode(row.ids[row.weights > 0]) for row in read] == ["Yes.<|im_end|>", "Short.<|im_end|>"]
    assert dropped == {"cut to max_length": 1, "no trained token within max_length": 2}


def test_a_row_whose_mask_is_not_certain_is_dropped_with_its_reason(tmp_path, cache):
    tokenizer = load_tokenizer(resolve(BUILT_IN))
    shouting = tokenizer.chat_template.replace("message['content']", "message['content'] | replace('no', 'yes')")
    assert shouting != tokenizer.chat_template
    tokenizer.chat_template = shouting
    corpus = write(tmp_path / "corpus.jsonl", [talk("A certain answer."), talk("no", id="changed")])
    read, dropped = read_rows(corpus, tokenizer, 256)
    assert len(read) == 1
    assert dropped["no mask: the template changes its text"] == 1
    with pytest.raises(BadInput, match=r"for example changed: messages\[1\] has no certain loss mask"):
        read_rows(write(corpus, [talk("no", id="changed")]), tokenizer, 256)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"conversations": [{"from": "human", "value": "Hi"}]}, "no 'messages' list, found 'conversations'"),
        ({"messages": [{"role": "narrator", "content": "Once"}]}, r"messages\[0\]: unknown role 'narrator'"),
        ({"messages": [{"role": "assistant", "content": "x", "weight": -1}]}, "loss weight"),
        ({"messages": [{"role": "assistant", "content": "x", "thinking": "hm"}]}, "thinking is not read"),
    ],
)
def test_rows_of_another_schema_are_named_by_file_and_line(tmp_path, cache, tokenizer, row, said):
    corpus = write(tmp_path / "corpus.jsonl", [talk("Yes."), row])
    with pytest.raises(BadInput, match=rf"corpus\.jsonl:2.*{said}"):
        read_rows(corpus, tokenizer, 256)


def test_rows_written_under_another_template_are_counted(tmp_path, cache, tokenizer):
    own = ChatTemplate(tokenizer).fingerprint
    rows = [talk("One.", meta={"chat_template": own}), talk("Two.", meta={"chat_template": "another"}), talk("Three.")]
    read, counts = read_rows(write(tmp_path / "corpus.jsonl", rows), tokenizer, 256)
    assert len(read) == 3
    assert counts["written under another chat template"] == 1


def calls(*ids):
    function = {"name": "look", "arguments": "{}"}
    return [{"type": "function", "function": function} | ({"id": id} if id else {}) for id in ids]


@pytest.mark.parametrize(
    ("ids", "answers", "said"),
    [
        (("a", "b"), ("b", "a"), "expected 'a': results stand in the order of their calls"),
        ((None,), ("a",), "the call before it has no id"),
    ],
)
def test_results_that_answer_no_call_are_refused(tmp_path, cache, tokenizer, ids, answers, said):
    messages = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": calls(*ids)},
        *({"role": "tool", "content": "Seen.", "tool_call_id": id} for id in answers),
    ]
    corpus = write(tmp_path / "corpus.jsonl", [{"messages": messages}])
    with pytest.raises(BadInput, match=said):
        read_rows(corpus, tokenizer, 256)


def test_the_rows_of_a_step_come_round(tmp_path, cache, tokenizer):
    read, _ = read_rows(tiny.write_corpus(tmp_path / "corpus.jsonl", 3), tokenizer, 512)
    assert [row.id for row in batch(read, 2, 1)] == ["row-2", "row-0"]
