"""Deduplication drops what was said or done before, keeps the first, and accounts for every row."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from corpus_rows import chat, episode
from test_contamination import prose

from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.cli import _run
from agenttuning.corpus.deduplicate import BATCH, DeduplicateConfig, deduplicate, deduplication_lines
from agenttuning.corpus.filter import FilterConfig, filter_trajectories
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import read_json, read_jsonl, write_jsonl
from agenttuning.trajectory import Decision, Step, ToolCall, Trajectory


def deduplicated(tmp_path: Path, episodes: list[Trajectory], **settings) -> tuple[list, dict]:
    write_trajectories(tmp_path / "in.jsonl", episodes)
    out = tmp_path / "out" / "kept.jsonl"
    counts = deduplicate(DeduplicateConfig(workers=1, **settings), [tmp_path / "in.jsonl"], out)
    assert counts["rows"] + sum(counts["dropped"].values()) == counts["read"] == len(episodes)
    return [t.key[1:] for t in read_trajectories(out)], counts["dropped"]


def acted(number: int, *values: str, seed: int = 0, thought: str = "So it is.") -> Trajectory:
    steps = tuple(Step(Decision(thought, ToolCall("answer", {"value": value})), "Right.") for value in values)
    return replace(episode(number, seed=seed), steps=steps)


def test_the_same_episode_text_and_actions_are_dropped(tmp_path):
    episodes = [
        acted(1, "a", "b"),
        acted(1, "a", "b", seed=1, thought="In other words."),  # the same actions
        acted(1, "b", "a", seed=2),  # another order
        acted(1, "a", "b"),  # the same task and seed
        replace(acted(2, "a", "b"), opening="What is 1?"),  # says what the first one said
        acted(2, "a", "b"),
    ]
    kept, dropped = deduplicated(tmp_path, episodes)
    assert kept == [("train-0001", 0), ("train-0001", 2), ("train-0002", 0)]
    assert dropped == {"duplicate": 1, "same_actions": 1, "same_text": 1}
    kept, dropped = deduplicated(tmp_path, episodes, text=False, actions=False)
    assert dropped == {"duplicate": 2}


def test_the_cap_keeps_the_first_of_a_task(tmp_path):
    episodes = [acted(1, str(seed), seed=seed) for seed in range(4)] + [acted(1, "0", seed=9), acted(2, "0")]
    kept, dropped = deduplicated(tmp_path, episodes, per_task=2)
    assert kept == [("train-0001", 0), ("train-0001", 1), ("train-0002", 0)]
    assert dropped == {"per_task": 2, "same_text": 1}


def test_a_row_is_compared_with_rows_that_stayed_alone(tmp_path):
    """What the cap dropped is no reason to drop another row that says the same."""
    text = prose(Random(1), 200)
    twin = replace(acted(2, "x"), opening=text)
    episodes = [acted(1, "a"), replace(acted(1, "x", seed=1), opening=text), twin]
    kept, dropped = deduplicated(tmp_path, episodes, per_task=1, near=0.8)
    assert (kept, dropped) == ([("train-0001", 0), ("train-0002", 0)], {"per_task": 1})


def changed(text: str, share: float, rng: Random) -> str:
    return " ".join(word if rng.random() > share else "changed" for word in text.split())


def test_near_duplicates_are_found_and_others_stay(tmp_path):
    rng = Random(0)
    texts = [prose(rng, 300) for _ in range(50)]
    rows = [chat(i) for i in range(150)]
    for i, row in enumerate(rows):
        row["messages"].insert(0, {"role": "system", "content": prose(Random(0), 2000)})  # all have that
        share = (0.0, 0.01, 0.2)[i // 50]
        row["messages"][1]["content"] = changed(texts[i % 50], share, rng)
    write_jsonl(tmp_path / "in.jsonl", rows)
    counts = deduplicate(DeduplicateConfig(near=0.7, workers=1), [tmp_path / "in.jsonl"], tmp_path / "kept.jsonl")
    kept = [int(row["id"][-4:]) for _, row in read_jsonl(tmp_path / "kept.jsonl")]
    assert set(range(50)) <= set(kept)
    assert sum(50 <= i < 100 for i in kept) <= 3  # about 90 % of their shingles are the same
    assert sum(i >= 100 for i in kept) == 50  # about 20 %
    assert set(counts["dropped"]) == {"near_duplicate"}


def test_one_and_four_processes_give_the_same_bytes(tmp_path):
    rng = Random(0)
    texts = [prose(rng, 60) for _ in range(1000)]
    said = [changed(texts[i % 1000], 0.01, rng) for i in range(3 * BATCH + 1000)]
    rows = [{**chat(i), "messages": [{"role": "user", "content": text}]} for i, text in enumerate(said)]
    write_jsonl(tmp_path / "in.jsonl", rows)
    counts = []
    for workers in (1, 4):
        config = DeduplicateConfig(near=0.6, workers=workers)
        counts.append(deduplicate(config, [tmp_path / "in.jsonl"], tmp_path / str(workers) / "kept.jsonl"))
    assert counts[0] == counts[1]
    assert 0 < counts[0]["dropped"]["near_duplicate"] < len(rows) - 1000
    for name in ("kept.jsonl", "funnel.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes()


def test_the_filters_funnel_is_brought_up_to_date(tmp_path):
    episodes = [episode(1), episode(1, seed=1), episode(2, outcome="failed"), episode(3, "knowledge_graph")]
    write_trajectories(tmp_path / "all.jsonl", episodes)
    filter_trajectories(FilterConfig(), [tmp_path / "all.jsonl"], tmp_path / "filtered" / "kept.jsonl")
    deduplicate(DeduplicateConfig(workers=1), [tmp_path / "filtered" / "kept.jsonl"], tmp_path / "kept.jsonl")
    sources = read_json(tmp_path / "funnel.json")["sources"]
    assert sources["database"] == {"tasks": 2, "episodes": 3, "kept": 1, "dropped": {"failed": 1, "same_text": 1}}
    assert sources["knowledge_graph"] == {"tasks": 1, "episodes": 1, "kept": 1, "dropped": {}}


def test_bad_rows_and_repeated_ids_are_named_or_counted(tmp_path):
    rows = [chat(1), chat(2), {**chat(3), "id": "general-0001"}]
    write_jsonl(tmp_path / "in.jsonl", rows)
    with (tmp_path / "in.jsonl").open("ab") as stream:
        stream.write(b'{"messages": 5}\n{"broken\n"\xff"\n')
    with pytest.raises(BadRow, match=r"in\.jsonl:(4|5): "):
        deduplicate(DeduplicateConfig(workers=1), [tmp_path / "in.jsonl"], tmp_path / "kept.jsonl")
    assert not (tmp_path / "kept.jsonl").exists()
    config = DeduplicateConfig(workers=1, skip_bad=True)
    counts = deduplicate(config, [tmp_path / "in.jsonl"], tmp_path / "kept.jsonl")
    assert counts["unreadable"]["counts"] == {"not_json": 1, "not_utf8": 1, "not_a_row": 1}
    assert (counts["rows"], counts["repeated_ids"]) == (3, 1)
    lines = deduplication_lines(counts)
    assert lines[1].split() == ["rows", "3", "3"]
    assert any("in.jsonl:4: no 'messages' list" in line for line in lines)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(BadInput, match="no rows to keep"):
        deduplicate(config, [tmp_path / "empty.jsonl"], tmp_path / "kept.jsonl")


def test_the_command_prints_what_was_dropped(tmp_path, capsys):
    write_trajectories(tmp_path / "in.jsonl", [episode(1), episode(1, seed=1), episode(2)])
    assert _run(["deduplicate", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "                rows  kept  same_text",
        "agent/database     3     2          1",
    ]


@pytest.mark.parametrize("settings", [{"near": 0.0}, {"near": 1.1}, {"per_task": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(BadInput, match=next(iter(settings))):
        DeduplicateConfig(**settings)
