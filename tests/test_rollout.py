"""Episodes end in one of the outcomes whatever goes wrong, in real worker processes."""

import os
import pickle
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import plugin
import pytest

from agenttuning import dialects
from agenttuning.agents.base import Turn
from agenttuning.agents.expert import ExpertAgent
from agenttuning.agents.human import HumanAgent
from agenttuning.agents.replay import ReplayAgent
from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.engines.base import Reply
from agenttuning.errors import BadInput, ContextFull, EngineError, FormatError, MissingExtra, MissingProgram
from agenttuning.evaluation.scores import score_environment
from agenttuning.rollout.collect import CollectConfig, collect, play_all
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.validate import validate
from agenttuning.rollout.workers import Pool
from agenttuning.trajectory import Decision, Usage

COMMAND = dialects.get("command")


@dataclass
class Scripted:
    """A deterministic model: its replies in order, the last one for ever; an exception is raised."""

    replies: list
    name: str = "scripted"
    dialect: str = "command"
    template: str = "fingerprint"

    def turn(self, trajectory, environment):
        reply = self.replies[min(len(trajectory.steps), len(self.replies) - 1)]
        if isinstance(reply, Exception):
            raise reply
        reply = Reply(reply, Usage(1, 1))
        try:
            return Turn(COMMAND.read(reply.text, trajectory.tools), reply.text, reply.usage)
        except FormatError as error:
            return Turn(Decision(), reply.text, reply.usage, error)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugin")
    plugin.install(folder)
    sys.path.insert(0, str(folder))
    with Pool({"troubled": None}, processes=2, timeout=3) as pool:
        yield pool
    sys.path.remove(str(folder))


def test_a_list_of_tasks_is_asked_for_again_where_the_worker_dies(pool, tmp_path, monkeypatch):
    fuse = tmp_path / "fuse"
    monkeypatch.setenv("TROUBLED_DEATHS", str(fuse))
    with Pool({"troubled": None}, processes=1, timeout=30) as mortal:
        fuse.write_bytes(b"..")
        about, tasks, skipped = mortal.listed("troubled", "train", "dev", limit=2)
        assert (about.name, [task.id for task in tasks], skipped) == (
            "troubled", ["train-0-0", "train-0-1", "dev-0-0", "dev-0-1"], [],
        )  # fmt: skip
        fuse.write_bytes(b"." * 9)
        with pytest.raises(BadInput, match="troubled: its tasks cannot be listed: the worker process died"):
            mortal.listed("troubled", "train")


def play(pool, kind, agent, **options):
    with pool.seat("troubled") as seat:
        task = next(t for t in seat.tasks("test", limit=6) if t.kind == kind)
        return run_episode(seat, seat.describe(), task, agent, **options)


@pytest.mark.parametrize(
    ("kind", "outcome", "reason"),
    [
        ("fine", "solved", None),
        ("crash_reset", "environment_error", "RuntimeError at troubled_package.py"),
        ("crash_step", "environment_error", "KeyError at troubled_package.py"),
        ("die", "environment_error", "the worker process died"),
        ("hang", "environment_error", "took longer than 3 s"),
        ("no_expert", "failed", "nobody knows"),
    ],
)
def test_an_environments_trouble_is_that_episodes_outcome(pool, kind, outcome, reason):
    trajectory = play(pool, kind, ExpertAgent())
    assert trajectory.outcome == outcome
    assert reason is None or reason in trajectory.meta["reason"]
    assert play(pool, "fine", ExpertAgent()).solved  # the pool goes on


def test_reading_the_tasks_of_a_big_file_may_take_longer_than_a_step(pool, tmp_path):
    file = tmp_path / "slow.txt"
    os.mkfifo(file)
    writer = threading.Timer(3.5, file.write_text, ("fine\n",))  # the file's end comes after the time of a step
    with Pool({"troubled": file}, processes=1, timeout=3) as slow, slow.seat("troubled") as seat:
        writer.start()
        assert [task.kind for task in seat.tasks("test")] == ["fine"]


@pytest.mark.parametrize(
    ("replies", "outcome", "turns"),
    [
        (["Action: say please"], "solved", 1),
        (["what?", "Action: say please"], "solved", 2),
        (["Action: say no", "Action: say please"], "solved", 2),
        (["Final Answer: please", "Action: say please"], "solved", 2),
        (["a", "b", "c"], "format_error", 3),
        (["Action: say hm"], "loop", 3),
        (["Action: say a", "Action: say b", "Action: say c", "Action: say d"] * 2, "turn_limit", 6),
        ([ContextFull("too long")], "token_limit", 0),
        ([ValueError("bad tensor")], "model_error", 0),
    ],
)
def test_what_the_model_does_is_that_episodes_outcome(pool, replies, outcome, turns):
    trajectory = play(pool, "fine", Scripted(replies))
    assert (trajectory.outcome, len(trajectory.steps)) == (outcome, turns)


@pytest.mark.parametrize(
    ("replies", "outcome", "reward"),
    [
        (["Action: say half"], "loop", 0.5),
        (["Action: say half", "a", "b", "c"], "format_error", 0.5),
        (["Action: say half", "Action: say no", "Action: say no", "Action: say no"], "loop", 0.5),
        (["Action: say half", "Action: say hm", "Action: say hm", "Action: say hm"], "loop", 0.0),
    ],
)
def test_an_episode_that_breaks_off_is_worth_what_was_told_last(pool, replies, outcome, reward):
    trajectory = play(pool, "fine", Scripted(replies))
    assert (trajectory.outcome, trajectory.reward) == (outcome, reward)


def test_an_unreadable_reply_is_told_to_the_model(pool):
    first, _ = play(pool, "fine", Scripted(["what?", "Action: say please"])).steps
    assert first.error == "format"
    assert first.train is False
    assert "Action:" in first.observation
    assert first.written == "what?"


def test_what_was_carried_out_in_place_of_an_inadmissible_call_is_on_record(pool, tmp_path):
    trajectory = play(pool, "fine", Scripted(["Action: say pls"]))
    (step,) = trajectory.steps
    assert trajectory.solved
    assert (step.decision.call.arguments["word"], step.performed.arguments["word"]) == ("pls", "please")
    assert (step.error, step.train) == ("invalid", False)
    write_trajectories(tmp_path / "one.jsonl", [trajectory])
    assert list(read_trajectories(tmp_path / "one.jsonl")) == [trajectory]


def test_further_measures_are_averaged_over_all_episodes(pool):
    episodes = [play(pool, kind, ExpertAgent()) for kind in ("fine", "crash_step")]
    scores = score_environment(episodes, metric="success_rate", held="out")
    assert scores["measures"] == {"politeness": 0.25}


def test_a_bad_record_of_a_file_stops_or_is_left_out(pool, tmp_path):
    file = tmp_path / "official.txt"
    file.write_text("fine\nodd\nfine\n")
    with pytest.raises(BadInput, match=r"official.txt:2: 'kind' should be a known one, found 'odd'; --skip-bad"):
        validate("troubled", data=file, limit=None, workers=1)
    result = validate("troubled", data=file, limit=None, workers=1, skip_bad=True)
    assert (result.tasks, result.solved) == (2, 2)
    assert result.skipped == ("official.txt:2: 'kind' should be a known one, found 'odd'",)


def test_data_for_an_environment_that_does_not_play_is_told(tmp_path):
    (tmp_path / "dev.jsonl").write_text("{}")
    config = CollectConfig({"knowledge_graph": 1}, data={"knowledge-graph": str(tmp_path / "dev.jsonl")})
    with pytest.raises(BadInput, match=r"data is given for 'knowledge-graph', .* \(knowledge_graph\)"):
        collect(config, tmp_path / "out", dialect="command", seed=0)


@pytest.mark.parametrize(
    "error", [MissingExtra("torch", "train"), MissingExtra("ray"), MissingProgram("no bwrap", "apt")]
)
def test_what_is_missing_is_told_alike_from_a_worker(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_person_takes_a_choice_by_its_number(pool):
    typed, said = iter(["9", "choices", "1", "say pls"]), []
    trajectory = play(pool, "fine", HumanAgent(ask=lambda _: next(typed), say=said.append))
    assert [step.decision.call.arguments["word"] for step in trajectory.steps] == ["hello there", "pls"]
    listed = "  1. say hello there    2. say please"
    assert said == ["Task: say please.", listed, "There are 2 choices.", listed, "Hm.", listed]


def test_an_engine_that_is_gone_stops_the_run(pool):
    with pytest.raises(EngineError):
        play(pool, "fine", Scripted([EngineError("the endpoint is down")]))


def test_replay_plays_the_same_episode(pool):
    recorded = play(pool, "fine", Scripted(["Action: say hm", "Action: say please"]))
    again = play(pool, "fine", ReplayAgent(recorded))
    assert [s.observation for s in again.steps] == [s.observation for s in recorded.steps]
    assert again.solved


def test_an_episode_and_its_row_know_the_chat_template_of_their_model(pool):
    recorded = play(pool, "fine", Scripted(["Action: say please"]))
    assert recorded.meta["chat_template"] == "fingerprint"
    assert dialects.get("command").write(recorded).meta["chat_template"] == "fingerprint"
    assert "chat_template" not in play(pool, "fine", ReplayAgent(recorded)).meta


def test_collect_writes_every_outcome(pool, tmp_path):
    config = CollectConfig({"database": 12, "knowledge_graph": 6}, samples=2)
    counts = play_all(config, tmp_path, ExpertAgent(), seed=3)
    assert counts["database"]["outcomes"] == {"solved": 24}
    assert counts["knowledge_graph"]["episodes"] == 12
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_one_clear_line(tmp_path):
    (tmp_path / "database.jsonl.partial").symlink_to("/dev/full")
    with pytest.raises(BadInput, match=r"no space left on the disk; free some and run the same command again"):
        collect(CollectConfig({"database": 3}), tmp_path, dialect="command", seed=0)
