"""HumanEval (Chen et al., arXiv 2107.03374): write a Python function from its head; its test decides, in a sandbox.

The model is asked as a chat for the whole function in a block of code. A reply without the function continues the head,
up to what begins at the margin, as base models are read.

>>> pass_at_k(n=10, c=3, k=5)
0.9166666666666666
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from statistics import fmean

from agenttuning.conversation import Conversation, user
from agenttuning.engines import Engine, Sampling
from agenttuning.evaluation.benchmarks.asking import Progress, Question, Replies, Rows, ask
from agenttuning.evaluation.benchmarks.files import Row
from agenttuning.evaluation.benchmarks.programs import LIMITS, Program, verdicts

MAX_TOKENS = 512
KS = (1, 10, 100)  # of pass@k, as far as there are so many programs for a problem
_BLOCK = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
# Where a continued body ends: the next thing at the margin (the paper's stop sequences).
_MARGIN = re.compile(r"\n(?=class\b|def\b|#|if\b|print\b|```)")


@dataclass(frozen=True)
class HumanEval:
    """`samples` programs for each problem, drawn at `temperature` where there are several."""

    name = "humaneval"
    problems: Sequence[Row]
    samples: int = 1
    temperature: float = 0.0
    seed: int = 0

    def ask(self, engine: Engine, folder: Path, progress: Progress | None = None) -> Replies:
        questions = [
            Question(
                f"{row['task_id']}/{sample}",
                Conversation((user(question(row["prompt"])),)),
                Sampling(max_tokens=MAX_TOKENS, temperature=self.temperature, seed=self.seed * 1_000_003 + sample),
            )
            for sample in range(self.samples)
            for row in self.problems
        ]
        return ask(engine, questions, folder / "humaneval.jsonl", progress=progress)

    def run(self, replies: Replies, folder: Path, progress: Progress | None = None) -> dict[str, list[bool]]:
        """Which of a problem's programs pass, by its id; why others do not is in programs.jsonl."""
        rows = Rows(folder / "programs.jsonl")
        programs = {
            f"{row['task_id']}/{sample}": Program(
                code(row, replies[f"{row['task_id']}/{sample}"]), row["test"], row["entry_point"]
            )
            for row in self.problems
            for sample in range(self.samples)
        }
        missing = {id: program for id, program in programs.items() if not rows.has(id, program.text)}
        for done, (id, found) in enumerate(
            zip(missing, verdicts(list(missing.values()), LIMITS), strict=True), start=1
        ):
            rows.add({"id": id, "asked": missing[id].text, "verdict": found})
            if progress:
                progress(len(programs) - len(missing) + done, len(programs), "programs")
        passed = {row["id"]: row["verdict"] == "passed" for row in rows.settle(list(programs))}
        return {
            row["task_id"]: [passed[f"{row['task_id']}/{sample}"] for sample in range(self.samples)]
            for row in self.problems
        }


def scores(passed: dict[str, list[bool]]) -> tuple[dict[str, float], dict[str, float]]:
    """pass@1 by problem, and the mean pass@k by k, where there are as many programs."""
    items = {id: sum(programs) / len(programs) for id, programs in passed.items()}
    counts = [(len(programs), sum(programs)) for programs in passed.values()]
    least = min(n for n, _ in counts)
    return items, {str(k): fmean(pass_at_k(n, c, k) for n, c in counts) for k in KS if k <= least}


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that one of `k` programs passes, estimated without bias from `c` of `n` that did (the paper's eq. 1).

    Raises ValueError where k is not within 1 and n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"no pass@{k} of {c} passes in {n} programs")
    return 1.0 - comb(n - c, k) / comb(n, k)


def question(head: str) -> str:
    return (
        "Complete this Python function. Answer with the whole function in one block of code, and with no example of "
        f"its use.\n\n```python\n{head.strip()}\n```"
    )


def code(row: Row, reply: str) -> str:
    """The program of a reply: the problem's head, then the reply's function or the body that it goes on with."""
    head, name = row["prompt"], row["entry_point"]
    blocks = _BLOCK.findall(reply) or [reply]
    whole = next((block for block in blocks if re.search(rf"^\s*(async\s+)?def\s+{name}\b", block, re.MULTILINE)), None)
    if whole is not None:
        # The head stands before it for its imports and helpers; its own function, a docstring, is defined again.
        return f"{head}\n    pass\n\n{textwrap.dedent(whole)}"
    return head + _MARGIN.split(blocks[0])[0]
