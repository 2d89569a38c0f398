"""AgentBench's dbbench files: read, solved by their gold, and refused with the line where they are broken."""

import json
from contextlib import suppress

import pytest
from database_play import answer, check_benchmark_file, needs_data, query
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.database.dbbench import load
from agenttuning.environments.database.environment import Database
from agenttuning.errors import BadInput


@needs_data
def test_the_benchmark_file():
    check_benchmark_file()


RECORD = {
    "description": "Which town has 800 people?",
    "type": ["other"],
    "label": ["Brack"],
    "table": {
        "table_name": "towns",
        "table_info": {
            "columns": [{"name": "Name", "type": "TEXT"}, {"name": "", "type": "INT"}],
            "rows": [["Ashford", 1200], ["Brack", 800]],
        },
    },
}


def test_a_file_gives_its_own_tasks_whatever_the_split(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps(RECORD) + "\n")
    environment = Database(path)
    (task,) = environment.tasks("train")
    assert (task.id, task.split, task.kind) == ("dbbench-0001", "test", "other")
    assert environment.reset(task).endswith("Table:\ntowns(Name TEXT, `column 2` TEXT)")
    assert query(environment, "SELECT Name FROM towns WHERE `column 2` < 1000") == '["Brack"]'
    assert answer(environment, "Brack").solved


@pytest.mark.parametrize("text", ["", "{}", "[1]", "not json", '{"question": "Who?", "answer": "x"}'])
def test_a_file_of_another_kind_is_named_with_its_line(tmp_path, text):
    path = tmp_path / "tasks.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"tasks\.jsonl"):
        load(path)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_broken_record_is_bad_input_or_a_task_that_runs(tmp_path_factory, data):
    record = json.loads(json.dumps(RECORD))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from([record, record.get("table"), *inner(record)]))
        if isinstance(place, dict) and place:
            place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JUNK)
        elif isinstance(place, list):
            place.append(data.draw(JUNK))
    path = tmp_path_factory.mktemp("fuzz") / "tasks.jsonl"
    path.write_text(json.dumps(record))
    environment = Database(path)
    tasks = []
    with suppress(BadInput):
        tasks = environment.tasks("test")
    for task in tasks:
        environment.reset(task)
        assert answer(environment, "x").terminated
    environment.close()


def inner(record: dict) -> list:
    table = record.get("table")
    info = table.get("table_info") if isinstance(table, dict) else None
    parts = [info.get("columns"), info.get("rows")] if isinstance(info, dict) else []
    return [info, *parts]
