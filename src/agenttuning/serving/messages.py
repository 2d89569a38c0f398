"""A chat request's messages as a conversation that the model's own template renders.

Where the template prints no tools they stand in the system prompt, calls and results in the text, all in the form of
Hermes (https://github.com/NousResearch/Hermes-Function-Calling), which `tool_calls` reads back.

>>> conversation({"messages": [{"role": "user", "content": "Hello."}]}, shows_tools=True)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agenttuning.conversation import Conversation, Message, Segment, from_row, system, user
from agenttuning.dialects.native import call_text
from agenttuning.errors import BadInput
from agenttuning.serving.problem import Problem
from agenttuning.trajectory import Tool

_CALLING = """You can call functions. They are described by JSON Schema:
<tools>
{tools}
</tools>
To call one, write its name and arguments as a JSON object between these tags, and nothing behind them:
<tool_call>
{{"name": "FUNCTION", "arguments": {{"NAME": "VALUE"}}}}
</tool_call>"""


def conversation(body: Mapping[str, Any], *, shows_tools: bool) -> Conversation:
    """Raises Problem 400 for messages or tools that are not what OpenAI's API takes."""
    rows = body.get("messages")
    if not isinstance(rows, list) or not rows:
        raise Problem(400, "messages must be a list of at least one message", param="messages")
    tools = [] if body.get("tool_choice") == "none" else body.get("tools") or []
    if not isinstance(tools, list):
        raise Problem(400, "tools must be a list", param="tools")
    for place, tool in enumerate(tools):
        if not isinstance(tool, Mapping) or tool.get("type", "function") != "function":
            raise Problem(400, f"tools[{place}] must be of type function", param="tools")
    try:
        json.dumps(rows, ensure_ascii=False).encode()
        json.dumps(tools, ensure_ascii=False).encode()
        plain = [_plain(row, f"messages[{place}]") for place, row in enumerate(rows)]
        talk = from_row({"messages": _in_call_order(plain), "tools": tools}, where="request")
    except UnicodeEncodeError:
        raise Problem(400, "the messages hold half a character (a lone surrogate)", param="messages") from None
    except BadInput as error:
        raise Problem(400, str(error).removeprefix("request: "), param="messages") from None
    return talk if shows_tools else _in_text(talk)


def _plain(row: Any, where: str) -> dict[str, Any]:
    """A message with text for content and nothing that no template prints."""
    if not isinstance(row, Mapping):
        raise BadInput(f"{where} must be an object")
    role = {"developer": "system", "function": "tool"}.get(row.get("role"), row.get("role"))
    content = row.get("content")
    if isinstance(content, list):
        texts = []
        for part in content:
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind not in ("text", "refusal") or not isinstance(part.get(kind), str):
                raise BadInput(f"{where}.content holds a part of type {kind!r}; this server reads text")
            texts.append(part[kind])
        content = "\n".join(texts)
    out = {"role": role, "content": content}
    for key in ("tool_calls", "tool_call_id"):
        if row.get(key):
            out[key] = row[key]
    return out


def _in_call_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results of calls made together, in the order of the calls: templates have no other way to tell whose they are."""
    out: list[dict[str, Any]] = []
    order: dict[Any, int] = {}
    start = 0  # of the results behind the last calls
    for row in rows:
        if row["role"] == "tool" and order:
            out.append(row)
            out[start:] = sorted(out[start:], key=lambda result: order.get(result.get("tool_call_id"), len(order)))
            continue
        out.append(row)
        calls = row.get("tool_calls")
        ids = [call.get("id") for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
        order = {id: place for place, id in enumerate(ids) if isinstance(id, str)}
        start = len(out)
    return out


def _in_text(talk: Conversation) -> Conversation:
    """Tools, calls and results as text."""
    messages = [_message_in_text(message) for message in talk.messages]
    if talk.tools:
        described = _CALLING.format(tools="\n".join(_schema(tool) for tool in talk.tools))
        if messages[0].role == "system":
            messages[0] = system(f"{messages[0].text}\n\n{described}")
        else:
            messages.insert(0, system(described))
    return replace(talk, messages=tuple(messages), tools=())


def _message_in_text(message: Message) -> Message:
    if message.role == "tool":
        return user(f"<tool_response>\n{message.text}\n</tool_response>")
    if message.calls:
        text = "\n".join([*([message.text] if message.text else []), *map(call_text, message.calls)])
        return replace(message, segments=(Segment(text),), calls=())
    return message


def _schema(tool: Tool) -> str:
    return json.dumps(tool.schema(), ensure_ascii=False)


def forced_start(choice: Any, tools: Sequence[Tool]) -> str:
    """What the reply has to begin with under a `tool_choice`. Raises Problem 400 for an unknown one."""
    if choice in (None, "auto", "none"):
        return ""
    if not tools:
        raise Problem(400, "tool_choice needs tools", param="tool_choice")
    if choice == "required":
        return '<tool_call>\n{"name": "'
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if name not in [tool.name for tool in tools]:
        raise Problem(400, "tool_choice must be none, auto, required or one of the tools by name", param="tool_choice")
    return f'<tool_call>\n{{"name": {json.dumps(name)}, "arguments": '
