"""One episode: reset, decide, step, until something ends it. A bad episode is data, never a crash.

>>> trajectory = run_episode(seat, description, task, agent)
>>> trajectory.outcome, trajectory.reward
('solved', 1.0)
"""

from dataclasses import replace

from agenttuning.agents.base import Agent, Turn
from agenttuning.dialects import check_call
from agenttuning.errors import (
    ContextFull,
    EnvironmentFailure,
    InvalidAction,
    NoExpert,
    RequestFailed,
    UserError,
    WorkerLost,
)
from agenttuning.rollout.workers import Description, Seat
from agenttuning.trajectory import Decision, Outcome, Step, Task, ToolCall, Trajectory

MAX_UNREADABLE = 3  # replies in a row that cannot be read, then the episode is over
MAX_SAME = 3  # identical outputs in a row count as a failure (AgentTuning, arXiv 2310.12823 §2.1)


def run_episode(
    environment: Seat,
    description: Description,
    task: Task,
    agent: Agent,
    *,
    max_turns: int | None = None,
    seed: int = 0,
) -> Trajectory:
    """Play `task` to its end. Everything that goes wrong becomes the outcome, with its reason in `meta`.

    Only UserError (a bad task file, an engine that cannot be reached, a budget that is spent) is raised, but for
    RequestFailed, which ends the episode alone, and WorkerLost, after which it is to be played again.
    """
    trajectory = Trajectory(
        task=task,
        tools=description.tools,
        instructions=description.instructions,
        opening="",
        agent=agent.name,
        dialect=agent.dialect,
        seed=seed,
        meta={"chat_template": agent.template} if agent.template else {},
    )
    limit = max_turns or description.max_turns
    try:
        trajectory = replace(trajectory, opening=environment.reset(task))
        while len(trajectory.steps) < limit:
            turn = agent.turn(trajectory, environment)
            trajectory, over = _play(environment, trajectory, turn)
            if over:
                return trajectory
        return replace(trajectory, outcome="turn_limit")
    except ContextFull as error:
        return _ended(trajectory, "token_limit", error)
    except EnvironmentFailure as error:
        return _ended(trajectory, "environment_error", error)
    except NoExpert as error:
        return _ended(trajectory, "failed", error)
    except RequestFailed as error:
        return _ended(trajectory, "model_error", error)
    except (UserError, WorkerLost):
        raise
    except Exception as error:  # an engine's library raises whatever it likes
        return _ended(trajectory, "model_error", error)


def _ended(trajectory: Trajectory, outcome: Outcome, error: Exception) -> Trajectory:
    return replace(trajectory, outcome=outcome, meta={**trajectory.meta, "reason": str(error)})


def _play(environment: Seat, trajectory: Trajectory, turn: Turn) -> tuple[Trajectory, bool]:
    """Carry out one turn; returns the longer trajectory and whether the episode is over."""

    def grown(observation: str, error: str | None = None, performed: ToolCall | None = None) -> Trajectory:
        step = Step(turn.decision, observation, turn.written, error is None, turn.usage, error, performed)
        return replace(trajectory, steps=(*trajectory.steps, step))

    if turn.unreadable is not None:
        longer = grown(str(turn.unreadable), "format")
        if all(s.error == "format" for s in longer.steps[-MAX_UNREADABLE:]) and len(longer.steps) >= MAX_UNREADABLE:
            return replace(longer, outcome="token_limit" if turn.cut else "format_error"), True
        return _unless_looping(longer)
    try:
        if turn.decision.call is None:
            raise InvalidAction(f"Nobody reads messages here; act with a tool: {_tool_names(trajectory)}.")
        check_call(turn.decision.call, trajectory.tools)
        feedback = environment.step(turn.decision.call)
    except InvalidAction as error:
        return _unless_looping(grown(str(error), "invalid"))
    longer = grown(feedback.observation, "invalid" if feedback.performed else None, feedback.performed)
    longer = replace(longer, reward=float(feedback.reward))
    if feedback.measures:
        longer = replace(longer, meta={**longer.meta, "measures": dict(feedback.measures)})
    if feedback.terminated:
        outcome: Outcome = "solved" if feedback.solved else "failed"
        return replace(longer, outcome=outcome), True
    if feedback.truncated:
        return replace(longer, outcome="turn_limit"), True
    return _unless_looping(longer)


def _tool_names(trajectory: Trajectory) -> str:
    return ", ".join(tool.name for tool in trajectory.tools)


def _unless_looping(trajectory: Trajectory) -> tuple[Trajectory, bool]:
    last = [_output(step) for step in trajectory.steps[-MAX_SAME:]]
    if len(last) == MAX_SAME and len(set(map(repr, last))) == 1:
        return replace(trajectory, outcome="loop"), True
    return trajectory, False


def _output(step: Step) -> str | Decision:
    return step.decision if step.written is None else step.written
