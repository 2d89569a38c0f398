"""The general benchmarks in an evaluation: by suite and size, resumed, in scores, in a comparison, in the tables."""

import importlib.util
import json

import pytest
from example_run import write_run
from rich.console import Console
from teacher_server import TeacherServer, said

from agenttuning.engines import EndpointConfig
from agenttuning.errors import BadInput, EngineError
from agenttuning.evaluation.comparison import compare_scores
from agenttuning.evaluation.evaluate import EvaluateConfig, evaluate
from agenttuning.evaluation.published import weight
from agenttuning.evaluation.suites import BENCHMARKS, fill, without
from agenttuning.evaluation.table import scores_table, terminal_table
from agenttuning.evaluation.texts import texts
from agenttuning.files import read_json, write_json
from agenttuning.pipeline import evaluate_stage
from agenttuning.report import write_report
from agenttuning.stages import perform

missing = [name for name in ("lm_eval",) if importlib.util.find_spec(name) is None]
harness = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


@pytest.fixture
def data(tmp_path):
    def put(name, rows):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    put("gsm8k/test.jsonl", [{"question": f"What is {i} + 1?", "answer": f"#### {i + 1}"} for i in range(100, 140)])
    turns = [{"question_id": i, "category": "writing", "turns": [f"Write {i}.", "Again."]} for i in range(81, 85)]
    put("mt_bench/question.jsonl", turns)
    put("mt_bench/judge_prompts.jsonl", [
        {"name": f"single{math}-v1{turn}", "system_prompt": "Judge.", "prompt_template": "{question}{answer_2}"}
        for math in ("", "-math") for turn in ("", "-multi-turn")
    ])  # fmt: skip
    return tmp_path / "data"


def counting(wrong=()):
    """A model that adds one, but for some numbers."""

    def answer(request):
        asked = request["messages"][-1]["content"]
        if "Judge." in said(request):
            return "[[6]]"
        if "What is" not in asked:
            return "words"
        number = int(asked.split("What is ")[1].split(" ")[0])
        return f"The answer is {number + 1 + (number in wrong)}."

    return answer


def printed(table):
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_with_its_data_a_benchmark_is_part_of_the_general_suite(data):
    assert not fill(EvaluateConfig(suite=["general"])).benchmarks
    named = EvaluateConfig(suite=["general"], size="smoke", benchmarks_data=str(data), benchmarks={"gsm8k": 3})
    assert fill(named).benchmarks == {"gsm8k": 3, "mt_bench": BENCHMARKS["smoke"]["mt_bench"]}
    assert fill(EvaluateConfig(suite=["held-in"], benchmarks_data=str(data))).benchmarks == {}
    assert set(fill(EvaluateConfig(suite=["general"], benchmarks_data="hub")).benchmarks) == {
        "mmlu", "gsm8k", "humaneval", "ifeval",
    }  # fmt: skip
    assert without(fill(named), ["gsm8k"]).benchmarks == {"mt_bench": 8}
    with pytest.raises(BadInput, match="none of the general benchmarks"):
        fill(EvaluateConfig(suite=["general"], benchmarks_data=str(data / "gsm8k")))


@harness
@pytest.mark.slow
def test_an_endpoint_is_scored_compared_and_shown(data, tmp_path):
    config = EvaluateConfig(general=False, benchmarks={"gsm8k": 40, "mt_bench": 4}, benchmarks_data=str(data))
    sides = []
    for name, wrong in (("base", range(100, 120)), ("tuned", range(100, 104))):
        with TeacherServer(counting(wrong)) as server:
            judged = EvaluateConfig(**{**vars(config), "judge": server.model})
            sides.append(evaluate(judged, server.model, tmp_path / name, dialect="react", seed=0))
    base, tuned = sides
    assert base["general"]["gsm8k"]["mean"] == 0.5
    assert base["general"]["gsm8k"]["n"] == 40
    assert base["general"]["mt_bench"]["mean"] == 6
    assert base["normalised"]["general"]["tasks"] == pytest.approx(
        {"gsm8k": 50 / weight("gsm8k"), "mt_bench": 6 / weight("mt_bench")}
    )
    assert base["normalised"]["general"]["missing"] == ["mmlu", "humaneval"]
    comparison = compare_scores(base, tuned)
    assert comparison["general"]["gsm8k"]["verdict"] == "rose"
    assert comparison["general"]["mt_bench"]["verdict"] == "held"
    shown = printed(scores_table(base)) + printed(terminal_table(base, tuned, comparison))
    for text in ("GSM8K, %", "50.0 [", "MT-Bench, 1 to 10", "6.00 [", "normalised (of 2 of 4)"):
        assert text in shown
    run = write_run(tmp_path / "run")
    for side, scores in zip(("base", "tuned"), sides, strict=True):
        path = run / "evaluation" / side / "scores.json"
        found = read_json(path)
        found["general"] |= scores["general"] | {"items": found["general"]["items"] | scores["general"]["items"]}
        write_json(path, found)
    assert "GSM8K, %" in write_report(run).read_text(encoding="utf-8")


@harness
def test_an_evaluation_that_broke_off_asks_only_what_is_missing(data, tmp_path):
    asked = []

    def failing(request):
        asked.append(request)
        return counting()(request) if len(asked) <= 12 else 500

    config = {"general": False, "benchmarks": {"gsm8k": 30}, "benchmarks_data": str(data)}
    broken = EvaluateConfig(**config, endpoint=EndpointConfig(retries=0, patience=1.0))
    with TeacherServer(failing) as server, pytest.raises(EngineError):
        evaluate(broken, server.model, tmp_path / "a", dialect="react", seed=0)
    with TeacherServer(counting()) as server:
        scores = evaluate(EvaluateConfig(**config), server.model, tmp_path / "a", dialect="react", seed=0)
        assert 0 < len(server.requests) < 30
    assert scores["general"]["gsm8k"]["mean"] == 1


@harness
@pytest.mark.slow
def test_more_items_and_a_judge_that_comes_later_keep_what_was_answered(data, tmp_path):
    with TeacherServer(counting()) as server:

        def run(judge="none", **counts):
            config = EvaluateConfig(general=False, benchmarks=counts, benchmarks_data=str(data), judge=judge)
            before = len(server.requests)
            perform(evaluate_stage(config, server.model, tmp_path / "out", dialect="react", seed=0), say=lambda _: None)
            return len(server.requests) - before

        assert run(gsm8k=10, mt_bench=2) == 14
        assert "mt_bench" not in read_json(tmp_path / "out" / "scores.json")["general"]
        assert run(gsm8k=15, mt_bench=2) == 5
        assert run(gsm8k=15, mt_bench=2, judge=server.model) == 4
    assert read_json(tmp_path / "out" / "scores.json")["general"]["mt_bench"]["mean"] == 6


@harness
def test_what_is_asked_is_looked_for_in_training_rows(data):
    config = EvaluateConfig(general=False, benchmarks={"gsm8k": 2, "mt_bench": 1}, benchmarks_data=str(data))
    assert [(row["set"], row["id"], row["text"]) for row in texts(config, 0)] == [
        ("general/gsm8k", "0", "What is 100 + 1?"),
        ("general/gsm8k", "1", "What is 101 + 1?"),
        ("general/mt_bench", "81", "Write 81.\nAgain."),
    ]
