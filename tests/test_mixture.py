"""The mixture holds the asked proportion in every window, and the same seed gives the same bytes."""

import pytest
from corpus_rows import chat, episode
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.atif import write_trajectories
from agenttuning.conversation import from_row
from agenttuning.corpus.mixture import MixConfig, interleave, mix
from agenttuning.errors import BadInput
from agenttuning.files import read_json, read_jsonl, write_json, write_jsonl


@pytest.fixture
def sources(tmp_path):
    """20 trajectories of two environments and 12 general rows, 2 of them not for training."""
    agent, general = tmp_path / "kept.jsonl", tmp_path / "general.jsonl"
    write_trajectories(agent, [episode(i, "database" if i % 4 else "knowledge_graph") for i in range(20)])
    write_jsonl(general, [chat(i, split="test" if i < 2 else "train", category="x") for i in range(12)])
    return agent, general


def mixed(tmp_path, sources, *, seed=0, name="out", **settings):
    agent, general = sources
    out = tmp_path / name / "corpus.jsonl"
    config = MixConfig(**{"general": str(general), **settings})
    counts = mix(config, agent, out, dialect="command", seed=seed)
    return [row for _, row in read_jsonl(out)], counts, out


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.integers(1, 40))
def test_every_window_holds_the_proportion(agent, general, seed, width):
    order = list(interleave(agent, general, seed=seed))
    assert sum(order) == agent
    assert len(order) == agent + general
    for start in range(max(0, len(order) - width + 1)):
        share = width * agent / (agent + general)
        assert abs(sum(order[start : start + width]) - share) < 1


def test_general_rows_are_added_to_match_all_trajectories(tmp_path, sources):
    rows, counts, out = mixed(tmp_path, sources, eta=0.25)
    assert counts == {
        "rows": 80,
        "eta": 0.25,
        "agent_rows": 20,
        "agent_distinct": 20,
        "agent_epochs": 1.0,
        "general_rows": 60,
        "general_distinct": 10,
        "general_epochs": 6.0,
        "environments": {"database": 15, "knowledge_graph": 5},
    }
    agent = [row for row in rows if row["source"].startswith("agent/")]
    assert len({row["id"] for row in agent}) == 20
    general = [row["id"] for row in rows if row["source"] == "general"]
    assert sorted(set(general)) == [f"general-{i:04}" for i in range(2, 12)]
    assert all(general.count(id) == 6 for id in set(general))
    assert read_json(out.with_name("funnel.json")) == {"sources": {}, "mixture": counts}


def test_rows_read_back_as_conversations_with_their_loss(tmp_path, sources):
    rows, _, _ = mixed(tmp_path, sources, eta=0.5)
    by_source = {row["source"]: from_row(row) for row in rows}
    act = by_source["agent/database"]
    assert [m.role for m in act.messages] == ["system", "user", "assistant"]
    assert act.messages[-1].text.splitlines()[1].startswith("Action: answer ")
    assert {s.capability for s in act.messages[-1].segments} > {"reasoning", "retrieval"}
    assert by_source["general"].messages[-1].train


@pytest.mark.parametrize(
    ("eta", "rows", "agent", "general"),
    [(0, None, 0, 10), (1, None, 20, 0), (0.2, 30, 6, 24), (0.9, 50, 45, 5), (1, 7, 7, 0)],
)
def test_shares(tmp_path, sources, eta, rows, agent, general):
    found, counts, _ = mixed(tmp_path, sources, eta=eta, rows=rows)
    assert sum(row["source"] != "general" for row in found) == counts["agent_rows"] == agent
    assert sum(row["source"] == "general" for row in found) == counts["general_rows"] == general


def test_the_same_seed_gives_the_same_bytes(tmp_path, sources):
    first, again, other = (
        mixed(tmp_path, sources, seed=seed, name=name)[2].read_bytes() for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again != other


def test_the_funnel_of_the_filter_travels_along(tmp_path, sources):
    funnel = {"sources": {"database": {"tasks": 3, "episodes": 3, "kept": 2, "dropped": {"failed": 1}}}}
    write_json(tmp_path / "funnel.json", funnel)
    _, counts, out = mixed(tmp_path, sources)
    assert read_json(out.with_name("funnel.json")) == funnel | {"mixture": counts}


def test_sharegpt_rows_are_read(tmp_path, sources):
    shared = tmp_path / "shared.jsonl"
    turns = [("gpt", "…and so on."), ("human", "Hi"), ("gpt", "Hello!"), ("human", "Bye"), ("gpt", "Bye!")]
    rows = [
        {"id": "s1", "conversations": [{"from": who, "value": text} for who, text in turns]},
        {"id": "s2", "conversations": []},
    ]
    write_jsonl(shared, rows)
    found, counts, _ = mixed(tmp_path, sources, eta=0, general=str(shared))
    assert counts["general_rows"] == 1
    assert [m["content"] for m in found[0]["messages"]] == ["Hi", "Hello!", "Bye", "Bye!"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            '{"text": "x"}',
            r"bad\.jsonl:2: expected a 'messages' or a 'conversations' list, found the keys 'text'",
        ),
        (
            '{"conversations": [{"from": "dog", "value": "Woof"}]}',
            r"bad\.jsonl:2: conversations\[0\] needs 'from'",
        ),
        ('{"messages": [{"role": "user"}', r"bad\.jsonl:2: not JSON"),
    ],
)
def test_a_broken_general_row_is_named(tmp_path, sources, line, told):
    bad = tmp_path / "bad.jsonl"
    write_jsonl(bad, [chat(1)])
    bad.write_text(bad.read_text() + line + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        mixed(tmp_path, sources, general=str(bad))


def test_an_empty_source_cannot_have_a_share(tmp_path, sources):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(BadInput, match="no rows to draw from"):
        mixed(tmp_path, sources, general=str(empty))
    with pytest.raises(BadInput, match="no rows to draw from"):
        mixed(tmp_path, (empty, sources[1]))
