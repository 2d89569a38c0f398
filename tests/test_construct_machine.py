"""Problems on a machine: what a teacher writes is read carefully and tried in real sandboxes."""

import json
from pathlib import Path
from typing import Any

import pytest
from teacher_server import TeacherServer

from agenttuning.atif import read_trajectories
from agenttuning.cli import main
from agenttuning.corpus.construct.checks import COMPARISONS, KINDS
from agenttuning.corpus.construct.machine_prompts import EXAMPLES
from agenttuning.corpus.construct.refusal import Refused
from agenttuning.engines import Reply
from agenttuning.environments.operating_system.problem import Script
from agenttuning.rollout.validate import validate
from agenttuning.sandbox import Sandbox
from agenttuning.sandbox.bubblewrap import lacking
from agenttuning.trajectory import Usage

pytestmark = pytest.mark.skipif(lacking() is not None, reason=f"no sandbox here: {lacking()}")

SOLUTIONS = {
    "exact_match": "stat -c %U $(ls -S /srv/prints/* | head -n 1)",
    "bash_script": "mkdir /srv/empty; cd /srv/inbox; for f in *; do [ -s $f ] || mv $f ../empty; done; echo moved",
    "integer_match": "python3 -c 'print(len(set(open(\"/srv/notes.txt\").read().lower().split())))'",
    "size_match": "cat /srv/app/a.log /srv/app/old/b.log | wc -c",
    "string_match": "cd /srv/backups && ls -t | sed 1q",
}


def said(text: Any) -> Reply:
    return Reply(text if isinstance(text, str) else json.dumps(text), Usage())


@pytest.fixture(scope="module")
def world():
    from agenttuning.corpus.construct.machine import Machine

    return Machine()


def refusal(function, *arguments) -> str:
    with pytest.raises(Refused) as refused:
        function(*arguments)
    return refused.value.reason


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_passes_its_trial(world, kind: str, tmp_path: Path):
    """What the prompts show is tried as a teacher's problem is, and another solver's way agrees."""
    draft = world.trial(world.read(said(EXAMPLES[kind])))
    world.solve(draft, said(f"Like this:\n```bash\n{SOLUTIONS[kind]}\n```"))
    assert refusal(world.solve, draft, said("```bash\necho 0\n```")) == "solver_disagrees"
    folder = world.write(tmp_path / "made.partial", [draft.record])
    (file,) = folder.rglob("*.json")
    assert file.relative_to(folder).as_posix() == "data/train_made/training.json"
    assert json.loads(file.read_text())[0]["description"] == EXAMPLES[kind]["problem"]


def teach(request: dict) -> str:
    """Writes the examples in turn, solves them, and plays them in the react dialect."""
    text = request["messages"][-1]["content"]
    if "Write a new problem" in text:
        return json.dumps(EXAMPLES[KINDS[request["seed"] % 5]])
    opening = request["messages"][1]["content"]
    kind = next(kind for kind in KINDS if EXAMPLES[kind]["problem"] in opening)
    if len(request["messages"]) == 2 and "block of code" in request["messages"][0]["content"]:
        return f"```bash\n{SOLUTIONS[kind]}\n```"
    if len(request["messages"]) == 2:
        return f"Action: bash\nAction Input: {json.dumps({'command': EXAMPLES[kind]['solution']})}"
    if kind == "bash_script":
        return "Action: finish\nAction Input: {}"
    return f"Action: answer\nAction Input: {json.dumps({'text': text.removeprefix('Observation: ')})}"


@pytest.mark.slow
def test_what_is_written_is_collected_and_valid(tmp_path: Path, capsys):
    made = tmp_path / "made"
    with TeacherServer(teach) as server:
        writing = ["--teacher", server.model, "--candidates", "6", "--similarity", "0.95"]
        playing = ["--agent", server.model, "--environments.operating_system", "9", "--dialect", "react"]
        for command in (
            ["construct", "operating_system", "--out", str(made), *writing],
            ["collect", "--out", str(tmp_path / "played"), "--data.operating_system", str(made), *playing],
        ):
            with pytest.raises(SystemExit) as ended:
                main(command)
            assert ended.value.code == 0
    assert "5 tasks of 6 candidates\n  1 refused: duplicate" in capsys.readouterr().out
    played = list(read_trajectories(tmp_path / "played" / "operating_system.jsonl"))
    assert [one.outcome for one in played] == ["solved"] * 5
    assert {one.task.split for one in played} == {"train"}
    result = validate("operating_system", data=made, limit=None, workers=1)
    assert (result.tasks, result.solved, result.skipped) == (5, 5, ())


COUNT = {
    "problem": "How many files are in the folder /srv/box?",
    "init": "mkdir -p /srv/box && touch /srv/box/a /srv/box/b",
    "solution": "ls /srv/box | wc -l",
    "check": {"kind": "integer_match"},
}
CHANGE = {**COUNT, "problem": "Remove all files of the folder /srv/box.", "solution": "rm /srv/box/*"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"init": "mkdir /srv/box; exit 3"}, "setup_failed"),
        ({"solution": "ls /srv/none"}, "reference_failed"),
        ({"solution": "true"}, "reference_failed"),
        ({"solution": "seq 1000"}, "result_too_large"),
        ({"solution": "ls /srv/box"}, "reference_refused"),
        ({"check": {"kind": "exact_match", "answer": "3"}}, "reference_refused"),
        ({"solution": "echo $RANDOM$RANDOM"}, "reference_refused"),
        ({"check": {"kind": "bash_script", "script": "true"}}, "accepts_nonsense"),
        ({"check": {"kind": "bash_script", "script": "[ -d /srv/box ]"}}, "accepts_nonsense"),
    ],
)
def test_what_does_not_hold_is_refused(world, changed: dict, reason: str):
    draft = world.read(said({**COUNT, **changed}))
    assert refusal(world.trial, draft) == reason


def test_a_change_is_judged_by_the_machine(world):
    check = {"kind": "bash_script", "script": '[ -z "$(ls -A /srv/box)" ]'}
    draft = world.trial(world.read(said({**CHANGE, "check": check})))
    assert draft.about == {"answers": False}
    world.solve(draft, said("```bash\nfind /srv/box -type f -delete; echo done\n```"))
    assert refusal(world.solve, draft, said("```bash\nrm /srv/box/a\n```")) == "solver_disagrees"


def test_garbage_is_refused_by_name(world):
    read = world.read
    assert refusal(read, said("Sure, here is a problem!")) == "no_json"
    assert refusal(read, said("{" * 5000)) == "no_json"
    assert refusal(read, said('{"problem": ' + "[" * 300 + "]" * 300 + "}")) == "no_json"
    assert refusal(read, Reply('{"problem": "How', Usage(), "length")) == "cut"
    assert refusal(read, said("x" * 100_000)) == "too_long"
    assert refusal(read, said({**COUNT, "problem": "x " * 2000})) == "too_long"
    for changed in (
        {"problem": 7}, {"problem": " "}, {"solution": None}, {"init": ["a"]}, {"check": "integer_match"},
        {"check": {}},
        {"check": {"kind": ["integer_match"]}}, {"check": {"kind": "eval"}}, {"check": {"kind": "exact_match"}},
        {"check": {"kind": "bash_script"}}, {"solution": "a\0b"},
    ):  # fmt: skip
        assert refusal(read, said({**COUNT, **changed})) == "fields", changed
    thinking = "<think>{not this}</think>\n```json\n" + json.dumps(COUNT).replace("\\n", "\n") + "\n```"
    assert read(said(thinking)).instruction == COUNT["problem"]
    assert read(said({**COUNT, "problem": "How many \ud800?"})).instruction == "How many ??"
    assert refusal(world.solve, world.read(said(COUNT)), said("ls | wc -l")) == "solver_unreadable"


def test_the_comparisons_are_exact():
    cases = {
        "integer_match": ((("3", " 3\n"), True), (("3", "4"), False), (("3.0", "3"), False), (("three", "3"), False)),
        "size_match": (
            (("2200", "2200"), True), (("2K", "2048"), True), (("2 KB", "2048"), True), (("1.5KiB", "1536"), True),
            (("1m", "1048576"), True), (("2 bytes", "2"), True), (("2000", "2048"), False), (("2KBs", "2048"), False),
            (("", "0"), False),
        ),
        "string_match": ((("a\r\nb", "a\nb\n"), True), (("a b", "a  b"), False), (("A", "a"), False)),
    }  # fmt: skip
    with Sandbox() as box:
        for kind, pairs in cases.items():
            for arguments, same in pairs:
                ran = Script(COMPARISONS[kind], "python").run(box, arguments, seconds=20, folder="/root")
                assert (ran.status == 0) is same, (kind, arguments, ran.output)
