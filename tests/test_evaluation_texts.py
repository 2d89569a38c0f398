"""The texts of an evaluation are those that its suites ask, with what is put around them kept apart."""

import pytest

from agenttuning.agents.expert import ExpertAgent
from agenttuning.corpus.contamination import Found
from agenttuning.errors import BadInput
from agenttuning.evaluation.agent_h.items import items
from agenttuning.evaluation.suites import EvaluateConfig
from agenttuning.evaluation.texts import texts
from agenttuning.files import read_jsonl, write_jsonl
from agenttuning.rollout.collect import CollectConfig, play_all


def test_tasks_have_the_openings_that_are_played(tmp_path):
    config = EvaluateConfig(held_in={"database": 3}, held_out={"card_game": 2}, general=False, workers=1)
    rows = list(texts(config, seed=4))
    assert [row["set"] for row in rows] == ["database"] * 3 + ["card_game"] * 2
    played = CollectConfig(environments={"database": 3}, split="test", workers=1)
    play_all(played, tmp_path, ExpertAgent(), seed=4)
    episodes = [row for _, row in read_jsonl(tmp_path / "database.jsonl")]
    assert [row["text"] for row in rows[:3]] == [episode["steps"][1]["message"] for episode in episodes]
    assert [row["id"] for row in rows[:3]] == [episode["extra"]["task"]["id"] for episode in episodes]
    for row in rows[:3]:
        assert episodes[0]["steps"][0]["message"] in row["template"]
        assert "execute_sql" in row["template"]


def test_every_suite_that_is_asked_is_there(tmp_path):
    config = EvaluateConfig(hallucination=30, tool_use=1, workers=1)
    rows = list(texts(config, seed=0))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    assert sets[:4] == ["general/conversations", "general/questions", "general/instructions", "agent_h"]
    assert {name.split("/")[1] for name in sets[4:]} == {
        "instruct",
        "plan",
        "step",
        "reason",
        "retrieve",
        "understand",
        "review",
    }
    assert [row["text"] for row in rows if row["set"] == "agent_h"] == [item.query for item in items(30)]
    keys = [(row["set"], row["id"]) for row in rows]
    assert len(keys) == len(set(keys))
    write_jsonl(tmp_path / "evaluation.jsonl", rows)
    found = Found()
    found.add_written(tmp_path / "evaluation.jsonl")
    assert [(item.set, item.id) for item in found.items] == keys
    assert not found.repeated


def test_nothing_is_asked_of_an_evaluation_of_nothing():
    assert list(texts(EvaluateConfig(general=False), seed=0)) == []


def test_an_environment_without_tasks_is_named(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    config = EvaluateConfig(held_in={"database": 3}, data={"database": str(tmp_path / "empty.jsonl")}, workers=1)
    with pytest.raises(BadInput, match=r"empty\.jsonl|database"):
        list(texts(config, seed=0))
