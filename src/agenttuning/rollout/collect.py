"""Many episodes at once, each on disk before the next begins; kill it at any moment and start it again.

While a run is going its episodes stand in ``ENV.jsonl.partial`` in the order they ended. When all are there
they are sorted and the file gets its final name, so the same seed gives the same bytes. An endpoint's replies stand
beside them until then: an episode that was broken off goes on from those that were paid for.

>>> collect(CollectConfig({"database": 100}), Path("trajectories"), dialect="react", seed=0)
{'database': {'tasks': 100, 'episodes': 100, 'solved': 100}}
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from agenttuning import dialects
from agenttuning.agents.base import Agent
from agenttuning.agents.expert import ExpertAgent
from agenttuning.agents.fallible import FallibleExpert
from agenttuning.agents.model import ModelAgent
from agenttuning.atif import dumps, read_trajectories, write_trajectories
from agenttuning.engines import EndpointConfig, Engine, Sampling
from agenttuning.errors import BadInput
from agenttuning.files import disk_error
from agenttuning.provenance import marked
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.origin import origin
from agenttuning.rollout.workers import Description, Pool
from agenttuning.settings import check_at_least
from agenttuning.trajectory import SPLITS, Split, Task, Trajectory

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
    """Episodes for each task, with seeds of their own."""
    data: dict[str, str] = field(default_factory=dict)
    """The official benchmark's files for an environment, instead of built-in tasks."""
    skip_bad: bool = False
    """Leave out records of those files that cannot be read, instead of stopping at the first."""
    concurrency: int = 32
    """Episodes at a time."""
    workers: int = 2
    """Environment processes."""
    max_turns: int | None = None
    """Turns an episode may have; none: the environment's own limit."""
    max_tokens: int = 128
    """Tokens of one reply."""
    temperature: float = 0.0
    """0 is greedy."""
    engine: str = "auto"
    """auto, openvino, transformers or openai."""
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    """How an endpoint is asked, where the model is one (docs/endpoints.md)."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "environments", "samples", "concurrency", "workers", "max_turns", "max_tokens")
        check_at_least(self, 0, "temperature")
        if not 0 <= self.mistakes <= 1:
            raise BadInput(f"mistakes is a share between 0 and 1, found {self.mistakes}")
        if self.mistakes and self.agent != "expert":
            raise BadInput(f"mistakes are the expert's, and {self.agent} acts here; leave one of them out")


@dataclass(frozen=True, slots=True)
class _Job:
    order: int
    task: Task
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.task.environment, self.task.id, self.seed)


def collect(
    config: CollectConfig, out: Path, *, dialect: str, seed: int, progress: Progress | None = None
) -> dict[str, dict[str, Any]]:
    """Write ``out/ENV.jsonl`` for each environment; returns tasks, episodes and outcomes by environment."""
    check(config)
    if config.agent == "expert":
        expert = FallibleExpert(config.mistakes) if config.mistakes else ExpertAgent()
        return play_all(config, out, expert, seed=seed, progress=progress)
    from agenttuning import engines
    from agenttuning.engines.stored import storing

    with (
        engines.make(config.agent, config.engine, endpoint=config.endpoint) as running,
        storing(running, config.agent, out / REPLIES) as engine,
    ):
        agent = model_agent(config, engine, dialect=dialect, seed=seed)
        return play_all(config, out, agent, seed=seed, progress=progress)


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
    sampling = Sampling(max_tokens=config.max_tokens, temperature=config.temperature, seed=seed)
    return ModelAgent(config.agent, engine, dialects.get(dialect), sampling)


def play_all(
    config: CollectConfig, out: Path, agent: Agent, *, seed: int, progress: Progress | None = None
) -> dict[str, dict[str, Any]]:
    """Play every task that has no finished episode in `out` yet.

    Raises BudgetSpent when the episodes that can still end have ended; what is finished stays in `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    data = {name: Path(config.data[name]) if name in config.data else None for name in config.environments}
    # Without a model to wait for, more episodes than processes only queue.
    concurrency = config.concurrency if agent.dialect else config.workers
    with Pool(data, processes=config.workers, skip_bad=config.skip_bad) as pool:
        about: dict[str, Description] = {}
        jobs: dict[str, list[_Job]] = {}
        for name, limit in config.environments.items():
            about[name], tasks, _ = pool.listed(name, config.split, limit=limit, seed=seed)
            pairs = [(task, sample) for task in tasks for sample in range(config.samples)]
            jobs[name] = [_Job(i, task, seed + sample) for i, (task, sample) in enumerate(pairs)]
        journals = {name: _Journal(out / f"{name}.jsonl", jobs[name]) for name in jobs}
        total = sum(map(len, jobs.values()))
        done = total - sum(len(journal.missing) for journal in journals.values())
        if progress and total:
            progress(done, total, "episodes")

        def play(job: _Job) -> Trajectory:
            with pool.seat(job.task.environment) as seat:
                return run_episode(
                    seat,
                    about[job.task.environment],
                    job.task,
                    agent,
                    max_turns=config.max_turns,
                    seed=job.seed,
                )

        try:
            for played in _concurrently(play, _mixed(journals), concurrency):
                trajectory = marked(played, **origin(played, data[played.task.environment]))
                journals[trajectory.task.environment].append(trajectory)
                done += 1
                if progress:
                    progress(done, total, "episodes")
        finally:
            for journal in journals.values():
                journal.close()
    return {name: journal.finish() for name, journal in journals.items()}


def _mixed(journals: Mapping[str, "_Journal"]) -> Iterator[_Job]:
    """Missing jobs of all environments in turn, so that a slow one does not come alone at the end."""
    queues = [list(journal.missing) for journal in journals.values()]
    for i in range(max(map(len, queues), default=0)):
        yield from (queue[i] for queue in queues if i < len(queue))


def _concurrently(play: Callable[[_Job], Trajectory], jobs: Iterator[_Job], concurrency: int) -> Iterator[Trajectory]:
    """Results as they come, never more than `concurrency` episodes begun and not yet written.

    Where one raises, no more are begun, those that run come to their end, and then the first error is raised: what was
    played is not lost.
    """
    with ThreadPoolExecutor(concurrency, thread_name_prefix="episode") as threads:
        running: set[Future[Trajectory]] = set()
        errors: list[BaseException] = []
        waiting = iter(jobs)
        try:
            while True:
                while not errors and len(running) < concurrency and (job := next(waiting, None)) is not None:
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


class _Journal:
    """The finished episodes of one environment: appended and synced one by one, sorted at the end."""

    def __init__(self, path: Path, jobs: Sequence[_Job]):
        self._path, self._jobs = path, jobs
        self._partial = path.with_name(path.name + ".partial")
        have = set(_keys(path)) if path.is_file() else self._recover()
        self.missing = [job for job in jobs if job.key not in have]
        if path.is_file() and self.missing:  # a longer run over a finished shorter one goes on from it
            path.replace(self._partial)
        self._stream: IO[bytes] | None = None

    def _recover(self) -> set[tuple[str, str, int]]:
        """The episodes of a run that was killed; a last line that was cut in the middle is taken off."""
        if not self._partial.is_file():
            return set()
        with self._partial.open("r+b") as stream:
            end = 0
            for line in stream:
                if not line.endswith(b"\n") or not _is_json(line):
                    break
                end += len(line)
            stream.truncate(end)
        return set(_keys(self._partial))

    def append(self, trajectory: Trajectory) -> None:
        try:
            if self._stream is None:
                self._stream = self._partial.open("ab")
            self._stream.write(dumps(trajectory).encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise disk_error(error, self._partial) from error

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(OSError):  # all that counts is synced; a line that found no space fails here once more
                stream.close()

    def finish(self) -> dict[str, Any]:
        return settle(self._path, {job.key: job.order for job in self._jobs})


def settle(path: Path, order: Mapping[tuple[str, str, int], int] | None = None) -> dict[str, Any]:
    """Give the episodes of ``ENV.jsonl.partial`` their place and the file its name; returns their counts.

    Without an `order`, where a run was broken off and shall not go on, they are sorted by task and seed.
    """
    partial = path.with_name(path.name + ".partial")
    source = partial if partial.is_file() else path
    rows = list(read_trajectories(source)) if source.is_file() else []
    if order is None:
        rows.sort(key=lambda t: t.key)
    else:
        rows = sorted((t for t in rows if t.key in order), key=lambda t: order[t.key])
    if source != path:
        # write_trajectories uses the same .partial name: sort beside it, then drop the journal
        sorted_path = path.with_name(path.name + ".sorted")
        write_trajectories(sorted_path, rows)
        sorted_path.replace(path)
        partial.unlink()
    outcomes = Counter(t.outcome for t in rows)
    return {
        "tasks": len({t.task.id for t in rows}),
        "episodes": len(rows),
        "turns": sum(len(t.steps) for t in rows),
        "mean_reward": sum(t.reward for t in rows) / len(rows) if rows else 0.0,
        "outcomes": dict(sorted(outcomes.items())),
    }


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _keys(path: Path) -> Iterator[tuple[str, str, int]]:
    return (trajectory.key for trajectory in read_trajectories(path))
