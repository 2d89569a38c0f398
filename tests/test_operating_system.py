"""The environment operating_system: its built-in problems, played in real sandboxes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agenttuning.environments.operating_system import OperatingSystem
from agenttuning.environments.operating_system.environment import show
from agenttuning.environments.operating_system.generate import FAMILIES, generate
from agenttuning.environments.operating_system.problem import Match, Problem, Script, from_data, to_data
from agenttuning.environments.operating_system.scene import Scene
from agenttuning.errors import InvalidAction
from agenttuning.rollout.validate import validate
from agenttuning.sandbox import Ran, Sandbox
from agenttuning.sandbox.bubblewrap import lacking
from agenttuning.sandbox.cgroups import places
from agenttuning.trajectory import SPLITS, Task, ToolCall

sandboxed = [
    pytest.mark.root,
    pytest.mark.skipif(os.getuid() != 0, reason="needs root"),
    pytest.mark.skipif(lacking() is not None, reason=f"no sandbox here: {lacking()}"),
]
pytestmark = sandboxed


@pytest.fixture(scope="module")
def environment() -> Iterator[OperatingSystem]:
    made = OperatingSystem()
    yield made
    made.close()


def one_of_each(split: str) -> list[Task]:
    """The first task of every family that the split has."""
    found: dict[str, Task] = {}
    for number in range(400):
        task = generate(split, 0, number)
        found.setdefault(task.kind, task)
    return list(found.values())


def play(environment: OperatingSystem, task: Task) -> list[tuple[ToolCall, str, bool]]:
    environment.reset(task)
    return decided(environment, task)


def decided(environment: OperatingSystem, task: Task) -> list[tuple[ToolCall, str, bool]]:
    """(call, observation, solved) of each of the expert's steps."""
    out = []
    for decision in environment.expert(task):
        assert decision.thought
        assert decision.call is not None
        feedback = environment.step(decision.call)
        out.append((decision.call, feedback.observation, feedback.solved))
    return out


def test_every_family_is_solved_by_its_expert_and_not_by_doing_nothing(environment: OperatingSystem):
    tasks = one_of_each("test")
    assert len(tasks) == len(FAMILIES) >= 25
    for task in tasks:
        environment.reset(task)
        assert not environment.step(ToolCall("finish")).solved, task.kind
        *commands, (last, _, solved) = decided(environment, task)
        assert solved, task.id
        assert len(commands) < environment.max_turns
        assert all(len(observation) <= 800 and "Traceback" not in observation for _, observation, _ in commands)
        if last.name == "answer":  # and it is what the last command printed
            assert last.arguments["text"] in commands[-1][1], (task.kind, commands[-1])
        assert (last.name == "finish") == (task.data["match"] is None)


def test_wrong_answers_score_nothing():
    for split in SPLITS:
        for task in (generate(split, 0, number) for number in range(120)):
            match, gold = from_data(task.data).match, task.data["gold"]["answer"]
            assert (match is None) == (gold is None) == bool(task.data["check"])
            if match is not None:
                assert match.fits(f" {gold}\n")
                assert not any(match.fits(wrong) for wrong in (None, "", f"{gold}0", f"x{gold}", "nothing of the kind"))


def test_an_answer_is_no_change(environment: OperatingSystem):
    task = next(task for task in one_of_each("train") if task.kind == "write_file")
    environment.reset(task)
    assert not environment.step(ToolCall("answer", {"text": "done"})).solved
    play(environment, task)
    environment.reset(task)
    environment.step(ToolCall("bash", {"command": task.data["gold"]["commands"][0][1]}))
    assert environment.step(ToolCall("answer", {"text": "done"})).solved


def test_the_same_task_gives_the_same_observations(environment: OperatingSystem):
    tasks = [task for task in one_of_each("dev") if task.level != "easy"][:4]
    first = [play(environment, task) for task in tasks]
    again = OperatingSystem()
    try:
        assert [play(again, Task(**as_dict(task))) for task in tasks] == first
    finally:
        again.close()


def as_dict(task: Task) -> dict:
    """A task as it comes back from a file: data through JSON, nothing of the generator."""
    return {
        "environment": task.environment, "id": task.id, "split": task.split, "goal": task.goal,
        "data": json.loads(json.dumps(task.data)),
    }  # fmt: skip


def test_splits_are_disjoint_and_prefixes_of_more():
    few, many = (OperatingSystem().tasks("train", limit=limit, seed=3) for limit in (20, 60))
    assert tuple(many[:20]) == tuple(few)
    assert OperatingSystem().tasks("train", limit=20, seed=4) != few
    tasks = {split: [generate(split, 0, number) for number in range(400)] for split in SPLITS}
    assert all(len({task.goal for task in some}) > 330 for some in tasks.values())
    goals = {split: {task.goal for task in some} for split, some in tasks.items()}
    answers = {split: {str(t.data["gold"]) for t in some} for split, some in tasks.items()}
    for one in SPLITS:
        for other in SPLITS:
            if one != other:
                assert not goals[one] & goals[other]
                assert len(answers[one] & answers[other]) < 12  # such as a bare mode or a shell
    train, test = ({task.kind for task in tasks[split]} for split in ("train", "test"))
    assert len(train) >= 25
    assert train < test
    assert {task.level for task in tasks["train"][:20]} == {"easy", "medium", "hard"}


def test_every_family_has_wordings_and_the_dice_decide_everything():
    for family in FAMILIES:
        one, same, other = (family.draw(Scene("test", random.Random(seed))) for seed in (0, 0, 1))
        assert one == same
        assert one != other
        assert len(set(one.goals)) >= 2, family.name
        assert (one.answer is None) == (one.check is not None), family.name


def test_wrong_calls_are_the_models_and_say_what_to_do(environment: OperatingSystem):
    environment.reset(generate("train", 0, 0))
    for call in (ToolCall("bash"), ToolCall("bash", {"command": 3}), ToolCall("answer"), ToolCall("shell")):
        with pytest.raises(InvalidAction):
            environment.step(call)
    assert environment.step(ToolCall("bash", {"command": "true"})).observation == "The output is empty."
    assert environment.step(ToolCall("bash", {"command": "seq 1000"})).observation.endswith(
        "\n[truncated because the output is too long]"
    )


def test_what_is_shown_of_an_output():
    assert show(Ran("a\nb\n", 0)) == "a\nb"
    assert show(Ran("x" * 900, 0)) == "x" * 780 + "\n[truncated because the output is too long]"
    assert (
        show(Ran("", 124, note="The command was ended after 30 seconds."))
        == "[The command was ended after 30 seconds.]"
    )
    assert show(Ran("a\n", 124, note="Ended.")) == "a\n[Ended.]"


def test_scripts_in_every_language_and_what_they_get():
    """As the benchmark has it: the answer first, then what each script before printed; null is the example."""
    with Sandbox() as box:
        python = Script("import sys; print(len(sys.argv), end=''); sys.exit(sys.argv[1] != 'a b')", "python")
        compiled = Script(
            '#include <cstring>\nint main(int n, char**v){return n != 3 || strcmp(v[2], "2") != 0;}', "c++"
        )
        bash = Script('[ "$0" = -- ] && [ "$1" = "a b" ] && [ "$2" = 2 ]')
        problem = Problem(check=(python, compiled, bash))
        assert problem.solved_by("a b", box)
        assert not problem.solved_by("b", box)
        assert Problem(check=(None, Script("[ $1 = None ] && [ $2 = 7 ]")), example=Script("echo 7")).solved_by(
            None, box
        )
        assert not Problem(check=(None,)).solved_by("x", box)
        plain = Script('#include <stdio.h>\nint main(){printf("%d", 6 * 7);return 0;}', "c")
        assert plain.run(box, seconds=20, folder="/root").output == "42"
        assert Script("int main(", "c").run(box, seconds=20, folder="/root").status != 0
        hostile = Problem(check=(Script('[ "$1" = "$(printf %s "$1")" ]'),))
        assert hostile.solved_by("'; rm -rf / #\n$(reboot)", box)


def test_matches_are_the_benchmarks():
    assert Match("4").fits(" 4\n")
    assert not Match("4", strip=False).fits("4 ")
    assert Match(regex="^a+$").fits("aaa")
    assert not Match(regex="^a+$").fits("ab")
    assert not Match("None").fits(None)


def test_a_problem_survives_its_way_through_json():
    problem = Problem(
        init=(Script("touch a"), Script("print()", "python")), start="cd /", match=Match(regex="x", strip=False),
        check=(None, Script("true")), example=Script("ls"), folder="/srv",
    )  # fmt: skip
    assert from_data(json.loads(json.dumps(to_data(problem)))) == problem


def test_validate_solves_everything():
    result = validate("operating_system", limit=4, workers=2)
    assert (result.tasks, result.solved, result.failures) == (12, 12, ())


def test_nothing_is_left_when_the_worker_is_killed():
    code = (
        "from agenttuning.environments.operating_system import OperatingSystem\n"
        "from agenttuning.environments.operating_system.generate import generate\n"
        "from agenttuning.trajectory import ToolCall\n"
        "environment = OperatingSystem()\n"
        "environment.reset(generate('train', 0, 0))\n"
        "print('up', flush=True)\n"
        "environment.step(ToolCall('bash', {'command': 'sleep 1000'}))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "up\n"
    assert len(groups(worker.pid)) == len(places())
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    until = time.monotonic() + 5
    while groups(worker.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert groups(worker.pid) == []


def groups(holder: int) -> list[Path]:
    return [folder for place in places() for folder in place.folder.glob(f"agenttuning-{holder}-*")]


@pytest.mark.slow
def test_sixty_tasks_of_every_split():
    result = validate("operating_system", limit=60, workers=2)
    assert (result.tasks, result.failures) == (180, ())
