"""The environment's own gold decisions as an agent."""

from agenttuning.agents.base import Turn
from agenttuning.rollout.workers import Seat
from agenttuning.trajectory import Trajectory


class ExpertAgent:
    name = "expert"
    dialect = None
    template = None

    def turn(self, trajectory: Trajectory, environment: Seat) -> Turn:
        return Turn(environment.expert_decision(trajectory.task))
