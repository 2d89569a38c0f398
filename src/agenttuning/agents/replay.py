"""A recorded episode as an agent: the same decisions again, to check an environment or a file of others'."""

from agenttuning.agents.base import Turn
from agenttuning.errors import NoExpert
from agenttuning.rollout.workers import Seat
from agenttuning.trajectory import Trajectory


class ReplayAgent:
    """Plays `recorded`'s decisions in order; raises NoExpert when the episode asks for more than there are."""

    name = "replay"
    dialect = None
    template = None

    def __init__(self, recorded: Trajectory):
        self._decisions = [step.decision for step in recorded.steps]

    def turn(self, trajectory: Trajectory, environment: Seat) -> Turn:
        if len(trajectory.steps) >= len(self._decisions):
            raise NoExpert(f"the recording of {trajectory.task.id} ends after {len(self._decisions)} turns")
        return Turn(self._decisions[len(trajectory.steps)])
