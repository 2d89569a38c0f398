"""Problems on a Linux machine: read from a teacher's JSON, tried in sandboxes, written as AgentBench's files.

A trial takes two boxes and the second solver's attempt a third. What is tried is the record as the environment's own
loader reads it, so a file that is written holds what was tried.

>>> world = Machine()
>>> draft = world.trial(world.read(reply))
>>> world.solve(draft, engine.submit(world.solver_prompt(draft), sampling).result())
"""

import json
import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agenttuning.conversation import Conversation
from agenttuning.corpus.construct import machine_prompts
from agenttuning.corpus.construct.checks import KINDS, evaluation
from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.reply import code_of, json_of, text_field
from agenttuning.corpus.construct.world import Draft
from agenttuning.engines.base import Reply
from agenttuning.environments.operating_system import OperatingSystem, agentbench
from agenttuning.environments.operating_system.environment import MAX_OBSERVATION
from agenttuning.environments.operating_system.problem import Problem, from_data
from agenttuning.errors import BadInput, EnvironmentFailure
from agenttuning.files import write_json
from agenttuning.sandbox import Ran, Sandbox

SEEDS = 60  # built-in tasks
MAX_PROBLEM, MAX_SCRIPT = 1_500, 8_000  # characters
MAX_ANSWER = 400
INIT_SECONDS = 30.0
NONSENSE = ("qzx-0-nonsense", "", None)  # None: said to be done, with nothing done


class Machine:
    name = "operating_system"
    judge = "sandbox"

    def __init__(self) -> None:
        OperatingSystem.check()

    def seeds(self, seed: int) -> list[str]:
        return [task.goal for task in OperatingSystem().tasks("train", limit=SEEDS, seed=seed)]

    def prompt(self, topic: str, known: Sequence[str], dice: random.Random) -> Conversation:
        return machine_prompts.writing(topic, known, dice)

    def read(self, reply: Reply) -> Draft:
        value = json_of(reply)
        problem = text_field(value, "problem", most=MAX_PROBLEM)
        explanation = text_field(value, "explanation", most=MAX_PROBLEM, empty=True)
        init = text_field(value, "init", most=MAX_SCRIPT, empty=True)
        solution = text_field(value, "solution", most=MAX_SCRIPT)
        check = value.get("check")
        kind = check.get("kind") if isinstance(check, dict) else None
        if not isinstance(check, dict) or not isinstance(kind, str) or kind not in KINDS:
            raise Refused(
                "fields", f"'check' should be an object with a kind of {', '.join(KINDS)}, found {check!r:.60}"
            )
        if isinstance(check.get("answer"), int | float) and not isinstance(check["answer"], bool):
            check = check | {"answer": str(check["answer"])}
        answer = text_field(check, "answer", most=MAX_ANSWER) if kind == "exact_match" else ""
        script = text_field(check, "script", most=MAX_SCRIPT) if kind == "bash_script" else ""
        record = {
            "description": problem,
            "explanation": explanation,
            "create": {"local": "default", "init": {"code": init or "true"}},
            "evaluation": evaluation(kind, solution=solution, answer=answer, script=script),
            "labels": [kind],
        }
        return Draft(problem, record)

    def trial(self, draft: Draft) -> Draft:
        problem = _loaded(draft.record)
        with _box(problem) as box:
            ran = box.run(draft.record["evaluation"]["example"]["code"])
            if ran.status != 0 or ran.timed_out:
                raise Refused("reference_failed", _told(ran))
            answer = _answer(ran)
            if answer is None and draft.record["labels"] != ["bash_script"]:
                raise Refused("reference_failed", "it printed nothing")
            if answer is not None and len(answer) > MAX_OBSERVATION // 2:
                raise Refused("result_too_large", f"it printed {len(answer)} characters")
            if not problem.solved_by(answer, box):
                raise Refused("reference_refused", f"it printed {answer!r}")
        with _box(problem) as box:
            for nonsense in NONSENSE:
                if problem.solved_by(nonsense, box):
                    raise Refused("accepts_nonsense", "doing nothing" if nonsense is None else repr(nonsense))
        return Draft(draft.instruction, draft.record, {"answers": answer is not None})

    def solver_prompt(self, draft: Draft) -> Conversation:
        return machine_prompts.solving(draft.instruction)

    def solve(self, draft: Draft, reply: Reply) -> None:
        code = code_of(reply, "bash", "sh", "shell", "console")
        if len(code) > MAX_SCRIPT:
            raise Refused("too_long", f"a solution of {len(code)} characters")
        problem = _loaded(draft.record)
        with _box(problem) as box:
            ran = box.run(code)
            answer = _answer(ran) if draft.about["answers"] else None
            if not problem.solved_by(answer, box):
                raise Refused("solver_disagrees", f"it printed {ran.output.strip()[:80]!r}")

    def write(self, folder: Path, records: Sequence[dict[str, Any]]) -> Path:
        """Laid out as AgentBench's folder, in a group whose name begins with train, so that the loader knows what
        the problems are for."""
        write_json(folder / "data" / f"train_{_plain(folder)}" / "training.json", list(records))
        return folder

    def close(self) -> None:
        """Boxes end with their trial."""


def _plain(folder: Path) -> str:
    """A folder's name for ids: the one it will have when its stage is finished."""
    return folder.name.removesuffix(".partial").replace(" ", "_") or "tasks"


def _loaded(record: dict[str, Any]) -> Problem:
    """The record as the environment reads it from a file."""
    with TemporaryDirectory(prefix="agenttuning-") as folder:
        file = Path(folder) / "training.json"
        file.write_text(json.dumps([record]), encoding="utf-8")
        try:
            (task,) = agentbench.load(file).tasks
        except BadInput as error:
            raise Refused("fields", str(error).rpartition(": ")[2]) from None
    return from_data(task.data)


@contextmanager
def _box(problem: Problem) -> Generator[Sandbox]:
    """A new box with the problem's set-up in it."""
    try:
        with Sandbox(folder=problem.folder) as box:
            for script in problem.init:
                ran = script.run(box, seconds=INIT_SECONDS, folder=problem.folder)
                if ran.status != 0 or ran.timed_out:
                    raise Refused("setup_failed", _told(ran))
            yield box
    except EnvironmentFailure as error:
        raise Refused("environment_error", str(error)) from None


def _answer(ran: Ran) -> str | None:
    """What an agent that ran this would answer; None where it would say that it is done."""
    return ran.output.strip() or None


def _told(ran: Ran) -> str:
    return f"status {ran.status}: {ran.output.strip()[-160:]} {ran.note}".strip()
