"""The report beside its scores: cautions, published rows, errors, cost, links to every episode, hostile text."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from example_run import HOSTILE, write_run
from test_report import Page

from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.evaluation.comparison import compare_runs
from agenttuning.evaluation.scores import normalised, score_environment, summarize
from agenttuning.files import read_json, write_json, write_jsonl
from agenttuning.report import write_report
from agenttuning.report.cautions import cautions, not_measured
from agenttuning.report.cost import cost_table
from agenttuning.report.errors import error_matrix, error_rows
from agenttuning.report.inputs import read_run
from agenttuning.report.listing import listing
from agenttuning.report.numbers import visible
from agenttuning.report.published import flan_table, normalised_rows, paper_table
from agenttuning.report.tables import ability_rows
from agenttuning.trajectory import Trajectory

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "example", tasks=12)


@pytest.fixture
def run(example: Path, tmp_path: Path) -> Path:
    return shutil.copytree(example, tmp_path / "run")


def text_of(run: Path) -> str:
    return Page(write_report(run).read_text(encoding="utf-8")).text


def scores_of(run: Path, side: str) -> tuple[Path, dict]:
    path = run / "evaluation" / side / "scores.json"
    return path, read_json(path)


def compare_again(run: Path) -> None:
    base, tuned = (scores_of(run, side)[1] for side in ("base", "tuned"))
    comparison = compare_runs([base], [tuned], labels=("the start model", "the tuned model"))
    write_json(run / "evaluation" / "comparison.json", comparison)


def test_a_sound_run_needs_no_caution(example: Path) -> None:
    assert cautions(read_run(example)) == []
    assert not_measured(read_run(example)) == ["T-Eval"]
    assert "Read with care" not in text_of(example)
    assert "Not measured here: T-Eval." in text_of(example)


def test_different_counts_are_said_and_only_shared_tasks_compared(run: Path) -> None:
    path, scores = scores_of(run, "tuned")
    file = path.parent / "trajectories" / "database.jsonl"
    some = list(read_trajectories(file))[:7]
    scores["environments"]["database"] = score_environment(some, metric="success_rate", held="in")
    write_json(path, scores)
    assert "database: comparison.json is of other scores than these; run it again." in cautions(read_run(run))
    compare_again(run)
    said = "database: 12 tasks of the start model, 7 of the tuned model; compared on the 7 that both played."
    assert cautions(read_run(run)) == [said]
    assert said in text_of(run)


def test_other_tasks_of_the_same_name_are_not_compared(run: Path) -> None:
    path, scores = scores_of(run, "tuned")
    scores["environments"]["database"]["tasks"] = "standard.jsonl"
    write_json(path, scores)
    compare_again(run)
    files = read_run(run)
    assert "database" not in files.comparison["environments"]
    assert files.comparison["held_in"]["n"] == 12  # the other environment's
    assert cautions(files) == [
        "database: tasks of different origin (built-in and standard.jsonl); not compared.",
        "held-in: over knowledge_graph alone, 1 of 2 environments.",
    ]
    assert re.search(r"database success rate 12 [^a-z]* not comparable", text_of(run))


def test_a_model_that_failed_half_way_is_called_so(run: Path) -> None:
    path, scores = scores_of(run, "tuned")
    scores["environments"]["database"]["outcomes"] = {"solved": 7, "model_error": 5}
    write_json(path, scores)
    compare_again(run)
    said = "database: 5 of 12 episodes of the tuned model broke off (model error); they count as unsolved."
    assert cautions(read_run(run)) == [said]
    (run / "evaluation" / "comparison.json").unlink()
    (said,) = cautions(read_run(run))
    assert said.startswith("database, the tuned model: 5 of 12 episodes ended because the model or its engine failed.")


def test_an_evaluation_that_has_not_ended_is_called_so(run: Path) -> None:
    tuned = run / "evaluation" / "tuned"
    tuned.rename(tuned.with_name("tuned.partial"))
    (tuned.with_name("tuned.partial") / "scores.json").unlink()
    (run / "evaluation" / "comparison.json").unlink()
    file = tuned.with_name("tuned.partial") / "trajectories" / "database.jsonl"
    file.write_bytes(file.read_bytes()[:-20])  # killed while it wrote
    files = read_run(run)
    assert files.unfinished == {"tuned": 35}
    assert "35 episodes are there and none of them is in a score here" in text_of(run)


def test_a_suite_of_one_model_alone_is_named(run: Path) -> None:
    path, scores = scores_of(run, "tuned")
    del scores["hallucination"], scores["environments"]["hotpotqa"]
    write_json(path, scores)
    compare_again(run)
    assert cautions(read_run(run)) == [
        "hotpotqa: only the start model played it; it is in no comparison.",
        "Agent-H: only the start model has it; it is in no comparison.",
    ]


def test_mixed_versions_of_an_environment_are_named(run: Path) -> None:
    file = run / "evaluation" / "tuned" / "trajectories" / "database.jsonl"
    text = file.read_text(encoding="utf-8").splitlines(keepends=True)
    text[0] = re.sub(r'"version": ?"[^"]+"', '"version": "0.0.9"', text[0], count=1)
    file.write_text("".join(text), encoding="utf-8")
    (said,) = cautions(read_run(run))
    assert said.startswith("database: episodes of different versions of the environment (the start model with ")
    assert "0.0.9 (1)" in said


def test_other_settings_and_templates_are_named(run: Path) -> None:
    path, scores = scores_of(run, "tuned")
    write_json(path, scores | {"dialect": "react", "chat_template": "b"})
    path, scores = scores_of(run, "base")
    write_json(path, scores | {"chat_template": "a"})
    recipe = run / "recipe.yaml"
    recipe.write_text("# left out: webarena: django-oscar is not installed\n" + recipe.read_text(encoding="utf-8"))
    for side, tokens in (("base", 96), ("tuned", 128)):
        manifest = {"stage": "evaluate", "seconds": 9.0, "settings": {"max_tokens": tokens, "seed": 0}}
        write_json(run / "evaluation" / side / "manifest.json", manifest)
    compare_again(run)
    assert cautions(read_run(run)) == [
        "webarena was left out of this run: django-oscar is not installed.",
        "different dialects: command (the start model), react (the tuned model).",
        "different chat templates: a (the start model), b (the tuned model).",
        "The two models were not evaluated alike: max tokens 96 before, 128 after.",
    ]


def test_published_rows_stand_beside_ours_and_are_called_incomparable(run: Path) -> None:
    for side in ("base", "tuned"):
        path, scores = scores_of(run, side)
        scores["environments"]["hotpotqa"]["tasks"] = "hotpot_dev.json"
        write_json(path, scores | {"normalised": normalised(scores)})
    files = read_run(run)
    table = paper_table(files)
    assert table is not None
    assert (table.strange, table.official) == (["knowledge_graph", "database"], ["hotpotqa"])
    rows = {label: cells for label, cells, _ in table.rows}
    assert rows["database †"][:3] == ["15.0", "33.7", "0.3"]
    assert rows["held-in, normalised †‡"][5] == "1.96"
    assert rows["held-out, normalised ‡"][7] == "1.40"
    assert "these numbers are not comparable with the papers’" in text_of(run)
    assert normalised_rows(files)[0][:2] == ("held-in", "2 of 6: knowledge_graph, database")


def test_agent_flans_row_stands_beside_ours(run: Path) -> None:
    table = flan_table(read_run(run))
    assert table is not None
    assert table.columns == ["Task", "Agent-FLAN-7B", "AgentTuning-7B (Agent-FLAN's)", "Start model", "Tuned"]
    rows = {label: cells for label, cells, _ in table.rows}
    assert rows["hotpotqa †"][:2] == ["28.5", "25.4"]
    assert rows["Agent-H, HScore †"][:3] == ["89.1", "84.5", "100.0"]
    for side in ("base", "tuned"):
        path, scores = scores_of(run, side)
        one = scores["environments"]["hotpotqa"] | {"mean": 0.5, "tasks": "standard.json"}
        scores["environments"] = dict.fromkeys(("hotpotqa", "scienceworld", "webarena"), one)
        tool_use = {"overall": one, "cells": {}, "source": "T-Eval", "similarity": "lexical", "published": True}
        write_json(path, scores | {"tool_use": tool_use})
    whole = flan_table(read_run(run))
    assert whole is not None
    assert whole.rows[-1] == ("mean of the five †", ["41.7", "38.2", "60.0", whole.rows[-1][1][3]], True)
    assert whole.strange == ["agent_h"]


def test_normalised_scores_over_other_tasks_share_no_row(run: Path) -> None:
    for side, names in (("base", ("database", "knowledge_graph")), ("tuned", ("database",))):
        path, scores = scores_of(run, side)
        scores["environments"] = {name: scores["environments"][name] for name in names}
        write_json(path, scores | {"normalised": normalised(scores)})
    rows = normalised_rows(read_run(run))
    assert [(over, before == "–", after == "–") for _, over, before, after in rows] == [
        ("2 of 6: knowledge_graph, database", False, True),
        ("1 of 6: database", True, False),
    ]


def test_errors_are_shown_before_and_after(example: Path) -> None:
    files = read_run(example)
    rows = {row.label: row for row in error_rows(files)}
    assert rows["Format error"].before.startswith("88.9 [74.7, 95.6]")
    assert rows["Format error"].news == "good"
    assert rows["Format error"].verdict == "fell"
    columns, matrix = error_matrix(files) or ([], [])
    assert len(columns) == 9
    assert [row[0] for row in matrix] == ["database", "knowledge_graph", "hotpotqa"]


def test_cost_and_time_by_stage(run: Path) -> None:
    manifest = {"stage": "evaluate", "seconds": 60, "counts": {"episodes": 36}, "settings": {"dialect": "command"}}
    for side in ("base", "tuned"):
        write_json(run / "evaluation" / side / "manifest.json", manifest)
    table = cost_table(read_run(run))
    assert table is not None
    assert table.columns == ["Stage", "Time", "Peak memory", "Tokens read", "of these cached", "Tokens written"]
    row = next(row for row in table.rows if row[0] == "evaluate, tuned")
    turns = sum(t.steps[0].usage is not None for t in read_trajectories(
        run / "evaluation" / "tuned" / "trajectories" / "database.jsonl"))  # fmt: skip
    assert int(row[3].replace(",", "")) >= 310 * turns > 0
    assert table.rows[-1][0] == "all"
    file = run / "evaluation" / "tuned" / "trajectories" / "database.jsonl"
    document = file.read_text(encoding="utf-8").replace(
        '"prompt_tokens": 310', '"cost_usd": 0.25, "prompt_tokens": 310'
    )
    file.write_text(document.replace('"prompt_tokens":310', '"cost_usd":0.25,"prompt_tokens":310'), encoding="utf-8")
    priced = cost_table(read_run(run))
    assert priced is not None
    assert priced.columns[-1] == "Cost, $"
    assert float(priced.rows[-1][-1]) == pytest.approx(0.25 * turns)


def test_answers_beside_the_episodes_count_as_spent(run: Path) -> None:
    tuned = run / "evaluation" / "tuned"
    before = read_run(run).spent["evaluation/tuned"]
    usage = {"prompt": 100, "completion": 10, "cached": 40, "usd": 0.5}
    write_jsonl(tuned / "t_eval.jsonl", [{"id": "a", "usage": usage}, {"id": "b"}])
    write_jsonl(tuned / "agent_h.jsonl", [{"id": "a", "usage": usage | {"usd": None}}, {"id": "b", "usage": None}])
    write_jsonl(tuned / "general" / "gsm8k.jsonl", [{"id": "0", "usage": usage}])
    write_jsonl(tuned / "general" / "mmlu.jsonl", [{"id": "0", "values": [-1.0, -2.0]}])
    after = read_run(run).spent["evaluation/tuned"]
    assert after.prompt - before.prompt == 300
    assert after.completion - before.completion == 30
    assert after.cached - before.cached == 120
    assert after.usd == (before.usd or 0) + 1.0


def test_benchmarks_have_bars_beside_the_other_abilities(run: Path) -> None:
    for side, right in (("base", 0.0), ("tuned", 1.0)):
        path, scores = scores_of(run, side)
        values = {str(i): right if i < 5 else 0.0 for i in range(10)}
        scores["general"] |= {"mmlu": summarize(list(values.values())), "mt_bench": summarize([4.0] * 10)}
        scores["general"]["items"] |= {"mmlu": values, "mt_bench": dict.fromkeys(values, 4.0)}
        write_json(path, scores)
    compare_again(run)
    bars = {row.label: row for row in ability_rows(read_run(run))}
    assert bars["MMLU"].before[0] == 0
    assert bars["MMLU"].after[0] == 0.5
    assert not any("MT-Bench" in label for label in bars), "a rating from 1 to 10 is no share"
    assert {"General questions", "General instructions"} <= bars.keys(), "as the summary above calls them"


def test_every_episode_is_linked_and_none_is_inlined(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", tasks=200)
    small = write_report(write_run(tmp_path / "small", tasks=20)).stat().st_size
    page = Page(write_report(run).read_text(encoding="utf-8"))
    links = [a["href"] for tag, a in page.tags if tag == "a" and "trajectories" in (a.get("href") or "")]
    assert len(links) == 2 * 3 * 200
    for link in links[::100]:
        path, _, task = str(link).partition("#")
        assert f'"{task}"' in (run / path).read_text(encoding="utf-8")
    assert (write_report(run).stat().st_size - small) / (2 * 3 * 180) < 400  # bytes an episode: 10,000 stay under 4 MB
    shown = listing(read_run(run))
    assert [one.environment for one in shown] == ["database", "hotpotqa", "knowledge_graph"]
    assert re.fullmatch(r"200 tasks: \d+ won, \d+ lost, \d+ kept, \d+ solved by neither", shown[0].title)


def test_a_megabyte_of_hostile_text_is_cut_and_harmless(run: Path) -> None:
    hostile = "\x1b[31m\u202ereversed\u2066 \u061c\ufeff" + HOSTILE + "x" * MEGABYTE
    for side in ("base", "tuned"):
        file = run / "evaluation" / side / "trajectories" / "database.jsonl"
        loud = [_loud(t, hostile) for t in read_trajectories(file)]
        write_trajectories(file, loud)
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text(encoding="utf-8") + f"note: '\u202e\x1b[1m{HOSTILE}'\n", encoding="utf-8")
    funnel = read_json(run / "corpus" / "funnel.json")
    funnel["sources"]["database"]["dropped"] = {f"\u202e{HOSTILE}": 3}
    write_json(run / "corpus" / "funnel.json", funnel)
    path = write_report(run)
    html = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_000_000
    assert not re.search("[\x00-\x08\x0b-\x1f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", html)
    page = Page(html)
    assert page.open == []
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert "more characters" in page.text


def _loud(trajectory: Trajectory, text: str) -> Trajectory:
    steps = tuple(replace(step, written=text, observation=text) for step in trajectory.steps[:3])
    return replace(trajectory, opening=text, instructions=text, steps=steps)


def test_marks_that_hide_or_reorder_are_made_plain() -> None:
    assert (
        visible("a\u202eb\x1b[0mc\u200bd\u2028e\ufefff\U000e0041g") == "a\ufffdb\ufffd[0mc\ufffdd\ufffde\ufffdf\ufffdg"
    )
    assert visible("شكرا, שלום, 谢谢, 👩‍👩‍👧, é\n\tok") == "شكرا, שלום, 谢谢, 👩‍👩‍👧, é\n\tok"


def test_metrics_with_divergence_are_drawn(run: Path) -> None:
    rows = [{"step": i, "loss": 2.0 / i, "divergence": i / 100, "learning_rate": 1e-3} for i in range(1, 9)]
    write_jsonl(run / "model" / "metrics.jsonl", rows)
    html = write_report(run).read_text(encoding="utf-8")
    assert "divergence from the start model, nats a token from 0.01 at step 1 to 0.08 at step 8" in html
    assert "divergence from the start model at the end" in html
    write_jsonl(run / "model" / "metrics.jsonl", [{k: v for k, v in row.items() if k != "divergence"} for row in rows])
    assert "divergence from the start model, nats" not in write_report(run).read_text(encoding="utf-8")
