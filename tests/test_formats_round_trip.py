"""Import and export of rows that nobody chose: what was read is written again to the letter."""

import json

import pytest
from foreign_rows import INSTRUCT, LOSSLESS, items, written
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import nasty

from agenttuning.corpus.formats import FORMATS, read, write
from agenttuning.corpus.formats.base import Row
from agenttuning.corpus.formats.convert import convert
from agenttuning.files import read_jsonl, write_jsonl

many = settings(max_examples=150)
# What an agent writes, by task: in its form, and out of it.
said = {
    task: st.sampled_from([turn["value"] for turn in row["conversations"] if turn["from"] == "gpt"])
    for task, row in INSTRUCT.items()
}
asked = st.one_of(nasty, st.sampled_from(["The output of the OS:\n", "Observation: x", "Now, my problem is:\n\nX?"]))


def survivors(format, *rows):
    """The items of the rows that are not refused."""
    return [r.item for r in FORMATS[format].records([Row(f"f:{i}", row) for i, row in enumerate(rows)], lambda _: None)]


@pytest.mark.parametrize("format", LOSSLESS)
def test_through_our_own_files_and_back(tmp_path, format):
    write_jsonl(tmp_path / "rows.jsonl", LOSSLESS[format])
    convert([tmp_path / "rows.jsonl"], tmp_path / "ours")
    report = write(format, (record.item for record in read(tmp_path / "ours")), tmp_path / "back.jsonl")
    assert report["lost"] == {}
    back = [row for _, row in read_jsonl(tmp_path / "back.jsonl")]
    assert sorted(map(json.dumps, map(ordered, back))) == sorted(map(json.dumps, map(ordered, LOSSLESS[format])))


def ordered(row):
    return dict(sorted(row.items()))


@many
@given(
    st.sampled_from(sorted(INSTRUCT)).flatmap(
        lambda task: st.tuples(
            st.just(task),
            st.lists(st.tuples(asked, st.one_of(said[task], said[task], nasty), st.booleans()), min_size=1, max_size=4),
        )
    ),
    st.booleans(),
)
def test_agentinstruct(found, ends_with_an_answer):
    task, exchanges = found
    turns = [
        turn
        for question, answer, loss in exchanges
        for turn in (
            {"from": "human", "loss": None, "value": question},
            {"from": "gpt", "loss": loss, "value": answer},
        )
    ]
    if not ends_with_an_answer:
        turns.append({"from": "human", "loss": None, "value": "x"})
    row = {"conversations": turns, "id": f"{task}_1"}
    for item in survivors("agentinstruct", row):
        assert written("agentinstruct", item) == ([row], {})


loss = st.sampled_from([{}, {"loss": True}, {"loss": False}, {"loss": None}])


@many
@given(
    st.lists(st.tuples(asked, loss, st.one_of(*said.values(), nasty), loss), min_size=1, max_size=4),
    st.sampled_from(["", "x", "db_1", 7]),
    st.dictionaries(st.sampled_from(["split", "n"]), st.integers(), max_size=2),
)
def test_agent_flan(exchanges, id, fields):
    turns = [
        turn
        for question, one, answer, other in exchanges
        for turn in ({"role": "user", "content": question, **one}, {"role": "assistant", "content": answer, **other})
    ]
    row = {"conversation": turns, "id": id, **fields}
    (item,) = items("agent-flan", row)
    assert written("agent-flan", item) == ([row], {})


@many
@given(st.lists(st.tuples(nasty, nasty, st.booleans()), min_size=1, max_size=4), nasty)
def test_toolbench(exchanges, request):
    system = LOSSLESS["toolbench"][0]["conversations"][0]
    turns = [system, {"from": "user", "value": request}]
    rows = []
    for thought, answer, taken in exchanges:
        call = f"\nThought: {thought}\nAction: look_for_maps\nAction Input: {{}}"
        turns = [*turns, {"from": "assistant", "value": call}]
        if taken:
            rows.append({"id": f"Step {len(turns)}: {request}", "conversations": turns})
        turns = [*turns, {"from": "function", "value": answer}]
    found = survivors("toolbench", *rows)
    if found:
        assert [row for item in found for row in written("toolbench", item)[0]] == rows


words = st.text(alphabet="abc'\"{}\\: \n", max_size=12).map(str.strip)


@many
@given(
    st.text(alphabet="abc'\": \n", max_size=12).map(str.strip),
    st.lists(st.tuples(words, words, st.one_of(st.none(), words)), min_size=1, max_size=3),
)
def test_glaive(prompt, exchanges):
    turns = [{"from": "system", "value": prompt}] if prompt else []
    for question, answer, argument in exchanges:
        turns.append({"from": "human", "value": question})
        if argument is not None:
            call = json.dumps({"name": "look", "arguments": {"at": argument}}, ensure_ascii=False)
            turns += [{"from": "function_call", "value": call}, {"from": "observation", "value": answer}]
        turns.append({"from": "gpt", "value": answer})
    (chat,) = items("sharegpt", {"conversations": turns})
    ((row,), lost) = written("glaive", chat)
    assert lost == {}
    (again,) = items("glaive", row)
    assert [(m.role, m.text, m.calls) for m in again.messages] == [(m.role, m.text, m.calls) for m in chat.messages]
    assert written("glaive", again)[0] == [row]
