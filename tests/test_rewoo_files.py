"""The seven sets in their published forms, GSM8K's gold plans, what can be searched, and files that are broken."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("bm25s", reason="needs pip install 'agenttuning[search]'")

from agenttuning.environments.rewoo import ReWOO
from agenttuning.environments.rewoo.files import load_rewoo
from agenttuning.environments.rewoo.gsm8k import gold_plan
from agenttuning.environments.rewoo.plan import read_plan
from agenttuning.environments.rewoo.sets import SETS
from agenttuning.errors import BadInput, NoExpert
from agenttuning.trajectory import Task, ToolCall

GSM8K = {
    "question": "Natalia sold clips to 48 friends in April and half as many in May. How many in all?",
    "answer": "She sold 48/2 = <<48/2=24>>24 clips in May.\nIn all 48+24 = <<48+24=72>>72 clips.\n#### 72",
}
HOTPOT = {
    "_id": "h1",
    "question": "Which river is longer?",
    "answer": "Danube",
    "type": "comparison",
    "level": "hard",
    "supporting_facts": [["Danube", 0], ["Rhine", 0], ["Danube", 1]],
    "context": [["Danube", ["It is 2,850 km long.", "Old."]], ["Rhine", ["It is 1,230 km long."]]],
}
TRIVIA = {
    "Answer": {"Value": "Sunset Blvd", "Aliases": ["Sunset Boulevard"], "NormalizedAliases": ["sunset blvd"]},
    "Question": "Which street is it?",
    "QuestionId": "tc_1",
}
TRIVIA_HUB = {
    "question": "Which street is it?",
    "question_id": "tc_1",
    "answer": {"value": "Sunset Blvd", "aliases": ["Sunset Boulevard"], "normalized_aliases": ["sunset blvd"]},
}
PHYSICS = ("A mass?", "Can be one of ['9.16 J', '9.2 J']")


@pytest.fixture(autouse=True)
def nothing_is_configured(monkeypatch):
    for name in ("LLM", "JUDGE", "WIKIPEDIA", "CORPUS"):
        monkeypatch.delenv(f"AGENTTUNING_{name}", raising=False)


def table(path: Path, heads: tuple[str, str], *rows: tuple[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([heads, *rows])
    return path


def folder_of_all(folder: Path) -> Path:
    (folder / "bigbench").mkdir()
    table(folder / "bigbench" / "physics_question.csv", ("input", "target"), PHYSICS)
    table(folder / "bigbench" / "a.csv", ("input", "target"), ("Answer with 'Yes' or 'No': Is it?", "No"))
    table(folder / "bigbench" / "b.csv", ("input", "target"), ("He kicked, he scored", "implausible"))
    table(folder / "SOTU_QA.csv", ("question", "answer"), ("Based on State of the Union Address: jobs?", "12 million."))
    (folder / "state_of_the_union.txt").write_text("We created 12 million jobs.\n\nThank you.", encoding="utf-8")
    (folder / "gsm8k.jsonl").write_text(json.dumps(GSM8K))
    (folder / "hotpot.json").write_text(json.dumps([HOTPOT]))
    (folder / "trivia.json").write_text(json.dumps({"Data": [TRIVIA], "Version": 1.0}))
    return folder


def solved(path: Path, **options) -> list[str]:
    """Let the expert play every task, or rehearse it; the ids of those that get the full reward."""
    environment = ReWOO(path, **options)
    out = []
    for task in environment.tasks("test"):
        feedback = environment.rehearse(task)
        if feedback is None:
            environment.reset(task)
            for decision in environment.expert(task):
                assert decision.call is not None
                feedback = environment.step(decision.call)
        assert feedback is not None
        out += [task.id] if feedback.solved and feedback.reward == 1.0 else []
    return out


# The sets


def test_a_folder_holds_all_seven_sets_which_take_turns(tmp_path):
    environment = ReWOO(folder_of_all(tmp_path))
    tasks = environment.tasks("test")
    assert [task.kind for task in tasks] == list(SETS)
    assert [task.data["golds"] for task in tasks] == [
        ["Danube"],
        ["Sunset Blvd", "Sunset Boulevard", "sunset blvd"],
        ["72"],
        ["No"],
        ["9.16 J", "9.2 J"],
        ["implausible"],
        ["12 million."],
    ]
    assert {task.split for task in tasks} == {"test"}
    assert environment.tasks("dev", limit=3, seed=5) == tasks[:3]
    assert solved(tmp_path) == [task.id for task in tasks]
    assert [task.kind for task in tasks if task.data["plan"]] == ["hotpot_qa", "gsm8k"]


def test_one_file_is_enough_and_the_speech_is_found_where_upstream_has_it(tmp_path):
    for place in (tmp_path / "data" / "SOTU", tmp_path / "data" / "docs"):
        place.mkdir(parents=True)
    (tmp_path / "data" / "docs" / "state_of_the_union.txt").write_text("Jobs.\n\nWe created 12 million jobs.")
    path = table(tmp_path / "data" / "SOTU" / "SOTU_QA.csv", ("question", "answer"), ("What of jobs?", "12 million."))
    environment = ReWOO(path)
    (task,) = environment.tasks("test")
    environment.reset(task)
    said = environment.step(
        ToolCall("submit_plan", {"plan": "#E1 = SearchSOTU[how many jobs were created]"})
    ).observation
    assert said.startswith("#E1: Jobs. We created 12 million jobs.")


def test_the_hubs_dump_of_triviaqa_is_the_same_question(tmp_path):
    (tmp_path / "validation.jsonl").write_text(json.dumps(TRIVIA_HUB))
    (tmp_path / "web.json").write_text(json.dumps({"Data": [TRIVIA]}))
    hub, published = load_rewoo(tmp_path).tasks
    assert (hub.goal, hub.data) == (published.goal, published.data)


def test_questions_come_in_the_order_of_the_benchmarks_own_sample(tmp_path):
    """pandas' `sample(50, random_state=2024)` of a table with 1000 rows begins with these."""
    from numpy.random import RandomState

    table(tmp_path / "x.csv", ("input", "target"), *((f"Row {i}?", "Yes") for i in range(1000)))
    drawn = RandomState(2024).choice(1000, size=50, replace=False).tolist()
    assert [task.goal for task in load_rewoo(tmp_path / "x.csv").tasks[:50]] == [f"Row {i}?" for i in drawn]


def test_the_paragraphs_of_hotpotqa_or_a_folder_of_text_are_searched(tmp_path, monkeypatch):
    path = tmp_path / "hotpot.json"
    path.write_text(json.dumps([HOTPOT]))
    environment = ReWOO(path)
    (task,) = environment.tasks("test")
    plan = "Plan: Read about Danube. #E1 = Wikipedia[Danube] Plan: Read about Rhine. #E2 = Wikipedia[Rhine]"
    assert task.data["plan"] == plan
    environment.reset(task)
    said = environment.step(ToolCall("submit_plan", {"plan": task.data["plan"]})).observation
    assert said.startswith("#E1: Danube: It is 2,850 km long. Old.\n#E2: Rhine: It is 1,230 km long.")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "River_Elbe.txt").write_text("The Elbe is long.\nIt ends at Cuxhaven.")
    monkeypatch.setenv("AGENTTUNING_CORPUS", str(tmp_path / "texts"))
    environment = ReWOO(path)
    environment.reset(task)
    said = environment.step(ToolCall("submit_plan", {"plan": "#E1 = Wikipedia[where does the Elbe end]"})).observation
    assert said.startswith("#E1: River Elbe: The Elbe is long. It ends at Cuxhaven.")
    monkeypatch.setenv("AGENTTUNING_CORPUS", str(tmp_path / "absent"))
    environment = ReWOO(path)
    environment.reset(task)
    with pytest.raises(BadInput, match="absent"):
        environment.step(ToolCall("submit_plan", {"plan": "#E1 = Wikipedia[Elbe]"}))


def test_a_question_without_a_gold_plan_has_no_expert_and_is_rehearsed(tmp_path):
    path = table(tmp_path / "x.csv", ("input", "target"), ("Is #E1 = [a] Plan: #E2 = b[c]?\nPlan: b", "Yes"))
    environment = ReWOO(path)
    (task,) = environment.tasks("test")
    with pytest.raises(NoExpert, match="no gold plan"):
        environment.expert(task)
    feedback = environment.rehearse(task)
    assert feedback is not None
    assert feedback.solved
    assert "published answer" in feedback.observation
    wrong = Task("rewoo", "x", "test", task.goal, {**task.data, "golds": ["yes and no"]})
    feedback = environment.rehearse(wrong)
    assert feedback is not None
    assert not feedback.solved


def test_bad_hotpotqa_records_are_left_out_too(tmp_path):
    path = tmp_path / "hotpot.jsonl"
    path.write_text(json.dumps(HOTPOT) + '\n{"question": "And?", "context": []}\n{oops\n')
    with pytest.raises(BadInput, match=r"hotpot\.jsonl:2: "):
        ReWOO(path).tasks("test")
    environment = ReWOO(path, skip_bad=True)
    assert [task.id for task in environment.tasks("test")] == ["hotpot_qa-hotpot-h1"]
    assert [line.partition(": ")[0] for line in environment.skipped] == [f"{path}:2", f"{path}:3"]


# GSM8K


def plan_of(question: str, solution: str, gold: str) -> list[str] | None:
    steps, _ = gold_plan(question, f"{solution}\n#### {gold}")
    return [step.input for step in steps] if steps else None


def test_annotations_become_steps_that_use_earlier_evidence():
    steps, gold = gold_plan(GSM8K["question"], GSM8K["answer"])
    assert steps is not None
    assert [(step.tool, step.input) for step in steps] == [("Calculator", "48/2"), ("Calculator", "48+#E1")]
    assert steps[0].thought == "Work out the number: clips in May."
    assert gold == "72"


@pytest.mark.parametrize(
    ("question", "solution", "gold", "plan"),
    [
        ("3 and 4?", "<<3+4=7>>7, <<7*3=21>>21", "21", ["3+4", "#E1*3"]),
        ("5, 2, 3 and 7?", "<<5+2=7>>7 <<3*2=6>>6 <<7-6=1>>1", "1", ["5+2", "3*2", "7-#E2"]),  # a given 7 stays
        ("10 and 3?", "<<10/3=3.33>>3.33 <<3.33*3=10>>10", "10", ["10/3", "#E1*3"]),
        ("10 and 3?", "<<10/3=3.33>>3.33 <<3.33*3=9.99>>9.99", "9.99", ["10/3", "3.33*3"]),  # rounded in between
        ("43 and 18?", "<<36+7=43>>43\nShe has $43 - $18 = $25", "25", ["36+7", "#E1-18"]),
        ("a?", "There are 3950 cases - 200 cases = 3750 cases", "3750", ["3950 - 200"]),
        ("a?", "Wrong: <<2+2=5>>5", "5", None),
        ("a?", "We get 8p = 5p+$3000\nand 3p = $3000, so p = 1000", "1000", ["8p=5p+3000"]),
        ("a?", "x+x+30=110\nx=<<40=40>>40\nShe has 40+30=<<40+30=70>>70", "70", ["x+x+30=110", "#E1+30"]),
        ("a 9?", "That is 3 * 4 = <<12=12>>12 and <<9=9>>9, so <<12+9=21>>21", "21", ["3*4", "#E1+9"]),
        ("a?", "It is <<8=8>>8, so <<8*2=16>>16", "16", None),  # nobody can tell where the 8 is from
        ("a?", "x = 2y and y = 3", "6", None),
        ("a?", "So the answer is x = 6", "6", None),
        ("a?", "No sum here.", "7", None),
    ],
)
def test_plans_are_kept_only_if_they_give_the_published_answer(question, solution, gold, plan):
    made = plan_of(question, solution, gold)
    assert (made and [text.replace(" ", "") for text in made]) == (plan and [text.replace(" ", "") for text in plan])


@given(st.text("<>=#0123456789+-*/. ab\n", max_size=80), st.integers(-99, 9999))
@settings(max_examples=150)
def test_any_solution_gives_a_right_plan_or_none(solution, gold):
    steps, number = gold_plan("How many?", f"{solution}\n#### {gold:,}")
    assert number == str(gold)
    assert steps is None or steps[-1].tool == "Calculator"


# Broken files


@pytest.mark.parametrize(
    ("name", "text", "where", "what"),
    [
        ("a.csv", "input,target\nQ?,\n", ":2", "'target' should be a text"),
        ("a.csv", "input,target\n,Yes\n", ":2", "'input' should be a text"),
        ("a.csv", "input,target\nQ?,Yes\nQ?,perhaps\n", ":3", "'target' should be one of yes, no"),
        ("a.csv", "input,target\nQ?,Can be one of 5 N\n", ":2", "quoted quantities"),
        ("a.csv", "input,target\nQ?,\"Can be one of ['fast']\"\n", ":2", "quoted quantities"),
        ("a.csv", "input,target\nQ?,\"Can be one of [__import__('os')]\"\n", ":2", "quoted quantities"),
        ("a.csv", "q,a\n1,2\n", ":2", "'question' should be a text, there is none"),
        ("a.csv", "question,answer\nWho?,me\n", ":2", "cannot tell which of the sets"),
        ("a.jsonl", '{"question": "a", "answer": "#### x"}', ":1", "'answer' should end in '#### '"),
        ("a.jsonl", '{"question": 3, "answer": "#### 3"}', ":1", "'question' should be a text"),
        ("a.jsonl", '{"question": "a", "answer": {"value": 3}}', ":1", "should hold a text 'Value'"),
        ("a.jsonl", '{"question": "a", "answer": {"value": "x", "aliases": "y"}}', ":1", "'aliases' should be a list"),
        ("a.json", '{"Data": [7]}', ":1", "expected an object or a row"),
    ],
)
def test_a_bad_record_is_named_or_left_out(tmp_path, name, text, where, what):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        ReWOO(path).tasks("test")
    assert str(caught.value).startswith(f"{path}{where}: ")
    assert what in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(GSM8K))
    environment = ReWOO(tmp_path, skip_bad=True)
    assert environment.tasks("test")[-1].kind in ("gsm8k", "strategy_qa")
    assert len(environment.skipped) == 1
    assert what in environment.skipped[0]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", b"\xff\xfe\x00", "no CSV text"),
        ("a.csv", b"input,target\n" + b"x" * 200_000 + b",Yes\n", "no CSV text"),
        ("a.csv", b"", "no questions"),
        ("a.json", b"{oops", "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b'{"x": 1}', "'question' should be a text"),
        ("a.json", b'{"Data": 3}', "'Data' should be a list"),
        ("a.json", b"7", "expected a JSON object"),
        ("a.jsonl", b"{oops\n", "not JSON"),
        ("a.jsonl", b"\xff\xfe\n", "not JSON"),
        ("a.txt", b"text", "not JSON"),
    ],
)
def test_a_broken_file_is_bad_input(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=what):
        ReWOO(tmp_path / name).tasks("test")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from([GSM8K["answer"], "Yes", PHYSICS[1]]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Value", "aliases", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)
keys = ["question", "answer", "input", "target", "Question", "Answer", "context", "supporting_facts", "level"]
records = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, values) | {"id": st.integers(0, 3)})


@given(st.lists(records, max_size=3), st.sampled_from([".csv", ".json", ".jsonl"]), st.booleans(), st.integers(0, 40))
@settings(max_examples=200)
def test_any_file_loads_or_is_bad_input(tmp_path_factory, content, suffix, skip_bad, cut):
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    if suffix == ".csv":
        rows = [",".join(keys), *(",".join(json.dumps(row.get(key, "")) for key in keys) for row in content)]
        text = "\n".join(rows)
    else:
        text = json.dumps(content) if suffix == ".json" else "\n".join(map(json.dumps, content))
    path.write_text(text[: len(text) - cut] if cut % 3 == 0 else text, encoding="utf-8", errors="replace")
    try:
        ids = solved(path, skip_bad=skip_bad)
    except BadInput as error:
        message = str(error)
    else:
        message = str(path)
        assert ids
    assert message.startswith(str(path))


# The published files


def official(name: str) -> Path:
    folder = os.environ.get("AGENTTUNING_DATA")
    if not folder:
        pytest.skip("AGENTTUNING_DATA is not set to a folder with rewoo_data, gsm8k and hotpotqa")
    return Path(folder) / name


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("rewoo_data", {"strategy_qa": 2290, "sports_understanding": 1000, "sotu_qa": 74, "physics_question": 53}),
        ("gsm8k", {"gsm8k": 700}),
        ("hotpotqa", {"hotpot_qa": 200}),
    ],
)
def test_every_published_question_loads_and_takes_its_own_gold_answer(name, counts):
    path = official(name)
    tasks = load_rewoo(path).tasks
    assert Counter(task.kind for task in tasks) == counts
    assert len({task.id for task in tasks}) == len(tasks)
    assert not any(read_plan(task.data["plan"] or "#E1 = LLM[]", task.data["tools"]).faults for task in tasks)
    assert len(solved(path)) == len(tasks)


def test_nearly_all_of_gsm8k_has_a_gold_plan_that_gives_the_answer():
    tasks = load_rewoo(official("gsm8k")).tasks
    derived = [task for task in tasks if task.data["plan"]]
    assert len(derived) == 681
    assert sum("#E1" in task.data["plan"].replace("#E1 =", "") for task in derived) > 0.9 * len(derived)
