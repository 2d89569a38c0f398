"""AgentInstruct, the corpus that AgentTuning released (arXiv 2310.12823): chats of six tasks with a loss flag a turn.

    {"conversations": [{"from": "human", "loss": null, "value": "…"}, {"from": "gpt", "loss": true, …}], "id": "db_0"}

A row becomes a trajectory: what its agent wrote is parsed into calls (`agentinstruct_tasks`), the prompt gives way to
instructions without a format, and demonstrations stay in context as steps that are not trained. What was written stays
beside it, so the same row can be written again. Only episodes that the paper kept were released: reward 1, Mind2Web
2/3 or more; for Mind2Web the reward stands at that least value.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agenttuning.corpus.formats.agentinstruct_tasks import TASKS, ForeignTask
from agenttuning.corpus.formats.base import Format, Item, WriteConfig, imported, kept
from agenttuning.corpus.formats.turns import Turn, left_out, read_turns, steps_of, turns_of, with_calls
from agenttuning.errors import BadRow, FormatError
from agenttuning.trajectory import Task, Trajectory

TEACHER = "gpt-4-0613"
_ID = re.compile(rf"({'|'.join(TASKS)})_\d+")


class AgentInstruct(Format):
    name = "agentinstruct"
    source = "AgentInstruct (arXiv 2310.12823)"
    about = "AgentInstruct's six tasks: conversations of from, loss, value; ids such as db_0"

    def fits(self, row: Mapping[str, Any]) -> bool:
        turns = row.get("conversations")
        if not isinstance(turns, list) or not turns or not isinstance(turns[0], Mapping):
            return False
        return isinstance(row.get("id"), str) and _ID.fullmatch(row["id"]) is not None

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        turns, _, notes = read_turns(row, "conversations", where)
        id = str(row.get("id", ""))
        task = task_of(id, turns)
        if task is None:
            raise BadRow(f"{where}: id {id[:40]!r} is of none of the six tasks, nor are its turns", "unknown_task")
        trajectory, more = trajectory_of(turns, task, id, where, format=self.name)
        if set(row) - {"conversations", "id"}:
            more.add("row_fields")
        return trajectory, tuple(sorted(notes | more))

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        turns, tools = turns_of(item, config.dialect, self.dialect, lost)
        if isinstance(item, Trajectory):
            id = imported(item, self.name).get("id", f"{item.task.environment}_{item.task.id}")
        else:
            id = item.id
        lost.update(left_out(turns, tools=bool(tools) and not isinstance(item, Trajectory), loss=bool))
        names = {"user": "human", "assistant": "gpt", "system": "system", "tool": "human"}
        yield {
            "conversations": [
                {"from": names[turn.role], "loss": _flag(turn), "value": with_calls(turn)} for turn in turns
            ],
            "id": id,
        }


def task_of(id: str, turns: Sequence[Turn]) -> ForeignTask | None:
    """The task that a record's id names, else the one whose form all its trained turns have."""
    named = _ID.fullmatch(id)
    if named is not None:
        return TASKS[named.group(1)]
    trained = [turn.text for turn in turns if turn.role == "assistant" and turn.loss is not False]
    for task in TASKS.values():
        if trained and all(_reads(task, text) for text in trained):
            return task
    return None


def trajectory_of(
    turns: Sequence[Turn], task: ForeignTask, id: str, where: str, *, format: str
) -> tuple[Trajectory, set[str]]:
    """(trajectory, notes) of a chat of one of the six tasks. Raises BadRow: ``turn_order``, ``nothing_read``."""
    start = 0
    while start < len(turns) and turns[start].role == "system":
        start += 1
    # A prompt of its own, which the agent answers with an acknowledgement, stands before the problem.
    answer = turns[start + 1 : start + 3]
    if len(answer) == 2 and answer[0].role == "assistant" and not answer[0].loss and not _reads(task, answer[0].text):
        start += 2
    if start >= len(turns) or turns[start].role == "assistant":
        raise BadRow(f"{where}: no problem stands before the agent's first turn", "turn_order")
    text = turns[start].text
    prompt = task.opening.search(text) if task.opening else None
    before = text[: prompt.end()] if prompt else ""
    prefix = task.prefix
    steps, observed, notes = steps_of(
        turns[start + 1 :], task.read, lambda answer: prefix if answer.startswith(prefix) else "", where
    )
    if all(step.error for step in steps):
        raise BadRow(f"{where}: not one turn of the agent could be read", "nothing_read")
    layout = kept(
        format=format,
        id=id,
        head=[[turn.role, turn.text, turn.loss] for turn in turns[:start]],
        around=[before, ""] if before else None,
        before=observed,
    )
    # The question is asked last before the first trained turn; demonstrations have questions of their own.
    first = next((i for i, step in enumerate(steps) if step.train), 0)
    asked = task.goal.search(turns[start + 2 * first].text)
    opening = text[len(before) :]
    trajectory = Trajectory(
        task=Task(task.environment, id, "train", (asked.group(1) if asked else opening).strip()),
        tools=task.tools,
        instructions=task.instructions,
        opening=opening,
        steps=steps,
        reward=task.least_reward,
        outcome="solved",
        agent=TEACHER,
        meta=layout,
    )
    return trajectory, notes


def _flag(turn: Turn) -> bool | None:
    return None if turn.role != "assistant" else turn.loss is None or bool(turn.loss)


def _reads(task: ForeignTask, text: str) -> bool:
    try:
        task.read(text)
    except FormatError:
        return False
    return True
