"""The benchmarks' published files, in one folder with a folder for each.

    DATA/mmlu/{dev,test}/SUBJECT_{dev,test}.csv      hendrycks/test's, or with a header and answers from 0 to 3
    DATA/gsm8k/test*.jsonl                           openai/grade-school-math
    DATA/humaneval/HumanEval.jsonl[.gz]              openai/human-eval
    DATA/mt_bench/*question.jsonl, judge_prompts.jsonl, *gpt-4.jsonl        FastChat's llm_judge/data
    DATA/ifeval/*.jsonl                              google-research/instruction_following_eval

>>> read_gsm8k(Path("data"))[0]["answer"][-7:]
'#### 18'
"""

import csv
import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import json_object, read_jsonl

HUB = "hub"  # in place of a folder
MAX_UNPACKED = 64 * 1024 * 1024  # bytes of a .gz file; HumanEval's are 214 kB
SHOTS = 5  # examples before a question of MMLU
Row = dict[str, Any]

# What says that a benchmark is there: a pattern in its folder.
PATTERNS: Mapping[str, str] = {
    "mmlu": "test/*_test.csv",
    "gsm8k": "test*.jsonl",
    "humaneval": "HumanEval.jsonl*",
    "mt_bench": "*question.jsonl",
    "ifeval": "*.jsonl",
}


def found(data: Path) -> tuple[str, ...]:
    """The benchmarks whose files are in a folder. Raises BadInput where there are none."""
    names = tuple(name for name, pattern in PATTERNS.items() if any((data / name).glob(pattern)))
    if not names:
        wanted = ", ".join(f"{name}/{pattern}" for name, pattern in PATTERNS.items())
        raise BadInput(f"{data}: none of the general benchmarks is there; expected {wanted}")
    return names


def read_mmlu(data: Path) -> dict[str, dict[str, list[Row]]]:
    """Subject → split (dev, test) → questions, each {question, subject, choices, answer}. Raises BadInput."""
    subjects = {}
    for test in _matching(data, "mmlu"):
        subject = test.name.removesuffix("_test.csv")
        dev = data / "mmlu" / "dev" / f"{subject}_dev.csv"
        if not dev.is_file():
            raise BadInput(f"{dev}: no such file; the {SHOTS} examples of {subject} are from it")
        subjects[subject] = {"dev": _questions(dev, subject), "test": _questions(test, subject)}
        if len(subjects[subject]["dev"]) < SHOTS:
            raise BadInput(f"{dev}: {len(subjects[subject]['dev'])} examples; {SHOTS} stand before a question")
    return subjects


def read_gsm8k(data: Path) -> list[Row]:
    """{question, answer}, the answer ending in ``#### NUMBER``."""
    path = _one(data, "gsm8k")
    return _rows(path, _check_gsm8k)


def read_humaneval(data: Path) -> list[Row]:
    """{task_id, prompt, entry_point, test}; what else a record holds stays in it."""
    path = _one(data, "humaneval")
    if path.suffix != ".gz":
        return _rows(path, _check_humaneval)
    rows = []
    for number, line in enumerate(_unpacked(path).splitlines(), start=1):
        if line.strip():
            rows.append(json_object(line, f"{path}:{number}"))
            _check_humaneval(rows[-1], f"{path}:{number}")
    return _some(rows, path)


def read_ifeval(data: Path) -> list[Row]:
    """{key, prompt, instruction_id_list, kwargs}, one entry of `kwargs` for each instruction."""
    return _rows(_one(data, "ifeval"), _check_ifeval)


def mt_bench_folder(data: Path) -> Path:
    """Where MT-Bench's files are. Raises BadInput where its questions are not."""
    return _one(data, "mt_bench").parent


def read_questions(folder: Path) -> list[Row]:
    """MT-Bench's {question_id, category, turns}."""
    return _rows(next(folder.glob(PATTERNS["mt_bench"])), _check_turns)


def read_references(folder: Path) -> dict[int, list[str]]:
    """GPT-4's answers to both turns of the questions that have a right answer, by question id; none without a file."""
    files = [*folder.glob("*gpt-4.jsonl"), *folder.glob("reference_answer/gpt-4.jsonl")]
    references: dict[int, list[str]] = {}
    for number, row in read_jsonl(files[0]) if files else ():
        where = f"{files[0]}:{number}"
        try:
            turns = row["choices"][0]["turns"]
        except (KeyError, IndexError, TypeError):
            turns = None
        if not isinstance(turns, list) or not _texts(turns) or not isinstance(row.get("question_id"), int):
            raise BadInput(f"{where}: no question_id with choices[0].turns; expected FastChat's reference answers")
        references[row["question_id"]] = turns
    return references


def read_judge_prompts(folder: Path) -> dict[str, Row]:
    """FastChat's prompts for a judge by name, those for one answer: {system_prompt, prompt_template}."""
    path = folder / "judge_prompts.jsonl"
    prompts = {}
    for number, row in read_jsonl(path):
        if not all(isinstance(row.get(key), str) for key in ("name", "system_prompt", "prompt_template")):
            raise BadInput(f"{path}:{number}: needs name, system_prompt and prompt_template")
        prompts[row["name"]] = row
    return prompts


def _questions(path: Path, subject: str) -> list[Row]:
    rows = []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.reader(stream), start=1):
                if number == 1 and row[:1] == ["question"]:
                    continue
                if len(row) != 6 or (answer := _letter(row[5])) is None:
                    raise BadInput(
                        f"{path}: record {number}: expected a question, four choices and an answer (A to D, 0 to 3), "
                        f"found {len(row)} fields ending in {row[-1][:40] if row else ''!r}"
                    )
                rows.append({"question": row[0], "subject": subject, "choices": row[1:5], "answer": answer})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as CSV ({error})") from None
    return _some(rows, path)


def _letter(answer: str) -> int | None:
    answer = answer.strip()
    place = "ABCD".find(answer) if answer.isalpha() else "0123".find(answer)
    return place if len(answer) == 1 and place >= 0 else None


def _check_gsm8k(row: Row, where: str) -> None:
    if not isinstance(row.get("question"), str) or "####" not in str(row.get("answer")):
        raise BadInput(f"{where}: expected a question and an answer that ends in '#### NUMBER'")


def _check_humaneval(row: Row, where: str) -> None:
    if not all(isinstance(row.get(key), str) and row[key] for key in ("task_id", "prompt", "entry_point", "test")):
        raise BadInput(f"{where}: expected task_id, prompt, entry_point and test as texts")
    if not row["entry_point"].isidentifier():
        raise BadInput(f"{where}: entry_point {row['entry_point'][:40]!r} is no name of a function")


def _check_ifeval(row: Row, where: str) -> None:
    names, given = row.get("instruction_id_list"), row.get("kwargs")
    if not isinstance(row.get("prompt"), str) or not isinstance(names, list) or not isinstance(given, list):
        raise BadInput(f"{where}: expected a prompt with instruction_id_list and kwargs")
    if not _texts(names) or len(names) != len(given) or not all(isinstance(one, dict) for one in given):
        raise BadInput(f"{where}: {len(names)} instructions need as many objects in kwargs, found {len(given)}")


def _check_turns(row: Row, where: str) -> None:
    turns = row.get("turns")
    named = isinstance(row.get("question_id"), int) and isinstance(row.get("category"), str)
    if not named or not isinstance(turns, list) or not _texts(turns) or len(turns) != 2:
        raise BadInput(f"{where}: expected question_id, category and two turns")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _rows(path: Path, check: Any) -> list[Row]:
    rows = []
    for number, row in read_jsonl(path):
        check(row, f"{path}:{number}")
        rows.append(row)
    return _some(rows, path)


def _some(rows: list[Row], path: Path) -> list[Row]:
    if not rows:
        raise BadInput(f"{path}: it is empty; download it again")
    return rows


def _matching(data: Path, name: str) -> list[Path]:
    paths = sorted((data / name).glob(PATTERNS[name]))
    if not paths:
        raise BadInput(
            f"{data / name}: no {PATTERNS[name]}; give the folder that holds {name}/ with the published files"
        )
    return paths


def _one(data: Path, name: str) -> Path:
    """The one file; of several the shortest name: test.jsonl before test-with-solutions.jsonl."""
    return min(_matching(data, name), key=lambda path: (len(path.name), path.name))


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            content = stream.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be unpacked ({error}); download it again") from None
    if len(content) > MAX_UNPACKED:
        raise BadInput(f"{path}: more than {MAX_UNPACKED} bytes unpacked; this is not HumanEval")
    return content
