"""Suites by name and size, and what an evaluation makes of them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agenttuning.environments import EXTRAS, environment_class, missing, names
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.published import TASKS
from agenttuning.evaluation.suites import PAPER, fill, without
from agenttuning.pipeline import evaluate_stage
from agenttuning.recipe import load, runnable


def test_nothing_changes_without_a_suite():
    config = EvaluateConfig(held_in={"database": 3}, hallucination=7)
    assert fill(config) is config


def test_a_suite_is_six_environments_of_one_size():
    smoke, quick, paper = (fill(EvaluateConfig(suite=["held-out"], size=size)) for size in ("smoke", "quick", "paper"))
    assert set(smoke.held_out) == set(TASKS["held-out"])
    assert set(smoke.held_out.values()) == {5}
    assert set(quick.held_out.values()) == {40}
    assert paper.held_out == {
        "scienceworld": 270, "miniwob": 460, "webarena": 812, "hotpotqa": 300, "rewoo": 350, "card_game": 200,
    }  # fmt: skip
    assert not paper.held_in
    assert not paper.general
    assert not paper.hallucination


def test_the_suites_are_the_papers_environments_each_on_its_side():
    assert {suite: set(counts) for suite, counts in PAPER.items()} == {
        suite: set(TASKS[suite]) for suite in ("held-in", "held-out")
    }
    assert set().union(*PAPER.values()) <= set(names())
    for suite, counts in PAPER.items():
        for name in counts.keys() - missing(counts).keys():
            assert f"held-{environment_class(name).held}" == suite


def test_all_is_every_suite():
    config = fill(EvaluateConfig(suite=["all"], size="smoke"))
    assert len(config.held_in) == len(config.held_out) == 6
    assert config.general
    assert config.hallucination > 0
    assert config.tool_use > 0


def test_what_is_given_by_hand_wins():
    given = EvaluateConfig(suite=["all"], held_out={"webarena": 9, "my_world": 2}, hallucination=3, general=False)
    config = fill(given)
    assert config.held_out["webarena"] == 9
    assert config.held_out["my_world"] == 2
    assert config.held_out["hotpotqa"] == 40
    assert config.hallucination == 3
    assert config.general  # named by `all`


def test_an_environment_stays_on_the_side_where_it_was_put():
    config = fill(EvaluateConfig(suite=["held-in", "held-out"], held_in={"hotpotqa": 4}))
    assert config.held_in["hotpotqa"] == 4
    assert "hotpotqa" not in config.held_out


def test_without_takes_an_environment_out_with_its_data():
    config = EvaluateConfig(held_in={"database": 3}, held_out={"hotpotqa": 2, "rewoo": 2}, data={"rewoo": "sets"})
    left = without(config, ["rewoo"])
    assert left.held_out == {"hotpotqa": 2}
    assert left.data == {}


def test_a_stage_knows_what_it_plays_and_not_the_suites_name(tmp_path):
    named = evaluate_stage(
        EvaluateConfig(suite=["held-in"], size="smoke"), "m", tmp_path / "a", dialect="react", seed=0
    )
    spelled = EvaluateConfig(held_in=dict.fromkeys(PAPER["held-in"], 5), general=False)
    assert named.settings == evaluate_stage(spelled, "m", tmp_path / "a", dialect="react", seed=0).settings


def test_a_recipe_takes_suites(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("evaluate: {suite: [held-out], size: smoke}\n", encoding="utf-8")
    assert runnable(load(path))[0].evaluate.held_out["card_game"] == 5
    path.write_text("evaluate: {suite: [held-aut]}\n", encoding="utf-8")
    with pytest.raises(Exception, match="held-out"):
        load(path)


@pytest.mark.parametrize("name", sorted(set().union(*PAPER.values())))
def test_an_environment_needs_no_other_extra_than_its_own(name):
    """With its extra alone an environment loads: it imports nothing that only another extra brings."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {
        extra: {re.split(r"[\[<>=~]", one)[0].replace("-", "_") for one in needed}
        for extra, needed in project["optional-dependencies"].items()
        if extra in EXTRAS.values() and extra != "environments"
    }
    own = extras.get(EXTRAS.get(name, ""), set())
    foreign = set().union(*extras.values()) - own - {"bm25s"}  # hotpotqa's, whose extra is a set of others
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys; from agenttuning.environments import environment_class\n"
         f"try: environment_class({name!r})\nexcept Exception: pass\n"
         "print(*{module.partition('.')[0] for module in sys.modules})"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.split()  # fmt: skip
    assert not foreign & set(loaded)
