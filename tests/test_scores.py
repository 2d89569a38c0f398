"""Scores and comparisons from small sets of real trajectories."""

import json

import pytest
from rich.console import Console, RenderableType

from agenttuning.errors import BadInput
from agenttuning.evaluation.comparison import compare, compare_scores
from agenttuning.evaluation.scores import normalised, score_environment
from agenttuning.evaluation.table import scores_table, terminal_table
from agenttuning.trajectory import Decision, Outcome, Step, Task, Trajectory


def episode(number: int, outcome: Outcome, reward: float | None = None, turns: int = 2, level: str = "easy"):
    task = Task("world", f"t{number:03}", "test", "Do it.", {"level": level, "kind": f"kind {number % 2}"})
    steps = (Step(Decision("Look.", message="Done.")),) * turns
    reward = float(outcome == "solved") if reward is None else reward
    return Trajectory(task, (), "Act.", "Go.", steps, reward, outcome)


def half_solved(seed_shift: int = 0) -> list[Trajectory]:
    levels = ("hard", "easy")
    outcomes: tuple[Outcome, ...] = ("solved", "failed")
    return [episode(i, outcomes[(i + seed_shift) % 2], level=levels[i // 2 % 2]) for i in range(20)]


def test_success_rate_has_wilsons_interval_and_its_breakdowns() -> None:
    score = score_environment(half_solved(), metric="success_rate", held="in")
    assert (score["n"], score["mean"], score["success_rate"]) == (20, 0.5, 0.5)
    assert (score["low"], score["high"]) == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert score["outcomes"] == {"solved": 10, "failed": 10}
    assert score["mean_turns"] == 2
    assert list(score["by_level"]) == ["easy", "hard"]  # in the order of difficulty
    assert score["by_kind"]["kind 0"] == {
        "n": 10,
        "mean": 1.0,
        "low": pytest.approx(0.7225, abs=1e-4),
        "high": 1,
    }
    assert score["items"]["t000"] == 1.0
    assert json.loads(json.dumps(score)) == score


def test_reward_counts_in_part_where_the_metric_is_reward() -> None:
    episodes = [episode(i, "failed", reward=i / 10) for i in range(11)]
    score = score_environment(episodes, metric="reward", held="out")
    assert score["mean"] == pytest.approx(0.5)
    assert score["success_rate"] == 0
    assert 0.2 < score["low"] < 0.5 < score["high"] < 0.8
    assert score == score_environment(list(reversed(episodes)), metric="reward", held="out")


def test_rewards_that_are_all_zero_are_not_called_certain() -> None:
    score = score_environment([episode(i, "failed") for i in range(20)], metric="reward", held="out")
    assert (score["mean"], score["low"]) == (0, 0)
    assert score["high"] == pytest.approx(0.1611, abs=1e-4)


def test_broken_episodes_count_as_unsolved_and_several_tries_as_one_task() -> None:
    tries = [episode(1, "solved"), episode(1, "model_error"), episode(2, "environment_error")]
    score = score_environment(tries, metric="success_rate", held="in")
    assert score["items"] == {"t001": 0.5, "t002": 0.0}
    assert score["outcomes"] == {"solved": 1, "environment_error": 1, "model_error": 1}


def test_the_mean_over_kinds_weighs_each_kind_alike() -> None:
    tries = [episode(i, "solved") for i in (0, 2, 4)] + [episode(1, "failed")]  # even and odd are two kinds
    score = score_environment(tries, metric="success_rate", held="out")
    assert (score["mean"], score["mean_over_kinds"]) == (0.75, 0.5)


def test_no_episodes_is_an_error_that_says_so() -> None:
    with pytest.raises(BadInput, match="nothing to score"):
        score_environment([], metric="reward", held="in")


@pytest.mark.parametrize(
    ("gained", "lost", "verdict"), [(12, 1, "rose"), (1, 12, "fell"), (3, 2, "held"), (0, 0, "held")]
)
def test_a_verdict_needs_an_interval_that_excludes_zero(gained: int, lost: int, verdict: str) -> None:
    before = {"items": {f"t{i}": float(i >= 20) for i in range(40)}}
    changed = {f"t{i}": 1.0 for i in range(gained)} | {f"t{20 + i}": 0.0 for i in range(lost)}
    result = compare(before, {"items": before["items"] | changed}, seed=0)
    assert result["verdict"] == verdict
    assert result["n"] == 40
    assert result["difference"] == pytest.approx((gained - lost) / 40)
    assert result["low"] <= result["difference"] <= result["high"]
    assert (result["low"] > 0 or result["high"] < 0) == (verdict != "held")
    assert result["before_interval"][0] < 0.5 < result["before_interval"][1]


def test_only_shared_tasks_are_compared() -> None:
    result = compare({"items": {"a": 0.0, "b": 1.0}}, {"items": {"b": 1.0, "c": 0.0}})
    assert (result["n"], result["before"], result["after"]) == (1, 1.0, 1.0)
    with pytest.raises(BadInput, match="share no task"):
        compare({"items": {"a": 0.0}}, {"items": {"b": 0.0}})


def printed(renderable: RenderableType) -> str:
    console = Console(width=110)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def scores(shift: int, nll: float) -> dict:
    one = score_environment(half_solved(shift), metric="success_rate", held="in")
    two = score_environment(half_solved(), metric="reward", held="out")
    items = {
        "questions": {f"q{i}": i % 2 for i in range(10)},
        "nll": {f"p{i}": nll + i / 100 for i in range(10)},
    }
    perplexity = {"n": 10, "mean": 2.5, "low": 2.4, "high": 2.6}
    return {"environments": {"one": one, "two": two}, "general": {"items": items, "perplexity": perplexity}}


def test_a_whole_evaluation_is_compared_and_printed() -> None:
    base, tuned = scores(0, 0.6), scores(1, 0.7)
    comparison = compare_scores(base, tuned)
    assert set(comparison) == {"environments", "held_in", "held_out", "general", "errors", "notes"}
    assert comparison["held_in"]["n"] == comparison["environments"]["one"]["n"] == 20
    assert comparison["held_out"]["verdict"] == "held"
    assert comparison["general"]["nll"]["better"] == "lower"
    assert comparison["general"]["nll"]["verdict"] == "rose"
    assert comparison == compare_scores(base, tuned)
    text = printed(terminal_table(base, tuned, comparison))
    for part in ("held-in", "one", "easy", "questions, %", "negative log-likelihood", "2.50", "+0.100"):
        assert part in text


def test_parts_that_an_evaluation_lacks_are_left_out() -> None:
    base, tuned = scores(0, 0.6), scores(1, 0.6)
    del tuned["environments"]["two"], tuned["general"]
    comparison = compare_scores(base, tuned)
    assert set(comparison) == {"environments", "held_in", "errors", "notes"}
    text = printed(terminal_table(base, tuned, comparison))
    assert "held-in" in text
    assert "held-out" not in text
    assert "note: two: only before played it; it is in no comparison" in text
    assert text.count("two") == 1


def test_one_models_scores_are_printed_with_the_papers_ratio() -> None:
    whole = scores(0, 0.6)
    whole["environments"] = {"hotpotqa": whole["environments"]["two"] | {"tasks": "dev.json"}}
    whole |= {"model": "some-model", "dialect": "react", "seed": 3, "normalised": normalised(whole)}
    text = printed(scores_table(whole))
    row = whole["environments"]["hotpotqa"]
    for part in (
        "some-model, dialect react, seed 3",
        "hotpotqa (dev.json)",
        f"{100 * row['mean']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]",
        f"{100 * row['mean'] / 34.96:.2f}",
        "held-out, normalised (of 1 of 6)",
        "perplexity",
    ):
        assert part in text
