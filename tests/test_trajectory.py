"""Trajectories survive the disk, and every line is valid ATIF v1.8."""

from dataclasses import replace

import atif
import pytest
from hypothesis import given, settings
from strategies import trajectories
from test_dialects import episode

from agenttuning.atif import dumps, from_atif, read_trajectories, to_atif, write_trajectories
from agenttuning.errors import BadInput
from agenttuning.trajectory import Decision, ToolCall


@settings(max_examples=200)
@given(trajectory=trajectories)
def test_round_trip_is_lossless_and_valid_atif(trajectory):
    document = to_atif(trajectory)
    atif.Trajectory.model_validate(document)
    assert from_atif(document) == trajectory


def test_files_round_trip(tmp_path):
    rows = [replace(episode(), seed=seed) for seed in range(5)]
    path = tmp_path / "episodes.jsonl"
    assert write_trajectories(path, rows) == 5
    assert list(read_trajectories(path)) == rows
    assert [dumps(row) for row in rows] == path.read_text(encoding="utf-8").split("\n")[:-1]
    assert not path.with_name("episodes.jsonl.partial").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", r"bad.jsonl:2: not JSON"),
        ("[1]", r"bad.jsonl:2: expected a JSON object, found list"),
        ("{}", r"bad.jsonl:2: field 'schema_version' is missing"),
        ('{"schema_version": "ATIF-v9"}', r"bad.jsonl:2: schema_version is 'ATIF-v9'"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, told):
    path = tmp_path / "bad.jsonl"
    path.write_text(f"{dumps(episode())}\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        list(read_trajectories(path))


def test_a_step_without_a_result_is_no_trajectory_of_ours():
    document = to_atif(episode())
    document["steps"][-1]["observation"]["results"] = []
    with pytest.raises(BadInput, match="not an agenttuning trajectory"):
        from_atif(document)


def test_a_decision_has_one_form():
    assert Decision(" a ", message="  ") == Decision("a")
    with pytest.raises(ValueError, match="not both"):
        Decision(call=ToolCall("look"), message="Hi.")
