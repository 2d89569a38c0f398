"""A language model as an agent: any engine, any dialect."""

from dataclasses import dataclass, replace

from agenttuning.agents.base import Turn
from agenttuning.dialects.base import Dialect
from agenttuning.engines.base import Engine, Sampling
from agenttuning.errors import FormatError
from agenttuning.rollout.workers import Seat
from agenttuning.trajectory import Decision, Trajectory


@dataclass(frozen=True)
class ModelAgent:
    """`sampling.seed` is joined with the episode's seed and turn, so a repeated episode repeats its replies."""

    name: str
    engine: Engine
    writing: Dialect
    sampling: Sampling

    @property
    def dialect(self) -> str:
        return self.writing.name

    @property
    def template(self) -> str | None:
        return self.engine.template

    def turn(self, trajectory: Trajectory, environment: Seat) -> Turn:
        sampling = replace(
            self.sampling,
            seed=(self.sampling.seed + 1_000_003 * trajectory.seed + len(trajectory.steps)) % 2**31,
            stop=self.writing.stop,
        )
        reply = self.engine.submit(self.writing.prompt(trajectory), sampling).result()
        try:
            decision = self.writing.read(reply.text, trajectory.tools)
        except FormatError as error:
            return Turn(Decision(), reply.text, reply.usage, error, reply.finish == "length")
        return Turn(decision, reply.text, reply.usage)
