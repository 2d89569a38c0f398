"""MT-Bench (Zheng et al., arXiv 2306.05685): 80 questions of two turns, each answer rated from 1 to 10 by a judge.

As FastChat's llm_judge does it: its prompts for a single answer, with GPT-4's answers beside for mathematics, reasoning
and coding; a temperature by category; the judge greedy; the rating is the number in the first ``[[…]]``, and the score
the mean of all ratings. Without a judge the answers are stored.

>>> rating("Short but right. Rating: [[8]]")
8.0
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.engines import Engine, Sampling
from agenttuning.errors import BadInput
from agenttuning.evaluation.benchmarks.asking import Progress, Question, Replies, ask
from agenttuning.evaluation.benchmarks.files import Row
from agenttuning.evaluation.statistics import CONFIDENCE, RESAMPLES

MAX_TOKENS, JUDGE_TOKENS = 1024, 2048
# FastChat's llm_judge/common.py; a category that is not here has 0.7.
TEMPERATURES: Mapping[str, float] = {
    "writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0, "stem": 0.1,
    "humanities": 0.1,
}  # fmt: skip
WITH_REFERENCE = frozenset({"math", "reasoning", "coding"})
PROMPTS = {(turn, right): f"single{'-math' if right else ''}-v1{'-multi-turn' if turn == 2 else ''}"
           for turn in (1, 2) for right in (False, True)}  # fmt: skip
_RATINGS = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
_BLANK = re.compile(r"\{(question|answer|ref_answer_1|ref_answer_2|question_1|question_2|answer_1|answer_2)\}")


@dataclass(frozen=True)
class MTBench:
    """`prompts` are the judge's by name; `references` the right answers to both turns by question id."""

    name = "mt_bench"
    questions: Sequence[Row]
    prompts: Mapping[str, Row]
    references: Mapping[int, Sequence[str]]
    seed: int = 0

    def ask(self, engine: Engine, folder: Path, progress: Progress | None = None) -> Replies:
        """The answers to both turns by ``ID/TURN``."""
        first = [self._question(row, 1) for row in self.questions]
        answers = ask(engine, first, folder / "mt_bench_1.jsonl", progress=progress)
        second = [self._question(row, 2, answers[f"{row['question_id']}/1"]) for row in self.questions]
        return answers | ask(engine, second, folder / "mt_bench_2.jsonl", progress=progress)

    def judge(self, judge: Engine, answers: Replies, folder: Path, progress: Progress | None = None) -> Replies:
        """What the judge says about each answer; an answer that is empty is judged like any other."""
        asked = [self._judging(row, turn, answers) for turn in (1, 2) for row in self.questions]
        return ask(judge, asked, folder / "judgements.jsonl", progress=progress)

    def check_judging(self) -> None:
        """Raises BadInput where the judge's prompts or a right answer are not at hand."""
        if lacking := [name for name in PROMPTS.values() if name not in self.prompts]:
            raise BadInput(f"judge_prompts.jsonl: no {', '.join(lacking)}; take FastChat's llm_judge/data")
        wanted = [row["question_id"] for row in self.questions if row["category"] in WITH_REFERENCE]
        if lacking := [str(id) for id in wanted if len(self.references.get(id, ())) != 2]:
            raise BadInput(
                f"MT-Bench: no reference answers to the questions {', '.join(lacking[:8])}; put GPT-4's of FastChat "
                "(reference_answer/gpt-4.jsonl) beside the questions"
            )

    def _question(self, row: Row, turn: int, answer: str = "") -> Question:
        messages = [user(row["turns"][0])]
        if turn == 2:
            messages += [assistant(Segment(answer)), user(row["turns"][1])]
        heat = TEMPERATURES.get(row["category"], 0.7)
        sampling = Sampling(max_tokens=MAX_TOKENS, temperature=heat, seed=self.seed)
        return Question(f"{row['question_id']}/{turn}", Conversation(tuple(messages)), sampling)

    def _judging(self, row: Row, turn: int, answers: Replies) -> Question:
        id, right = row["question_id"], row["category"] in WITH_REFERENCE
        texts = {"question": row["turns"][0], "answer": answers[f"{id}/1"]}
        texts |= {f"question_{i}": text for i, text in enumerate(row["turns"], start=1)}
        texts |= {f"answer_{i}": answers[f"{id}/{i}"] for i in (1, 2)}
        if right:
            texts |= {f"ref_answer_{i}": text for i, text in enumerate(self.references[id], start=1)}
        prompt = self.prompts[PROMPTS[turn, right]]
        # In one pass: an answer that holds "{question}" stays as it is.
        asked = _BLANK.sub(lambda blank: texts.get(blank[1], blank[0]), prompt["prompt_template"])
        conversation = Conversation((system(prompt["system_prompt"]), user(asked)))
        return Question(f"{id}/{turn}", conversation, Sampling(max_tokens=JUDGE_TOKENS))


def rating(judgement: str) -> float | None:
    """The number in the first ``[[…]]``, or else ``[…]``; None where there is none, or it is not from 1 to 10."""
    for pattern in _RATINGS:
        if match := pattern.search(judgement):
            value = float(match[1])
            return value if 1 <= value <= 10 else None
    return None


def scores(judgements: Replies, seed: int | str = 0) -> tuple[dict[str, float], dict[str, Any]]:
    """Each question's mean rating, and {n, mean, low, high, turns, unrated} over all ratings.

    The interval is a bootstrap's that draws questions with both of their ratings. Raises BadInput where none is rated.
    """
    rated: dict[str, list[float]] = {}
    turns: dict[str, list[float]] = {"1": [], "2": []}
    for id, judgement in judgements.items():
        question, turn = id.split("/")
        if (value := rating(judgement)) is not None:
            rated.setdefault(question, []).append(value)
            turns[turn].append(value)
    every = list(rated.values())
    if not every:
        raise BadInput("MT-Bench: the judge rated no answer; look at judgements.jsonl, it should end in [[RATING]]")
    dice = Random(f"mt-bench {seed}")
    means = sorted(fmean(chain(*dice.choices(every, k=len(every)))) for _ in range(RESAMPLES))
    cut = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    row: dict[str, Any] = {"n": len(every), "mean": fmean(chain(*every)), "low": means[cut], "high": means[-1 - cut]}
    row["turns"] = {turn: fmean(values) for turn, values in turns.items() if values}
    row["unrated"] = len(judgements) - sum(map(len, every))
    return {question: fmean(values) for question, values in rated.items()}, row


def spread(questions: Sequence[Row], limit: int) -> list[Row]:
    """The first `limit` questions when the categories take turns, in the order of the file."""
    seen: dict[str, int] = {}
    places = []
    for place, row in enumerate(questions):
        places.append((seen.setdefault(row["category"], 0), place))
        seen[row["category"]] += 1
    return [questions[place] for place in sorted(place for _, place in sorted(places)[:limit])]
