"""The filter keeps what was achieved, and the funnel accounts for every episode."""

import pytest
from corpus_rows import episode

from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.corpus.filter import FilterConfig, filter_trajectories, funnel_table
from agenttuning.errors import BadInput
from agenttuning.files import read_json


def filtered(tmp_path, episodes, **settings):
    write_trajectories(tmp_path / "in" / "all.jsonl", episodes)
    out = tmp_path / "out" / "kept.jsonl"
    funnel = filter_trajectories(FilterConfig(**settings), [tmp_path / "in"], out)
    assert read_json(out.with_name("funnel.json")) == funnel
    for source in funnel["sources"].values():
        assert source["kept"] + sum(source["dropped"].values()) == source["episodes"]
    return [t.key for t in read_trajectories(out)], funnel["sources"]


def test_only_solved_episodes_with_the_full_reward_are_kept(tmp_path):
    episodes = [
        episode(1),
        episode(2, outcome="failed", reward=0.5),
        episode(3, outcome="loop", reward=0.0),
        episode(4, reward=0.9),
        episode(5, steps=0),
        episode(6, train=False),
        episode(1, seed=1),
        episode(1, "knowledge_graph"),
    ]
    kept, sources = filtered(tmp_path, episodes)
    assert kept == [
        ("database", "train-0001", 0),
        ("database", "train-0001", 1),
        ("knowledge_graph", "train-0001", 0),
    ]
    assert sources["database"] == {
        "tasks": 6,
        "episodes": 7,
        "kept": 2,
        "dropped": {"failed": 1, "loop": 1, "low_reward": 1, "no_steps": 2},
    }
    assert sources["knowledge_graph"] == {"tasks": 1, "episodes": 1, "kept": 1, "dropped": {}}


def test_an_environment_with_its_own_threshold_is_judged_by_reward(tmp_path):
    episodes = [
        episode(1, "mind2web", outcome="failed", reward=0.7),
        episode(2, "mind2web", outcome="failed", reward=0.6),
        episode(3, "mind2web", outcome="turn_limit", reward=0.9),
        episode(4, "database", outcome="failed", reward=0.7),
    ]
    kept, sources = filtered(tmp_path, episodes, min_rewards={"mind2web": 0.67})
    assert [key[1] for key in kept] == ["train-0001"]
    assert sources["mind2web"]["dropped"] == {"low_reward": 1, "turn_limit": 1}


def test_the_funnel_reads_as_a_table(tmp_path):
    _, sources = filtered(tmp_path, [episode(1), episode(2, outcome="failed")])
    assert funnel_table({"sources": sources}).splitlines() == [
        "          tasks  episodes  kept  failed",
        "database      2         2     1       1",
    ]


def test_a_broken_line_and_a_missing_folder_are_named(tmp_path):
    broken = tmp_path / "broken.jsonl"
    write_trajectories(broken, [episode(1)])
    broken.write_text(broken.read_text() + '{"schema_version": ', encoding="utf-8")
    out = tmp_path / "kept.jsonl"
    with pytest.raises(BadInput, match=r"broken\.jsonl:2: not JSON"):
        filter_trajectories(FilterConfig(), [broken], out)
    assert not out.exists()
    with pytest.raises(BadInput, match="no trajectories there"):
        filter_trajectories(FilterConfig(), [tmp_path / "nothing"], out)


@pytest.mark.parametrize("settings", [{"min_reward": 1.1}, {"outcomes": ("won",)}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(BadInput, match=next(iter(settings))):
        FilterConfig(**settings)
