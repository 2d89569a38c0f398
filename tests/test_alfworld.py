"""The built-in household games, their expert, the tools and the wordings; no engine is needed."""

import json
import random
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.corpus.formats.agentinstruct_tasks import ALFWORLD
from agenttuning.dialects.command import Command
from agenttuning.environments.alfworld import Alfworld
from agenttuning.environments.alfworld.commands import TOOLS, read_command, reworded, write_command
from agenttuning.environments.alfworld.generate import LONGEST
from agenttuning.environments.alfworld.goals import KINDS, LOOK, goals, split_of
from agenttuning.environments.alfworld.nearest import bleu, nearest
from agenttuning.environments.alfworld.policy import THOUGHTS, play
from agenttuning.environments.alfworld.problem import kind_of
from agenttuning.environments.alfworld.rooms import APPLIANCES, ITEMS, LAMP, ROOMS
from agenttuning.environments.alfworld.walkthrough import decisions
from agenttuning.errors import InvalidAction, NoExpert
from agenttuning.trajectory import SPLITS, Decision, Task, ToolCall

TASKS = {split: Alfworld().tasks(split, limit=120) for split in SPLITS}
ALL = [task for tasks in TASKS.values() for task in tasks]


def pair(task: Task) -> tuple[str, str]:
    return task.data["item"], task.data["place"]


def test_tasks_are_the_same_for_the_same_seed_and_a_smaller_limit_is_a_prefix():
    assert list(Alfworld().tasks("train", limit=40, seed=0)) == list(TASKS["train"][:40])
    assert [t.goal for t in Alfworld().tasks("train", limit=40, seed=1)] != [t.goal for t in TASKS["train"][:40]]
    assert all(json.loads(json.dumps(task.data)) == task.data for task in ALL)
    assert len(Alfworld().tasks("dev")) == 100
    assert max(len(json.dumps(task.data)) for task in ALL) < 2000


@pytest.mark.parametrize("split", SPLITS)
def test_six_games_in_a_row_have_all_six_kinds_and_rooms_vary(split):
    for start in range(0, 120, 6):
        assert {task.kind for task in TASKS[split][start : start + 6]} == {kind.name for kind in KINDS}
    assert {task.level for task in TASKS[split]} == {"easy", "medium", "hard"}
    assert {task.data["room"] for task in TASKS[split]} == set(ROOMS)
    assert all(len(set(kind.wordings)) >= 4 for kind in KINDS)


def test_no_split_asks_for_what_another_one_asks_for():
    for one, other in combinations(SPLITS, 2):
        assert not {pair(task) for task in TASKS[one]} & {pair(task) for task in TASKS[other]}
        for kind in KINDS:
            assert not set(goals(kind.name, one)) & set(goals(kind.name, other))
            assert len(goals(kind.name, one)) >= 7
    assert all(split_of(*pair(task)) == task.split for task in ALL)


def test_no_two_games_are_set_in_the_same_house():
    houses = [json.dumps(task.data["house"], sort_keys=True) for task in ALL]
    assert len(set(houses)) == len(houses)


def test_a_house_has_what_its_goal_needs_and_does_not_start_solved():
    for task in ALL:
        house, item, place = task.data["house"], task.data["item"], task.data["place"]
        held = [thing for things in house.values() for thing in things if kind_of(thing) == item]
        assert len(held) >= (2 if task.level == "hard" else 1)
        assert not any(kind_of(thing) == item for name in house if kind_of(name) == place for thing in house[name])
        if task.kind == LOOK:
            assert sum(kind_of(thing) == LAMP for things in house.values() for thing in things) == 1
        else:
            assert place in map(kind_of, house)
        for name, things in house.items():
            assert all(kind_of(t) == LAMP or kind_of(name) in ITEMS[kind_of(t)].places for t in things)


def test_words_of_rooms_items_and_deeds_fit_together():
    for room in ROOMS.values():
        assert set(room.items) <= set(ITEMS)
        for item in room.items:
            assert set(ITEMS[item].places) & set(room.places)
    for deed, appliance in APPLIANCES.items():
        assert appliance in ROOMS["kitchen"].places
        assert any(item.can(deed) for item in ITEMS.values())


def test_the_expert_is_in_time_and_its_thoughts_vary():
    environment, thoughts, turns = Alfworld(), [], []
    for task in ALL:
        gold = list(environment.expert(task))
        assert gold == list(environment.expert(task))
        turns.append(len(gold))
        thoughts += [decision.thought for decision in gold]
    assert max(turns) <= LONGEST < environment.max_turns
    assert len(set(thoughts)) > len(thoughts) / 2
    assert all(thought and len(thought) < 120 and "{" not in thought for thought in thoughts)
    assert all(len(set(wordings)) >= 2 for wordings in THOUGHTS.values())


def test_the_expert_looks_for_the_lamp_with_the_thing_in_hand():
    house = {"desk 1": ["mug 1"], "dresser 1": [], "sidetable 1": ["desklamp 1"]}
    gold = play(house, LOOK, "mug", LAMP, random.Random(3))
    names = [decision.call.name for decision in gold if decision.call]
    assert names.index("take") < names.index("use") == len(names) - 1
    assert gold[-1].call == ToolCall("use", {"object": "desklamp 1"})


def test_a_stored_solution_gets_thoughts_that_say_what_a_step_is_for():
    commands = ["go to cabinet 1", "open cabinet 1", "take egg 2 from cabinet 1", "go to microwave 1",
                "heat egg 2 with microwave 1", "go to sinkbasin 1", "put egg 2 in/on sinkbasin 1"]  # fmt: skip
    gold = list(decisions(commands, random.Random(1)))
    assert [decision.call for decision in gold] == [read_command(command) for command in commands]
    assert "an egg" in (gold[0].thought or "")
    assert "egg 2" not in (gold[0].thought or "") + (gold[1].thought or "")  # not seen yet
    assert "microwave 1" in (gold[3].thought or "")
    assert "sinkbasin 1" in (gold[5].thought or "")
    with pytest.raises(NoExpert, match="slice"):
        list(decisions(["slice apple 1 with knife 1"], random.Random(0)))


def test_commands_are_read_in_both_wordings_and_written_in_one():
    put = ToolCall("put", {"object": "apple 1", "receptacle": "fridge 1"})
    assert read_command("move apple 1 to fridge 1") == read_command("put apple 1 in/on fridge 1") == put
    assert write_command(put) == "put apple 1 in/on fridge 1"
    assert reworded("You move the apple 1 to the fridge 1.") == "You put the apple 1 in/on the fridge 1."
    assert read_command("help") is None
    assert read_command("slice apple 1 with knife 1") is None
    for tool in TOOLS:
        call = ToolCall(tool.name, {name: f"{name} 1" for name in tool.arguments})
        assert read_command(write_command(call)) == call


def test_imported_trajectories_have_the_same_tools():
    imported = {tool.name: tool for tool in ALFWORLD}
    for tool in TOOLS:
        assert replace(tool, also=()) == imported[tool.name]


@pytest.mark.parametrize("form", ["put {} in/on {}", "move {} to {}", "put {} in {}", "put {} on {}"])
def test_a_model_may_write_either_wording(form):
    put = ToolCall("put", {"object": "apple 1", "receptacle": "fridge 1"})
    line = form.format("apple 1", "fridge 1")
    assert Command().read(f"Thought: Done.\nAction: {line}", TOOLS) == Decision("Done.", put)
    assert Command().text(Decision(None, put), TOOLS) == "Action: put apple 1 in/on fridge 1"


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("fly", {}),
        ToolCall("go", {}),
        ToolCall("go", {"receptacle": 3}),
        ToolCall("take", {"object": "mug 1", "receptacle": "  "}),
    ],
)
def test_calls_that_make_no_sense_are_invalid_actions(call):
    with pytest.raises(InvalidAction):
        write_command(call)


@settings(max_examples=100)
@given(st.text(min_size=1).filter(str.strip))
def test_no_argument_breaks_a_command(text):
    command = write_command(ToolCall("go", {"receptacle": text}))
    assert "\n" not in command
    nearest(command, ["go to fridge 1", "look"])


def test_bleu_is_that_of_the_usual_library():
    """Values of nltk 3.10's sentence_bleu with SmoothingFunction().method4, which AgentBench uses."""
    for words, reference, value in NLTK:
        assert bleu(words.split(), reference.split()) == pytest.approx(value, abs=1e-6)


def test_the_nearest_command_is_the_one_with_the_highest_bleu():
    admissible = ["examine fridge 1", "go to cabinet 1", "go to fridge 1", "look", "take apple 1 from fridge 1"]
    assert nearest("go to the fridge 1", admissible) == "go to fridge 1"
    assert nearest("take apple 2 from fridge 1", admissible) == "take apple 1 from fridge 1"
    assert nearest("take apple", admissible) == "take apple 1 from fridge 1"
    assert nearest("sing", admissible) is None
    assert nearest("look", []) is None


NLTK = (
    ("go to the fridge 1", "go to fridge 1", 0.171418),
    ("take apple 2 from fridge 1", "take apple 1 from fridge 1", 0.293946),
    ("open fridge", "open fridge 1", 0.134279),
    ("look", "look", 1.0),
    ("sing", "look", 0.0),
)
