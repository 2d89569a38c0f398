"""A language model as an agent: any engine, any dialect."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agenttuning.agents.base import Turn
from agenttuning.dialects.base import Dialect
from agenttuning.engines.base import Engine, Reply, Sampling
from agenttuning.errors import FormatError
from agenttuning.rollout.workers import Seat
from agenttuning.trajectory import Decision, Trajectory, Usage


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
        questions = self.writing.ask(trajectory)
        asked, replies = next(questions), list[Reply]()
        while True:
            replies.append(self.engine.submit(asked, sampling).result())
            written, usage = "\n".join(reply.text for reply in replies), _sum([reply.usage for reply in replies])
            try:
                asked = questions.send(replies[-1].text)
            except StopIteration as found:
                return Turn(found.value, written, usage)
            except FormatError as error:
                return Turn(Decision(), written, usage, error, replies[-1].finish == "length")


def _sum(usages: Sequence[Usage]) -> Usage:
    """What the replies of one turn cost together."""
    costs = [usage.usd for usage in usages if usage.usd is not None]
    return Usage(
        prompt=sum(usage.prompt for usage in usages),
        completion=sum(usage.completion for usage in usages),
        cached=sum(usage.cached for usage in usages),
        usd=round(sum(costs), 9) if costs else None,
        requests=tuple(request for usage in usages for request in usage.requests),
    )
