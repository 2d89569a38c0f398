"""AgentBench's dbbench files: read, solved by their gold, and refused with the line where they are broken."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from database_play import answer, check_benchmark_file, needs_data, play, query
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.database.answers import same_label, table_hash
from agenttuning.environments.database.dbbench import load
from agenttuning.environments.database.environment import Database, contents
from agenttuning.environments.database.sqlite import SqliteBackend
from agenttuning.errors import BadInput, NoExpert


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


def written(tmp_path: Path, *records: object, name: str = "tasks.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(record if isinstance(record, str) else json.dumps(record) for record in records))
    return path


def test_an_array_is_read_as_upstream_reads_it(tmp_path):
    environment = Database(written(tmp_path, json.dumps([RECORD, RECORD], indent=1), name="tasks.json"))
    assert [task.id for task in environment.tasks("test")] == ["dbbench-0001", "dbbench-0002"]


def test_evidence_belongs_to_the_question_and_what_is_shown_anyway_does_not(tmp_path):
    told = {**RECORD, "evidence": "people means population", "add_description": "The towns lie in England."}
    plain = {**RECORD, "evidence": "", "add_description": "The name of this table is towns, and the headers of this "
             "table are Name,pop."}  # fmt: skip
    environment = Database(written(tmp_path, told, plain))
    first, second = environment.tasks("test")
    assert first.goal.splitlines()[1:] == [
        "Evidence: people means population",
        "About the table: The towns lie in England.",
    ]
    assert second.goal == RECORD["description"]


CHANGE = {
    "description": "Add Corby with 90 people.",
    "type": ["INSERT"],
    "label": ["INSERT INTO towns VALUES ('Corby', 90)"],
    "table": RECORD["table"],
}


def fingerprint(path: Path, *statements: str) -> str:
    """AgentBench's of the tables of a file's first task after some statements."""
    environment = Database(path)
    (task, *_) = environment.tasks("test")
    backend = SqliteBackend()
    backend.load(contents(task))
    for sql in statements:
        backend.execute(sql)
    return "_".join(sorted(table_hash(rows) for rows in backend.dump().values()))


@pytest.mark.parametrize("how", ["label", "sql", "text", "md5"])
def test_a_change_has_its_gold_in_several_ways(tmp_path, how):
    gold = CHANGE["label"][0]
    path = written(tmp_path, CHANGE)
    digits = fingerprint(path, gold)
    record = {key: value for key, value in CHANGE.items() if key != "label"}
    record |= {
        "label": {"label": [gold]},
        "sql": {"answer_md5": "", "sql": {"query": gold, "length": 5}},
        "text": {"type": "INSERT", "label": gold},
        "md5": {"answer_md5": f"[('{digits}',)]"},
    }[how]
    environment = Database(written(tmp_path, record))
    (task,) = environment.tasks("test")
    assert task.data["writes"]
    if how == "md5":
        with pytest.raises(NoExpert):
            next(environment.expert(task))
    else:
        assert play(environment, task).solved
    environment.reset(task)
    query(environment, gold)
    assert answer(environment, "done").solved
    environment.reset(task)
    query(environment, "INSERT INTO towns VALUES ('Corby', 91)")
    assert not answer(environment, "done").solved


def test_several_tables_have_one_fingerprint(tmp_path):
    shops = {"table_name": "shops", "table_info": {"columns": [{"name": "town"}], "rows": [["Brack"], [None]]}}
    record = {**CHANGE, "table": [RECORD["table"], shops]}
    gold = "DELETE FROM shops WHERE town = 'Brack'"
    digits = fingerprint(written(tmp_path, record), gold)
    assert len(digits) == 65
    record |= {"type": ["DELETE"], "label": [], "answer_md5": digits}
    environment = Database(written(tmp_path, record))
    (task,) = environment.tasks("test")
    assert environment.reset(task).endswith("Tables:\ntowns(Name TEXT, `column 2` TEXT)\nshops(town TEXT)")
    assert query(environment, "SELECT town FROM shops") == '["Brack", "None"]'  # as upstream loads it
    query(environment, gold)
    assert answer(environment, "done").solved


@pytest.mark.parametrize(
    ("given", "label", "right"),
    [
        (["26"], ["26"], True),
        ([26.004], ["26"], True),
        (["1,234"], ["1234"], True),
        (["50%"], ["50"], True),
        (["brack"], ["Brack"], False),
        (["a", "b", "a"], ["b", "a"], True),
        ([1, 2, 2], [2, 1], False),
        ([2, 1], ["1", "2.0"], True),
        ([None], ["none"], True),
        ([0], ["none"], True),
        ([], ["x"], False),
        ([["x", "y"]], ["x", "y"], True),
    ],
)
def test_answers_are_judged_by_the_benchmarks_own_rule(given, label, right):
    assert same_label(given, label) is right


def test_bad_records_are_left_out_when_asked_for(tmp_path):
    path = written(tmp_path, RECORD, "not json", {**RECORD, "label": {}}, {**RECORD, "user_sqlite": True}, RECORD)
    environment = Database(path, skip_bad=True)
    assert [task.id for task in environment.tasks("test")] == ["dbbench-0001", "dbbench-0005"]
    assert [line.partition(": ")[0] for line in environment.skipped] == [f"{path}:{line}" for line in (2, 3, 4)]
    assert "'label' should be a list" in environment.skipped[1]
    with pytest.raises(BadInput, match=r"tasks\.jsonl:2: not JSON.*--skip-bad"):
        Database(path).tasks("test")
    with pytest.raises(BadInput, match="no question in it"):
        Database(written(tmp_path, "[1]"), skip_bad=True).tasks("test")


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


@settings(max_examples=200)
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
