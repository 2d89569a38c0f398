"""Instruction construction as a stage: tasks from a teacher, and, where it shall play them, its trajectories.

>>> stage = construct_stage(ConstructConfig(teacher="http://localhost:8000/v1#big"), "database", Path("made"), ...)
>>> perform(stage)["counts"]["tasks"]
100
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.agents.model import ModelAgent
from agenttuning.corpus.construct.config import ConstructConfig, Subject
from agenttuning.engines import Sampling
from agenttuning.errors import BudgetSpent
from agenttuning.progress import bar
from agenttuning.rollout.collect import CollectConfig, play_all
from agenttuning.rollout.journal import settle
from agenttuning.settings import plain, redact
from agenttuning.stages import Stage


def construct_stage(config: ConstructConfig, subject: Subject, out: Path, *, dialect: str, seed: int) -> Stage:
    """What was paid for lies beside `out`, so that it outlasts a change of the settings.

    Of a text-to-SQL set its files of questions are inputs, not its databases, which may have many gigabytes.
    """
    from agenttuning import dialects
    from agenttuning.corpus.construct.construct import check, construct, sql_set

    check(config, subject)
    dialects.get(dialect)  # raises for one that there is not
    replies = out.with_name(out.name + ".replies")

    def work(partial: Path) -> Mapping[str, Any]:
        with bar("construct") as progress:
            counts = construct(config, subject, partial, replies=replies, seed=seed, progress=progress)
        if config.source is None or config.way == "annotate" or not counts["tasks"]:
            return counts
        return {**counts, **_play(config, partial, replies, dialect=dialect, seed=seed)}

    settings = plain(config) | {"subject": subject, "dialect": dialect, "seed": seed}
    settings |= {name: redact(settings[name] or "") for name in ("teacher", "solver")}
    # Of how an endpoint is asked only the prices count: they decide where a budget of money ends.
    settings["prices"] = [plain(one.prices) for one in (config.endpoint, config.solving)]
    del settings["endpoint"], settings["solver_endpoint"]
    inputs = (*([Path(config.seeds)] if config.seeds else []), *(sql_set(config).files if config.source else []))
    return Stage("construct", out, settings, inputs, work)


def _play(config: ConstructConfig, folder: Path, replies: Path, *, dialect: str, seed: int) -> Mapping[str, Any]:
    """The teacher plays what was derived, out of the same budget; what it cost so far is part of what comes back."""
    from agenttuning import dialects
    from agenttuning.corpus.construct.construct import teachers

    tasks = folder / "train.jsonl"
    with tasks.open(encoding="utf-8") as stream:
        number = sum(1 for _ in stream)
    chosen = CollectConfig(
        {"database": number}, data={"database": str(tasks)}, concurrency=config.concurrency, workers=config.workers
    )
    with teachers(config, replies) as staff, bar("play") as progress:
        engine = staff.engine("act")
        sampling = Sampling(max_tokens=config.max_tokens, seed=seed)
        agent = ModelAgent(engine.model, engine, dialects.get(dialect), sampling)
        out, stopped = folder / "trajectories", {}
        try:
            played = play_all(chosen, out, agent, seed=seed, progress=progress)["database"]
        except BudgetSpent as error:  # what is finished is whole; the rest is for a larger budget
            played, stopped = settle(out / "database.jsonl"), {"stopped": str(error)}
        return {"episodes": played, "spent": staff.spending()} | stopped


def summary(counts: Mapping[str, Any]) -> list[str]:
    """Tasks, the reasons of what was refused, what it cost, and why it ended early."""
    total = counts["spent"]["total"]
    tokens = total["prompt"] + total["completion"]
    dollars = f", ${total['usd']:.4g}" if total["usd"] else ""
    lines = [f"{counts['tasks']} tasks of {counts['candidates']} candidates"]
    lines += [f"  {count} refused: {reason}" for reason, count in counts["refused"].items()]
    if "episodes" in counts:
        outcomes = ", ".join(f"{count} {name}" for name, count in counts["episodes"]["outcomes"].items())
        lines.append(f"{counts['episodes']['episodes']} episodes: {outcomes}")
    lines.append(f"{total['calls']} replies, {tokens} tokens{dollars}, earlier runs included")
    return [*lines, f"stopped: {counts['stopped']}"] if counts["stopped"] else lines
