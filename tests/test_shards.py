"""Shards of every kind read back as they were written, and compressed ones that are damaged are told as such."""

import random

import pytest
from corpus_rows import chat, episode

from agenttuning.atif import to_atif
from agenttuning.corpus.formats.rows import rows
from agenttuning.corpus.places import Places, place, write_places
from agenttuning.corpus.shards import Refused, read, row_of, write_shard
from agenttuning.errors import BadInput
from agenttuning.files import line_blocks, lines, read_jsonl

zstandard = pytest.importorskip("zstandard")
ROWS = [{"id": f"r{i}", "text": "word " * (i % 50)} for i in range(3000)]


def test_a_compressed_file_reads_as_the_plain_one(tmp_path):
    for name in ("a.jsonl", "a.jsonl.zst"):
        assert write_shard(tmp_path / name, ROWS) == len(ROWS)
    plain, packed = (list(read_jsonl(tmp_path / name)) for name in ("a.jsonl", "a.jsonl.zst"))
    assert [row for _, row in plain] == ROWS
    assert packed == plain
    assert (tmp_path / "a.jsonl.zst").stat().st_size < (tmp_path / "a.jsonl").stat().st_size / 4
    first = (tmp_path / "a.jsonl.zst").read_bytes()
    write_shard(tmp_path / "a.jsonl.zst", ROWS)
    assert (tmp_path / "a.jsonl.zst").read_bytes() == first
    assert not list(tmp_path.glob("*.partial"))


def test_blocks_of_lines_are_read_of_a_compressed_file_too(tmp_path):
    write_shard(tmp_path / "a.jsonl.zst", ROWS)
    found = [
        line for block in line_blocks(tmp_path / "a.jsonl.zst", 700) for line in lines(tmp_path / "a.jsonl.zst", block)
    ]
    assert found == list(lines(tmp_path / "a.jsonl.zst"))


def test_frames_that_follow_each_other_are_one_file(tmp_path):
    for part in range(3):
        write_shard(tmp_path / f"{part}.jsonl.zst", ROWS[1000 * part : 1000 * (part + 1)])
    whole = tmp_path / "whole.zst"
    whole.write_bytes(b"".join((tmp_path / f"{part}.jsonl.zst").read_bytes() for part in range(3)))
    assert [row for _, row in read_jsonl(whole)] == ROWS


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_of_a_truncated_file_the_rows_before_the_cut_are_read(tmp_path, share):
    texts = random.Random(0)
    many = [{"id": f"r{i}", "text": "".join(texts.choices("abcdefgh ", k=200))} for i in range(20_000)]
    write_shard(tmp_path / "a.jsonl.zst", many)
    data = (tmp_path / "a.jsonl.zst").read_bytes()
    (tmp_path / "a.jsonl.zst").write_bytes(data[: int(share * len(data))])
    refused = Refused()
    found = [row.value for row in rows(tmp_path / "a.jsonl.zst", refused)]
    assert found == many[: len(found)]
    assert len(found) > (share - 0.1) * len(many)
    assert dict(refused.counts) == {"truncated_zstd": 1}
    with pytest.raises(BadInput, match=r"a\.jsonl\.zst: the file ends inside its Zstandard data"):
        list(read_jsonl(tmp_path / "a.jsonl.zst"))


def test_a_damaged_file_is_no_zstandard(tmp_path):
    write_shard(tmp_path / "a.jsonl.zst", ROWS)
    data = bytearray((tmp_path / "a.jsonl.zst").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    (tmp_path / "a.jsonl.zst").write_bytes(data)
    refused = Refused()
    list(rows(tmp_path / "a.jsonl.zst", refused))
    assert sum(refused.counts[reason] for reason in ("not_zstd", "truncated_zstd")) == 1


def test_a_json_array_may_be_compressed(tmp_path):
    packed = zstandard.ZstdCompressor().compress(b'[{"messages": []}, {"a": 1}]')
    (tmp_path / "a.json.zst").write_bytes(packed)
    assert [row.value for row in rows(tmp_path / "a.json.zst", Refused())] == [{"messages": []}, {"a": 1}]


def test_a_folder_holds_shards_of_any_kind(tmp_path):
    pytest.importorskip("pyarrow")
    write_shard(tmp_path / "0.jsonl", [to_atif(episode(1))])
    write_shard(tmp_path / "1.jsonl.zst", [chat(2)])
    write_shard(tmp_path / "2.parquet", [chat(3, source="general")])
    found = [record.item for record in read(tmp_path)]
    assert row_of(found[0]) == to_atif(episode(1))
    assert [item.id for item in found[1:]] == ["general-0002", "general-0003"]
    with pytest.raises(BadInput, match="a shard's name ends in"):
        write_shard(tmp_path / "3.csv", [])


def test_any_line_is_one_seek_away(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"".join(f"{name}{i}\n".encode() for i in range(10)))
    with (tmp_path / "index").open("w+b") as index:
        assert write_places(index, (place(file, 3 * i) for i in (9, 0) for file in (1, 0))) == 4
        places = Places([tmp_path / "a", tmp_path / "b"], index)
        assert [places.line(i) for i in range(4)] == [b"b9\n", b"a9\n", b"b0\n", b"a0\n"]
        assert places.where(0) == f"{tmp_path / 'b'}, byte 27"
        places.close()
