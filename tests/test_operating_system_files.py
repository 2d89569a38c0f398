"""AgentBench's own files of OS interaction: every form in which they come, and files that are broken."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agenttuning.environments.operating_system import OperatingSystem
from agenttuning.environments.operating_system.agentbench import load
from agenttuning.environments.operating_system.problem import from_data
from agenttuning.errors import BadInput, NoExpert
from agenttuning.rollout.validate import validate
from agenttuning.sandbox.bubblewrap import lacking

OFFICIAL = Path(os.environ.get("AGENTTUNING_DATA", "/nonexistent")) / "os_interaction"
official = pytest.mark.skipif(not OFFICIAL.exists(), reason="AGENTTUNING_DATA has no os_interaction")
sandboxed = pytest.mark.skipif(lacking() is not None, reason=f"no sandbox here: {lacking()}")

PROBLEM = {"description": "How many?", "evaluation": {"match": "4"}}


def tree(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def test_every_form_of_a_problem(tmp_path: Path):
    script = {"language": "python", "file": "check/in.py"}
    tree(tmp_path, {
        "data/dev.json": [PROBLEM],
        "data/1/a.json": {**PROBLEM, "create": {"init": [{"code": "x"}, "y", script]}, "labels": ["b"]},
        "data/2/b.json": [
            {**PROBLEM, "create": [None, script], "evaluation": {"match": {"regex": "^4", "strip": False}}},
            {**PROBLEM, "evaluation": {"check": {"language": "c++", "code": "int"}}, "start": "su - a"},
            {**PROBLEM, "evaluation": {"check": [None, script], "example": {"file": "check/in.py"}}},
            {**PROBLEM, "evaluation": {"check": "exit 0"}, "example": {"code": "ls"}, "start": {"code": "cd"}},
        ],
        "data/10/c.jsonl": json.dumps(PROBLEM) + "\n\n" + json.dumps(PROBLEM) + "\n",
        "data/6-backup.json": [PROBLEM],
        "scripts/1/check/in.py": "one",
        "scripts/2/check/in.py": "two",
        "scripts/dev/check/in.py": "dev",
    })  # fmt: skip
    tasks = load(tmp_path).tasks
    assert [task.id for task in tasks] == [
        "dev-001-dev-00000", "std-001-a-00000", "std-010-c-00000", "std-010-c-00002",
        "std-002-b-00000", "std-002-b-00001", "std-002-b-00002", "std-002-b-00003",
    ]  # fmt: skip
    by_id = {task.id: from_data(task.data) for task in tasks}
    first = by_id["std-001-a-00000"]
    assert [(one.language, one.code) for one in first.init] == [("bash", "x"), ("bash", "y"), ("python", "one")]
    assert [task.split for task in tasks[:2]] == ["dev", "test"]
    regex, compiled, with_null, late = (by_id[f"std-002-b-0000{n}"] for n in range(4))
    assert (regex.init, regex.match.regex, regex.match.strip) == ((), "^4", False)
    assert (compiled.check[0].language, compiled.start) == ("c++", "su - a")
    assert (with_null.check[0], with_null.check[1].code, with_null.example.code) == (None, "two", "two")
    assert (late.check[0].code, late.example.code, late.start) == ("exit 0", "ls", "cd")
    assert [task.id for task in load(tmp_path / "data" / "2" / "b.json").tasks] == [t.id for t in tasks[4:]]
    assert len(load(tmp_path / "data" / "1").tasks) == 1


BROKEN = (
    ([], "no problem"),
    ([3], "a.json:1: expected a JSON object, found int"),
    ([PROBLEM, {"description": 3}], "a.json:2: 'description' should be a text, found int"),
    ([{"description": "x"}], "'evaluation' should be an object, found nothing"),
    ([{**PROBLEM, "evaluation": {}}], "should hold 'match' or 'check'"),
    ([{**PROBLEM, "evaluation": {"match": 4}}], "'match' should be a text"),
    ([{**PROBLEM, "evaluation": {"match": {"regex": "("}}}], "no regular expression"),
    ([{**PROBLEM, "evaluation": {"check": [None]}}], "there is no 'example'"),
    ([{**PROBLEM, "evaluation": {"check": {"file": "check/none.py"}}}], "'check': there is no file 'check/none.py'"),
    ([{**PROBLEM, "evaluation": {"check": {"file": "../../data/1/a.json"}}}], "there is no file"),
    ([{**PROBLEM, "evaluation": {"check": {"language": "perl", "code": "1"}}}], "unknown language 'perl'"),
    ([{**PROBLEM, "start": 5}], "'start' should be a text or an object, found int"),
    ([{**PROBLEM, "create": {"init": {"script": "x"}}}], "'init' should hold 'code' or 'file'"),
)


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_broken_record_is_named(tmp_path: Path, content: Any, message: str):
    tree(tmp_path, {"data/1/a.json": content, "scripts/1/check/in.py": "x"})
    with pytest.raises(BadInput) as error:
        load(tmp_path)
    assert message in str(error.value)


def test_bad_records_are_left_out_where_that_is_asked_for(tmp_path: Path):
    tree(tmp_path, {"data/1/a.json": [PROBLEM, {"description": ""}, PROBLEM]})
    environment = OperatingSystem(tmp_path, skip_bad=True)
    assert [task.id[-5:] for task in environment.tasks("test")] == ["00000", "00002"]
    assert len(environment.skipped) == 1
    assert "a.json:2: 'description'" in environment.skipped[0]
    with pytest.raises(BadInput, match="--skip-bad"):
        OperatingSystem(tmp_path).tasks("test")
    for content in ("{", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "[" * 100_000):
        (tmp_path / "data/1/a.json").write_text(content)
        with pytest.raises(BadInput, match=r"a\.json"):
            load(tmp_path, skip_bad=True)
    with pytest.raises(BadInput, match="check the path"):
        load(tmp_path / "nothing.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no problem"):
        load(tmp_path / "empty")


FIELDS = ["init", "code", "file", "language", "match", "check", "answer", "regex", "example"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(FIELDS),
                      inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(st.fixed_dictionaries({}, optional={
    "description": json_values, "create": json_values, "start": json_values, "evaluation": json_values,
    "labels": json_values, "example": json_values,
}) | json_values, max_size=4))  # fmt: skip
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_gives_tasks_or_a_line(tmp_path: Path, records: list[Any]):
    tree(tmp_path, {"data/1/a.json": records, "scripts/1/x": "y"})
    try:
        found = load(tmp_path, skip_bad=True)
    except BadInput:
        return
    assert len(found.tasks) + len(found.skipped) == len(records)
    for task in found.tasks:
        from_data(json.loads(json.dumps(task.data)))


@pytest.mark.root
@sandboxed
def test_an_expert_without_example_or_answer_says_so(tmp_path: Path):
    tree(tmp_path, {"data/1/a.json": [
        {**PROBLEM, "evaluation": {"check": "exit 0"}},
        {**PROBLEM, "evaluation": {"match": {"regex": "[0-9]{3}"}}},
        {**PROBLEM, "evaluation": {"match": {"regex": "^yes$"}}},
    ]})  # fmt: skip
    environment = OperatingSystem(tmp_path)
    none, number, literal = environment.tasks("test")
    try:
        for task in (none, number):
            environment.reset(task)
            with pytest.raises(NoExpert):
                list(environment.expert(task))
        environment.reset(literal)
        (decision,) = environment.expert(literal)
        assert environment.step(decision.call).solved
    finally:
        environment.close()


@pytest.mark.root
@pytest.mark.slow
@official
@sandboxed
def test_the_official_groups_and_their_examples():
    """Of 52 problems here all pass with their own example."""
    result = validate("operating_system", data=OFFICIAL, limit=None, workers=2)
    assert result.tasks == 52
    assert result.failures == ()


@pytest.mark.root
@official
@sandboxed
def test_official_training_problems():
    """The first of the thousand; scripts of a file of no group are found in those of the groups."""
    result = validate("operating_system", data=OFFICIAL / "train_0317" / "training.json", limit=12, workers=2)
    assert (result.tasks, result.failures) == (12, ())
