"""Recipes: everything has a default, every mistake is told at once, and dump and load are inverse."""

import pytest

from agenttuning.errors import BadInput, RecipeError
from agenttuning.recipe import dump, find, load

SMALL = """
name: small
collect: {environments: {database: 20}}
train: {learning_rate: 1e-3}
"""


@pytest.fixture
def recipe_file(tmp_path):
    def write(text):
        path = tmp_path / "small.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_what_is_not_said_has_a_default(recipe_file):
    recipe = load(recipe_file(SMALL))
    assert recipe.name == "small"
    assert recipe.collect.environments == {"database": 20}
    assert recipe.collect.agent == "expert"
    assert recipe.train.learning_rate == 0.001  # YAML 1.1 reads 1e-3 as text
    assert recipe.mix.eta == 0.2


def test_overrides_reach_into_sections_and_dicts(recipe_file):
    overrides = ["collect.environments.database=5", "train.learning_rate=5e-4", "mix.rows=null", "seed=7"]
    recipe = load(recipe_file(SMALL), [*overrides, "filter.outcomes=[solved, failed]"])
    assert recipe.collect.environments == {"database": 5}
    assert recipe.train.learning_rate == 5e-4
    assert recipe.mix.rows is None
    assert recipe.seed == 7
    assert recipe.filter.outcomes == ("solved", "failed")


def test_a_recipe_without_a_name_is_called_like_its_file(recipe_file):
    assert load(recipe_file("seed: 1")).name == "small"


def test_dump_and_load_are_inverse(recipe_file, tmp_path):
    recipe = load(recipe_file(SMALL), ["filter.min_rewards={mind2web: 0.67}"])
    again = tmp_path / "again.yaml"
    again.write_text(dump(recipe), encoding="utf-8")
    assert load(again) == recipe
    assert dump(load(again)) == dump(recipe)


def test_shipped_recipes_load_by_name():
    recipe = load("quickstart")
    assert recipe.name == find("quickstart").stem == "quickstart"
    assert recipe.collect.environments


def test_all_mistakes_are_told_at_once(recipe_file):
    text = """
name: 3
traim: {}
dialect: reakt
collect: {environments: {databse: 20, database: many}}
filter: {min_reward: 2}
train: {learning_rate: fast, epohcs: 1}
mix: [eta]
"""
    with pytest.raises(RecipeError) as caught:
        load(recipe_file(text), ["mix.eta=2", "seed=x"])
    lines = str(caught.value).splitlines()
    for told in (
        "small.yaml: name: expected text, found 3",
        "small.yaml: traim: unknown key; did you mean 'train'?",
        "small.yaml: dialect: unknown dialect 'reakt'; did you mean 'react'?",
        "small.yaml: collect.environments.databse: unknown environment; did you mean 'database'?",
        "small.yaml: collect.environments.database: expected a whole number, found 'many'",
        "small.yaml: filter.min_reward: min_reward must be between 0 and 1, found 2.0",
        "small.yaml: train.learning_rate: expected a number, found 'fast'",
        "small.yaml: train.epohcs: unknown key; did you mean 'epochs'?",
        "override: mix.eta: eta is a share between 0 and 1, found 2.0",
        "override: seed: expected a whole number, found 'x'",
    ):
        assert any(line.endswith(told) for line in lines), told
    assert len(lines) == 10


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n- b", "expected keys and values"),
        ("name: a\nname: b", "key 'name' stands here twice"),
        ("name: [", "not YAML"),
        ("name: a\ntrain: 3", "train: expected keys and values, found 3"),
        ("name: a\ntrain: {epochs: true}", "train.epochs: expected a number, found True"),
        ("name: a\ntrain: {learning_rate: .nan}", "train.learning_rate: expected a number, found nan"),
        ("name: a\nmix: {rows: 1.5}", "mix.rows: expected a whole number, found 1.5"),
        ("name: a\nfilter: {outcomes: solved}", "filter.outcomes: expected a list, found 'solved'"),
        ("name: a\ntrain: {batch_rows: 0}", "train.batch_rows: batch_rows must be at least 1, found 0"),
        (
            "name: a\ntrain: {learning_rate: -1}",
            "train.learning_rate: learning_rate must be greater than 0, found -1.0",
        ),
        ("name: a\ntrain: {warmup: 2}", "train.warmup: warmup is a share of the steps between 0 and 1, found 2.0"),
        ("name: a\ncollect: {environments: {database: -5}}", "environments must be at least 1, found -5"),
        ("name: a\nevaluate: {max_turns: 0}", "evaluate.max_turns: max_turns must be at least 1, found 0"),
        ("name: a\ndeduplicate: {per_task: 0}", "deduplicate.per_task: per_task must be at least 1, found 0"),
        ("name: a\ncollect: {split: trian}", "collect.split: found 'trian'; did you mean 'train'?"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(recipe_file, text, told):
    with pytest.raises(RecipeError, match=r"small\.yaml: ") as caught:
        load(recipe_file(text))
    assert told in str(caught.value)


def test_an_unknown_recipe_suggests_a_shipped_one():
    with pytest.raises(BadInput, match="did you mean 'quickstart'"):
        load("quikstart")


@pytest.mark.parametrize("override", ["seed", "=3", "seed: 3"])
def test_an_override_needs_a_key_and_a_value(override):
    with pytest.raises(RecipeError, match=r"write it as section\.key=value"):
        load("quickstart", [override])
