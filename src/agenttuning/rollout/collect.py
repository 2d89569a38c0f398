"""Many episodes at once, each on disk before the next begins; kill it at any moment and start it again.

While a run is going its episodes stand in ``ENV.jsonl.partial`` in the order they ended. When all are there
they are sorted and the file gets its final name, so the same seed gives the same bytes. An endpoint's replies stand
beside them until then: an episode that was broken off goes on from those that were paid for.

>>> collect(CollectConfig({"database": 100}), Path("trajectories"), dialect="react", seed=0)
{'environments': {'database': {'tasks': 100, 'episodes': 100, …}}}
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agenttuning import dialects
from agenttuning.agents.base import Agent
from agenttuning.agents.expert import ExpertAgent
from agenttuning.agents.fallible import FallibleExpert
from agenttuning.agents.model import ModelAgent
from agenttuning.engines import EndpointConfig, Engine, Sampling
from agenttuning.errors import BadInput
from agenttuning.progress import duration
from agenttuning.provenance import marked
from agenttuning.rollout import best
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.journal import Job, Journal
from agenttuning.rollout.origin import origin
from agenttuning.rollout.schedule import Schedule
from agenttuning.rollout.workers import Bounds, Description, Pool, Seat
from agenttuning.settings import check_above_zero, check_at_least
from agenttuning.tables import aligned
from agenttuning.trajectory import SPLITS, Split, Trajectory

Progress = Callable[[int, int, str], None]
REPLIES = "replies.jsonl.partial"  # an endpoint's, while not all episodes have come to their end


@dataclass(frozen=True)
class CollectConfig:
    """How trajectories are made."""

    environments: dict[str, int] = field(default_factory=dict)
    """How many tasks of each environment."""
    agent: str = "expert"
    """Who acts: `expert`, or a model (built-in name, folder, hub id, URL#MODEL)."""
    mistakes: float = 0.0
    """The share of the expert's turns before which it makes a mistake first and mends it, in [0, 1]."""
    split: Split = "train"
    """Which tasks: train, dev or test."""
    samples: int = 1
    """Episodes for each task, with seeds of their own; of a model's, the best `keep` of each task stay."""
    keep: int = 1
    """Of several samples of a model: how many of a task are kept, the best by reward, the shortest of those alike. All
    of them stay in samples/."""
    data: dict[str, str] = field(default_factory=dict)
    """The official benchmark's files for an environment, instead of built-in tasks."""
    skip_bad: bool = False
    """Leave out records of those files that cannot be read, instead of stopping at the first."""
    concurrency: int = 32
    """Episodes at a time."""
    workers: int = 0
    """Environment processes in all, at least one for each environment; 0: as processors and memory allow."""
    recycle_episodes: int = 1000
    """An environment's process is replaced after so many episodes, before what it leaks counts."""
    recycle_memory: float = 1.0
    """Or when it holds so many gigabytes more than in its first 20 episodes."""
    ray: str | None = None
    """Play on the nodes of the Ray cluster at this address, or on a `local` one; none: processes of this machine."""
    max_turns: int | None = None
    """Turns an episode may have; none: the environment's own limit."""
    max_tokens: int = 128
    """Tokens of one reply."""
    temperature: float | None = None
    """0 is greedy; by default 0, and 1 for several samples of a model."""
    engine: str = "auto"
    """auto, openvino, transformers or openai."""
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    """How an endpoint is asked, where the model is one (docs/endpoints.md)."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "environments", "samples", "keep", "concurrency", "max_turns", "max_tokens")
        check_at_least(self, 1, "recycle_episodes")
        check_at_least(self, 0, "temperature", "workers")
        check_above_zero(self, "recycle_memory")
        if not 0 <= self.mistakes <= 1:
            raise BadInput(f"mistakes is a share between 0 and 1, found {self.mistakes}")
        if self.mistakes and self.agent != "expert":
            raise BadInput(f"mistakes are the expert's, and {self.agent} acts here; leave one of them out")
        if self.sampled and self.temperature == 0:
            raise BadInput("temperature 0 makes all samples of a task alike; give one above 0, or one sample")

    @property
    def sampled(self) -> bool:
        """Whether several episodes of a model compete for each task."""
        return self.agent != "expert" and self.samples > 1

    @property
    def heat(self) -> float:
        """The temperature, where none is given too."""
        return self.temperature if self.temperature is not None else float(self.sampled)


@dataclass(frozen=True, slots=True)
class _Played:
    """An episode, and the seconds that it was in its environment and with its agent."""

    episode: Trajectory
    inside: float
    outside: float


def collect(
    config: CollectConfig, out: Path, *, dialect: str, seed: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Write ``out/ENV.jsonl`` for each environment.

    Returns `environments`: tasks, episodes and outcomes of each; and of a model `engine`: the seconds in which episodes
    were played in this call, the share of them in which the engine was busy, and its requests at a time.
    """
    check(config)
    if config.agent == "expert":
        expert = FallibleExpert(config.mistakes) if config.mistakes else ExpertAgent()
        return {"environments": play_all(config, out, expert, seed=seed, progress=progress)}
    from agenttuning import engines
    from agenttuning.engines.busy import BusyEngine
    from agenttuning.engines.stored import storing

    with engines.make(config.agent, config.engine, endpoint=config.endpoint) as running:
        watched = BusyEngine(running)
        with storing(watched, config.agent, out / REPLIES) as engine:
            agent = model_agent(config, engine, dialect=dialect, seed=seed)
            counts = play_all(config, out, agent, seed=seed, progress=progress, begins=watched.begin)
            told = watched.told()
    return {"environments": counts, "engine": told}


def collection_lines(counts: Mapping[str, Any]) -> list[str]:
    """What `collect` returned, to read: a line for each environment, and how busy the engine was."""
    rows = [["", "tasks", "episodes", "kept", "solved", "mean reward"]]
    for name, count in counts["environments"].items():
        numbers = [count["tasks"], count["episodes"], count.get("kept", count["episodes"])]
        solved = count["outcomes"].get("solved", 0)
        rows.append([name, *map(str, numbers), str(solved), f"{count['mean_reward']:.3f}"])
    lines = aligned(rows).splitlines()
    if (engine := counts.get("engine")) and engine["requests"]:
        told = f"engine: busy {engine['busy']:.1%} of {duration(engine['seconds'])}"
        lines.append(f"{told}, {engine['requests']:.1f} requests at a time")
    return lines


def check(config: CollectConfig) -> None:
    """Raise BadInput for what can be known to be wrong before anything starts."""
    from agenttuning.environments import missing

    if config.split not in SPLITS:
        raise BadInput(f"split is {config.split!r}, expected one of {', '.join(SPLITS)}")
    if lacking := missing(config.environments):
        raise BadInput("\n".join(f"{name} cannot run here: {why}" for name, why in lacking.items()))
    for name, path in config.data.items():
        if name not in config.environments:
            chosen = ", ".join(config.environments) or "none"
            raise BadInput(
                f"data is given for {name!r}, which is not among the environments ({chosen}); name it there too"
            )
        if not Path(path).exists():
            raise BadInput(f"{path}: the data of {name} does not exist; check the path")


def model_agent(config: CollectConfig, engine: Engine, *, dialect: str, seed: int) -> ModelAgent:
    sampling = Sampling(max_tokens=config.max_tokens, temperature=config.heat, seed=seed)
    return ModelAgent(config.agent, engine, dialects.get(dialect), sampling)


def play_all(
    config: CollectConfig,
    out: Path,
    agent: Agent,
    *,
    seed: int,
    progress: Progress | None = None,
    begins: Callable[[], object] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """Play every task that has no finished episode in `out` yet; `begins` is called when the first one begins.

    Raises BudgetSpent when the episodes that can still end have ended; what is finished stays in `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    data = {name: Path(config.data[name]) if name in config.data else None for name in config.environments}
    folder = best.folder_of_samples(out, config.environments) if config.sampled else out
    bounds = Bounds(config.recycle_episodes, int(config.recycle_memory * 1e9))
    with Pool(data, processes=config.workers, skip_bad=config.skip_bad, bounds=bounds, ray=config.ray) as pool:
        about: dict[str, Description] = {}
        jobs: dict[str, list[Job]] = {}
        for name, limit in config.environments.items():
            about[name], tasks, _ = pool.listed(name, config.split, limit=limit, seed=seed)
            pairs = [(task, sample) for task in tasks for sample in range(config.samples)]
            jobs[name] = [Job(i, task, seed + sample) for i, (task, sample) in enumerate(pairs)]
        journals = {name: Journal(folder / f"{name}.jsonl", jobs[name]) for name in jobs}
        total = sum(map(len, jobs.values()))
        done = total - sum(len(journal.missing) for journal in journals.values())
        if progress and total:
            progress(done, total, "episodes")

        def play(job: Job) -> _Played:
            def use(seat: Seat) -> _Played:
                began, (waited, served) = time.monotonic(), seat.spent
                name = job.task.environment
                episode = run_episode(seat, about[name], job.task, agent, max_turns=config.max_turns, seed=job.seed)
                queued, inside = seat.spent[0] - waited, seat.spent[1] - served
                return _Played(episode, inside, max(0.0, time.monotonic() - began - queued - inside))

            return pool.play(job.task.environment, use)

        # Without a model to wait for, more episodes than workers only queue.
        places = config.concurrency if agent.dialect else pool.limit
        missing = {name: journal.missing for name, journal in journals.items()}
        schedule = Schedule(missing, places=places, workers=pool.size)
        begins()
        try:
            for played in _concurrently(play, schedule, places):
                name = played.episode.task.environment
                journals[name].append(marked(played.episode, **origin(played.episode, data[name])))
                if schedule.ended(name, played.inside, played.outside):
                    pool.release(name)
                done += 1
                if progress:
                    progress(done, total, "episodes")
        finally:
            for journal in journals.values():
                journal.close()
    counts = {name: journal.finish() for name, journal in journals.items()}
    return best.keep_best(config.keep, folder, out, counts, seed=seed) if config.sampled else counts


def _concurrently(play: Callable[[Job], _Played], schedule: Schedule[Job], concurrency: int) -> Iterator[_Played]:
    """Results as they come, never more than `concurrency` episodes begun and not yet written.

    Where one raises, no more are begun, those that run come to their end, and then the first error is raised: what was
    played is not lost.
    """
    with ThreadPoolExecutor(concurrency, thread_name_prefix="episode") as threads:
        running: set[Future[_Played]] = set()
        errors: list[BaseException] = []
        try:
            while True:
                while not errors and (job := schedule.next()) is not None:
                    running.add(threads.submit(play, job))
                if not running:
                    break
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    if error := future.exception():
                        errors.append(error)
                    else:
                        yield future.result()
        finally:
            for future in running:
                future.cancel()
    if errors:
        raise errors[0]
