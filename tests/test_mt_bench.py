"""MT-Bench: what the model and its judge are asked, and the published score of what the judge says, over real HTTP."""

import json
import re
from statistics import fmean

import pytest
from teacher_server import TeacherServer, said

from agenttuning import engines
from agenttuning.errors import BadInput
from agenttuning.evaluation.benchmarks import mt_bench
from agenttuning.evaluation.benchmarks.suite import prepare

QUESTIONS = [
    {"question_id": 81, "category": "writing", "turns": ["Write a line on {answer}.", "Shorter."]},
    {"question_id": 82, "category": "writing", "turns": ["Write a letter.", "Again."]},
    {"question_id": 111, "category": "math", "turns": ["What is 2 + 3?", "And 4 more?"]},
]
TURN = "[Q] {question} [A] {answer}"
BOTH = "{question_1} | {answer_1} | {question_2} | {answer_2}"
PROMPTS = {
    "single-v1": TURN,
    "single-math-v1": TURN + " [R] {ref_answer_1}",
    "single-v1-multi-turn": BOTH,
    "single-math-v1-multi-turn": BOTH + " [R] {ref_answer_1} {ref_answer_2}",
}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "mt_bench"
    folder.mkdir(parents=True)

    def put(name, rows):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    put("question.jsonl", QUESTIONS)
    put("judge_prompts.jsonl", [
        {"name": name, "system_prompt": f"You judge by {name}.", "prompt_template": prompt}
        for name, prompt in PROMPTS.items()
    ])  # fmt: skip
    put("gpt-4.jsonl", [{"question_id": 111, "choices": [{"turns": ["five", "nine"]}]}])
    return tmp_path / "data"


def test_a_rating_is_the_first_number_in_brackets():
    assert mt_bench.rating("Good. Rating: [[7]] or [[9]]") == 7
    assert mt_bench.rating("[[8.5]]") == 8.5
    assert mt_bench.rating("Rating: [6]") == 6
    assert [mt_bench.rating(text) for text in ("seven", "[[ten]]", "[[0]]", "[[11]]", "")] == [None] * 5


def test_the_score_is_the_mean_of_all_ratings():
    said = {"81/1": "[[8]]", "81/2": "I would rather not.", "82/1": "[[6]]", "82/2": "[[4]]"}
    items, row = mt_bench.scores(said)
    assert items == {"81": 8.0, "82": 5.0}
    assert row["mean"] == fmean([8, 6, 4])
    assert row["turns"] == {"1": 7.0, "2": 4.0}
    assert (row["n"], row["unrated"]) == (2, 1)
    assert row["low"] <= row["mean"] <= row["high"]
    with pytest.raises(BadInput, match="rated no answer"):
        mt_bench.scores({"81/1": "?", "81/2": "?"})


def test_a_limit_takes_of_every_category():
    assert [row["question_id"] for row in mt_bench.spread(QUESTIONS, 2)] == [81, 111]
    assert mt_bench.spread(QUESTIONS, 80) == QUESTIONS


def test_two_turns_are_asked_and_both_are_judged(data, tmp_path):
    def answer(request):
        return f"answer {len(request['messages'])} {{question}}"

    def judge(request):
        return f"Fine. Rating: [[{7 if 'math' in request['messages'][0]['content'] else 9}]]"

    with TeacherServer(answer) as model, TeacherServer(judge) as judging:
        suite = prepare({"mt_bench": 80}, str(data), model=model.model, judge=judging.model)
        with engines.make(model.model) as engine:
            replies = suite.ask(engine, tmp_path)
        rows, items = suite.scores(replies, tmp_path)
        again, _ = suite.scores(replies, tmp_path)  # nothing is judged twice
    assert len(model.requests) == 6
    assert {r["temperature"] for r in model.requests if "letter" in said(r)} == {0.7}
    assert {r["temperature"] for r in model.requests if "2 + 3" in said(r)} == {0.0}
    assert [[m["role"] for m in r["messages"]] for r in model.requests if "And 4" in said(r)] == [
        ["user", "assistant", "user"]
    ]
    assert len(judging.requests) == 6
    assert {r["temperature"] for r in judging.requests} == {0}
    (first,) = [said(r) for r in judging.requests if "single-math-v1." in said(r)]
    assert first == "You judge by single-math-v1.\n[Q] What is 2 + 3? [A] answer 1 {question} [R] five"
    (second,) = [said(r) for r in judging.requests if re.search(r"single-math-v1-multi-turn", said(r))]
    assert second.endswith("And 4 more? | answer 3 {question} [R] five nine")
    assert items["mt_bench"] == {"81": 9.0, "82": 9.0, "111": 7.0}
    assert rows["mt_bench"]["mean"] == pytest.approx(25 / 3)
    assert (rows["mt_bench"]["judge"], again) == ("teacher", rows)


def test_without_a_judge_the_answers_are_kept(data, tmp_path):
    with TeacherServer(lambda request: "an answer") as model:
        suite = prepare({"mt_bench": 2}, str(data), model=model.model)
        with engines.make(model.model) as engine:
            replies = suite.ask(engine, tmp_path)
            assert suite.scores(replies, tmp_path) == ({}, {})
            assert suite.ask(engine, tmp_path) == replies
    assert len(model.requests) == 4
    assert "an answer" in (tmp_path / "mt_bench_2.jsonl").read_text()


def test_a_judge_needs_its_prompts_and_the_right_answers(data):
    (data / "mt_bench" / "gpt-4.jsonl").unlink()
    with pytest.raises(BadInput, match="no reference answers to the questions 111"):
        prepare({"mt_bench": 3}, str(data), model="m", judge="http://localhost:1/v1#judge")
    prepare({"mt_bench": 1}, str(data), model="m", judge="http://localhost:1/v1#judge")  # writing needs none
    (data / "mt_bench" / "judge_prompts.jsonl").write_text("")
    with pytest.raises(BadInput, match=r"judge_prompts\.jsonl: no single-v1"):
        prepare({"mt_bench": 1}, str(data), model="m", judge="http://localhost:1/v1#judge")
    with pytest.raises(BadInput, match="not read from a hub"):
        prepare({"mt_bench": 1}, "hub", model="m")
