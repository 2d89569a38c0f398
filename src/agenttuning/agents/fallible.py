"""An expert that makes mistakes and mends them, so that a model can learn to recover.

Before some turns, drawn by the episode and the turn, it calls a tool that is not there, leaves out an argument or names
one wrongly. The refusal is real; the next turn says what was wrong and does the right thing. The wrong turns carry no
loss (`Step.train`), the corrections do.

>>> agent = FallibleExpert(mistakes=0.2)
"""

from random import Random

from agenttuning.agents.base import Turn
from agenttuning.rollout.workers import Seat
from agenttuning.trajectory import Decision, Tool, ToolCall, Trajectory

_NAMES = ("run_{name}", "{name}_now", "do_{name}", "new_{name}", "{name}_all", "my_{name}")
_ARGUMENTS = ("the_{name}", "{name}s", "{name}_value", "my_{name}", "input_{name}")
_NO_TOOL = (
    "There is no {wrong}. The tool is {tool}.",
    "{wrong} does not exist; I have {tool}.",
    "That was the wrong name, it is {tool}.",
    "I need {tool}, not {wrong}.",
)
_LEFT_OUT = (
    "I forgot {right}.",
    "{tool} cannot go without {right}.",
    "The call was missing {right}.",
    "{right} has to be given as well.",
)
_MISNAMED = (
    "The argument is called {right}, not {wrong}.",
    "{tool} knows no {wrong}; it takes {right}.",
    "{wrong} was wrong, {right} is right.",
    "It has to be {right}.",
)


class FallibleExpert:
    """`mistakes` is the share of the expert's turns before which it first makes one, in [0, 1]."""

    name = "expert"
    dialect = None
    template = None

    def __init__(self, mistakes: float):
        self.mistakes = mistakes
        self._waiting: dict[tuple[str, str, int], Decision] = {}  # what an episode's next turn is to be

    def turn(self, trajectory: Trajectory, environment: Seat) -> Turn:
        if not trajectory.steps:  # an episode whose worker was lost begins again
            self._waiting.pop(trajectory.key, None)
        if (mended := self._waiting.pop(trajectory.key, None)) is not None:
            return Turn(mended)
        decision = environment.expert_decision(trajectory.task)
        random = Random(f"mistakes/{'/'.join(map(str, trajectory.key))}/{len(trajectory.steps)}")
        if decision.call is None or random.random() >= self.mistakes:
            return Turn(decision)
        wrong, mended = _mistaken(decision, trajectory.tools, random)
        self._waiting[trajectory.key] = mended
        return Turn(wrong)


def _mistaken(decision: Decision, tools: tuple[Tool, ...], random: Random) -> tuple[Decision, Decision]:
    """The decision with a mistake that any environment refuses before it acts, and the one that mends it."""
    call = decision.call
    assert call is not None
    tool = next((tool for tool in tools if tool.name == call.name), None)
    needed = [name for name in tool.required if name in call.arguments] if tool else []
    kinds = ["name", *(("left out", "misnamed") if needed else ())]
    kind = random.choice(kinds)
    if kind == "name":
        taken = {tool.name for tool in tools}
        wrong = random.choice([name for form in _NAMES if (name := form.format(name=call.name)) not in taken])
        bad = ToolCall(wrong, call.arguments)
        said = random.choice(_NO_TOOL).format(wrong=wrong, tool=call.name)
    else:
        right = random.choice(needed)
        others = {name: value for name, value in call.arguments.items() if name != right}
        if kind == "left out":
            bad, said = ToolCall(call.name, others), random.choice(_LEFT_OUT).format(tool=call.name, right=right)
        else:
            known = set(tool.arguments) if tool else set()
            wrong = random.choice([name for form in _ARGUMENTS if (name := form.format(name=right)) not in known])
            bad = ToolCall(call.name, {wrong: call.arguments[right], **others})
            said = random.choice(_MISNAMED).format(tool=call.name, right=right, wrong=wrong)
    thought = f"{said} {decision.thought}" if decision.thought else said
    return Decision(decision.thought, bad), Decision(thought, call)
