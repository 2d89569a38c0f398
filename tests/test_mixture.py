"""The mixture holds the asked proportion in every window, and the same seed gives the same bytes."""

import pytest
from corpus_rows import chat, episode

from agenttuning.atif import write_trajectories
from agenttuning.conversation import from_row
from agenttuning.corpus.mixture import COLLECTED, MixConfig, mix, mixture_table, opened
from agenttuning.corpus.shards import write_shard
from agenttuning.errors import BadInput
from agenttuning.files import read_json, read_jsonl, write_json, write_jsonl


@pytest.fixture
def sources(tmp_path):
    """20 trajectories of two environments and 12 general rows, 2 of them not for training."""
    agent, general = tmp_path / "kept.jsonl", tmp_path / "general.jsonl"
    write_trajectories(agent, [episode(i, "database" if i % 4 else "knowledge_graph") for i in range(20)])
    write_jsonl(general, [chat(i, split="test" if i < 2 else "train", category="x") for i in range(12)])
    return agent, general


def mixed(tmp_path, files, /, *, seed=0, name="out", **settings):
    agent, general = files
    out = tmp_path / name / "corpus.jsonl"
    config = MixConfig(**{"general": str(general), **settings})
    counts = mix(config, agent, out, dialect="command", seed=seed)
    return [row for _, row in read_jsonl(out)], counts, out


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
        "sources": {
            "agent": {"rows": 20, "distinct": 20, "epochs": 1.0, "share": 0.25, "refused": {}},
            "general": {"rows": 60, "distinct": 10, "epochs": 6.0, "share": 0.75, "refused": {}},
        },
    }
    assert not (out.parent / "scratch").exists()
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


@pytest.fixture
def many(tmp_path, sources):
    """Besides `sources`: 30 rows of another agent, 5 of GPT-4's and 40 of GPT-3.5's, the last two of other lengths."""
    write_trajectories(tmp_path / "toolbench.jsonl", [episode(100 + i) for i in range(30)])
    for name, first, rows, words in (("gpt4", 200, 5, 30), ("gpt35", 300, 40, 3)):
        talks = [chat(first + i) for i in range(rows)]
        for talk in talks:
            talk["messages"][1]["content"] = "word " * words
        write_jsonl(tmp_path / f"{name}.jsonl", talks)
    return {
        "agent/toolbench": str(tmp_path / "toolbench.jsonl"),
        "general/gpt-4": str(tmp_path / "gpt4.jsonl"),
        "general/gpt-3.5": str(tmp_path / "gpt35.jsonl"),
    }


PAPER = {"general/gpt-4": 1, "general/gpt-3.5": 4}


def test_the_papers_mixture(tmp_path, sources, many):
    """agent : general = η : 1 − η, GPT-4's : GPT-3.5's = 1 : 4 of that; agents' sources as they have rows."""
    rows, counts, _ = mixed(tmp_path, sources, general="builtin", sources=many, weights=PAPER, eta=0.2, rows=1000)
    assert {name: one["rows"] for name, one in counts["sources"].items()} == {
        COLLECTED: 80,
        "agent/toolbench": 120,
        "general/gpt-4": 160,
        "general/gpt-3.5": 640,
    }
    assert counts["sources"]["general/gpt-4"]["epochs"] == 32
    for start in range(0, 990, 10):
        assert sum(row["source"] != "general" for row in rows[start : start + 10]) in (1, 2, 3)
    assert mixture_table(counts).splitlines()[3].split() == ["general/gpt-4", "160", "16.0%", "5", "32", "0"]


def test_shares_of_trained_tokens(tmp_path, sources, many):
    def words(talk):
        return sum(len(s.text.split()) for m in talk.messages for s in m.segments if s.train)

    agent, _ = sources
    config = MixConfig(eta=0.2, sources=many, weights=PAPER, by="tokens", tokens=30_000)
    counts = mix(config, agent, tmp_path / "o" / "c.jsonl", dialect="command", seed=0, count_tokens=words)
    tokens = {name: one["tokens"] for name, one in counts["sources"].items()}
    total = sum(tokens.values())
    assert 30_000 <= total < 30_000 + 40
    assert counts["eta_tokens"] == pytest.approx(0.2, abs=0.005)
    assert tokens["general/gpt-4"] / total == pytest.approx(0.16, abs=0.005)
    assert tokens["general/gpt-3.5"] / total == pytest.approx(0.64, abs=0.005)
    rows = [row for _, row in read_jsonl(tmp_path / "o" / "c.jsonl")]
    assert len(rows) == counts["rows"]
    with pytest.raises(BadInput, match="name the model"):
        mix(config, agent, tmp_path / "p" / "c.jsonl", dialect="command", seed=0)


def test_a_group_within_a_group(tmp_path, sources, many):
    nested = {
        "general/chat/gpt-4": many["general/gpt-4"],
        "general/chat/gpt-3.5": many["general/gpt-3.5"],
        "general/code": many["general/gpt-4"],
    }
    weights = {"general/chat": 3, "general/code": 1, "general/chat/gpt-4": 1, "general/chat/gpt-3.5": 2}
    _, counts, _ = mixed(tmp_path, sources, general="builtin", sources=nested, weights=weights, eta=0.2, rows=100)
    assert [one["rows"] for one in counts["sources"].values()] == [20, 20, 40, 20]


def test_every_row_once_before_any_again(tmp_path, sources):
    rows, _, _ = mixed(tmp_path, sources, eta=0.5, epochs=2.5)
    ids = [row["id"] for row in rows if row["source"] != "general"]
    assert len(ids) == 50
    assert len(set(ids[:20])) == len(set(ids[20:40])) == 20
    assert ids[:20] != ids[20:40]
    assert len(set(ids[40:])) == 10


def test_with_replacement_a_row_may_come_twice(tmp_path, sources):
    rows, counts, _ = mixed(tmp_path, sources, eta=1, rows=20, replacement=True)
    assert 8 <= len({row["id"] for row in rows}) < 20
    assert counts["rows"] == 20


@pytest.mark.parametrize("replacement", [False, True])
def test_it_goes_on_without_an_end_from_any_place(tmp_path, sources, many, replacement):
    config = MixConfig(sources=many, weights=PAPER, replacement=replacement)
    paths = config.paths(sources[0])
    with opened(config, paths, tmp_path / "scratch", dialect="command", seed=3) as found:
        first = [next(found.drawing) for _ in range(1000)]
        state = found.drawing.state
        then = [next(found.drawing) for _ in range(200)]
    assert state == {"position": 1000, "seed": 3}
    with opened(config, paths, tmp_path / "scratch", dialect="command", seed=state["seed"]) as again:
        again.drawing.seek(state["position"])
        assert [next(again.drawing) for _ in range(200)] == then
        assert [again.drawing.at(i) for i in range(1000)] == first
        row = again.row(again.drawing.at(10**12))  # as quick as the first
        assert row["messages"]


@pytest.mark.parametrize("kind", ["jsonl.zst", "parquet", "folder"])
def test_a_source_may_be_shards_of_any_kind(tmp_path, sources, kind):
    pytest.importorskip("pyarrow" if kind == "parquet" else "zstandard")
    agent, general = sources
    plain, _, _ = mixed(tmp_path, sources, eta=0.5)
    folder = tmp_path / "shards"
    names = [f"a.{kind}"] if kind != "folder" else ["a.jsonl", "b.jsonl.zst"]
    rows = [row for _, row in read_jsonl(agent)]
    for i, name in enumerate(names):
        write_shard(folder / name, rows[i :: len(names)] if len(names) > 1 else rows)
    found, counts, _ = mixed(tmp_path, (folder, general), eta=0.5, name="other")
    assert counts["agent_distinct"] == 20
    if len(names) == 1:
        assert found == plain
    assert sorted(row["id"] for row in found) == sorted(row["id"] for row in plain)


def test_a_licence_that_forbids_training(tmp_path, sources):
    _, general = sources
    forbidden = [chat(50 + i, meta={"provenance": {"license": "CC-BY-ND-4.0"}}) for i in range(3)]
    write_jsonl(general, [*[row for _, row in read_jsonl(general)], *forbidden])
    rows, counts, _ = mixed(tmp_path, sources, eta=0)
    assert counts["sources"]["general"]["refused"] == {"CC-BY-ND-4.0": 3}
    assert len(rows) == 10
    rows, counts, _ = mixed(tmp_path, sources, eta=0, allow_licenses=("cc-by-nd-4.0",))
    assert (len(rows), counts["sources"]["general"]["refused"]) == (13, {})
    write_jsonl(general, forbidden)
    with pytest.raises(BadInput, match=r"left out for their licence: 3 under CC-BY-ND-4\.0"):
        mixed(tmp_path, sources, eta=0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sources": {"chat": "x"}}, "a source is called agent/NAME or general/NAME"),
        ({"sources": {"general/": "x"}}, "a source is called"),
        ({"sources": {"general/a": "x", "general/a/b": "y"}}, "as a source and as a group"),
        ({"weights": {"general/b": 1}, "sources": {"general/a": "x"}}, "which is no source and no group"),
        ({"weights": {"general/a": -1}, "sources": {"general/a": "x"}}, "from 0 up"),
        ({"rows": 3, "tokens": 5}, "give one of them"),
        ({"rows": 3, "epochs": 2}, "give one of them"),
        ({"sources": {"general/a": "x"}, "general": "y"}, "beside sources of that name"),
    ],
)
def test_settings_that_contradict_each_other(settings, told):
    with pytest.raises(BadInput, match=told):
        MixConfig(**settings)


def test_a_group_has_all_of_its_weights_or_none(tmp_path, sources, many):
    with pytest.raises(BadInput, match=r"weights has general/gpt-4 and not general/gpt-3\.5"):
        mixed(tmp_path, sources, general="builtin", sources=many, weights={"general/gpt-4": 1})


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
