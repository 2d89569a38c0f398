"""Glaive function calling v2: a system text with the functions, and a chat as one text.

    {"system": "SYSTEM: You may use these functions -\\n{…}", "chat": "USER: …\\n\\n\\nASSISTANT: <functioncall>
     {\\"name\\": \\"f\\", \\"arguments\\": '{\\"a\\": 1}'} <|endoftext|>\\n\\n\\nFUNCTION RESPONSE: {…}"}

Calls become structured, as models with tool calling write them. A row whose text is laid out in another way than the
writer's (spaces, a missing end mark) is read and has the note ``layout``. Rows with `conversations` and `tools`, as
LLaMA-Factory ships a part of the data, are read as ShareGPT rows are.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from agenttuning.conversation import Role
from agenttuning.corpus.formats.base import Format, Item, WriteConfig
from agenttuning.corpus.formats.sharegpt import ShareGPT
from agenttuning.corpus.formats.tools import checked, load_literal, plain_tools, read_call, read_tools
from agenttuning.corpus.formats.turns import Turn, conversation_of, left_out, turns_of
from agenttuning.errors import BadRow
from agenttuning.trajectory import Tool, ToolCall

END, CALL = "<|endoftext|>", "<functioncall>"
_SPEAKER = re.compile(r"(?:^|\n)\s*(USER|ASSISTANT|FUNCTION RESPONSE):[ ]?")
_ROLES: dict[str, Role] = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
_SPEAKERS = {role: speaker for speaker, role in _ROLES.items()}
# The arguments stand in single quotes as JSON text, which itself may hold single quotes.
_QUOTED = re.compile(r"""\{\s*"name":\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments":\s*'(.*)'\s*\}""", re.DOTALL)


class Glaive(Format):
    name = "glaive"
    source = "glaive-function-calling-v2"
    license = "apache-2.0"
    about = "glaive-function-calling-v2: system and chat as text; <functioncall>, FUNCTION RESPONSE"
    dialect = "native"

    def fits(self, row: Mapping[str, Any]) -> bool:
        return isinstance(row.get("chat"), str) and isinstance(row.get("system", ""), str)

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        if "conversations" in row:
            return ShareGPT().item(row, where)
        if not self.fits(row):
            raise BadRow(f"{where}: expected the texts 'system' and 'chat'", "no_turns")
        turns = list(_read_chat(row["chat"], where))
        prompt, tools = _read_system(row.get("system", ""), where)
        if prompt:
            turns = [Turn("system", prompt), *turns]
        conversation = conversation_of(turns, tools=tools, id=str(row.get("id", "")))
        notes = set()
        if set(row) - {"system", "chat", "id"}:
            notes.add("row_fields")
        if _write(turns, tools) != {"system": row.get("system", ""), "chat": row["chat"]}:
            notes.add("layout")
        return conversation, tuple(sorted(notes))

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        turns, tools = turns_of(item, config.dialect, self.dialect, lost)
        reasons = left_out(turns, tools=False, loss=None) - {"calls_as_text", "tool_role"}
        if any(len(turn.calls) > 1 for turn in turns):
            reasons.add("parallel_calls")
        if any(turn.role == "system" for turn in turns[1:]):
            reasons.add("system_role")
        if any(_SPEAKER.search("\n" + turn.text) or CALL in turn.text or END in turn.text for turn in turns):
            reasons.add("marks_in_text")
        lost.update(reasons)
        yield _write(turns, tools)


def _read_system(text: str, where: str) -> tuple[str, tuple[Tool, ...]]:
    """(prompt, tools) of a system text: what stands before the first function, and the functions."""
    text = text.strip().removeprefix("SYSTEM:").strip()
    start = re.search(r"^\{", text, re.MULTILINE)
    if start is None:
        return text, ()
    decoder, place, found = json.JSONDecoder(), start.start(), []
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise BadRow(f"{where}: a function in 'system' is no JSON ({error})", "bad_tools") from None
        found.append(checked(value, where, "bad_tools"))
        while place < len(text) and text[place].isspace():
            place += 1
    return text[: start.start()].strip(), read_tools(found, where)


def _read_chat(text: str, where: str) -> Iterator[Turn]:
    marks = list(_SPEAKER.finditer(text))
    if not marks:
        raise BadRow(f"{where}: no USER: or ASSISTANT: in the chat", "no_turns")
    if text[: marks[0].start()].strip():
        raise BadRow(f"{where}: text before the first speaker", "no_turns")
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        said = text[mark.end() : after.start() if after else len(text)].strip()
        role = _ROLES[mark.group(1)]
        if role != "assistant":
            yield Turn(role, said.removesuffix(END).strip())
            continue
        before, found, call = said.partition(CALL)
        if found:
            calls = (_read_call(call.replace(END, "").strip(), where),)
            yield Turn(role, before.replace(END, "").strip(), None, calls)
        else:
            yield Turn(role, said.removesuffix(END).strip())


def _read_call(text: str, where: str) -> ToolCall:
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        return read_call(load_literal(text, where, "bad_call"), where)
    name, arguments = quoted.groups()
    return read_call({"name": load_literal(name, where, "bad_call"), "arguments": arguments}, where)


def _write(turns: list[Turn], tools: tuple[Tool, ...]) -> dict[str, str]:
    system = "\n".join(turn.text for turn in turns if turn.role == "system")
    functions = "".join(f"\n{json.dumps(tool, ensure_ascii=False, indent=4)}\n" for tool in plain_tools(tools))
    lines = []
    for turn in turns:
        if turn.role == "system":
            continue
        said = [turn.text] * bool(turn.text)
        for call in turn.calls:
            arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
            said.append(f'{CALL} {{"name": {json.dumps(call.name, ensure_ascii=False)}, "arguments": \'{arguments}\'}}')
        end = f" {END}" if turn.role == "assistant" else ""
        lines.append(f"{_SPEAKERS[turn.role]}: {' '.join(said)}{end}")
    return {"system": f"SYSTEM: {system}{functions}", "chat": "\n\n\n".join(lines)}
