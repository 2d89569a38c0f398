"""The tools, and how they are said: a call is a command of the simulator.

Each of its action templates is a tool, and so is the number that answers an ambiguous request. Where the simulator
knows several words for one action, one is written and the others are read.

>>> read_command("pour jug in flower pot 2")
ToolCall(name='pour', arguments={'object': 'jug', 'container': 'flower pot 2'})
"""

import re
from typing import Any

from agenttuning.environments.text_command import text_command
from agenttuning.errors import InvalidAction
from agenttuning.trajectory import Tool, ToolCall


def _tool(name: str, description: str, phrase: str, *also: str) -> Tool:
    properties: dict[str, Any] = {argument: {"type": "string"} for argument in re.findall(r"\{(\w+)\}", phrase)}
    if "number" in properties:
        properties["number"] = {"type": "integer", "minimum": 0}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(name, description, schema, phrase, also)


TOOLS = (
    _tool("look_around", "Describe the room; takes no time.", "look around"),
    _tool("look_at", "Look at a thing closely.", "look at {object}", "examine {object}"),
    _tool("look_in", "See what is inside.", "look in {container}"),
    _tool("inventory", "List what you carry; takes no time.", "inventory"),
    _tool("task", "Read the task again; takes no time.", "task"),
    _tool("go", "Go to the next room, through an open door.", "go to {place}", "go through {place}", "go {place}"),
    _tool("teleport", "Go to any room at once, where that is allowed.", "teleport to {place}", "teleport {place}"),
    _tool("open", "Open a door or a container.", "open {object}"),
    _tool("close", "Close a door or a container.", "close {object}"),
    _tool("pick_up", "Take a thing into the inventory.", "pick up {object}", "take {object}", "get {object}"),
    _tool("put_down", "Leave a carried thing here.", "put down {object}", "drop {object}"),
    _tool(
        "move", "Put a thing into or onto another.", "move {object} to {container}",
        "put {object} into {container}", "put {object} in {container}", "put {object} on {container}",
    ),
    _tool(
        "pour", "Pour a liquid, or what a container holds, into another.",
        "pour {object} into {container}", "pour {object} in {container}",
    ),
    _tool(
        "dunk", "Dip a container into a liquid to fill it.",
        "dunk {object} into {container}", "dunk {object} in {container}",
    ),
    _tool("mix", "Mix what is in a container.", "mix {container}"),
    _tool("activate", "Turn a device on.", "activate {device}", "turn on {device}"),
    _tool("deactivate", "Turn a device off.", "deactivate {device}", "turn off {device}"),
    _tool("use", "Use a tool on a thing, such as a thermometer.", "use {tool} on {object}"),
    _tool("read", "Read a text.", "read {object}"),
    _tool("eat", "Eat something.", "eat {object}"),
    _tool("flush", "Flush a toilet.", "flush {object}"),
    _tool("connect", "Join two electrical terminals.", "connect {terminal} to {other}"),
    _tool("disconnect", "Take a thing out of a circuit.", "disconnect {object}"),
    _tool("focus", "Tell which thing the task is about; a wrong one fails the task.", "focus on {object}"),
    _tool("wait", "Let ten moments pass.", "wait"),
    _tool("wait1", "Let one moment pass.", "wait1"),
    _tool("choose", "Answer an ambiguous request with a number of its list.", "choose {number}"),
)  # fmt: skip
_BY_NAME = {tool.name: tool for tool in TOOLS}


def _pattern(phrase: str) -> re.Pattern[str]:
    # What is poured or put may itself be "in" something: the last such word parts the two.
    many = ".+" if re.search(r"\} (in|on) \{", phrase) else ".+?"
    pieces = re.split(r"\{(\w+)\}", phrase)
    return re.compile("".join(f"(?P<{piece}>{many})" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))


# Those with more words of their own come first, as in the dialect of commands.
_PATTERNS = sorted(
    ((_pattern(phrase), tool.name, phrase) for tool in TOOLS for phrase in (tool.phrase or "", *tool.also)),
    key=lambda known: -len(re.sub(r"\{\w+\}", "", known[2])),
)


def read_command(command: str) -> ToolCall | None:
    """One of the simulator's commands as a call; a bare number chooses. None for what no tool does."""
    command = " ".join(command.split())
    if command.isdecimal():
        return ToolCall("choose", {"number": int(command)})
    for pattern, name, _ in _PATTERNS:
        if (match := pattern.fullmatch(command)) and name != "choose":
            return ToolCall(name, _parted(match.groupdict()))
    return None


def _parted(arguments: dict[str, str]) -> dict[str, str]:
    """Of three "in" the second one parts what is poured from where it goes: both say where they are."""
    places = arguments.get("object", "").split(" in ")
    if "container" in arguments and len(places) == 3:
        held, there, taker = places
        return arguments | {"object": f"{held} in {there}", "container": f"{taker} in {arguments['container']}"}
    return arguments


def write_command(call: ToolCall) -> str:
    """A call as a command, in small letters with single spaces.

    Raises InvalidAction for a tool that does not exist and for an argument that is missing or of a wrong type.
    """
    tool = _BY_NAME.get(call.name)
    if tool is None:
        raise InvalidAction(f"There is no tool {call.name!r}. The tools are: {', '.join(_BY_NAME)}.")
    if tool.name == "choose":
        number = call.arguments.get("number")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 10**6:
            raise InvalidAction("choose needs number: a number of the list that you read.")
        return str(number)
    return text_command(tool, call.arguments)
