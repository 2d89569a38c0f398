"""Agent-FLAN's seven released files (arXiv 2403.12881): JSONL of `conversation`, each turn with role, content, loss.

    {"conversation": [{"role": "user", "content": "…", "loss": false}, …], "id": "…"}

Rows of ReAct text (agent_instruct_react, toolbench_react_10p) become trajectories wherever each turn of their agent
can be read and their tools are known; all others, the chats that Agent-FLAN rewrote, are conversations as they stand.
A turn without `loss` is trained where it is the assistant's.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agenttuning.conversation import Conversation
from agenttuning.corpus.formats.agentinstruct import task_of, trajectory_of
from agenttuning.corpus.formats.base import Format, Item, WriteConfig, extra_fields, imported, kept
from agenttuning.corpus.formats.toolbench import react_trajectory
from agenttuning.corpus.formats.turns import Turn, conversation_of, left_out, read_turns, turns_of, with_calls
from agenttuning.errors import BadRow
from agenttuning.trajectory import Trajectory

_NAMES = {"user": "user", "assistant": "assistant", "system": "system", "tool": "user"}


class AgentFlan(Format):
    name = "agent-flan"
    source = "Agent-FLAN (arXiv 2403.12881)"
    license = "apache-2.0"
    about = "Agent-FLAN's files: conversation of role, content, loss"

    def fits(self, row: Mapping[str, Any]) -> bool:
        return isinstance(row.get("conversation"), list)

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        turns, words, notes = read_turns(row, "conversation", where)
        id = str(row.get("id", ""))
        fields = {name: value for name, value in row.items() if name not in ("conversation", "id")}
        if "id" in row and not isinstance(row["id"], str):
            fields["id"] = row["id"]
        losses = [turn.get("loss", "unsaid") for turn in row["conversation"]]
        more = {
            "format": self.name,
            "fields": fields,
            "losses": losses if losses != _usual(turns) else None,
            "words": words if words != [_NAMES[turn.role] for turn in turns] else None,
        }
        found = _trajectory(turns, id or Path(where).name, where)
        if found is not None:
            layout = {**imported(found, self.name), **more, "unnamed": not id}
            return replace(found, meta=kept(**layout)), tuple(sorted(notes))
        meta = kept(**more) if any(more[name] for name in ("fields", "losses", "words")) else {}
        return conversation_of(turns, id=id, meta=meta), tuple(sorted(notes))

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        turns, tools = turns_of(item, config.dialect, self.dialect, lost)
        lost.update(left_out(turns, tools=bool(tools) and not isinstance(item, Trajectory), loss=bool))
        layout = imported(item, self.name)
        losses, words = layout.get("losses"), layout.get("words")
        out = []
        for i, turn in enumerate(turns):
            word = words[i] if isinstance(words, list) and len(words) == len(turns) else _NAMES[turn.role]
            row = {"role": word, "content": with_calls(turn)}
            loss: Any = turn.loss is None or bool(turn.loss) if turn.role == "assistant" else False
            if isinstance(losses, list) and len(losses) == len(turns):
                said = losses[i]
                # What was said stays, unless the turn has been masked or trained since.
                if turn.role != "assistant" or (said in ("unsaid", None, True, 1)) == loss:
                    loss = said
            out.append(row if loss == "unsaid" else {**row, "loss": loss})
        id = item.id if isinstance(item, Conversation) else layout.get("id", f"{item.task.environment}_{item.task.id}")
        if layout.get("unnamed"):
            id = ""
        yield {"conversation": out, "id": id, **extra_fields(layout)}


def _usual(turns: list[Turn]) -> list[Any]:
    """The flags as the writer sets them by itself."""
    return [bool(turn.loss is None or turn.loss) if turn.role == "assistant" else False for turn in turns]


def _trajectory(turns: list[Turn], id: str, where: str) -> Trajectory | None:
    """The trajectory of a ReAct row, None for a chat: every turn of the agent that is trained must have been read."""
    task = task_of(id, turns)
    try:
        if task is not None:
            found, notes = trajectory_of(turns, task, id, where, format="agent-flan")
        else:
            found, notes = react_trajectory(turns, id, where, format="agent-flan")
    except BadRow:
        return None
    return None if notes else found
