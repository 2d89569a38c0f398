"""Models against each other: several seeds, other tasks, other versions, missing parts; and what is said about it."""

import json
from random import Random

import pytest
from evaluations import evaluation, written
from example_run import write_run
from rich.console import Console

from agenttuning.commands.results import compare as compare_command
from agenttuning.errors import BadInput
from agenttuning.evaluation.comparison import compare, compare_runs, compare_scores
from agenttuning.evaluation.measures import level
from agenttuning.evaluation.sides import about, read_sides
from agenttuning.evaluation.sides_table import sides_text
from agenttuning.evaluation.table import terminal_table

BASE = evaluation("base", {"database": set(), "*hotpotqa": {1}}, questions=20)
TUNED = evaluation("tuned", {"database": set(range(12)), "*hotpotqa": {1, 2}}, questions=21)


def said(comparison, *parts):
    return [note for note in comparison["notes"] if all(part in note for part in parts)]


def test_the_same_tasks_are_paired_and_nothing_has_to_be_said():
    comparison = compare_scores(BASE, TUNED)
    row = comparison["environments"]["database"]
    assert (row["n"], row["paired"], row["verdict"], row["noise"]) == (20, True, "rose", None)
    assert row["detectable"] < row["difference"]
    held = comparison["held_out"]
    assert (held["verdict"], held["noise"]) == ("held", "the interval of the difference holds 0")
    assert comparison["notes"] == []


def test_a_difference_that_many_comparisons_make_likely_is_called_noise():
    """Six tasks won and none lost: p = 0.031 alone, not among seven environments."""
    names = [f"world{i}" for i in range(7)]
    before = evaluation("a", {name: set() for name in names})
    after = evaluation("b", {name: set(range(6)) if name == "world3" else set() for name in names})
    assert compare(before["environments"]["world3"], after["environments"]["world3"])["verdict"] == "rose"
    row = compare_scores(before, after)["environments"]["world3"]
    assert row["p_value"] == pytest.approx(2 / 64)
    assert row["p_adjusted"] == pytest.approx(14 / 64)
    assert row["verdict"] == "held"
    assert row["noise"] == "p is above 0.05 once it is adjusted for 7 comparisons"


def test_other_tasks_are_compared_as_independent_sets_with_a_word():
    other = evaluation("other", {"database": set(range(15))}, seed=1, own_ids=True)
    comparison = compare_scores(BASE, other)
    row = comparison["environments"]["database"]
    assert (row["paired"], row["n_before"], row["n_after"], row["verdict"]) == (False, 20, 20, "rose")
    assert said(comparison, "database: no task is the same", "not task by task")
    assert said(comparison, "hotpotqa: only before played it")
    assert said(comparison, "the general probe: only before has it")


def test_unlike_numbers_of_tasks_are_compared_on_what_both_did():
    short = evaluation("short", {"database": set(range(8))}, tasks=8)
    comparison = compare_scores(BASE, short)
    row = comparison["environments"]["database"]
    assert (row["n"], row["n_before"], row["n_after"]) == (8, 20, 8)
    assert said(comparison, "database: 20 tasks of before, 8 of after; compared on the 8 that both played")


def test_versions_origins_and_halves_are_never_averaged():
    changed = evaluation("changed", {"database": set(range(12))}, wording="Do it now.")
    comparison = compare_scores(BASE, changed)
    assert comparison["environments"] == {}
    assert "held_in" not in comparison
    assert said(comparison, "database: two versions of the environment", "not compared")
    official = evaluation("official", {"database": set(range(12))})
    official["environments"]["database"]["tasks"] = "dev.jsonl"
    assert said(compare_scores(BASE, official), "tasks of different origin (built-in and dev.jsonl); not compared")
    moved = evaluation("moved", {"*database": set(range(12))})
    comparison = compare_scores(BASE, moved)
    assert said(comparison, "database: held-in in one evaluation and held-out in another; it is in no total")
    assert "held_in" not in comparison
    partly = evaluation("partly", {"database": set(range(12))})
    partly["environments"]["database"]["asked"]["test-0-003"] = "00000000"
    comparison = compare_scores(BASE, partly)
    assert comparison["environments"]["database"]["n"] == 19
    assert said(comparison, "database: 1 tasks read differently in two versions of the environment; left out")


def test_totals_say_over_what_they_are_and_broken_episodes_are_named():
    two = evaluation("two", {"database": set(), "webshop": set()})
    one = evaluation("one", {"database": {1}}, broken=4, dialect="react", chat_template="xyz")
    comparison = compare_scores(two, one)
    assert said(comparison, "held-in: over database alone, 1 of 2 environments")
    assert said(comparison, "database: 4 of 20 episodes of after broke off (model error); they count as unsolved")
    assert said(comparison, "different dialects: command (before), react (after)")
    assert said(comparison, "different chat templates: abc (before), xyz (after)")


def seeds(model, shares, **more):
    return [
        evaluation(model, {"database": set(range(k))}, seed=seed, own_ids=True, **more) for seed, k in enumerate(shares)
    ]


def test_seeds_are_a_level_of_their_own():
    before = seeds("a", (2, 3, 2))
    steady = compare_runs(before, seeds("b", (12, 13, 12)))["environments"]["database"]
    assert steady["n"] == 60
    assert steady["seeds"] == {
        "n": 3,
        "paired": True,
        "differences": pytest.approx([0.5, 0.5, 0.5]),
        "deviation": pytest.approx(0),
    }
    assert steady["verdict"] == "rose"
    # The same mean difference from seeds that do not agree is inside the noise, whatever the tasks say.
    shaky = compare_runs(before, seeds("b", (0, 18, 19)))["environments"]["database"]
    assert shaky["difference"] == pytest.approx(0.5)
    assert shaky["low"] < 0
    assert shaky["verdict"] == "held"
    assert compare_scores(before[0], seeds("b", (0, 18, 19))[1])["environments"]["database"]["verdict"] == "rose"


def test_other_seeds_and_lone_seeds():
    before = seeds("a", (2, 3, 2))
    later = [scores | {"seed": scores["seed"] + 7} for scores in seeds("b", (12, 13, 12))]
    row = compare_runs(before, later)["environments"]["database"]
    assert row["seeds"]["paired"] is False
    assert row["seeds"]["after"] == pytest.approx([0.6, 0.65, 0.6])
    lone = compare_runs(before, later[:1], labels=("many", "lone"))
    assert "seeds" not in lone["environments"]["database"]
    assert said(lone, "lone has one seed only")


def test_runs_of_one_side_that_are_not_alike_are_named():
    mixed = [
        evaluation("m", {"database": {1}}),
        evaluation("m", {"database": {1}, "webshop": {2}}, seed=1, wording="Other words."),
        evaluation("m", {"database": {1}}, seed=2, tasks=12, dialect="react"),
    ]
    comparison = compare_runs(mixed, [BASE], labels=("mixed", "base"))
    assert said(comparison, "database: 20 tasks read differently in the runs of mixed: two versions of it")
    assert said(comparison, "database: the runs of mixed have 20, 20, 12 tasks")
    assert said(comparison, "webshop: 1 of the 3 runs of mixed played it")
    assert said(comparison, "the runs of mixed have different dialects: command, react")
    assert "database" not in comparison["environments"]


def test_a_task_of_several_runs_counts_once():
    """A benchmark's own tasks are the same under every seed: three runs are no 60 tasks."""
    runs = [evaluation("a", {"database": set(range(10 + s))}, seed=s) for s in range(3)]
    row = level(runs, "database")
    assert row["n"] == 20
    assert row["by_run"] == pytest.approx([0.5, 0.55, 0.6])
    assert row["low"] < 0.5 < 0.6 < row["high"]


def test_sides_by_path_run_label_and_model_name(tmp_path, capsys):
    run = tmp_path / "run"
    written(run / "evaluation" / "base", BASE)
    written(run / "evaluation" / "tuned", TUNED)
    assert [side.label for side in read_sides([str(run)])] == ["base", "tuned"]
    paths = [str(written(tmp_path / f"a{i}", scores)) for i, scores in enumerate(seeds("mine", (2, 3, 2)))]
    sides = read_sides([str(run), *paths])
    assert [(side.label, len(side.runs)) for side in sides] == [("tuned", 1), ("mine", 3)]
    assert [side.label for side in read_sides(paths)] == ["a0", "a1", "a2"]
    sides = read_sides([f"x={paths[0]},{paths[1]}", paths[2]])
    assert [(side.label, len(side.runs)) for side in sides] == [("x", 2), ("mine", 1)]
    compare_command(str(run), json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["environments"]["database"]["verdict"] == "rose"
    assert [model["label"] for model in answer["models"]] == ["base", "tuned"]
    compare_command(str(run), f"x={','.join(paths)}", paths[0], json=True)
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["comparisons"]) == 2
    assert answer["models"][1]["seeds"] == [0, 1, 2]
    compare_command(str(run), f"x={','.join(paths)}")
    text = capsys.readouterr().out
    assert "x against tuned, %" in text
    assert "fell" in text
    compare_command(str(run))
    text = " ".join(capsys.readouterr().out.split())
    assert "within noise" in text


def test_a_whole_run_as_the_pipeline_writes_it(tmp_path, capsys):
    run = write_run(tmp_path / "run")
    compare_command(str(run), json=True)
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) >= {"environments", "held_in", "general", "hallucination", "models", "notes"}
    compare_command(str(run / "evaluation" / "base"), f"new={run}")
    assert "within noise" in " ".join(capsys.readouterr().out.split())


def test_a_models_name_cannot_steer_the_terminal(tmp_path, capsys):
    bad = evaluation("bad\x1b[2Jname", {"database": {1}}, dialect="re\x07act")
    paths = [str(written(tmp_path / name, scores)) for name, scores in (("one", BASE), ("two", bad), ("three", TUNED))]
    compare_command(*paths)
    text = capsys.readouterr().out
    assert "bad?[2Jname" in text
    assert "different dialects: command (base), re?act (bad?[2Jname)" in text
    assert "\x1b[2J" not in text


def test_runs_of_a_side_are_shown_one_by_one(tmp_path, capsys):
    paths = [str(written(tmp_path / f"a{i}", scores)) for i, scores in enumerate(seeds("mine", (2, 3, 4)))]
    compare_command(f"x={','.join(paths)}", str(written(tmp_path / "b", TUNED)))
    assert "x, held-in by run: 10.0, 15.0, 20.0 (standard deviation 5.0)" in capsys.readouterr().out


def test_what_is_no_evaluation_is_refused(tmp_path):
    good = str(written(tmp_path / "good", BASE))
    (tmp_path / "half" / "trajectories").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun.partial").mkdir()
    broken = evaluation("m", {"database": {1}})
    broken["environments"]["database"]["items"]["test-0-001"] = float("nan")
    other = evaluation("base", {"database": {1}}, seed=5)
    other["environments"]["database"]["tasks"] = "dev.jsonl"
    cases = {
        str(tmp_path / "half"): "the evaluation is not finished",
        str(tmp_path / "empty"): "no scores.json",
        str(tmp_path / "begun"): "the evaluation is not finished",
        str(tmp_path / "none"): "check the path",
        str(written(tmp_path / "nan", broken)): "not a finite number",
        str(written(tmp_path / "list", [])): "not an evaluation",
        str(written(tmp_path / "row", {"environments": {"x": {"held": "in"}}})): "no mean, low and high",
        str(
            written(tmp_path / "bare", {"environments": {"x": {"mean": 0, "low": 0, "high": 0}}})
        ): "no number of tasks",
        str(
            written(tmp_path / "probe", BASE | {"general": {"perplexity": {"mean": "much"}}})
        ): "general.perplexity: no",
        str(written(tmp_path / "name", evaluation("m", {"\x1b[31mred": {1}}))): "a name with control characters",
        f"x={good},": "a path is missing",
        f"x={good},{good}": "runs with the same seed",
        f"x={good},{written(tmp_path / 'other', other)}": "not one model's seeds",
    }
    for text, reason in cases.items():
        with pytest.raises(BadInput, match=reason):
            read_sides([good, text])
    with pytest.raises(BadInput, match="given twice"):
        read_sides([good, good])
    with pytest.raises(BadInput, match="one evaluation only"):
        compare_command(good)
    with pytest.raises(BadInput, match="nothing to compare"):
        compare_command()


def test_any_mutated_evaluation_is_compared_or_refused(tmp_path):
    good = str(written(tmp_path / "good", BASE))
    whole = {**TUNED, "tool_use": None}
    rng, refused, folder = Random(0), 0, tmp_path / "bad"
    console = Console(quiet=True)
    for _ in range(80):
        bad = json.loads(json.dumps(whole))
        place = bad
        for _ in range(rng.randint(1, 5)):
            inner = [key for key, value in place.items() if isinstance(value, dict)]
            if not inner:
                break
            place = place[rng.choice(inner)]
        key = rng.choice([*place, "new"])
        place[key] = rng.choice([None, 3, -1.5, "text", [], {}, {"a": 1}, float("inf"), True])
        try:
            sides = read_sides([good, f"bad={written(folder, bad)}"])
        except BadInput:
            refused += 1
        else:
            about(sides[1])
            comparison = compare_runs(sides[0].runs, sides[1].runs)
            sides_text(sides, [comparison])
            console.print(terminal_table(sides[0].runs[0], sides[1].runs[0], comparison))
    assert 0 < refused < 80
