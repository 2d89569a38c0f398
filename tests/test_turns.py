"""Which turns count as wrong and as critical, and what becomes of them."""

import pytest

from agenttuning.corpus.turns import critical_only, is_critical, is_wrong, with_wrong_turns
from agenttuning.trajectory import Decision, Step, Task, Tool, ToolCall, Trajectory

TOOLS = (Tool("look", "Look.", {"type": "object", "properties": {"at": {"type": "string"}}}),)


def step(at, observation, **more):
    return Step(Decision("So.", ToolCall("look", {"at": at})), observation, **more)


def episode(*steps):
    return Trajectory(Task("house", "1", "train", "Look."), TOOLS, "Look around.", "A house with a door.", steps)


RECOVERED = episode(
    step("moon", "There is no moon.", error="invalid", train=False),
    step("door", "Error: the door is shut."),
    step("window", "Behind it sits a parrot."),
    step("parrot", "It talks of failed errors."),
    step("door", "Error: shut, and that was all."),
)


def test_a_turn_is_wrong_that_was_refused_or_failed_before_the_agent_went_on():
    assert [is_wrong(RECOVERED, i) for i in range(5)] == [True, True, False, False, False]


@pytest.mark.parametrize(
    "observation",
    ["Error: x", "ERROR 1064 (42000): You have an error", "sqlite3.OperationalError: no", "Nothing happens.",
     "bash: not found", "Invalid action", "[Error] x", "Unknown column 'a' in 'field list'"],
)  # fmt: skip
def test_an_observation_that_begins_with_an_error(observation):
    assert is_wrong(episode(step("a", observation), step("b", "x")), 0) == (observation != "bash: not found")


@pytest.mark.parametrize(
    "observation",
    ["The error was found in 1911.", "Unknown Pleasures is an album.", "", "[]", "[('error', 3)]", '[("invalid", 1)]'],
)
def test_words_of_failure_elsewhere_are_none(observation):
    assert not is_wrong(episode(step("a", observation), step("b", "x")), 0)


def test_wrong_turns_stay_in_context_without_loss_or_with_it_or_go():
    masked = with_wrong_turns(RECOVERED, "mask")
    assert [s.train for s in masked.steps] == [False, False, True, True, True]
    assert [s.observation for s in masked.steps] == [s.observation for s in RECOVERED.steps]
    assert [s.train for s in with_wrong_turns(RECOVERED, "train").steps] == [True] * 5
    assert with_wrong_turns(RECOVERED, "drop").steps == RECOVERED.steps[2:]
    clean = episode(*RECOVERED.steps[2:4])
    assert all(with_wrong_turns(clean, kind) is clean for kind in ("mask", "drop", "train"))


def test_critical_are_the_first_the_last_a_correction_and_what_uses_news():
    long = episode(
        step("door", "A garden."),
        step("door", "Error: shut."),
        step("house", "Walls."),  # after an error
        step("house", "A parrot called Polly."),  # nothing new
        step("Polly", "It nods."),  # uses what was just seen
        step("Polly", "It sleeps."),  # known for two turns
        step("door", "Shut."),
    )
    assert [is_critical(long, i) for i in range(7)] == [True, False, True, False, True, False, True]
    assert [s.train for s in critical_only(long).steps] == [True, False, True, False, True, False, True]


def test_a_masked_turn_does_not_come_back_for_being_critical():
    assert not critical_only(RECOVERED).steps[0].train
