"""ToolBench (arXiv 2307.16789) in both published layouts: answer trees, and the SFT rows made from them.

An SFT file (toolllama_G123_dfs_train.json) has a row for each step of a path: the conversation up to that step, whose
last turn alone is trained. Rows that continue each other are joined into one trajectory that trains the same turns in
the same context; writing takes them apart again. An answer file holds a tree of calls and the messages of the path
that was kept; branches beside the path are left out, with the note ``search_branches``.

    {"id": "Step 4: …", "conversations": [{"from": "system", …}, {"from": "user", …}, {"from": "assistant",
     "value": "\\nThought: …\\nAction: …\\nAction Input: {}"}, {"from": "function", …}, …]}
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agenttuning.corpus.formats.base import Format, Item, Record, Refuse, Row, WriteConfig, imported, kept
from agenttuning.corpus.formats.toolbench_answers import answer_paths, is_answer
from agenttuning.corpus.formats.tools import plain_tools, read_tools
from agenttuning.corpus.formats.turns import Turn, left_out, read_turns, steps_of, turns_of, with_calls
from agenttuning.dialects.react import React
from agenttuning.errors import BadRow
from agenttuning.trajectory import Decision, Outcome, Task, Trajectory

# What stands before the list of tools in a system prompt.
APIS = "you have access to the following APIs: "
INSTRUCTIONS = (
    "Answer the user's request with the tools. When all is known, or cannot be found out, call Finish with the answer."
)
FINISH = "Finish"


class ToolBench(Format):
    name = "toolbench"
    source = "ToolBench (arXiv 2307.16789)"
    license = "apache-2.0"
    about = "ToolBench: answer trees, or SFT rows with system, user, assistant, function turns"

    def fits(self, row: Mapping[str, Any]) -> bool:
        if is_answer(row):
            return True
        turns = row.get("conversations")
        if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
            return False
        words = {word for turn in turns if isinstance(word := turn.get("from"), str)}
        return (
            words <= {"system", "user", "assistant", "function"}
            and "assistant" in words
            and "Step " in str(row.get("id", ""))[:5]
        )

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        turns, _, notes = read_turns(row, "conversations", where)
        trajectory, more = react_trajectory(_last_trained(turns), str(row.get("id", "")), where, format=self.name)
        if row.get("search_branches") is True:
            more.add("search_branches")
        if set(row) - {"conversations", "id", "search_branches"}:
            more.add("row_fields")
        return trajectory, tuple(sorted(notes | more))

    def records(self, rows: Iterable[Row], refuse: Refuse) -> Iterator[Record]:
        """The trajectories of the rows, those that continue each other joined."""
        held: Record | None = None
        for row in _as_sft(rows, refuse):
            try:
                item, notes = self.item(row.value, row.where)
            except BadRow as error:
                refuse(error)
                continue
            record = Record(row.where, item, notes)
            joined = _join(held, record) if held else None
            if held and joined is None:
                yield held
            held = joined or record
        if held:
            yield held

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        if not isinstance(item, Trajectory):
            lost["no_trajectory"] += 1
            return
        turns, tools = turns_of(item, config.dialect, self.dialect, lost)
        layout = imported(item, self.name)
        goal, ids = item.task.goal, layout.get("ids")
        if not any(turn.role == "system" and APIS in turn.text for turn in turns):
            system = Turn("system", f"{item.instructions}\nSpecifically, {APIS}{plain_tools(tools)!r}")
            turns = [system, *(_as_sft_turn(turn) for turn in turns if turn.role != "system")]
        lost.update(left_out(turns, tools=False, loss=bool) - {"tool_role"})
        trained = [i for i, turn in enumerate(turns) if turn.role == "assistant" and turn.loss in (None, True, 1)]
        if not trained:
            lost["nothing_trained"] += 1
        names = {"tool": "function"}
        for k, i in enumerate(trained):
            id = ids[k] if isinstance(ids, list) and len(ids) == len(trained) else f"Step {i}: {goal}"
            yield {
                "id": id,
                "conversations": [{"from": names.get(t.role, t.role), "value": with_calls(t)} for t in turns[: i + 1]],
            }


def react_trajectory(turns: Sequence[Turn], id: str, where: str, *, format: str) -> tuple[Trajectory, set[str]]:
    """(trajectory, notes) of a chat whose system prompt lists tools and whose agent writes ReAct text.

    Raises BadRow: ``no_tools``, ``bad_tools``, ``turn_order``, ``nothing_read``.
    """
    if len(turns) < 3 or turns[0].role != "system" or turns[1].role != "user":
        raise BadRow(f"{where}: expected a system prompt, a request and the agent's turn", "turn_order")
    system = turns[0].text
    place = system.find(APIS)
    if place < 0:
        raise BadRow(f"{where}: the system prompt lists no tools ({APIS.strip()!r})", "no_tools")
    place += len(APIS)
    tools = read_tools(system[place:], where)
    read = React().read
    steps, before, notes = steps_of(turns[2:], lambda text: read(text, tools), lambda answer: "", where)
    if all(step.error for step in steps):
        raise BadRow(f"{where}: not one turn of the agent could be read", "nothing_read")
    # The list of tools is written again from the tools, where that gives the same text.
    head = system[:place] if repr(plain_tools(tools)) == system[place:] else system
    request = turns[1].text
    goal = request.strip().removesuffix("Begin!").strip()
    start = request.find(goal)
    layout = kept(
        format=format,
        head=[["system", head, turns[0].loss]],
        apis=head != system,
        around=[request[:start], request[start + len(goal) :]],
        before=before,
        answers="tool" if any(turn.role == "tool" for turn in turns) else None,
        id=id,
        ids=[id],
    )
    solved = not _gave_up(steps[-1].decision)
    outcome: Outcome = "solved" if solved else "failed"
    trajectory = Trajectory(
        task=Task("toolbench", id, "train", goal),
        tools=tools,
        instructions=INSTRUCTIONS,
        opening=goal,
        steps=steps,
        reward=float(solved),
        outcome=outcome,
        agent="gpt-3.5-turbo-16k",
        meta=layout,
    )
    return trajectory, notes


def _gave_up(decision: Decision) -> bool:
    call = decision.call
    return call is not None and call.name == FINISH and call.arguments.get("return_type") == "give_up_and_restart"


def _last_trained(turns: Sequence[Turn]) -> list[Turn]:
    """Of an SFT row only the last turn carries loss, unless its turns say otherwise."""
    if any(turn.loss is not None for turn in turns):
        return list(turns)
    last = max((i for i, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
    return [Turn(turn.role, turn.text, i == last) if turn.role == "assistant" else turn for i, turn in enumerate(turns)]


def _as_sft(rows: Iterable[Row], refuse: Refuse) -> Iterator[Row]:
    """SFT rows as they are, answer files as the rows that are made from them."""
    for row in rows:
        if not is_answer(row.value):
            yield row
            continue
        try:
            yield from answer_paths(row, APIS)
        except BadRow as error:
            refuse(error)


def _join(held: Record, record: Record) -> Record | None:
    """The record that is both, None where the second does not continue the first."""
    one, other = held.item, record.item
    assert isinstance(one, Trajectory)
    assert isinstance(other, Trajectory)
    known = len(one.steps)
    first, second = imported(one, "toolbench"), imported(other, "toolbench")
    same = (
        known < len(other.steps)
        and (one.task.goal, one.tools) == (other.task.goal, other.tools)
        and (first.get("head"), first.get("around")) == (second.get("head"), second.get("around"))
        and [step.written for step in one.steps] == [step.written for step in other.steps[:known]]
        and [step.observation for step in one.steps[:-1]] == [step.observation for step in other.steps[: known - 1]]
        and not one.steps[-1].observation
        and not any(step.train for step in other.steps[:known])
    )
    if not same:
        return None
    steps = tuple(
        replace(step, train=step.train or (i < known and one.steps[i].train)) for i, step in enumerate(other.steps)
    )
    meta = kept(**{**second, "ids": [*first["ids"], *second["ids"]]})
    notes = tuple(sorted({*held.notes, *record.notes}))
    return Record(record.where, replace(other, steps=steps, meta=meta), notes)


def _as_sft_turn(turn: Turn) -> Turn:
    """A turn of ours as SFT rows have it: a line break first, observations by the function."""
    if turn.role == "assistant":
        return Turn("assistant", "\n" + turn.text, turn.loss)
    if turn.role == "user" and turn.text.startswith("Observation: "):
        return Turn("tool", turn.text.removeprefix("Observation: "))
    return turn
