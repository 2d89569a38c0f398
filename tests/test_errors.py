"""The rules of the error analysis on small episodes, and on what real experts and a garbled model did."""

import re
from dataclasses import replace

import pytest
from rich.console import Console

from agenttuning.environments import make
from agenttuning.evaluation.comparison import compare_scores
from agenttuning.evaluation.errors import CLASSES, error_items, errors_of
from agenttuning.evaluation.scores import score_environment
from agenttuning.evaluation.sides import Side
from agenttuning.evaluation.sides_table import sides_text
from agenttuning.evaluation.statistics import wilson
from agenttuning.evaluation.table import scores_table, terminal_table
from agenttuning.trajectory import Decision, Outcome, Step, Task, Tool, ToolCall, Trajectory

SQL = Tool("sql", "Run SQL.", {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]})
LOOK = ToolCall("sql", {"query": "SELECT 1"})


def call(observation: str = "[(1,)]", query: str = "SELECT 1", **fields: object) -> Step:
    return replace(Step(Decision("Look.", ToolCall("sql", {"query": query})), observation), **fields)


def said(text: str, error: str | None = "format") -> Step:
    decision = Decision() if error == "format" else Decision(message=text)
    return Step(decision, "I could not read that.", written=text, error=error)


def episode(*steps: Step, outcome: Outcome = "turn_limit", task: str = "t0", seed: int = 0) -> Trajectory:
    return Trajectory(Task("world", task, "test", "Do it."), (SQL,), "Act.", "Go.", steps, 0.0, outcome, seed=seed)


@pytest.mark.parametrize(
    ("expected", "steps"),
    [
        ((), [call()]),
        (("invalid_action",), [said("Here is what I think.", "invalid")]),
        (("invalid_action",), [replace(call(), decision=Decision(call=ToolCall("find", {})), error="invalid")]),
        (("invalid_action",), [call("There is no such table.", error="invalid")]),
        (("invalid_action",), [call("You look around.", error="invalid", performed=LOOK)]),
        (("call_error",), [replace(call(), decision=Decision(call=ToolCall("sql", {})), error="invalid")]),
        (("call_error",), [call("Error 1064 (42000): You have an error in your SQL syntax")]),
        ((), [call("[(3, 'error')]")]),
        (("format_error",), [said("Sure! Look at the table.")]),
        (("refusal", "format_error"), [said("I'm sorry, but I cannot help with that.")]),
        (("refusal",), [call(), said("As an AI language model, I am unable to run commands.", None)]),
        ((), [call(written="I cannot help with that by guessing.\nAction: sql SELECT 1")]),
        (("short_repetition",), [call(written="I look at the table and " + "then I look again " * 4)]),
        ((), [call(written="I look at the table and " + "then I look again " * 3)]),
        ((), [call(written="INSERT INTO t VALUES " + "(?, ?, ?, ?), " * 20)]),
        ((), [call(written="INSERT INTO t VALUES (NULL, NULL, NULL, NULL)")]),
        (("long_repetition",), [call()] * 3),
        ((), [call()] * 2),
        ((), [call(f"page {i}") for i in range(9)]),
        (("long_repetition",), [call(query="SELECT 1"), call(query="SELECT 2")] * 3),
        ((), [call(query="SELECT 1"), call(query="SELECT 2")] * 2),
        (("format_error",), [said("One."), said("Two."), said("Three.")]),
        (("long_repetition", "format_error"), [said("One.")] * 3),
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_is_for(expected: tuple[str, ...], steps: list[Step]) -> None:
    assert errors_of(episode(*steps, outcome="solved")) == expected


def test_how_an_episode_ended_is_seen() -> None:
    assert errors_of(episode(call(), outcome="turn_limit")) == ("limit",)
    assert errors_of(episode(call(), outcome="token_limit")) == ("limit",)
    assert errors_of(episode(call(), outcome="loop")) == ("long_repetition",)
    assert errors_of(episode(call(), outcome="failed")) == ("wrong_result",)
    assert errors_of(episode(call(), call("Error: no"), outcome="failed")) == ("call_error",)
    assert errors_of(episode(outcome="environment_error")) == errors_of(episode(outcome="model_error")) == ()


def test_a_megabyte_is_read_in_no_time_and_its_end_counts() -> None:
    assert errors_of(episode(call(written="\x1b[31mword " * 200_000), outcome="solved")) == ("short_repetition",)
    assert errors_of(episode(call("\u202e" * 1_000_000), outcome="solved")) == ()


@pytest.mark.parametrize("name", ["database", "card_game"])
def test_experts_make_no_errors(name: str) -> None:
    pytest.importorskip("sqlglot")
    environment = make(name)
    try:
        for task in environment.tasks("test", limit=6):
            steps = []
            opening = environment.reset(task)
            for decision in environment.expert(task):
                assert decision.call is not None
                steps.append(Step(decision, environment.step(decision.call).observation))
            done = Trajectory(task, tuple(environment.tools), "", opening, tuple(steps), 1.0, "solved")
            assert errors_of(done) == (), task.id
    finally:
        environment.close()


def test_classes_are_counted_by_task_with_wilsons_interval() -> None:
    tries = [episode(call("Error 1: no"), outcome="failed", task=f"t{i}") for i in range(6)]
    tries += [episode(call(), outcome="solved", task=f"t{i}") for i in range(6, 10)]
    errors = score_environment(tries, metric="success_rate", held="in")["errors"]
    low, high = wilson(6, 10)[1:]
    assert errors["shares"]["call_error"] == {"n": 10, "mean": 0.6, "low": low, "high": high}
    assert list(errors["shares"]) == list(CLASSES)
    assert errors["items"] == {f"t{i}": {"call_error": 1.0} for i in range(6)}
    assert error_items([tries[0], episode(call(), outcome="solved", seed=1)]) == {"t0": {"call_error": 0.5}}


def scores(broken: int) -> dict:
    tries = [
        episode(call("Error" if i < broken else "[]"), outcome="failed" if i < broken else "solved", task=f"t{i}")
        for i in range(20)
    ]
    rows = {"world": score_environment(tries, metric="success_rate", held="in")}
    return {"model": "m", "dialect": "react", "seed": 0, "environments": rows, "normalised": {}}


def test_two_models_are_compared_class_by_class() -> None:
    errors = compare_scores(scores(16), scores(2))["errors"]
    row = errors["all"]["call_error"]
    assert (row["before"], row["after"], row["verdict"], row["better"]) == (0.8, 0.1, "fell", "lower")
    assert errors["environments"]["world"]["call_error"]["n"] == 20
    old = scores(3)
    del old["environments"]["world"]["errors"]
    assert "errors" not in compare_scores(old, scores(2))


def test_terminals_show_the_classes() -> None:
    base, tuned = scores(16), scores(2)
    comparison = compare_scores(base, tuned)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(scores_table(base))
        console.print(terminal_table(base, tuned, comparison))
    text = capture.get()
    assert re.search(r"Errors, % of tasks.*\n.*\nworld +80 call error", text)
    assert re.search(r"call error +20 +80\.0 +10\.0 +-70\.0 .* fell", text)
    assert "refusal" not in text
    sides = [Side("a", (), (base,)), Side("b", (), (tuned,))]
    assert re.search(r"errors: call error +20 +80\.0 +10\.0", sides_text(sides, [comparison]))
