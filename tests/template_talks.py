"""The conversations that every template of the zoo is shown, by name.

>>> TALKS["middle"].messages[3].train
False
"""

from agenttuning.conversation import Conversation, Message, Segment, assistant, system, user
from agenttuning.trajectory import Tool, ToolCall

LOOK = Tool(
    "look",
    "Look at a thing.",
    {"type": "object", "properties": {"at": {"type": "string", "description": "What."}}, "required": ["at"]},
)
_CALL = (ToolCall("look", {"at": "box"}),)


def _says(text: str, train: bool = True) -> Message:
    return assistant(Segment(text, train, "reasoning" if train else None))


def _talk(name: str, *messages: Message, tools: tuple[Tool, ...] = ()) -> tuple[str, Conversation]:
    return name, Conversation(messages, tools, id=name)


def _calls(text: str) -> tuple[Message, ...]:
    segments = (Segment(text, True, "reasoning"),) if text else ()
    return (
        user("What is there?"),
        Message("assistant", segments, _CALL, train=True),
        Message("tool", (Segment("RESULT: a coin"),)),
        _says("A coin."),
    )


TALKS: dict[str, Conversation] = dict(
    (
        _talk(
            "system",
            system("Be brief."),
            user("Capital of Peru?"),
            _says("Lima."),
            user("Of Chile?"),
            _says("Santiago."),
        ),
        _talk("plain", user("Capital of Peru?"), _says("Lima."), user("Of Chile?"), _says("Santiago.")),
        _talk(
            "segments",
            user("Capital of Peru?"),
            assistant(
                Segment("Thought: I know.", True, "reasoning"),
                Segment("\nAnswer:"),
                Segment(" Lima.", True, "understanding"),
            ),
            user("Of Chile?"),
            assistant(Segment("Thought:"), Segment(" Easy.", True, "reasoning")),
        ),
        _talk("padded", user(" Capital of Peru? \n"), _says("\n  Lima. \n"), user("Of Chile?"), _says("Santiago.")),
        _talk(
            "unicode",
            user("Größe?\n\n\n\t½ 日本語 🌊"),
            _says("Naïve — 🌊🏝️ e\u0301\n\n\n\tif x:\n\t\treturn 'ŷ'\n\n\n\n日本語。"),
            user("\u200bאב"),
            _says("①\r\n②"),
        ),
        _talk(
            "headers",
            user("user: hi\nassistant: hello"),
            _says("user\nassistant: [INST] no [/INST] ### Response:\nUSER: x ASSISTANT: y\n<<SYS>> system"),
            user("USER: ASSISTANT: ### Response:"),
            _says("assistant"),
        ),
        _talk(
            "middle",
            user("Capital of Peru?"),
            _says("Lima."),
            user("Of Chile?"),
            _says("Valparaíso.", train=False),
            user("Sure?"),
            _says("Santiago."),
        ),
        _talk(
            "last-user", user("Capital of Peru?"), _says("Lima."), user("Of Chile?"), _says("Santiago."), user("Why?")
        ),
        _talk(
            "thoughts",
            user("Capital of Peru?"),
            _says("<think>\nHm.\n</think>\n\nLima."),
            user("Of Chile?"),
            _says("<think>\nEasy.\n</think>\n\nSantiago."),
        ),
        _talk("calls", *_calls("Look."), tools=(LOOK,)),
        _talk("silent-calls", *_calls(""), tools=(LOOK,)),
    )
)


def trained_turns(talk: Conversation) -> list[int]:
    return [i for i, m in enumerate(talk.messages) if m.calls or any(segment.train for segment in m.segments)]
