"""The stage: planted rows are found, listed and dropped, alike for any number of processes; bad input is named."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from test_contamination import prose

from agenttuning.cli import _run
from agenttuning.corpus.contamination import DecontaminateConfig, Found, decontaminate
from agenttuning.corpus.contamination.listing import shown
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import MAX_LINE, read_json, read_jsonl, write_jsonl

QUESTIONS = [prose(Random(f"question {i}"), 30) for i in range(20)]
WHOLE, HALF = 3, 7  # the questions that rows hold, whole and half of it


def row(number: int, text: str, source: str = "general") -> dict:
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": f"Answer {number}."}]
    return {"id": f"row-{number}", "source": source, "messages": messages}


def rows(count: int, length: int = 100) -> list[dict]:
    out = [row(i, prose(Random(f"row {i}"), length), f"agent/{'ab'[i % 2]}") for i in range(count)]
    out[5] = row(5, f"Please answer: {QUESTIONS[WHOLE]}?", "agent/b")
    out[8] = row(8, " ".join(QUESTIONS[HALF].split()[:15]), "agent/a")
    return out


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    corpus, questions = tmp_path / "corpus.jsonl", tmp_path / "questions.jsonl"
    write_jsonl(corpus, rows(40))
    write_jsonl(questions, [{"id": f"q{i}", "question": text, "answer": "4"} for i, text in enumerate(QUESTIONS)])
    return corpus, questions


def looked_for(corpus: Path, source: str, out: Path, **settings) -> dict:
    config = DecontaminateConfig(workers=settings.pop("workers", 1), **settings)
    found = Found()
    found.add_file("questions", source, skip_bad=config.skip_bad)
    return decontaminate(config, corpus, found, out)


def cell(table: list[dict], source: str) -> list[int]:
    (found,) = [row for row in table if row["source"] == source]
    return [found[kind] for kind in ("items", "clean", "between", "dirty")]


def test_planted_rows_are_counted_listed_and_dropped(tmp_path, files):
    corpus, questions = files
    out = tmp_path / "out"
    counts = looked_for(corpus, f"{questions}#question", out, drop="dirty")
    assert [counts[key] for key in ("rows", "items", "clean", "between", "dirty", "dropped")] == [40, 20, 18, 1, 1, 1]
    result = read_json(out / "contamination.json")
    assert cell(result["table"], "agent/a") == [20, 19, 1, 0]
    assert cell(result["table"], "agent/b") == [20, 19, 0, 1]
    assert cell(result["left"], "all") == [20, 19, 1, 0]
    assert result["sources"] == {"agent/a": {"rows": 20, "dropped": 0}, "agent/b": {"rows": 20, "dropped": 1}}
    assert [r for _, r in read_jsonl(out / "corpus.jsonl")] == [r for r in rows(40) if r["id"] != "row-5"]
    first, second = [r for _, r in read_jsonl(out / "items.jsonl")]
    assert (first["id"], first["verdict"], first["rate"]) == (f"q{WHOLE}", "dirty", 1.0)
    assert first["marks"] == [[0, len(QUESTIONS[WHOLE])]]
    (match,) = first["matches"]
    assert match == {
        "source": "agent/b", "row": f"{corpus}:6", "share": 1.0, "text": QUESTIONS[WHOLE], "differing": 0,
    }  # fmt: skip
    assert (second["id"], second["verdict"], second["rate"]) == (f"q{HALF}", "between", 0.5)
    half = " ".join(QUESTIONS[HALF].split()[:15])
    assert shown(second).splitlines() == [
        f"between  questions/q{HALF}  50% (with templates 50%)",
        f"  «{half}»{QUESTIONS[HALF].removeprefix(half)}",
        f"  50% in {corpus}:9 (agent/a)",
    ]


def test_nothing_is_dropped_unless_asked_for(tmp_path, files):
    corpus, questions = files
    counts = looked_for(corpus, str(questions), tmp_path / "out")
    assert (counts["dirty"], counts["dropped"]) == (1, 0)
    assert not (tmp_path / "out" / "corpus.jsonl").exists()


def test_one_and_four_processes_give_the_same_bytes(tmp_path, files):
    corpus, questions = files
    write_jsonl(corpus, rows(600, length=2500))  # six batches and more
    for workers in (1, 4):
        looked_for(corpus, str(questions), tmp_path / str(workers), drop="dirty", workers=workers)
    for name in ("contamination.json", "items.jsonl", "corpus.jsonl"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes()


def test_a_sample_of_the_rows_is_the_same_each_time(tmp_path, files):
    corpus, questions = files
    write_jsonl(corpus, rows(400, length=5))
    counts = [looked_for(corpus, str(questions), tmp_path / "out", sample=0.25)["rows"] for _ in range(2)]
    assert counts[0] == counts[1]
    assert 70 < counts[0] < 130


def test_bad_rows_are_named_or_counted(tmp_path, files):
    corpus, questions = files
    good = corpus.read_bytes()
    broken = [b'{"messages": [', b'{"text": "\xff\xfe"}', b'{"text": "' + b"a " * (MAX_LINE // 2 + 9) + b'"}', b"[1]"]
    corpus.write_bytes(good + b"\n".join(broken) + b"\n" + json.dumps(row(99, QUESTIONS[0])).encode())
    with pytest.raises(BadRow, match=r"corpus\.jsonl:41: not JSON"):
        looked_for(corpus, str(questions), tmp_path / "strict")
    assert not (tmp_path / "strict" / "contamination.json").exists()
    counts = looked_for(corpus, str(questions), tmp_path / "out", skip_bad=True)
    assert counts["unreadable_rows"]["counts"] == {"not_json": 1, "not_utf8": 1, "too_long": 1, "not_an_object": 1}
    assert "corpus.jsonl:43: longer than 64 MiB" in counts["unreadable_rows"]["examples"]["too_long"]
    assert (counts["rows"], counts["dirty"]) == (41, 2)


def test_evaluation_sets_that_are_missing_empty_or_without_text_are_named(tmp_path, files):
    corpus, questions = files
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    for source, message in (
        (tmp_path / "nowhere.jsonl", r"nowhere\.jsonl: no such file"),
        (empty, r"empty\.jsonl: no items in the evaluation set 'questions'"),
        (f"{questions}#prompt", "no text in the fields prompt"),
    ):
        with pytest.raises(BadInput, match=message):
            looked_for(corpus, str(source), tmp_path / "out")
    corpus.write_text("")
    with pytest.raises(BadInput, match="no rows to look at"):
        looked_for(corpus, str(questions), tmp_path / "out")


def test_ids_that_come_twice_are_kept_and_told(tmp_path, files):
    corpus, questions = files
    write_jsonl(questions, [{"id": "same", "question": text} for text in QUESTIONS[:4]])
    counts = looked_for(corpus, str(questions), tmp_path / "out")
    assert counts["repeated_ids"] == {"questions": ["same", "same", "same"]}
    assert counts["items"] == 4
    ids = [row["id"] for _, row in read_jsonl(tmp_path / "out" / "items.jsonl")]
    assert ids == ["same#4"]


def test_what_cannot_be_judged_is_told(tmp_path, files):
    corpus, questions = files
    with questions.open("a") as stream:
        stream.write('{"id": "tiny", "question": "Too short."}\n')
    counts = looked_for(corpus, f"{questions}#question", tmp_path / "out")
    assert (counts["unknown"], counts["too_short"]) == (1, {"questions": 1})
    *_, last = [row for _, row in read_jsonl(tmp_path / "out" / "items.jsonl")]
    assert (last["id"], last["why"]) == ("tiny", "too short to look for")


@pytest.mark.parametrize(
    "settings", [{"clean": 0.9}, {"dirty": 1.2}, {"sample": 0.0}, {"sample": 0.5, "drop": "dirty"}, {"n": 1}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(BadInput, match=next(iter(settings))):
        DecontaminateConfig(**settings)


def test_the_command_prints_the_table_and_items(tmp_path, files, capsys):
    corpus, questions = files
    arguments = ["decontaminate", str(corpus), "--out", str(tmp_path / "out"), "--files.questions", str(questions)]
    assert _run([*arguments, "--examples", "1"]) == 0
    printed = capsys.readouterr().out
    assert "agent/b       questions          20     19           0      1" in printed
    assert f"dirty  questions/q{WHOLE}  97%" in printed  # the answer "4" counts too
    assert _run([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["drop"] == "none"
    assert _run(["decontaminate", str(corpus), "--out", str(tmp_path / "none")]) == 2
    assert "nothing to look for" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_stage_ends_with_the_same_bytes(tmp_path, files):
    corpus, questions = files
    write_jsonl(corpus, rows(30_000, length=200))
    command = [sys.executable, "-m", "agenttuning", "decontaminate", str(corpus), "--drop", "dirty"]
    command += ["--files.questions", str(questions), "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, timeout=120)
    partial = tmp_path / "killed.partial" / "corpus.jsonl.partial"
    process = subprocess.Popen([*command, str(tmp_path / "killed")])
    while process.poll() is None and not (partial.is_file() and partial.stat().st_size > 1 << 20):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed").exists()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, timeout=120)
    for name in ("contamination.json", "items.jsonl", "corpus.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
