"""Rows with keys survive whatever ends the process that writes them."""

from pathlib import Path

import pytest

from agenttuning.journal import Journal


@pytest.mark.parametrize("sync", [True, False])
def test_a_row_counts_when_it_is_whole(tmp_path: Path, sync: bool):
    path = tmp_path / "replies.jsonl"
    with Journal(path, sync=sync) as journal:
        for number in range(3):
            journal.append({"key": f"k{number}", "text": "ü\n" * number})
        assert [row["text"] for row in journal] == ["", "ü\n", "ü\nü\n"]
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in range(1, len(last) + 1):
        path.write_bytes(whole[:-cut])
        with Journal(path) as journal:
            assert len(journal) == 2
            assert journal.find("k2") is None
            journal.append({"key": "k2", "text": "again"})
            assert journal.find("k2") == {"key": "k2", "text": "again"}
            assert journal.find("k1") == {"key": "k1", "text": "ü\n"}
