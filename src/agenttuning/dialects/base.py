"""What a dialect is: a pair of pure functions, write and read.

A dialect writes a trajectory as a conversation and reads a model's replies back as decisions, so one trajectory
renders into any dialect and any model can be evaluated in any of them. In most a decision is one reply.

>>> dialect = get("react")
>>> dialect.read('Thought: Look.\\nAction: look\\nAction Input: {"at": "box"}', tools).call
ToolCall(name='look', arguments={'at': 'box'})
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from agenttuning.conversation import Conversation, Message, Segment, assistant, system, user
from agenttuning.errors import FormatError, InvalidAction
from agenttuning.provenance import PROVENANCE, marked
from agenttuning.trajectory import Decision, Step, Tool, ToolCall, Trajectory

MAX_ARGUMENTS = 20_000  # characters of JSON a model's call may hold before it is refused


Questions = Generator[Conversation, str, Decision]


class Dialect(ABC):
    """`form` tells the model how to write a turn; `stop` are texts after which a reply is cut."""

    name: ClassVar[str]
    form: ClassVar[str]
    stop: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def prompt(self, trajectory: Trajectory) -> Conversation:
        """The conversation so far, up to and with the last observation: what the model answers next."""

    @abstractmethod
    def ask(self, trajectory: Trajectory) -> Questions:
        """Ask a model for its next decision: yields what it is to answer, is sent its reply, returns the decision.

        Raises FormatError with what the model should be told where a reply cannot be read.
        """

    def write(self, trajectory: Trajectory) -> Conversation:
        """The whole episode as a training conversation; it ends with the agent's last turn."""
        whole = self.prompt(trajectory)
        messages = whole.messages[:-1] if trajectory.steps else whole.messages
        known = marked(trajectory, f"dialect {self.name}").meta[PROVENANCE]
        meta = {"environment": trajectory.task.environment, PROVENANCE: known}
        if template := trajectory.meta.get("chat_template"):
            meta["chat_template"] = template
        return Conversation(messages, whole.tools, whole.id, meta)

    def tool_line(self, tool: Tool) -> str:
        """One tool as the system prompt lists it."""
        arguments = ", ".join(
            f"{name}{'' if name in tool.required else '?'}: {schema.get('type', 'any')}"
            for name, schema in tool.parameters.get("properties", {}).items()
        )
        return f"- {tool.name}({arguments}): {tool.description}"

    def system_text(self, instructions: str, tools: Sequence[Tool]) -> str:
        listing = "\n".join(self.tool_line(tool) for tool in tools)
        return f"{instructions}\n\nTools:\n{listing}\n\n{self.form}"


class OneReply(Dialect):
    """A dialect whose decisions are one reply each. For every decision that has a call or a message,
    ``read(text(decision)) == decision``."""

    @abstractmethod
    def segments(self, decision: Decision, tools: Sequence[Tool]) -> tuple[Segment, ...]:
        """The decision as trained text, each segment labelled with the capability it exercises."""

    @abstractmethod
    def read(self, text: str, tools: Sequence[Tool]) -> Decision:
        """The decision that a model's reply holds. Raises FormatError with what the model should be told."""

    def text(self, decision: Decision, tools: Sequence[Tool]) -> str:
        """The decision as a model would write it."""
        return "".join(segment.text for segment in self.segments(decision, tools))

    def observation(self, text: str) -> Message:
        return user(f"Observation: {text}")

    def turn(self, step: Step, tools: Sequence[Tool], *, verbatim: bool) -> Message:
        """One step's assistant message; `verbatim` keeps what the model wrote, to the letter."""
        if step.decision.call is None and step.decision.message is None:
            return assistant(Segment(step.written or "", False))
        segments = self.segments(step.decision, tools)
        if verbatim and step.written is not None and "".join(s.text for s in segments) != step.written:
            segments = (Segment(step.written, True),)
        train = step.train
        return assistant(*(Segment(s.text, s.train and train, s.capability) for s in _spaces_lead(segments)))

    def prompt(self, trajectory: Trajectory) -> Conversation:
        verbatim = trajectory.dialect == self.name
        messages = [
            system(self.system_text(trajectory.instructions, trajectory.tools)),
            user(trajectory.opening),
        ]
        for step in trajectory.steps:
            messages.append(self.turn(step, trajectory.tools, verbatim=verbatim))
            messages.append(self.observation(step.observation))
        return Conversation(tuple(messages), id=row_id(trajectory))

    def ask(self, trajectory: Trajectory) -> Questions:
        reply = yield self.prompt(trajectory)
        return self.read(reply, trajectory.tools)


def row_id(trajectory: Trajectory) -> str:
    return "/".join(map(str, trajectory.key))


def _spaces_lead(segments: Sequence[Segment]) -> list[Segment]:
    """Move a segment's last space to the next one: tokenizers join a space with the word behind it, and a token
    belongs to the segment of its first character."""
    out: list[Segment] = []
    space = ""
    for i, segment in enumerate(segments):
        text = space + segment.text
        space = " " if text.endswith(" ") and i + 1 < len(segments) else ""
        out.append(Segment(text.removesuffix(space), segment.train, segment.capability))
    return [segment for segment in out if segment.text]


CALL_FAULTS = {
    "unknown-tool": "a call names a tool that is not among the row's tools",
    "missing-argument": "a call lacks an argument that its tool requires",
    "unknown-argument": "a call has an argument that its tool does not take",
    "wrong-type": "an argument is of another type than its tool's schema says",
}


def check_call(call: ToolCall, tools: Sequence[Tool]) -> None:
    """Raise InvalidAction where the tool does not exist or an argument is missing, unknown or of a wrong type."""
    for _, told in call_faults(call, tools):
        raise InvalidAction(told)


def call_faults(call: ToolCall, tools: Sequence[Tool]) -> Iterator[tuple[str, str]]:
    """All that is wrong with a call: a key of `CALL_FAULTS`, and what a model is told."""
    by_name = {tool.name: tool for tool in tools}
    tool = by_name.get(call.name)
    if tool is None:
        yield "unknown-tool", f"There is no tool called {call.name!r}. The tools are: {', '.join(by_name)}."
        return
    missing = [name for name in tool.required if name not in call.arguments]
    if missing:
        yield "missing-argument", f"{call.name} also needs: {', '.join(missing)}."
    unknown = [name for name in call.arguments if name not in tool.arguments]
    if unknown:
        takes = ", ".join(tool.arguments)
        yield "unknown-argument", f"{call.name} has no argument called {', '.join(unknown)}; it takes: {takes}."
    for name, value in call.arguments.items():
        schema = tool.parameters.get("properties", {}).get(name)
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        if kind is not None and not _is_a(value, kind):
            yield "wrong-type", f"{call.name}: {name} must be of type {kind}, not {json.dumps(value)}."


def _is_a(value: Any, kind: str | Sequence[str]) -> bool:
    if not isinstance(kind, str):
        return any(_is_a(value, one) for one in kind)
    types: dict[str, type | tuple[type, ...]] = {
        "boolean": bool,
        "string": str,
        "integer": int,
        "number": (int, float),
        "array": list,
        "object": Mapping,
        "null": type(None),
    }
    if kind not in types:
        return True
    return kind == "boolean" if isinstance(value, bool) else isinstance(value, types[kind])


def dump_arguments(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False)


def load_arguments(text: str) -> dict[str, Any]:
    """A JSON object that a model wrote, parsed under a size limit; text after the object is ignored."""
    if len(text) > MAX_ARGUMENTS:
        raise FormatError(f"The arguments are {len(text)} characters long; at most {MAX_ARGUMENTS} are read.")
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"The arguments are not a JSON object ({error}).") from None
    if not isinstance(value, dict):
        raise FormatError(f"The arguments must be a JSON object, not {type(value).__name__}.")
    return value


def only_argument(name: str, text: str, tools: Sequence[Tool]) -> dict[str, str] | None:
    """Bare text as the only argument of a tool that takes just one, a string; None for any other tool."""
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None or len(tool.arguments) != 1 or not text:
        return None
    (argument,) = tool.arguments
    if tool.parameters["properties"][argument].get("type") != "string":
        return None
    return {argument: text.strip('"') if text.count('"') == 2 else text}


# Line markers of the text dialects. A line of free text that looks like one gets a backslash in front, so that
# writing loses nothing; reading takes one backslash away.
_MARKER = re.compile(r"^(\\*)(?=(?:Thought|Action|Action Input|Final Answer|Observation):)", re.MULTILINE)


def escape(text: str) -> str:
    return _MARKER.sub(lambda m: m.group(1) + "\\", text)


def unescape(text: str) -> str:
    return _MARKER.sub(lambda m: m.group(1)[1:], text)


def thought_segments(thought: str | None) -> tuple[Segment, ...]:
    """The `Thought:` line of the text dialects, or nothing."""
    if thought is None:
        return ()
    return (
        Segment("Thought: ", True, "instruction_following"),
        Segment(escape(thought), True, "reasoning"),
        Segment("\n", True, "instruction_following"),
    )


def split_turn(text: str) -> tuple[str | None, str, str]:
    """(thought, "Action" or "Final Answer", what follows it) of a reply in a text dialect.

    Free text before the first marker counts as thought. Raises FormatError where there is no marker.
    """
    text = text.strip()
    match = re.search(r"^(Action|Final Answer):[ \t]*", text, re.MULTILINE)
    if match is None:
        raise FormatError("I could not find a line that starts with 'Action:' in your reply.")
    thought = text[: match.start()].strip()
    if thought.startswith("Thought:"):
        thought = thought[len("Thought:") :]
    return unescape(thought.strip()) or None, match.group(1), text[match.end() :]
