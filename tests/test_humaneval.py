"""HumanEval: the estimator of pass@k, what counts as a program, and programs that mean harm, in real sandboxes."""

import gzip
import json
import os
from math import prod
from pathlib import Path

import pytest
from teacher_server import TeacherServer

from agenttuning import engines
from agenttuning.errors import MissingProgram
from agenttuning.evaluation.benchmarks import humaneval
from agenttuning.evaluation.benchmarks.humaneval import HumanEval, code, pass_at_k
from agenttuning.evaluation.benchmarks.programs import Program, verdict, verdicts
from agenttuning.evaluation.benchmarks.suite import missing, prepare
from agenttuning.sandbox import MIB, Limits
from agenttuning.sandbox.bubblewrap import lacking

boxed = [
    pytest.mark.root,
    pytest.mark.skipif(os.getuid() != 0, reason="needs root"),
    pytest.mark.skipif(lacking() is not None, reason=f"no sandbox here: {lacking()}"),
]
ROW = {
    "task_id": "T/0",
    "prompt": 'from math import sqrt\n\n\ndef root(x: float) -> float:\n    """ The square root of x.\n    """\n',
    "entry_point": "root",
    "test": "def check(candidate):\n    assert candidate(9) == 3\n    assert candidate(0) == 0\n",
}
TEST = "def check(add):\n    assert add(1, 2) == 3\n"
LIMITS = Limits(memory=192 * MIB, disk=16 * MIB, files=500, processes=24, seconds=3.0, output=4096)
OFFICIAL = Path(os.environ.get("AGENTTUNING_DATA", "/nonexistent")) / "humaneval" / "HumanEval.jsonl.gz"

HARMFUL = {
    "leaves early": ("import sys; sys.exit(0)", "failed: SystemExit"),
    "leaves at once": ("import os; os._exit(0)", "failed: ended early"),
    "never ends": ("def add(a, b):\n    while True: pass", "timed out"),
    "eats memory": ("def add(a, b):\n    x = []\n    while True: x.append('a' * 10**7)", "failed"),
    "forks": ("import os\nwhile True: os.fork()", "failed"),
    "calls out": (
        "import socket\ndef add(a, b): socket.create_connection(('1.1.1.1', 80), 1); return 3",
        "failed: OSE",
    ),
    "reads the keyboard": ("def add(a, b): return len(input()) // 8", "failed: EOFError"),
    "kills": ("import os\nos.kill(os.getppid(), 9)\nos.kill(0, 9)", "failed"),
    "cannot be told": ("class X(BaseException):\n    def __str__(self): raise SystemExit\nraise X", "failed"),
    "is no text": ("def add(a, b): return 3\0", "failed"),
    "fills the disk": ("def add(a, b):\n    open('/root/x', 'wb').write(b'1' * 10**8); return 3", "failed"),
}


def published(n: int, c: int, k: int) -> float:
    """The paper's own way to compute it (its figure 3), as a product."""
    return 1.0 if n - c < k else 1.0 - prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def test_pass_at_k_is_the_papers():
    for n in range(1, 25):
        for c in range(n + 1):
            for k in range(1, n + 1):
                assert pass_at_k(n, c, k) == pytest.approx(published(n, c, k), abs=1e-12)
    for n, c, k in ((5, 6, 1), (5, 1, 6), (5, 1, 0)):
        with pytest.raises(ValueError, match="pass@"):
            pass_at_k(n, c, k)


def test_scores_take_as_many_k_as_there_are_programs():
    items, passes = humaneval.scores({"a": [True] + [False] * 9, "b": [False] * 10})
    assert items == {"a": 0.1, "b": 0.0}
    assert passes == pytest.approx({"1": 0.05, "10": 0.5})


def test_the_same_seed_asks_for_the_same_programs_and_each_has_its_own(tmp_path):
    def asked(folder, seed):
        with TeacherServer(lambda request: "no") as server, engines.make(server.model) as engine:
            HumanEval([ROW], samples=3, temperature=0.8, seed=seed).ask(engine, tmp_path / folder)
        return sorted(request["seed"] for request in server.requests)

    first = asked("one", 1)
    assert len(set(first)) == 3
    assert asked("two", 1) == first != asked("three", 2)
    assert asked("one", 1) == []  # they are there


@pytest.mark.parametrize(
    "reply",
    [
        "Here it is:\n```python\nfrom math import sqrt\n\ndef root(x):\n    return sqrt(x)\n```\nIt calls sqrt.",
        "```\ndef root(x):\n    return sqrt(x)\n```",  # the head's import holds
        "```python\nprint(1)\n```\nor rather\n```python\ndef root(x):\n    return sqrt(x)\n```",
        "```python\n  def root(x):\n      return sqrt(x)\n",  # cut off, and indented
        "def root(x):\n    return sqrt(x)\n",
        "    return sqrt(x)\n",
        "    return sqrt(x)\n\nprint(root(9))\nwhile True: pass",
    ],
)
def test_a_reply_becomes_a_program(reply):
    space = {}
    exec(compile(code(ROW, reply), "reply", "exec"), space)  # noqa: S102 (our own text, not a model's)
    assert space["root"](9) == 3


def test_a_reply_of_words_is_no_program():
    with pytest.raises(SyntaxError):
        compile(code(ROW, "I cannot help with that."), "reply", "exec")


@pytest.mark.skipif(not OFFICIAL.exists(), reason="AGENTTUNING_DATA names no folder with humaneval/")
def test_every_published_head_takes_its_solution_either_way():
    for line in gzip.decompress(OFFICIAL.read_bytes()).splitlines():
        row = json.loads(line)
        for reply in (row["canonical_solution"], f"```python\n{row['prompt']}{row['canonical_solution']}```"):
            program = Program(code(row, reply), row["test"], row["entry_point"])
            compile(program.text, row["task_id"], "exec")


class TestInTheSandbox:
    pytestmark = boxed

    def test_a_right_program_passes_whatever_it_prints(self):
        right = "def add(a, b):\n    print('x' * 10**6)\n    return a + b"
        assert list(verdicts([Program(right, TEST, "add"), Program("def add(a, b): return 4", TEST, "add")])) == [
            "passed", "failed: AssertionError: ",
        ]  # fmt: skip

    @pytest.mark.slow
    @pytest.mark.parametrize("name", HARMFUL)
    def test_a_program_that_means_harm_fails_and_the_next_one_runs(self, name):
        harmful, said = HARMFUL[name]
        assert verdict(Program(harmful, TEST, "add"), LIMITS).startswith(said)

    @pytest.mark.slow
    @pytest.mark.skipif(not OFFICIAL.exists(), reason="AGENTTUNING_DATA names no folder with humaneval/")
    def test_every_published_solution_passes(self):
        rows = [json.loads(line) for line in gzip.decompress(OFFICIAL.read_bytes()).splitlines()]
        programs = [Program(code(row, row["canonical_solution"]), row["test"], row["entry_point"]) for row in rows]
        assert [row["task_id"] for row, found in zip(rows, verdicts(programs), strict=True) if found != "passed"] == []

    def test_what_ran_is_not_run_again(self, tmp_path):
        problem = HumanEval([ROW])
        replies = {"T/0/0": "    return sqrt(x)\n"}
        assert problem.run(replies, tmp_path) == {"T/0": [True]}
        before = (tmp_path / "programs.jsonl").read_bytes()
        counted = []
        assert problem.run(replies, tmp_path, lambda *now: counted.append(now)) == {"T/0": [True]}
        assert not counted
        assert (tmp_path / "programs.jsonl").read_bytes() == before
        assert problem.run({"T/0/0": "    return x\n"}, tmp_path) == {"T/0": [False]}


def test_without_a_sandbox_nothing_runs(monkeypatch, tmp_path):
    path = tmp_path / "humaneval" / "HumanEval.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps(ROW) + "\n")
    monkeypatch.setenv("PATH", str(tmp_path))  # no docker there
    monkeypatch.setenv("AGENTTUNING_SANDBOX", "docker")
    with pytest.raises(MissingProgram):
        prepare({"humaneval": 1}, str(tmp_path), model="m")
    assert list(missing(["humaneval", "mt_bench"])) == ["humaneval"]
