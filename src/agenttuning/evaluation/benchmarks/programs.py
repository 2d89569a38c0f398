"""Programs of a model, each run in a sandbox of its own: right where the benchmark's test comes to its end in it.

That a program passed is told by a word that it cannot guess: one drawn for this run, which the script that runs it
reads before and prints after the test. Leaving early with status 0 is no pass, nor is printing whatever.

>>> verdict(Program("def add(a, b): return a + b", "def check(f): assert f(1, 2) == 3", "add"))
'passed'
"""

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agenttuning.errors import EnvironmentFailure
from agenttuning.sandbox import MIB, Limits, Sandbox

SECONDS = 10.0
"""For one program with its test; human-eval gives 3, which a busy machine needs for Python to start."""

LIMITS = Limits(memory=512 * MIB, disk=64 * MIB, files=1000, processes=32, seconds=SECONDS, output=4096)
AT_ONCE = 2

# Runs in the box: `program`'s text is this script's argument, what it prints goes nowhere.
_SCRIPT = """
import os, sys, types
word, out = sys.stdin.readline().strip(), os.dup(1)
nowhere = os.open(os.devnull, os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(nowhere, number)
def run(word, out):
    with open(sys.argv[1]) as stream:
        text = stream.read()
    sys.modules["program"] = module = types.ModuleType("program")  # not __main__: examples of its use do not run
    try:
        exec(compile(text, "program.py", "exec"), module.__dict__)
    except BaseException as error:
        word = f"failed: {type(error).__name__}: {error}"
    os.write(out, word.encode("utf-8", "replace")[:300])
    os._exit(0)
run(word, out)
"""


@dataclass(frozen=True, slots=True)
class Program:
    """`code` defines the function `entry_point`, which `test` hands to its own function `check`."""

    code: str
    test: str
    entry_point: str

    @property
    def text(self) -> str:
        return f"{self.code}\n\n{self.test}\n\ncheck({self.entry_point})\n"


def verdict(program: Program, limits: Limits = LIMITS) -> str:
    """``passed``, ``timed out`` or ``failed: WHY``. Raises EnvironmentFailure where no box can be kept."""
    word = secrets.token_hex(16)
    with Sandbox(limits) as box:
        try:
            box.write("/root/run.py", _SCRIPT)
            box.write("/root/program.py", program.text)
        except OSError as error:
            return f"failed: {error}"
        ran = box.run_program(["python3", "-I", "/root/run.py", "/root/program.py"], stdin=f"{word}\n")
    if ran.output == word:
        return "passed"
    if ran.timed_out:
        return "timed out"
    return ran.output[:300] if ran.output.startswith("failed: ") else f"failed: ended early with status {ran.status}"


def verdicts(programs: Sequence[Program], limits: Limits = LIMITS) -> Iterator[str]:
    """In the order of the programs, two at a time. One whose box was lost twice has failed."""

    def run(program: Program) -> str:
        for _ in range(2):
            try:
                return verdict(program, limits)
            except EnvironmentFailure as error:
                lost = str(error)
        return f"failed: {lost}"

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="programs") as threads:
        futures = [threads.submit(run, program) for program in programs]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
