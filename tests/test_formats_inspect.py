"""inspect-ai's logs: what they say, and that inspect-ai reads them where it is installed."""

import json
from pathlib import Path
from random import Random

import pytest
from example_run import episode
from viewer_runs import HOSTILE, nasty

from agenttuning.atif import write_trajectories
from agenttuning.cli import main
from agenttuning.corpus.formats import write
from agenttuning.errors import BadInput
from agenttuning.trajectory import Trajectory


@pytest.fixture
def trajectories() -> list[Trajectory]:
    rng = Random(0)
    found = [
        episode(name, i, model, rng)
        for name in ("database", "hotpotqa")
        for model in ("base", "tuned")
        for i in range(6)
    ]
    return [*found, found[0], nasty()]


def logs(out: Path) -> list[dict]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.iterdir())]


def test_a_log_holds_one_environment_and_one_model(trajectories: list[Trajectory], tmp_path: Path):
    counts = write("inspect", trajectories, tmp_path / "logs")
    assert counts == {"items": 26, "rows": 26, "lost": {}}
    found = {(log["eval"]["task"], log["eval"]["model"]): log for log in logs(tmp_path / "logs")}
    assert len(found) == 5
    base = found["database", "base-135m"]
    assert base["results"]["total_samples"] == len(base["samples"]) == 7
    rewards = [t.reward for t in trajectories if (t.task.environment, t.agent) == ("database", "base-135m")]
    assert base["results"]["scores"][0]["metrics"]["mean"]["value"] == pytest.approx(sum(rewards) / 7)
    assert len({(one["id"], one["epoch"]) for one in base["samples"]}) == 7  # the task that stands there twice
    again = tmp_path / "again"
    write("inspect", trajectories, again)
    assert [path.read_bytes() for path in sorted(again.iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "logs").iterdir())
    ]


def test_thought_call_and_observation_of_a_sample(trajectories: list[Trajectory], tmp_path: Path):
    one = next(t for t in trajectories if t.outcome == "solved")
    write("inspect", [one], tmp_path)
    ((log,),) = [logs(tmp_path)]
    (sample,) = log["samples"]
    _, _, reply, result, *_ = sample["messages"]
    step = one.steps[0]
    assert step.decision.call is not None
    assert reply["content"] == [{"type": "reasoning", "reasoning": step.decision.thought}]
    assert reply["tool_calls"][0]["arguments"] == step.decision.call.arguments
    assert (result["tool_call_id"], result["content"]) == (reply["tool_calls"][0]["id"], step.observation)
    assert sample["scores"]["reward"]["value"] == 1.0
    assert sample["model_usage"][one.agent] == {
        "input_tokens": 22, "output_tokens": 41, "total_tokens": 351, "input_tokens_cache_read": 288,
    }  # fmt: skip


def test_inspect_ai_reads_them(trajectories: list[Trajectory], tmp_path: Path):
    log = pytest.importorskip("inspect_ai.log", reason="needs inspect-ai (pip install inspect-ai)")
    write("inspect", trajectories, tmp_path)
    listed = log.list_eval_logs(str(tmp_path))
    assert len(listed) == 5
    read = [log.read_eval_log(one) for one in listed]
    assert sum(len(one.samples) for one in read) == 26
    assert all(log.read_eval_log(one, header_only=True).results.total_samples for one in listed)
    hostile = next(one for one in read if HOSTILE in one.eval.task)
    assert hostile.samples[0].messages[1].text == HOSTILE


def test_the_command_writes_a_folder(trajectories: list[Trajectory], tmp_path: Path):
    write_trajectories(tmp_path / "a.jsonl", trajectories)
    with pytest.raises(SystemExit) as end:
        main(["export", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "logs"), "--format", "inspect"])
    assert end.value.code == 0
    assert len(logs(tmp_path / "logs")) == 5
    with pytest.raises(BadInput, match="inspect needs a folder"):
        write("inspect", trajectories, tmp_path / "a.jsonl")
