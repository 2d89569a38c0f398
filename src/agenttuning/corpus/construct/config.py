"""What there is to choose about instruction construction.

>>> asked = EndpointConfig(price_prompt=0.15, price_completion=0.6)
>>> ConstructConfig(teacher="http://localhost:8000/v1#my-model", tasks=200, budget_usd=5, endpoint=asked)
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from agenttuning.engines import EndpointConfig
from agenttuning.errors import BadInput
from agenttuning.settings import check_above_zero, check_at_least

Subject = Literal["operating_system", "database"]
CANDIDATES = 10  # times as many as tasks


@dataclass(frozen=True)
class ConstructConfig:
    """How instructions are constructed."""

    teacher: str
    """Who writes: a built-in name, a folder, a hub id or URL#MODEL."""
    tasks: int = 100
    """How many to keep."""
    candidates: int | None = None
    """How many the teacher may write, or how many of the set's questions are looked at; none: ten times `tasks`."""
    solver: str | None = None
    """Who solves a problem a second time; none: the teacher."""
    topics: list[str] = field(default_factory=list)
    """What to write about; none: built-in topics."""
    seeds: str | None = None
    """A file in the environment's published format whose instructions begin the pool; none: built-in tasks."""
    shown: int = 6
    """Instructions of the pool that a prompt shows, as what not to write again."""
    similarity: float = 0.7
    """An instruction with a higher ROUGE-L to an earlier one is refused."""
    batch: int = 8
    """Prompts that are drawn from the same pool and asked at once."""
    source: str | None = None
    """A text-to-SQL set to derive from, instead of writing: a JSON file in BIRD's or Spider's layout, or its folder."""
    databases: str | None = None
    """The folder of that set's databases; none: looked for beside it."""
    way: Literal["annotate", "interact"] = "annotate"
    """With a source: annotate executes the reference SQL and has the teacher write the thoughts; interact has the
    teacher play the question, compared with the reference SQL's result."""
    max_rows: int = 200
    """Rows of a table that a derived task has at most."""
    max_tokens: int = 1024
    """Tokens of one reply."""
    temperature: float = 1.0
    """Of the teacher's writing; solving and thoughts are greedy."""
    engine: str = "auto"
    """auto, openvino, transformers or openai."""
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    """How the teacher's endpoint is asked and what its tokens cost (docs/endpoints.md); its budget is the one below."""
    solver_endpoint: EndpointConfig | None = None
    """The same for the solver's; none: as the teacher's, without its replicas."""
    budget_tokens: int | None = None
    """Tokens of prompts and replies that may be used, those of earlier runs in the same folder included."""
    budget_usd: float | None = None
    """US dollars that may be spent, those of earlier runs in the same folder included; needs the
    endpoint's prices."""
    workers: int = 2
    """Sandboxes or environment processes at a time."""
    concurrency: int = 16
    """Episodes at a time, where the teacher plays."""

    def __post_init__(self) -> None:
        if not self.teacher.strip():
            raise BadInput("teacher is empty; name a model, or an endpoint as URL#MODEL")
        check_at_least(self, 1, "tasks", "candidates", "batch", "max_rows", "max_tokens", "workers", "concurrency")
        check_at_least(self, 1, "budget_tokens")
        check_at_least(self, 0, "shown", "temperature")
        check_above_zero(self, "budget_usd")
        if not 0 < self.similarity <= 1:
            raise BadInput(f"similarity is above 0 and at most 1, found {self.similarity}")
        asked = [self.endpoint, *([self.solver_endpoint] if self.solver_endpoint else [])]
        if any(one.budget_tokens is not None or one.budget_usd is not None for one in asked):
            raise BadInput("an endpoint's budget is that of one command; here all of them count: give --budget-tokens")
        if self.budget_usd is not None and not (self.endpoint.price_prompt or self.endpoint.price_completion):
            raise BadInput(
                "budget_usd needs what tokens cost: --endpoint.price-prompt and --endpoint.price-completion, in "
                "dollars a million"
            )
        if self.databases is not None and self.source is None:
            raise BadInput("databases belong to a text-to-SQL set; give it as --source")

    @property
    def most(self) -> int:
        """Candidates at most."""
        return self.candidates if self.candidates is not None else CANDIDATES * self.tasks

    @property
    def solving(self) -> EndpointConfig:
        """How the solver is asked."""
        if self.solver in (None, self.teacher):
            return self.endpoint
        return self.solver_endpoint or replace(self.endpoint, replicas=[])
