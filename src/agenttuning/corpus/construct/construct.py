"""A run of instruction construction, from a teacher to files.

    OUT/data/train_OUT/training.json   problems on a machine     OUT/train.jsonl   questions about tables
    OUT/trajectories/database.jsonl    derived trajectories      OUT/refused.json  why the others were not taken
    OUT.replies/                       what was paid for: kept beside the folder, and read before anybody is asked

>>> construct(ConstructConfig(teacher="http://localhost:8000/v1#big", tasks=200), "database", Path("made"), ...)
{'tasks': 200, 'candidates': 431, 'refused': {'solver_disagrees': 120, ...}, 'spent': {...}, 'stopped': ''}
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agenttuning import engines
from agenttuning.budget import Budget, Spent
from agenttuning.corpus.construct.config import ConstructConfig, Subject
from agenttuning.corpus.construct.refusal import REASONS, Refusals
from agenttuning.corpus.construct.self_instruct import Made, self_instruct
from agenttuning.corpus.construct.similarity import Pool
from agenttuning.corpus.construct.world import World
from agenttuning.engines import EndpointConfig, Engine
from agenttuning.engines.stored import StoredEngine
from agenttuning.errors import BadInput
from agenttuning.files import write_json
from agenttuning.journal import Journal
from agenttuning.progress import Progress

if TYPE_CHECKING:
    from agenttuning.corpus.construct.sql_set import SqlSet

REPLIES, VERDICTS = "replies.jsonl", "verdicts.jsonl"


@dataclass
class Teachers:
    """The models of a run, opened when they are first asked; the budget that they share, and their stored replies."""

    config: ConstructConfig
    budget: Budget
    replies: Journal
    _asking: ExitStack  # waits for replies under way, before `_closing` closes the engines
    _closing: ExitStack
    _engines: dict[str, Engine] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def engine(self, role: str, *, solver: bool = False) -> StoredEngine:
        """The teacher, or the solver where that is another one."""
        config = self.config
        model = (config.solver if solver else None) or config.teacher
        endpoint = config.solving if solver else config.endpoint
        engine = StoredEngine(
            model, self.replies, open_engine=lambda: self._opened(model, endpoint), role=role, budget=self.budget,
            prices=endpoint.prices,
        )  # fmt: skip
        return self._asking.enter_context(engine)

    def _opened(self, model: str, endpoint: EndpointConfig) -> Engine:
        with self._lock:
            if model not in self._engines:
                kind = self.config.engine if model == self.config.teacher else "auto"
                self._engines[model] = engines.make(model, kind, endpoint=endpoint)
                self._closing.callback(self._engines[model].close)
            return self._engines[model]

    def spending(self) -> dict[str, Any]:
        """By role and in all, over all runs that used these replies."""
        roles = _by_role(self.replies)
        return {
            role: asdict(spent) | {"usd": round(spent.usd, 6)}
            for role, spent in [*sorted(roles.items()), ("total", sum(roles.values(), Spent()))]
        }


@contextmanager
def teachers(config: ConstructConfig, replies: Path) -> Generator[Teachers]:
    """`replies` is the folder in which what was paid for is kept."""
    with Journal(replies / REPLIES) as journal, ExitStack() as closing, ExitStack() as asking:
        before = sum(_by_role(journal).values(), Spent())
        budget = Budget(tokens=config.budget_tokens, usd=config.budget_usd, spent=before)
        yield Teachers(config, budget, journal, asking, closing)


def _by_role(replies: Journal) -> dict[str, Spent]:
    out: dict[str, Spent] = {}
    for row in replies:
        cost = Spent(1, row["prompt"], row["completion"], row["cached"], row["usd"])
        out[row["role"]] = out.get(row["role"], Spent()) + cost
    return out


def check(config: ConstructConfig, subject: Subject) -> None:
    """Raise for what can be known to be wrong before anybody is paid."""
    from agenttuning.environments import environment_class

    environment_class(subject)
    if config.source is not None and subject != "database":
        raise BadInput(f"a text-to-SQL set is for the environment database, not for {subject}")
    for name in ("source", "databases", "seeds"):
        value = getattr(config, name)
        if value is not None and not Path(value).exists():
            raise BadInput(f"{value}: no such file or folder; {name} names it")


def make_world(subject: Subject) -> World:
    if subject == "operating_system":
        from agenttuning.corpus.construct.machine import Machine

        return Machine()
    from agenttuning.corpus.construct.tables import Tables

    return Tables()


def begun_pool(config: ConstructConfig, world: World, seed: int) -> Pool:
    """The pool as a run begins: instructions of built-in tasks, or of a file."""
    if config.seeds is None:
        return Pool(world.seeds(seed), config.similarity)
    from agenttuning.environments import make

    environment = make(world.name, Path(config.seeds), skip_bad=True)
    return Pool((task.goal for task in environment.tasks("train")), config.similarity)


def construct(
    config: ConstructConfig,
    subject: Subject,
    out: Path,
    *,
    replies: Path,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write tasks, or with a source and the way `annotate` trajectories; returns counts.

    Nothing is asked that `replies` holds already.
    """
    check(config, subject)
    if config.source is not None:
        return _derive(config, out, replies=replies, seed=seed, progress=progress)
    world = make_world(subject)
    with teachers(config, replies) as staff, Journal(replies / VERDICTS) as verdicts:
        pool = begun_pool(config, world, seed)
        try:
            made = self_instruct(
                config,
                world,
                writer=staff.engine("write"),
                solver=staff.engine("solve", solver=True),
                verdicts=verdicts,
                pool=pool,
                seed=seed,
                progress=telling(progress, config.tasks, staff),
            )
        finally:
            world.close()
        if made.records:
            world.write(out, made.records)
        return finished(out, made, staff)


def _derive(
    config: ConstructConfig, out: Path, *, replies: Path, seed: int, progress: Progress | None
) -> dict[str, Any]:
    from agenttuning.atif import write_trajectories
    from agenttuning.corpus.construct import derive
    from agenttuning.corpus.construct.tables import Tables

    of = sql_set(config)
    with teachers(config, replies) as staff:
        show = telling(progress, config.tasks, staff)
        if config.way == "interact":
            made = derive.tasks(config, of, seed=seed, progress=show)
            if made.records:
                Tables().write(out, made.records)
            return finished(out, made, staff)
        made, kept = derive.annotate(config, of, writer=staff.engine("thoughts"), seed=seed, progress=show)
        if kept:
            write_trajectories(out / "trajectories" / "database.jsonl", kept)
        return finished(out, made, staff) | {"tasks": len(kept)}


def sql_set(config: ConstructConfig) -> "SqlSet":
    """The set that the settings name. Raises BadInput."""
    from agenttuning.corpus.construct.sql_set import SqlSet

    assert config.source is not None
    return SqlSet.find(Path(config.source), Path(config.databases) if config.databases else None)


def telling(progress: Progress | None, total: int, staff: Teachers) -> Callable[[int], None] | None:
    """What `progress` shows: tasks, and what they have cost."""
    if progress is None:
        return None

    def show(kept: int) -> None:
        spent = staff.budget.spent
        dollars = f", ${spent.usd:.2f}" if spent.usd else ""
        progress(kept, total, f"{spent.calls} replies, {spent.tokens} tokens{dollars}")

    return show


def finished(out: Path, made: Made, staff: Teachers) -> dict[str, Any]:
    """Write refused.json and return the run's counts."""
    write_json(out / "refused.json", explained(made.refusals))
    return {
        "tasks": len(made.records),
        "candidates": made.candidates,
        "refused": made.refusals.counts,
        "spent": staff.spending(),
        "stopped": made.stopped,
    }


def explained(refusals: Refusals) -> dict[str, Mapping[str, Any]]:
    return {
        reason: {"count": count, "meaning": REASONS[reason], "example": refusals.examples[reason]}
        for reason, count in refusals.counts.items()
    }
