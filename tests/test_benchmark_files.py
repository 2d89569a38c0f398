"""The general benchmarks' published files: read as they are, and refused in one line where they are not."""

import gzip
import json
import os
from pathlib import Path

import pytest

from agenttuning.errors import BadInput
from agenttuning.evaluation.benchmarks import files

HEAD = "question,choice0,choice1,choice2,choice3,answer\n"
PLAIN = '"Which is a ""fruit"", mostly?",Oak,Pear,Stone,Tin,{}\n'
PROBLEM = {"task_id": "T/0", "prompt": "def f(x):\n", "entry_point": "f", "test": "def check(g): pass"}
OFFICIAL = Path(os.environ.get("AGENTTUNING_DATA", "/nonexistent"))


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mmlu(data: Path, test: str, dev: str = PLAIN.format("B") * 5) -> Path:
    put(data / "mmlu" / "test" / "botany_test.csv", test)
    put(data / "mmlu" / "dev" / "botany_dev.csv", dev)
    return data


def test_both_forms_of_mmlu_are_the_same_questions(tmp_path):
    letters = files.read_mmlu(mmlu(tmp_path / "a", '"Two, or\nthree?",1,2,3,4,D\n' + PLAIN.format("B")))
    numbers = files.read_mmlu(mmlu(tmp_path / "b", HEAD + '"Two, or\nthree?",1,2,3,4,3\n' + PLAIN.format("1")))
    assert letters == numbers
    assert letters["botany"]["test"][0] == {
        "question": "Two, or\nthree?", "subject": "botany", "choices": ["1", "2", "3", "4"], "answer": 3,
    }  # fmt: skip


@pytest.mark.parametrize("answer", ["E", "4", "", "AB", "-1"])
def test_an_answer_that_is_none_of_the_four_is_refused(tmp_path, answer):
    with pytest.raises(BadInput, match=r"botany_test\.csv: record 1: .*A to D"):
        files.read_mmlu(mmlu(tmp_path, PLAIN.format(answer)))


def test_mmlu_needs_its_examples(tmp_path):
    with pytest.raises(BadInput, match="4 examples"):
        files.read_mmlu(mmlu(tmp_path, PLAIN.format("A"), dev=PLAIN.format("B") * 4))
    (tmp_path / "mmlu" / "dev" / "botany_dev.csv").unlink()
    with pytest.raises(BadInput, match="no such file"):
        files.read_mmlu(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"one line\n", HEAD.encode()])
def test_a_broken_table_is_one_line_of_error(tmp_path, content):
    mmlu(tmp_path, "")
    (tmp_path / "mmlu" / "test" / "botany_test.csv").write_bytes(content)
    with pytest.raises(BadInput, match=r"botany_test\.csv") as error:
        files.read_mmlu(tmp_path)
    assert "\n" not in str(error.value)


def test_humaneval_packed_or_not(tmp_path):
    line = json.dumps(PROBLEM)
    put(tmp_path / "a" / "humaneval" / "HumanEval.jsonl", f"{line}\n")
    packed = tmp_path / "b" / "humaneval" / "HumanEval.jsonl.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(f"{line}\n\n".encode()))
    assert files.read_humaneval(tmp_path / "a") == files.read_humaneval(tmp_path / "b") == [PROBLEM]
    packed.write_bytes(packed.read_bytes()[:-12])
    with pytest.raises(BadInput, match="cannot be unpacked"):
        files.read_humaneval(tmp_path / "b")


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path):
    packed = tmp_path / "humaneval" / "HumanEval.jsonl.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(b" " * (files.MAX_UNPACKED + 10), 1))
    with pytest.raises(BadInput, match="this is not HumanEval"):
        files.read_humaneval(tmp_path)


@pytest.mark.parametrize(
    ("path", "row", "read"),
    [
        ("gsm8k/test.jsonl", {"question": "1 + 1?", "answer": "2"}, files.read_gsm8k),
        ("gsm8k/test.jsonl", [], files.read_gsm8k),
        ("humaneval/HumanEval.jsonl", PROBLEM | {"entry_point": "f(); import os"}, files.read_humaneval),
        ("humaneval/HumanEval.jsonl", PROBLEM | {"test": None}, files.read_humaneval),
        ("ifeval/input_data.jsonl", {"prompt": "Hi", "instruction_id_list": ["a"], "kwargs": []}, files.read_ifeval),
        ("ifeval/input_data.jsonl", {"prompt": "Hi", "instruction_id_list": "a", "kwargs": [{}]}, files.read_ifeval),
    ],
)
def test_a_record_that_is_none_is_named_with_its_line(tmp_path, path, row, read):
    put(tmp_path / path, json.dumps(row) + "\n")
    with pytest.raises(BadInput, match=f"{Path(path).name}:1: "):
        read(tmp_path)


def test_mt_bench_questions_have_two_turns(tmp_path):
    row = {"question_id": 81, "category": "writing", "turns": ["Write.", "Again."]}
    folder = put(tmp_path / "question.jsonl", json.dumps(row) + "\n").parent
    assert files.read_questions(folder) == [row]
    assert files.read_references(folder) == {}
    put(tmp_path / "question.jsonl", json.dumps(row | {"turns": ["Write."]}) + "\n")
    with pytest.raises(BadInput, match=r"question\.jsonl:1: expected question_id, category and two turns"):
        files.read_questions(folder)
    put(tmp_path / "gpt-4.jsonl", json.dumps({"question_id": 81, "choices": []}) + "\n")
    with pytest.raises(BadInput, match="reference answers"):
        files.read_references(folder)


def test_the_benchmarks_at_hand_are_found(tmp_path):
    put(tmp_path / "gsm8k" / "test.jsonl", "")
    mmlu(tmp_path, "")
    assert files.found(tmp_path) == ("mmlu", "gsm8k")
    with pytest.raises(BadInput, match="none of the general benchmarks is there"):
        files.found(tmp_path / "mmlu")


@pytest.mark.skipif(not (OFFICIAL / "mmlu").exists(), reason="AGENTTUNING_DATA names no folder with mmlu/")
def test_the_published_files():
    assert files.found(OFFICIAL) >= ("mmlu", "gsm8k", "humaneval", "mt_bench")
    subjects = files.read_mmlu(OFFICIAL)
    assert all(len(splits["dev"]) == 5 and len(splits["test"]) >= 100 for splits in subjects.values())
    assert len(files.read_humaneval(OFFICIAL)) == 164
    assert len(files.read_gsm8k(OFFICIAL)) >= 300
    folder = files.mt_bench_folder(OFFICIAL)
    questions, references = files.read_questions(folder), files.read_references(folder)
    assert len(questions) == 80
    assert sorted(references) == [
        q["question_id"] for q in questions if q["category"] in ("math", "reasoning", "coding")
    ]
