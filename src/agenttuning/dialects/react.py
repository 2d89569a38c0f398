"""ReAct: a thought, the tool's name and its arguments as JSON, one line each (Yao et al., arXiv 2210.03629).

Thought: The number of rows is asked for.
Action: execute_sql
Action Input: {"query": "SELECT COUNT(*) FROM town"}
"""

import re
from collections.abc import Sequence

from agenttuning.conversation import Segment
from agenttuning.dialects.base import (
    Dialect,
    dump_arguments,
    escape,
    load_arguments,
    split_turn,
    thought_segments,
    unescape,
)
from agenttuning.errors import FormatError
from agenttuning.trajectory import Decision, Tool, ToolCall


class React(Dialect):
    name = "react"
    form = (
        "Write each turn in this form:\n"
        "Thought: what you know and what to do next\n"
        "Action: the name of one tool\n"
        "Action Input: its arguments as a JSON object"
    )
    stop = ("\nObservation:",)

    def segments(self, decision: Decision, tools: Sequence[Tool]) -> tuple[Segment, ...]:
        head = thought_segments(decision.thought)
        if decision.call is None:
            return (
                *head,
                Segment("Final Answer: ", True, "instruction_following"),
                Segment(escape(decision.message or ""), True, "reasoning"),
            )
        return (
            *head,
            Segment("Action: ", True, "instruction_following"),
            Segment(decision.call.name, True, "retrieval"),
            Segment("\nAction Input: ", True, "instruction_following"),
            Segment(dump_arguments(decision.call.arguments), True, "understanding"),
        )

    def read(self, text: str, tools: Sequence[Tool]) -> Decision:
        thought, mark, rest = split_turn(text)
        if mark == "Final Answer":
            return _said(thought, rest)
        name, found, arguments = rest.partition("\nAction Input:")
        if not found:
            raise FormatError("After 'Action:' there must be a line 'Action Input:' with a JSON object.")
        return Decision(thought, ToolCall(name.strip(), _arguments(name.strip(), arguments.strip(), tools)))


def _said(thought: str | None, rest: str) -> Decision:
    message = unescape(rest.strip())
    if not message:
        raise FormatError("'Final Answer:' must be followed by your answer.")
    return Decision(thought, message=message)


def _arguments(name: str, text: str, tools: Sequence[Tool]) -> dict:
    """A JSON object; bare text is taken as the only argument of a tool that has just one, a string."""
    if text.startswith("{"):
        return load_arguments(text)
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is not None and len(tool.arguments) == 1 and text:
        (argument,) = tool.arguments
        if tool.parameters["properties"][argument].get("type") == "string":
            first_line = re.split(r"\n(?:Thought|Action|Observation):", text)[0].strip()
            return {argument: first_line.strip('"') if first_line.count('"') == 2 else first_line}
    raise FormatError("'Action Input:' must be followed by a JSON object such as {}.")
