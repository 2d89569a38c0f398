"""The database environment: its built-in tasks and its judge."""

import json

import pytest
from database_play import answer, play, query
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments import make
from agenttuning.environments.base import LEVELS
from agenttuning.environments.database.answers import read_values, same_values
from agenttuning.environments.database.environment import Database
from agenttuning.environments.database.generate import KINDS
from agenttuning.environments.database.scene import PLANS, domains
from agenttuning.environments.name_lists import MAKERS, all_names
from agenttuning.errors import InvalidAction
from agenttuning.trajectory import SPLITS, ToolCall


def test_tasks_are_the_same_for_the_same_seed_and_a_smaller_limit_is_a_prefix():
    tasks = make("database").tasks("train", limit=30, seed=3)
    assert list(make("database").tasks("train", limit=60, seed=3)[:30]) == list(tasks)
    assert tasks[0].id == "train-3-000000"
    assert [t.goal for t in make("database").tasks("train", limit=30, seed=4)] != [t.goal for t in tasks]
    assert all(json.loads(json.dumps(task.data)) == task.data for task in tasks)


@pytest.mark.parametrize("split", SPLITS)
def test_the_expert_solves_every_task_in_two_turns(split):
    environment = Database()
    tasks = environment.tasks(split, limit=200)
    assert {task.kind for task in tasks} == {kind.name for kinds in KINDS.values() for kind in kinds}
    for task in tasks:
        assert play(environment, task).solved, (task.id, task.goal)
        assert len(list(environment.expert(task))) == 2


def test_levels_have_their_shares_in_any_prefix_and_kinds_are_many():
    tasks = Database().tasks("dev", limit=90)
    for size in (60, 77, 90):
        shares = [sum(task.level == level for task in tasks[:size]) / size for level in LEVELS]
        assert shares == pytest.approx([0.40, 0.35, 0.25], abs=0.03)
    kinds = [kind for group in KINDS.values() for kind in group]
    assert len({kind.name for kind in kinds}) == len(kinds) >= 20
    assert all(len(set(kind.wordings)) >= 4 for kind in kinds)


def test_splits_share_no_domain_no_table_and_no_name():
    sizes = {split: len(domains(split)) for split in SPLITS}
    assert sizes["train"] >= 18
    assert sizes["dev"] >= 4
    assert sizes["test"] >= 8
    assert sum(sizes.values()) >= 30
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not set(PLANS[one]) & set(PLANS[other])
        assert not tables(one) & tables(other)
        assert not choices(one) & choices(other)
        for maker in MAKERS:
            assert not set(all_names(maker, one)) & set(all_names(maker, other))
    assert len(columns("test") & columns("train")) / len(columns("test")) < 0.2


def tables(split: str) -> set[str]:
    return {table.name for domain in domains(split) for table in domain.tables}


def columns(split: str) -> set[str]:
    return {c.name for domain in domains(split) for table in domain.tables for c in table.columns}


def choices(split: str) -> set[str]:
    every = (c for domain in domains(split) for table in domain.tables for c in table.columns)
    return {value.casefold() for column in every if column.kind == "choice" for value in column.spec}


def test_every_table_can_be_asked_every_kind_of_question():
    for split in SPLITS:
        for domain in domains(split):
            for table in domain.tables:
                assert 4 <= len(table.columns) <= 6, table.name
                assert table.columns[0].kind == "name", table.name
                kinds = [column.kind for column in table.columns]
                assert "choice" in kinds, table.name
                assert kinds.count("number") + kinds.count("decimal") >= 1, table.name
                assert len(kinds) - kinds.count("choice") - kinds.count("reference") >= 3, table.name


def test_what_the_agent_reads_is_short():
    environment = Database()
    assert len(environment.instructions.split()) < 60
    assert all(len(tool.description.split()) < 12 for tool in environment.tools)
    for task in environment.tasks("train", limit=100):
        seen = environment.reset(task)
        assert seen.startswith(task.goal + "\nTable")
        for decision in environment.expert(task):
            feedback = environment.step(decision.call)
            if decision.call.name == "answer" and not task.data["writes"]:
                assert json.dumps(decision.call.arguments["values"], ensure_ascii=False) == seen
            assert len(seen) < 500
            seen = feedback.observation


@pytest.mark.parametrize("split", SPLITS)
def test_wrong_answers_score_nothing(split):
    environment = Database()
    for task in environment.tasks(split, limit=60):
        for wrong in (["done"], ["nothing of the kind"], [], [123456789], [*task.data["answer"], ["more"]]):
            environment.reset(task)
            feedback = answer(environment, *wrong)
            assert feedback.terminated
            assert not feedback.solved


def test_a_change_counts_only_if_the_tables_end_as_they_should():
    environment = Database()
    task = next(task for task in environment.tasks("train", limit=60) if task.kind == "delete_one")
    table = task.data["tables"][0]["name"]
    environment.reset(task)
    query(environment, task.data["sql"])
    query(environment, f"DELETE FROM {table}")
    assert not answer(environment, "done").solved
    environment.reset(task)
    query(environment, task.data["sql"])
    query(environment, "CREATE TABLE notes (line TEXT)")
    assert not answer(environment, "done").solved
    environment.reset(task)
    query(environment, task.data["sql"])
    assert answer(environment, "whatever I say").solved


def test_values_are_compared_as_people_would():
    gold = [["Ashford"], ["Brack"]]
    assert same_values(["brack", " ASHFORD "], gold)
    assert not same_values(["Brack", "Ashford"], gold, ordered=True)
    assert not same_values(["Ashford"], gold)
    assert not same_values(["Ashford", "Ashford"], gold)
    assert same_values(["1,200"], [[1200]])
    assert same_values([12.33], [[12.3333]])
    assert not same_values([12.4], [[12.3333]])
    assert same_values([["coal", 3], ["salt", 1]], [["salt", 1], ["coal", 3]])
    assert same_values(["coal", "3", "salt", "1"], [["salt", 1], ["coal", 3]])
    assert not same_values(["coal", 1, "salt", 3], [["salt", 1], ["coal", 3]])
    assert same_values([], [["none"]])
    assert read_values('["a", 1]') == ["a", 1]
    assert read_values("Ashford") == ["Ashford"]
    assert read_values(12) == [12]


@settings(max_examples=100)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_no_answer_breaks_the_judge(value):
    assert same_values(read_values(value), [["Ashford", 1]]) in (True, False)


def test_calls_that_make_no_sense_are_invalid_actions():
    environment = Database()
    environment.reset(environment.tasks("train", limit=1)[0])
    for call in (
        ToolCall("execute_sql", {}),
        ToolCall("execute_sql", {"query": 3}),
        ToolCall("execute_sql", {"query": " "}),
        ToolCall("answer", {}),
        ToolCall("fly", {}),
    ):
        with pytest.raises(InvalidAction):
            environment.step(call)
