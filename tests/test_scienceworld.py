"""ScienceWorld's tools, lists, order and thoughts; no simulator is needed."""

import json
import random
from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.agents.human import read_call
from agenttuning.dialects.command import Command
from agenttuning.environments.scienceworld import files, gold, tasks
from agenttuning.environments.scienceworld.commands import TOOLS, read_command, write_command
from agenttuning.environments.scienceworld.gold import THOUGHTS, decisions, ordinal, shortened
from agenttuning.environments.scienceworld.tasks import KINDS, PARTS, ordered
from agenttuning.environments.scienceworld.text import MOST_CHARACTERS, asks, shown
from agenttuning.errors import BadInput, InvalidAction
from agenttuning.trajectory import Decision, ToolCall

# How many variations the simulator has of each kind, by its own count (1.2.3).
COUNTS = {
    "boil": 30, "change-the-state-of-matter-of": 30, "chemistry-mix": 32, "chemistry-mix-paint-secondary-color": 36,
    "chemistry-mix-paint-tertiary-color": 36, "find-animal": 300, "find-living-thing": 300,
    "find-non-living-thing": 300, "find-plant": 300, "freeze": 30, "grow-fruit": 126, "grow-plant": 126,
    "identify-life-stages-1": 14, "identify-life-stages-2": 10, "inclined-plane-determine-angle": 168,
    "inclined-plane-friction-named-surfaces": 1386, "inclined-plane-friction-unnamed-surfaces": 162,
    "lifespan-longest-lived": 125, "lifespan-longest-lived-then-shortest-lived": 125, "lifespan-shortest-lived": 125,
    "measure-melting-point-known-substance": 436, "measure-melting-point-unknown-substance": 300, "melt": 30,
    "mendelian-genetics-known-plant": 120, "mendelian-genetics-unknown-plant": 480, "power-component": 20,
    "power-component-renewable-vs-nonrenewable-energy": 20, "test-conductivity": 900,
    "test-conductivity-of-unknown-substances": 600, "use-thermometer": 540,
}  # fmt: skip


def in_parts(count: int) -> dict[str, range]:
    """The simulator's split: a half, a quarter, and what is left."""
    quarter = count // 4
    return {
        "train": range(2 * quarter),
        "dev": range(2 * quarter, 3 * quarter),
        "test": range(3 * quarter, count),
    }


VARIATIONS = {part: {name: in_parts(count)[part] for name, count in COUNTS.items()} for part in PARTS}


def describe(name: str, variation: int) -> str:
    return f"Your task is {name}, number {variation}."


def load(tmp_path, *records, **options):
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records), encoding="utf-8")
    return files.load(path, VARIATIONS, describe, **options)


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("look around", ToolCall("look_around", {})),
        ("examine substance in metal pot", ToolCall("look_at", {"object": "substance in metal pot"})),
        ("go to art studio", ToolCall("go", {"place": "art studio"})),
        ("teleport to outside", ToolCall("teleport", {"place": "outside"})),
        ("open door to hallway", ToolCall("open", {"object": "door to hallway"})),
        ("drop copper", ToolCall("put_down", {"object": "copper"})),
        ("move soil in inventory to pot 2", ToolCall("move", {"object": "soil in inventory", "container": "pot 2"})),
        (
            "pour cup containing blue paint in art studio in jug",
            ToolCall("pour", {"object": "cup containing blue paint in art studio", "container": "jug"}),
        ),
        (
            "pour cup containing blue paint in art studio in cup containing red paint in table",
            ToolCall(
                "pour",
                {
                    "object": "cup containing blue paint in art studio",
                    "container": "cup containing red paint in table",
                },
            ),
        ),
        ("pour jug into flower pot 2", ToolCall("pour", {"object": "jug", "container": "flower pot 2"})),
        (
            "use thermometer in inventory on substance in metal pot",
            ToolCall("use", {"tool": "thermometer in inventory", "object": "substance in metal pot"}),
        ),
        (
            "connect battery anode to black wire terminal 1",
            ToolCall("connect", {"terminal": "battery anode", "other": "black wire terminal 1"}),
        ),
        ("focus on green box", ToolCall("focus", {"object": "green box"})),
        ("wait", ToolCall("wait", {})),
        ("wait1", ToolCall("wait1", {})),
        ("12", ToolCall("choose", {"number": 12})),
    ],
)  # fmt: skip
def test_a_command_of_the_simulator_is_a_call_and_the_other_way_round(command, call):
    assert read_command(command) == call
    assert read_command(write_command(call)) == call


@pytest.mark.parametrize("command", ["reset task", "help", "objects", "", "  ", "choose 3", "fly to moon"])
def test_what_no_tool_does_is_no_call(command):
    assert read_command(command) is None


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_is_written_and_read_as_a_command(tool):
    texts = dict.fromkeys(tool.arguments, "flower pot 2")
    call = ToolCall(tool.name, {"number": 3} if tool.name == "choose" else texts)
    written = Command().text(Decision("I see.", call), TOOLS)
    assert "{" not in written
    assert Command().read(written, TOOLS) == Decision("I see.", call)
    for phrase in tool.also:
        assert read_call(phrase.format(**texts), TOOLS) == call
    assert write_command(call) == (tool.phrase.format(**call.arguments) if tool.name != "choose" else "3")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ToolCall("fly", {}), "There is no tool 'fly'"),
        (ToolCall("open", {}), "open needs object"),
        (ToolCall("open", {"object": "   "}), "open needs object"),
        (ToolCall("open", {"object": ["door"]}), "open needs object"),
        (ToolCall("choose", {"number": "1"}), "choose needs number"),
        (ToolCall("choose", {"number": True}), "choose needs number"),
        (ToolCall("choose", {"number": -1}), "choose needs number"),
    ],
)
def test_a_call_that_is_none_is_told(call, told):
    with pytest.raises(InvalidAction, match=told):
        write_command(call)


@given(st.sampled_from(TOOLS), st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_whatever_a_model_writes_becomes_one_short_line_or_a_message(tool, value):
    try:
        command = write_command(ToolCall(tool.name, dict.fromkeys(tool.arguments, value)))
    except InvalidAction:
        return
    assert len(command.splitlines()) == 1
    assert len(command) < 500
    assert command == command.strip()
    assert command not in ("help", "objects", "reset task")


def test_all_variations_of_the_simulator_are_there_once_and_no_two_splits_share_one():
    found = [pair for part in PARTS for pair in ordered(part, 0, VARIATIONS[part])]
    assert len(found) == len(set(found)) == sum(COUNTS.values()) == 7207
    assert set(KINDS) == set(COUNTS)
    assert [len(list(ordered(part, 3, VARIATIONS[part]))) for part in PARTS] == [3592, 1796, 1819]


def test_the_first_270_test_tasks_are_those_of_agenttuning():
    # load_variation of upstream's eval_utils.py, told in its own terms: the number of a kind is its place by name.
    wanted = set()
    for number, name in enumerate(sorted(COUNTS)):
        variations = list(VARIATIONS["test"][name])
        length = {25: 5, 15: 9}.get(number, min(10, len(variations)))
        random.seed(1)
        random.shuffle(variations)
        wanted |= {(name, variation) for variation in variations[:length]}
    assert len(wanted) == 270
    found = list(ordered("test", 0, VARIATIONS["test"]))
    assert set(found[:270]) == wanted
    assert found == list(ordered("test", 0, VARIATIONS["test"]))
    assert found[:270] != list(ordered("test", 1, VARIATIONS["test"]))[:270]


@pytest.mark.parametrize("part", PARTS)
def test_each_round_has_each_kind(part):
    pairs = list(ordered(part, 0, VARIATIONS[part]))
    assert {name for name, _ in pairs[:30]} == set(COUNTS)
    assert max(Counter(name for name, _ in pairs[:60]).values()) == 2


def test_long_looks_are_shortened_and_the_clock_runs_the_same():
    ticks = {"look at plane": 1, "wait": gold.WAITED, "wait1": 2}
    for run in (1, 20, 21, 33, 130):
        commands = ["activate stopwatch", *["look at plane"] * run, "deactivate stopwatch", *["wait1"] * 30]
        short = shortened(commands)
        assert sum(ticks.get(c, 1) for c in short) == sum(ticks.get(c, 1) for c in commands)
        assert len(short) <= len(commands)
        assert short[:2] == commands[:2]
        assert short[-32:] == commands[-32:]
    assert len(shortened(["look at plane"] * 130)) == 20


def test_no_three_turns_of_the_expert_are_the_same():
    commands = ["open door to kitchen", "go to kitchen", *["wait1"] * 25, *["look at plane"] * 200, "focus on plane"]
    made = list(decisions(commands, "Your task is to boil water.", random.Random(0)))
    assert [write_command(d.call) for d in made] == shortened(commands)
    assert max(len(list(same)) for _, same in groupby(made, key=repr)) == 1
    assert list(decisions(commands, "Your task is to boil water.", random.Random(0))) == made


def test_a_thought_speaks_of_what_is_wanted_only_where_the_agent_knows_it():
    way = ["go to hallway", "go to kitchen"]
    for seed in range(20):
        unknown = [d.thought for d in decisions([*way, "pick up frog egg"], "Find a(n) animal.", random.Random(seed))]
        assert not any("frog" in thought for thought in unknown[:2])
        assert "frog egg" in unknown[2]
        told = [d.thought for d in decisions([*way, "pick up copper"], "Melt copper.", random.Random(seed))]
        assert all("copper" in thought for thought in told)
        held = [d.thought for d in decisions([*way, "move egg in inventory to red box"], "", random.Random(seed))]
        assert all("egg" in thought and "inventory" not in thought for thought in held[:2])


def test_every_thought_can_be_said():
    calls = {tool.name: ToolCall(tool.name, dict.fromkeys(tool.arguments, "cup")) for tool in TOOLS}
    calls["choose"] = ToolCall("choose", {"number": 0})
    for call in calls.values():
        for seed in range(5):
            (decision,) = decisions([write_command(call)], "", random.Random(seed))
            assert decision.call == call
            assert decision.thought[0].isupper()
            assert decision.thought.endswith(".") or decision.thought.endswith("?")
            assert "{" not in decision.thought
    assert {key.split()[0] for key in THOUGHTS} == set(calls)
    assert [ordinal(n) for n in (2, 3, 4, 11, 12, 13, 21, 22, 112)] == [
        "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "112th",
    ]  # fmt: skip


def test_an_observation_is_tidy_and_bounded():
    assert shown("In it, you see: \n\ta counter. \n\n\ta sink") == "In it, you see:\n a counter.\n a sink"
    said = "Ambiguous request: Please enter the number for the action you intended (or blank to cancel):\n0:\topen a\n"
    assert asks(said)
    assert "blank" not in shown(said)
    assert shown(said).endswith("\n0: open a")
    long = shown(said + "\n".join(f"{n}:\tmove orange seed (in seed jar) to pot {n}" for n in range(1, 200)))
    assert len(long) <= MOST_CHARACTERS
    assert long.endswith(" more lines are not shown)")
    assert len(shown("\n".join("abcdefgh" * 11 for _ in range(123456)))) <= MOST_CHARACTERS
    assert shown("x" * 5000 + "\nmore").startswith("xxx")


@given(st.text())
def test_no_observation_is_too_long(said):
    assert len(shown(said)) <= MOST_CHARACTERS
    assert len(shown(said * 500)) <= MOST_CHARACTERS


def test_a_list_names_one_variation_or_many(tmp_path):
    made = load(
        tmp_path, {"task": "boil", "variation": 3}, {"task": "1-1", "variation": 3}, {"task": "2-1", "split": "dev"}
    )
    assert made.tasks[0].id == "boil-3"
    assert made.tasks[0].split == "train"
    assert made.tasks[0].goal == describe("boil", 3)
    assert made.tasks[0].data == {
        "level": "hard", "kind": "boil", "variation": 3, "simplification": "easy", "moves": KINDS["boil"].moves,
    }  # fmt: skip
    assert len(made.tasks) == 1 + 135
    assert {task.split for task in made.tasks[1:]} == {"dev"}
    plain = load(tmp_path, {"split": "test", "simplification": ""})
    assert len(plain.tasks) == 1819
    assert all(task.id.endswith("-plain") and task.data["simplification"] == "" for task in plain.tasks)
    assert load(tmp_path, {"split": "test", "simplification": ""}, limit=7).tasks == plain.tasks[:7]
    assert load(tmp_path, json.dumps([{"task": "boil", "variation": 3}])).tasks == made.tasks[:1]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"task": "cook", "variation": 1}, "'task' should be a name or number"),
        ({"task": 4, "variation": 1}, "'task' should be a name or number"),
        ({"task": "boil"}, "needs 'variation' or 'split'"),
        ({"variation": 1}, "needs 'task'"),
        ({"task": "boil", "variation": "1"}, "'variation' should be a number"),
        ({"task": "boil", "variation": True}, "'variation' should be a number"),
        ({"task": "boil", "variation": 30}, "'variation' 30 of boil is not there"),
        ({"task": "boil", "variation": 1, "split": "test"}, "'variation' 1 of boil is not there in test"),
        ({"task": "boil", "split": "tests"}, "'split' should be one of"),
        ({"task": "boil", "split": ["test"]}, "'split' should be one of"),
        ({"task": "boil", "variation": 1, "simplification": "hard"}, "'simplification' should be some of"),
        ({"task": "boil", "variation": 1, "simplification": None}, "'simplification' should be some of"),
        ({"task": "power-component", "variation": 1, "simplification": "noElectricalAction"}, "no solution without"),
        ({"task": "boil", "variation": 1, "sed": 1}, "there is no field 'sed'"),
        ("[1]", "record 1: expected a JSON object"),
        ("{", "not JSON"),
    ],
)
def test_a_bad_record_is_told_with_its_place_or_left_out(tmp_path, record, told):
    with pytest.raises(BadInput, match=told) as caught:
        load(tmp_path, record)
    assert "tasks.jsonl" in str(caught.value)
    left = load(tmp_path, record, skip_bad=True)
    assert (left.tasks, len(left.skipped)) == ((), 1)


def test_an_empty_list_is_told(tmp_path):
    with pytest.raises(BadInput, match="no task in it"):
        load(tmp_path, "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "task": st.sampled_from(["boil", "1-1", "power-component"]) | _JSON,
        "variation": st.integers(-3, 40) | _JSON,
        "split": st.sampled_from(PARTS) | _JSON,
        "simplification": st.sampled_from(["", "easy", "openDoors,teleportAction", "noElectricalAction"]) | _JSON,
    },
)


@given(st.lists(_FIELDS.map(json.dumps) | _JSON.map(json.dumps) | st.text(), max_size=3))
def test_no_file_breaks_the_loader(tmp_path_factory, lines):
    try:
        made = load(tmp_path_factory.getbasetemp(), *lines, limit=3)
    except BadInput:
        return
    for task in made.tasks:
        assert files.setting(task.data) == (task.kind, task.data["variation"], task.data["simplification"])
        assert files.moves(task.data) == KINDS[task.kind].moves


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "cook"}, "'kind' should be"),
        ({"kind": ["boil"]}, "'kind' should be"),
        ({"variation": None}, "'variation' should be"),
        ({"simplification": 3}, "'simplification' should be"),
    ],
)
def test_a_task_with_other_data_is_refused(change, told):
    data = dict(tasks.to_task("boil", 3, "train", "").data) | change
    with pytest.raises(BadInput, match=told):
        files.setting(data)


def test_a_clock_that_is_no_number_is_refused():
    with pytest.raises(BadInput, match="'moves' should be"):
        files.moves({"moves": "many"})
    assert files.moves({}) == tasks.MOVES
