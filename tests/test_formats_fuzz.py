"""Whatever a file holds, a reader gives records or counts what it refused, and what it gives can be written."""

import json

import pytest
from corpus_rows import episode
from foreign_rows import LOSSLESS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agenttuning.atif import to_atif
from agenttuning.corpus.formats import FORMATS, Refused, WriteConfig, read, write
from agenttuning.corpus.formats.rows import CHUNK, rows
from agenttuning.errors import BadInput, BadRow, UserError
from agenttuning.files import write_jsonl

fuzz = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SAMPLES = {**LOSSLESS, "atif": [to_atif(episode(1, steps=2))]}
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
        st.sampled_from(
            ["\ud800", "{}", "[", "NaN", '{"name": "x", "arguments": "\\ud800"}', "gpt", "assistant", "user"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["conversations", "messages", "from", "value", "role", "content", "name", "arguments", "function",
                 "tool_calls", "segments", "tools", "meta", "id", "properties", "parameters", "extra", "steps"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)  # fmt: skip


def places(value, path=()):
    """The paths to every value inside a value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutated_rows(draw, format):
    """A row of the format with one to three of its values replaced by anything."""
    row = draw(st.sampled_from(SAMPLES[format]))
    for _ in range(draw(st.integers(1, 3))):
        row = changed(row, draw(st.sampled_from(list(places(row)))), draw(values))
        if not isinstance(row, dict):
            return {"conversations": row}
    return row


def survives(file, format, out):
    """Read a file and write what came of it in every format; only a UserError may come out."""
    try:
        found = [record.item for record in read(file, format, refused=Refused())]
    except UserError:
        return
    for name in FORMATS:
        if name != "parquet":
            write(name, found, out / name, WriteConfig(license="mit"))


@pytest.mark.parametrize("format", SAMPLES)
@fuzz
@given(data=st.data())
def test_mutated_rows(tmp_path, format, data):
    file = tmp_path / "rows.jsonl"
    row = data.draw(mutated_rows(format))
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    survives(file, format, tmp_path / "out")
    survives(file, None, tmp_path / "out")


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@fuzz
@given(data=st.data())
def test_mutated_bytes(tmp_path, suffix, data):
    format = data.draw(st.sampled_from(sorted(SAMPLES)))
    document = SAMPLES[format] if suffix == ".json" else SAMPLES[format][0]
    content = bytearray(json.dumps(document, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        content = content or bytearray(b"{")
    file = tmp_path / f"rows{suffix}"
    file.write_bytes(bytes(content))
    survives(file, None, tmp_path / "out")


@fuzz
@given(data=st.data())
def test_mutated_parquet(tmp_path, data):
    table, pyarrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    file = tmp_path / "rows.parquet"
    table.write_table(pyarrow.Table.from_pylist(SAMPLES["agentinstruct"]), file)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))]))
    survives(file, None, tmp_path / "out")


@fuzz
@given(text=st.text(alphabet="TAFhocgtuinswer: \n#()[]{}`\"'bashqlBON", max_size=80))
def test_any_text_of_an_agent(tmp_path, text):
    for format in ("agentinstruct", "agent-flan", "toolbench"):
        row = json.loads(json.dumps(SAMPLES[format][0]))
        spoken = row.get("conversations") or row["conversation"]
        spoken[-1]["value" if "value" in spoken[-1] else "content"] = text
        file = tmp_path / "rows.jsonl"
        write_jsonl(file, [row])
        survives(file, format, tmp_path / "out")


def read_rows(file):
    refused = Refused()
    return [row.value for row in rows(file, refused)], dict(refused.counts)


@fuzz
@given(
    rows=st.lists(st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.text()), min_size=1), max_size=5),
    indent=st.sampled_from([None, 2]),
    bom=st.booleans(),
)
def test_arrays_lines_and_documents_hold_the_same_rows(tmp_path, rows, indent, bom):
    mark = "\ufeff" if bom else ""
    array, lines, documents = (tmp_path / name for name in ("a.json", "l.jsonl", "d.json"))
    array.write_text(mark + json.dumps(rows, indent=indent), encoding="utf-8")
    lines.write_text(mark + "\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    documents.write_text(mark + "\n".join(json.dumps(row, indent=2) for row in rows), encoding="utf-8")
    assert read_rows(array) == read_rows(lines) == read_rows(documents) == (rows, {})


def test_an_array_of_any_size_is_read_piece_by_piece(tmp_path):
    import tracemalloc

    file = tmp_path / "big.json"
    row = json.dumps({"value": "x" * 1000, "n": [1, 2]})
    with file.open("w") as stream:
        stream.write("[" + ",\n".join([row] * 20_000) + "]")
    tracemalloc.start()
    count = sum(1 for _ in rows(file, pytest.fail))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000 < file.stat().st_size


def test_an_object_longer_than_a_piece_is_read(tmp_path):
    file = tmp_path / "long.json"
    values = [{"a": "y" * (3 * CHUNK)}, {"b": 1}, {"c": "z" * (CHUNK - 20)}]
    file.write_text(json.dumps(values))
    assert read_rows(file) == (values, {})


BROKEN = [
    ("x.jsonl", b'{"a": 1}\n{"a": \n{"a": 2}\n', [{"a": 1}, {"a": 2}], "not_json"),
    ("x.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', [{"a": 1}], "not_utf8"),
    ("x.jsonl", b'{"a": 1}\n[1]\n', [{"a": 1}], "not_an_object"),
    ("x.jsonl", b'{"a": NaN}\n{"a": 1}\n', [{"a": 1}], "not_json"),
    ("x.jsonl", b'{"a": 1e999}\n{"a": 1}\n', [{"a": 1}], "not_json"),
    ("x.jsonl", b'{"a": "\\ud800"}\n{"a": 1}\n', [{"a": 1}], "not_json"),
    ("x.jsonl", b'{"a": ' + b"[" * 200 + b"]" * 200 + b'}\n{"a": 1}\n', [{"a": 1}], "too_deep"),
    ("x.jsonl", b'{"a": ' + b"[" * 99999 + b'\n{"a": 1}\n', [{"a": 1}], "too_deep"),
    ("x.json", b'[{"a": 1}, {"a": ]', [{"a": 1}], "not_json"),
    ("x.json", b'[{"a": 1}, {"a": 2}', [{"a": 1}, {"a": 2}], "not_json"),
    ("x.json", b'[{"a": 1}] [', [{"a": 1}], "not_json"),
    ("x.json", b'[{"a": 1}, 7, {"a": 2}]', [{"a": 1}, {"a": 2}], "not_an_object"),
    ("x.json", b'[{"a": 1}, "\xff"]', [], "not_utf8"),
    ("x.parquet", b"PAR1 and then nothing", [], "not_parquet"),
]


@pytest.mark.parametrize(("name", "content", "good", "reason"), BROKEN)
def test_broken_places_are_named_and_the_rest_is_read(tmp_path, name, content, good, reason):
    file = tmp_path / name
    file.write_bytes(content)
    if reason == "not_parquet":
        pytest.importorskip("pyarrow")
    assert read_rows(file) == (good, {reason: 1})

    def refuse(error):
        raise error

    with pytest.raises(BadRow, match=rf"{name}(:\d+|\[\d+\]): "):
        list(rows(file, refuse))


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        list(read(tmp_path / "nothing.jsonl"))
    with pytest.raises(BadInput, match="no data files there"):
        list(read(tmp_path))
