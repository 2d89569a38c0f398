"""Of several episodes of a model the best are kept, and those that are not are counted."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.corpus.filter import FilterConfig, filter_trajectories, funnel_table
from agenttuning.errors import BadInput
from agenttuning.files import read_json
from agenttuning.pipeline import collect_stage, summary
from agenttuning.rollout.best import best
from agenttuning.rollout.collect import CollectConfig, play_all
from agenttuning.stages import perform
from agenttuning.trajectory import Decision, Step, Task, ToolCall, Trajectory


def episode(task, seed, reward, steps=1):
    turns = tuple(Step(Decision("t", ToolCall("a", {"i": i}))) for i in range(steps))
    return Trajectory(Task("e", task, "train", "g"), (), "", "", turns, reward, seed=seed)


def test_reward_then_fewer_steps_then_the_earlier_sample():
    rows = [
        episode("a", 7, 0.5), episode("a", 8, 1.0, 3), episode("a", 9, 1.0, 2), episode("a", 10, 1.0, 2),
        episode("b", 7, 0.0, 5), episode("b", 8, 0.0, 4),
    ]  # fmt: skip
    assert [(t.task.id, t.seed) for t in best(rows, 1, seed=7)] == [("a", 9), ("b", 8)]
    assert [(t.task.id, t.seed) for t in best(rows, 3, seed=7)] == [("a", 9), ("a", 10), ("a", 8), ("b", 8), ("b", 7)]


scores = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 3)), max_size=12)


@given(scores, st.integers(1, 4))
def test_nothing_that_is_left_out_is_better_than_what_is_kept(drawn, most):
    rows = [episode(f"t{task}", seed, reward, steps) for seed, (task, reward, steps) in enumerate(drawn)]
    kept = {t.key for t in best(rows, most, seed=0)}
    Random(0).shuffle(rows)
    assert kept == {t.key for t in best(rows, most, seed=0)}  # whatever order they come in
    for task in {t.task.id for t in rows}:
        mine = [t for t in rows if t.task.id == task]
        inside = [(-t.reward, len(t.steps), t.seed) for t in mine if t.key in kept]
        outside = [(-t.reward, len(t.steps), t.seed) for t in mine if t.key not in kept]
        assert len(inside) == min(most, len(mine))
        assert not outside or max(inside) < min(outside)


class Nobody:
    """Whoever asks it to play has lost an episode."""

    name, dialect, template = "nobody", "command", None

    def turn(self, trajectory, environment):
        raise BadInput("played again")


class Guessing:
    """A model that knows a database's answers in some of its samples, drawn by the seed of the episode."""

    name, dialect, template = "guessing", "command", None

    def turn(self, trajectory, environment):
        from agenttuning.agents.base import Turn

        expert = environment.expert_decision(trajectory.task)
        if Random(f"{trajectory.key}").random() < 0.5:
            expert = replace(expert, call=ToolCall("answer", {"answers": ["?"]}))
        return Turn(expert, "…")


def test_collect_keeps_the_best_and_grows_without_playing_again(tmp_path):
    config = CollectConfig({"database": 6}, agent="guessing", samples=3, workers=1)
    counts = play_all(config, tmp_path, Guessing(), seed=5)["database"]
    assert (counts["tasks"], counts["episodes"], counts["kept"]) == (6, 18, 6)
    every = list(read_trajectories(tmp_path / "samples" / "database.jsonl"))
    kept = list(read_trajectories(tmp_path / "database.jsonl"))
    assert [t.key for t in kept] == [t.key for t in every if t.key in {b.key for b in best(every, 1, seed=5)}]
    assert sum(t.solved for t in kept) == len({t.task.id for t in every if t.solved}) > 0
    before = (tmp_path / "samples" / "database.jsonl").read_bytes()
    play_all(replace(config, keep=2), tmp_path, Nobody(), seed=5)
    assert (tmp_path / "samples" / "database.jsonl").read_bytes() == before
    assert len(list(read_trajectories(tmp_path / "database.jsonl"))) == 12
    again = tmp_path / "again"
    play_all(replace(config, samples=1, temperature=1.0), again, Guessing(), seed=5)
    play_all(replace(config, keep=2), again, Guessing(), seed=5)
    for name in ("database.jsonl", "samples/database.jsonl", "samples.json"):
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_funnel_counts_what_was_left_out(tmp_path):
    play_all(CollectConfig({"database": 6}, agent="guessing", samples=3, workers=1), tmp_path, Guessing(), seed=5)
    funnel = filter_trajectories(FilterConfig(), [tmp_path], tmp_path / "kept" / "kept.jsonl")
    source = funnel["sources"]["database"]
    assert (source["tasks"], source["episodes"], source["dropped"]["not_best"]) == (6, 18, 12)
    assert source["kept"] + sum(source["dropped"].values()) == 18
    assert "not_best" in funnel_table(funnel)
    rows = list(read_trajectories(tmp_path / "samples" / "database.jsonl"))
    write_trajectories(tmp_path / "alone" / "database.jsonl", rows)
    assert (
        "not_best"
        not in filter_trajectories(FilterConfig(), [tmp_path / "alone"], tmp_path / "kept" / "kept.jsonl")["sources"][
            "database"
        ]["dropped"]
    )


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"samples": 0}, {"temperature": 0.0}, {"temperature": -1.0}])
def test_bad_settings_are_told(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        CollectConfig({"database": 1}, agent="m", **{"samples": 2, **wrong})


def test_a_model_is_greedy_but_for_several_samples():
    assert CollectConfig(agent="m").heat == 0.0
    assert CollectConfig(agent="m", samples=2).heat == 1.0
    assert CollectConfig(agent="m", samples=2, temperature=0.3).heat == 0.3
    assert CollectConfig(samples=2).heat == 0.0
    stage = collect_stage(CollectConfig(agent="m", samples=2), None, dialect="command", seed=0)
    assert stage.settings["temperature"] == 1.0


def test_the_manifest_and_the_summary_tell_how_busy_the_engine_was(tmp_path):
    from openai_server import RecordedServer

    with RecordedServer([{"content": "Action: answer [1]"}] * 40) as server:
        config = CollectConfig({"database": 3}, agent=f"{server.url}#recorded", samples=2, max_turns=2, workers=1)
        manifest = perform(collect_stage(config, tmp_path / "out", dialect="command", seed=0), say=lambda _: None)
    told = manifest["counts"]["engine"]
    assert 0 < told["busy"] <= 1
    assert told["seconds"] > 0
    lines = summary("collect", manifest["counts"])
    assert lines[0].split() == ["tasks", "episodes", "kept", "solved", "mean", "reward"]
    assert lines[1].split()[:4] == ["database", "3", "6", "3"]
    assert lines[2].startswith("engine: busy ")
    assert read_json(tmp_path / "out" / "samples.json")["sources"]["database"]["dropped"] == {"not_best": 3}
