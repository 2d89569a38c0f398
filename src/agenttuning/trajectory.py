"""The ground floor: what an agent was asked, what it decided, what came back.

A step is a thought, a tool call with named arguments and an observation, never a piece of formatted text; how
it is *written* is a dialect's business. On disk a trajectory is one line of ATIF v1.8 JSONL (`atif.py`).

>>> look = Tool("look", "Look at a thing.", {"type": "object", "properties": {"at": {"type": "string"}}})
>>> step = Step(Decision(thought="Start with the box.", call=ToolCall("look", {"at": "box"})), "It is empty.")
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Split = Literal["train", "dev", "test"]
Outcome = Literal[
    "solved",  # full reward, or what the environment calls success
    "failed",  # the episode ended by itself without success
    "turn_limit",
    "token_limit",  # the context or a reply's budget ran out
    "loop",  # three identical outputs in a row
    "format_error",  # too many replies in a row that could not be read
    "environment_error",  # the environment crashed, hung or died
    "model_error",  # the engine failed
]
SPLITS: tuple[Split, ...] = get_args(Split)
OUTCOMES: tuple[str, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool an agent may call.

    `parameters` is a JSON Schema object; `phrase` is the tool as a plain command with one placeholder for each
    argument, e.g. ``take {object} from {receptacle}``. `also` are further phrases, read as the same and never written.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    phrase: str | None = None
    also: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The argument names, in the schema's order."""
        return tuple(self.parameters.get("properties", {}))

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.parameters.get("required", ()))

    def schema(self) -> dict[str, Any]:
        """The tool as an OpenAI function definition."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": dict(self.parameters),
            },
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an agent decides in one turn: a call, or a message to the user, each with or without a thought.

    Texts are kept without outer white space and an empty one is None, so a decision has one form only.
    Raises ValueError where there is both a call and a message: what is said beside a call is a thought.
    """

    thought: str | None = None
    call: ToolCall | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "thought", (self.thought or "").strip() or None)
        object.__setattr__(self, "message", (self.message or "").strip() or None)
        if self.call is not None and self.message is not None:
            raise ValueError("a decision holds a call or a message, not both")


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request to an endpoint: its tokens, as in Usage, and `seconds` from sending it to its last byte.

    `waited` is the seconds before that: for a place, in pauses, in the `attempts` that failed before the last one.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    attempts: int = 1
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn; `cached` is the part of `prompt` that was not computed again.

    `usd` is what they cost, where prices were given; `requests` are those to an endpoint, () for an engine of our own.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    usd: float | None = None
    requests: tuple[Request, ...] = ()

    def row(self) -> dict[str, Any]:
        """Tokens and price as they stand beside a reply on disk."""
        return {"prompt": self.prompt, "completion": self.completion, "cached": self.cached, "usd": self.usd}


@dataclass(frozen=True, slots=True)
class Step:
    """One turn. `written` is the exact text of a model that wrote it, None where no model did.

    `error` says why the turn did not count (`format`, `invalid`), None for a turn that was carried out as it stands.
    `performed` is the admissible call that was carried out in place of an invalid one, where an environment does so.
    """

    decision: Decision
    observation: str = ""
    written: str | None = None
    train: bool = True
    usage: Usage | None = None
    error: str | None = None
    performed: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. `data` is the environment's own (JSON types only) and may hold the gold answer;
    its keys `level` (easy, medium, hard) and `kind` are what results are broken down by."""

    environment: str
    id: str
    split: Split
    goal: str
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> str:
        return str(self.data.get("level", ""))

    @property
    def kind(self) -> str:
        return str(self.data.get("kind", ""))


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One episode: `instructions` and `tools` as the agent got them, `opening` the first observation.

    `reward` is in [0, 1]; `agent` names who acted, `dialect` how it was asked to write (None for an expert).
    """

    task: Task
    tools: tuple[Tool, ...]
    instructions: str
    opening: str
    steps: tuple[Step, ...] = ()
    reward: float = 0.0
    outcome: Outcome = "failed"
    agent: str = "expert"
    dialect: str | None = None
    seed: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes an episode the same episode: environment, task, seed."""
        return (self.task.environment, self.task.id, self.seed)

    @property
    def solved(self) -> bool:
        return self.outcome == "solved"
