"""What goes wrong in an episode, by rules over its trajectory alone: the same for every environment and model.

AgentTuning (arXiv 2310.12823, figure "error analysis") counts invalid actions, short and long repetitions, refusals and
call errors by rules that it does not print; format errors and limits are this package's. So the names are the paper's
and the thresholds ours, each with its reason below. An episode may fall under several rules, also a solved one.

>>> errors_of(trajectory)
('invalid_action', 'limit')
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agenttuning.corpus.lint.text import refuses
from agenttuning.corpus.turns import reports_failure
from agenttuning.dialects.base import call_faults
from agenttuning.trajectory import Step, Trajectory

SAME_TURNS = 3  # times in a row; three identical outputs are a failure in AgentTuning's own evaluation
LONGEST_CYCLE = 5  # turns
SAME_WORDS = 4  # times in a row; lists and tables of a right answer repeat two or three times
LONGEST_PHRASE = 20  # words and signs
SHORTEST_STRETCH = 50  # characters of a repeated stretch: `NULL, NULL, NULL, NULL` is none
READ = 20_000  # characters of a reply that are searched for repetitions, from its end: there they stand
_TOKEN = re.compile(r"\w+|[^\w\s]")


def invalid_action(trajectory: Trajectory) -> bool:
    """A turn could be read and not be carried out: a tool that is not offered, a message where a tool is due, something
    that the environment does not admit then and there, or the nearest admissible action was taken in its place."""
    return any(step.error == "invalid" and not _called_wrongly(step, trajectory) for step in trajectory.steps)


def call_error(trajectory: Trajectory) -> bool:
    """An offered tool was called with arguments that it does not take, or it answered with an error (a statement that
    is no SQL, a command that is not found)."""
    return any(_called_wrongly(step, trajectory) or (step.error is None and _failed(step)) for step in trajectory.steps)


def format_error(trajectory: Trajectory) -> bool:
    """A reply could not be read in the dialect that was asked for."""
    return any(step.error == "format" for step in trajectory.steps)


def short_repetition(trajectory: Trajectory) -> bool:
    """Within one reply the same one to LONGEST_PHRASE words stand SAME_WORDS times in a row."""
    return any(_repeats_words(_text(step)[-READ:]) for step in trajectory.steps)


def long_repetition(trajectory: Trajectory) -> bool:
    """The same one to LONGEST_CYCLE turns, with what came back, SAME_TURNS times in a row; or the episode was ended for
    identical outputs. Turns that look alike and bring something new, such as turning pages, are no repetition."""
    if trajectory.outcome == "loop":
        return True
    turns = [_done(step) for step in trajectory.steps]
    return any(_period_run(turns, period) >= SAME_TURNS * period for period in range(1, LONGEST_CYCLE + 1))


def refusal(trajectory: Trajectory) -> bool:
    """A reply without a call declines to help; the words are those of the lint rule `refusal`."""
    return any(step.decision.call is None and refuses(_text(step)) for step in trajectory.steps)


def limit(trajectory: Trajectory) -> bool:
    """The episode ended at its turns, its context or the tokens of a reply."""
    return trajectory.outcome in ("turn_limit", "token_limit")


RULES: Mapping[str, Callable[[Trajectory], bool]] = {
    "invalid_action": invalid_action,
    "short_repetition": short_repetition,
    "long_repetition": long_repetition,
    "refusal": refusal,
    "call_error": call_error,
    "format_error": format_error,
    "limit": limit,
}
WRONG_RESULT = "wrong_result"  # it ended by itself without success, and no rule saw why
CLASSES = (*RULES, WRONG_RESULT)


def errors_of(trajectory: Trajectory) -> tuple[str, ...]:
    """The classes of an episode, in the order of CLASSES; () for one without an error, and for one that the
    environment or the engine broke before any was made."""
    found = tuple(name for name, holds in RULES.items() if holds(trajectory))
    return found or ((WRONG_RESULT,) if trajectory.outcome == "failed" else ())


def error_items(trajectories: Sequence[Trajectory]) -> dict[str, dict[str, float]]:
    """The classes of each task that has any, with the share of its tries that they were found in: 1.0 for one try."""
    tries: dict[str, list[tuple[str, ...]]] = {}
    for trajectory in trajectories:
        tries.setdefault(trajectory.task.id, []).append(errors_of(trajectory))
    return {
        task_id: shares
        for task_id, found in sorted(tries.items())
        if (shares := {name: n / len(found) for name in CLASSES if (n := sum(name in one for one in found))})
    }


def class_values(environment: Mapping[str, Any], name: str) -> dict[str, float]:
    """One class by task, 0.0 where it was not found, of an environment's row in `scores.json`."""
    items = environment["errors"]["items"]
    return {task_id: items.get(task_id, {}).get(name, 0.0) for task_id in environment["items"]}


def _called_wrongly(step: Step, trajectory: Trajectory) -> bool:
    """Whether the call's arguments are not those of its tool; a tool that is not there is another matter."""
    call = step.decision.call
    if step.error != "invalid" or call is None:
        return False
    return any(fault != "unknown-tool" for fault, _ in call_faults(call, trajectory.tools))


def _failed(step: Step) -> bool:
    return step.decision.call is not None and reports_failure(step.observation)


def _text(step: Step) -> str:
    if step.written is not None:
        return step.written
    return "\n".join(part for part in (step.decision.thought, step.decision.message) if part)


def _done(step: Step) -> tuple[object, str]:
    decision = step.decision
    read = decision.call is not None or decision.message is not None
    return (repr((decision.call, decision.message)) if read else step.written, step.observation)


def _repeats_words(text: str) -> bool:
    found = list(_TOKEN.finditer(text))
    words = [token.group().lower() for token in found]
    for period in range(1, LONGEST_PHRASE + 1):
        for end, length in _period_runs(words, period):
            unit = words[end - period : end]
            stretch = found[end - 1].end() - found[end - length].start()
            if (
                length >= SAME_WORDS * period
                and stretch >= SHORTEST_STRETCH
                and any(c.isalpha() for word in unit for c in word)
            ):
                return True
    return False


def _period_runs(values: Sequence[Any], period: int) -> list[tuple[int, int]]:
    """(end, length) of each stretch in which every value equals the one `period` places before."""
    runs, length = [], 0
    for i in range(period, len(values) + 1):
        if i < len(values) and values[i] == values[i - period]:
            length += 1
        elif length:
            runs.append((i, length + period))
            length = 0
    return runs


def _period_run(values: Sequence[Any], period: int) -> int:
    return max((length for _, length in _period_runs(values, period)), default=min(len(values), period))
