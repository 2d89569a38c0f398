"""The papers' overall scores from their own tables, and those of other tables with other baselines."""

import json
from random import Random

import pytest
from test_published import OVERALL

from agenttuning.commands.scores import scores
from agenttuning.errors import BadInput
from agenttuning.evaluation.overall import overall_rows, overall_scores
from agenttuning.evaluation.published import BASELINES, FLAN, FLAN_OVERALL, MODELS, TASKS
from agenttuning.evaluation.score_table import from_runs, published, read_table
from agenttuning.tables import latex, markdown

PRINTED = {
    "alfworld": "ALFWorld", "webshop": "WebShop", "mind2web": "Mind2Web", "knowledge_graph": "KG",
    "operating_system": "OS", "database": "DB", "scienceworld": "SciWorld", "miniwob": "MiniWoB++",
    "webarena": "WebArena", "hotpotqa": "HotpotQA", "rewoo": "ReWOO", "card_game": "Digital Card Game", "mmlu": "MMLU",
    "humaneval": "HumanEval", "gsm8k": "GSM8K", "mt_bench": "MT-Bench",
}  # fmt: skip


def printed_json(capsys, **options):
    scores(**options, json=True)
    return json.loads(capsys.readouterr().out)


def check_published(result):
    for category, expected in OVERALL.items():
        for model, value in zip(MODELS, expected, strict=True):
            found = result["models"][model][category]
            assert found["mean"] == pytest.approx(value, abs=0.00501), (model, category)
            assert found["missing"] == []


def test_all_24_overall_scores_of_agenttuning(capsys):
    check_published(printed_json(capsys))


@pytest.mark.parametrize("form", ["models down", "tasks down", "by category", "rows"])
def test_the_papers_table_in_every_form_with_its_own_baselines(tmp_path, capsys, form):
    tasks = {task: row for part in TASKS.values() for task, row in part.items()}
    file = tmp_path / ("table.csv" if "down" in form else "table.json")
    if form == "models down":
        lines = [",".join(["Model", *(PRINTED[t] for t in tasks), "Overall"])]
        lines += [",".join([m, *(str(row[m]) for row in tasks.values()), "1.0"]) for m in MODELS]
        file.write_text("\ufeff" + "\n".join(lines))
    elif form == "tasks down":
        lines = ["\t".join(["Task", *MODELS])]
        lines += ["\t".join([PRINTED[t], *(f"{row[m]}%" for m in MODELS)]) for t, row in tasks.items()]
        file.write_text("\n".join(lines))
    elif form == "by category":
        file.write_text(json.dumps(TASKS))
    else:
        file.write_text(json.dumps([{"model": m, **{PRINTED[t]: row[m] for t, row in tasks.items()}} for m in MODELS]))
    check_published(printed_json(capsys, table=[file], baselines=[",".join(BASELINES)]))


def test_agent_flans_overall_is_the_plain_mean_of_five(tmp_path, capsys):
    """Of the rows that are published in all five; the values of the others' T-Eval and Agent-H stand in a figure."""
    result = printed_json(capsys)
    for model in FLAN:
        found = result["models"][model]["agent-flan"]
        assert found["mean"] == pytest.approx(FLAN_OVERALL[model], abs=0.06)
        assert found["missing"] == []
    assert "agent-flan" not in result["models"]["AgentLM-7B"]
    file = tmp_path / "flan.csv"
    file.write_text(
        "model,HotpotQA,SciWorld,WebArena,T-Eval,Agent-H\nAgent-FLAN,28.5,20.0,4.68,66.0,89.1\npart,1,,,2,\n"
    )
    models = printed_json(capsys, table=[file])["models"]
    assert models["Agent-FLAN"]["agent-flan"]["mean"] == pytest.approx(41.656)
    assert models["part"]["agent-flan"]["missing"] == ["scienceworld", "webarena", "agent_h"]


def test_what_is_missing_is_named_and_never_a_zero(tmp_path, capsys):
    file = tmp_path / "mine.csv"
    file.write_text("model,ALFWorld,WebShop,held-in/my world,params\nGPT-4,78.0,58.6,40,1\nmine,84.0,–,10,2\n")
    result = printed_json(capsys, table=[file], baselines=[str(file)])
    mine = result["models"]["mine"]["held-in"]
    assert mine["mean"] == pytest.approx((84 / 81 + 10 / 25) / 2)
    assert mine["missing"] == ["webshop"]
    assert result["weights"]["webshop"] == {"w": 58.6, "over": ["GPT-4"]}
    notes = "\n".join(result["notes"])
    assert "webshop: W is over 1 of 2 baselines; mine has no score there" in notes
    assert "'params' is no task that counts" in notes
    # With the papers' baselines the own task has nothing to be divided by.
    result = printed_json(capsys, table=[file])
    assert result["models"]["mine"]["held-in"]["mean"] == pytest.approx(84 / 20.4)
    assert "mine: my world left out of held-in" in "\n".join(result["notes"])


def evaluation(**environments):
    row = {"n": 40, "low": 0.4, "high": 0.6, "mean": 0.5, "items": {"a": 1.0}, "tasks": "built-in"}
    return {"model": "m", "seed": 0, "environments": {name: row | more for name, more in environments.items()}}


def test_an_evaluation_is_a_row_in_percent_with_its_interval(tmp_path, capsys):
    whole = evaluation(database={"held": "in"}, my_world={"held": "out"})
    row = {"n": 9, "mean": 0.6, "low": 0.5, "high": 0.7}
    whole["tool_use"] = {"overall": row, "cells": {"plan/str": row}, "source": "built-in", "similarity": "lexical"}
    folder = tmp_path / "scores"
    folder.mkdir()
    (folder / "scores.json").write_text(json.dumps(whole))
    result = overall_scores(from_runs("m", [whole]), published(), BASELINES)
    found = result["models"]["m"]["held-in"]
    assert (found["mean"], found["low"], found["high"]) == pytest.approx((50 / 11.92, 40 / 11.92, 60 / 11.92))
    assert len(found["missing"]) == 5
    assert result["models"]["m"]["agent-flan"]["mean"] == pytest.approx(60)
    assert any("my_world left out of held-out" in note for note in result["notes"])
    assert any("built-in tasks" in note for note in result["notes"])
    scores(str(folder), models=["m", "AgentLM-7B"], format="markdown")
    text = capsys.readouterr().out
    assert "| held-in, overall |  | 4.19 [3.36, 5.03] (1 of 6) | 1.96 |" in text
    # And as a baseline of itself everything is 1.
    scores(str(folder), baselines=[str(folder)], json=True)
    models = json.loads(capsys.readouterr().out)["models"]
    assert models["m"]["held-out"]["mean"] == models["m"]["held-in"]["mean"] == pytest.approx(1)


def test_runs_with_several_seeds_are_one_row(tmp_path, capsys):
    names = []
    for seed in range(3):
        folder = tmp_path / f"s{seed}"
        folder.mkdir()
        row = {"held": "in", "items": {str(i): float(i < 4 + seed) for i in range(10)}}
        (folder / "scores.json").write_text(json.dumps(evaluation(database=row) | {"seed": seed}))
        names.append(str(folder))
    scores(f"mine={','.join(names)}", json=True)
    found = json.loads(capsys.readouterr().out)["models"]["mine"]["held-in"]
    assert found["mean"] == pytest.approx(50 / 11.92)
    assert found["low"] < 40 / 11.92 < 60 / 11.92 < found["high"]
    file = tmp_path / "renamed.json"
    file.write_text((tmp_path / "s1" / "scores.json").read_text())
    scores(names[1], baselines=[str(file)], json=True)
    assert json.loads(capsys.readouterr().out)["models"]["m"]["held-in"]["mean"] == pytest.approx(1)


def test_tables_in_other_formats():
    rows = [["a|b", "50 %"], ["c_d", "–"]]
    assert markdown(rows).splitlines() == ["| a\\|b | 50 % |", "| --- | ---: |", "| c_d | – |"]
    assert latex(rows).splitlines()[2:5] == [r"a|b & 50 \% \\", r"\midrule", r"c\_d & -- \\"]
    head, *body = overall_rows(overall_scores(published(), published(), BASELINES))
    assert head[:3] == ["task", "W", "GPT-3.5"]
    assert [len(row) for row in body] == [len(head)] * len(body)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model,ALFWorld\nm,abc\n", "table.csv:2, ALFWorld: 'abc' is no score"),
        ("model,ALFWorld\nm,nan\n", "is no score"),
        ("model,ALFWorld\nm,120\n", "120 is no score of alfworld; it lies between 0 and 100"),
        ("model,MT-Bench\nm,61\n", "between 0 and 10"),
        ("model,ALFWorld\nm,-3\n", "between 0 and 100"),
        ("model,ALFWorld\nm,1,2\n", "table.csv:2: 3 cells, the first row has 2"),
        ("model,ALFWorld\nm,1\nm,2\n", "a second score of m in alfworld"),
        ("model,ALFWorld,ALFWorld\nm,1,2\n", "two columns have one name"),
        ("model,x\nm,1\n", "no task is known by its name"),
        ("", "needs a first row"),
        ("model,ALFWorld\n", "no scores"),
        ("model,ALFWorld\n\x1b[31mm,1\n", "is no name of a model"),
    ],
)
def test_bad_tables_are_refused_with_their_place(tmp_path, text, reason):
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        read_table(file)
    assert reason in str(error.value)


def test_bad_json_bad_baselines_and_suspicious_units(tmp_path):
    file = tmp_path / "table.json"
    for value in (["x"], {"m": 3}, [{"ALFWorld": 3}], {"m": {"ALFWorld": True}}, {"m": {"ALFWorld": {"x": 1}}}):
        file.write_text(json.dumps(value))
        with pytest.raises(BadInput):
            read_table(file)
    file.write_text(json.dumps({"m": {"ALFWorld": 0.84, "WebShop": 0}}))
    assert "multiply shares by 100" in read_table(file).notes[0]
    with pytest.raises(BadInput, match="W is the mean of at least one"):
        overall_scores(published(), published(), [])
    with pytest.raises(BadInput, match="no such file and no such model"):
        scores(baselines=["GPT-5"])
    file.write_text(json.dumps({"zero": {"ALFWorld": 0}}))
    with pytest.raises(BadInput, match="no task of a category"):
        scores(baselines=[str(file)])


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_any_bytes_are_read_or_refused(tmp_path, suffix):
    rows = {m: {PRINTED[t]: row[m] for t, row in TASKS["held-in"].items()} for m in MODELS}
    lines = ["model," + ",".join(rows["GPT-4"]), *(",".join([m, *map(str, row.values())]) for m, row in rows.items())]
    whole = (json.dumps(rows) if suffix == "json" else "\n".join(lines)).encode()
    file, rng, refused = tmp_path / f"table.{suffix}", Random(0), 0
    for _ in range(300):
        text = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(0, 3)] = rng.choice(
                [b"", b",", b'"', b"\n", b"{", b"]", b"\xff", b"\x00", b"-1", b"e9"]
            )
        file.write_bytes(text[: rng.randint(0, len(text))] if rng.random() < 0.2 else text)
        try:
            overall_scores(read_table(file), published(), BASELINES)
        except BadInput:
            refused += 1
    assert 0 < refused < 300
