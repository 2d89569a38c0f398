"""What an evaluation asks, as text: the opening of each task, each question and prompt, and what is put around them.

A row for each item, with `set`, `id`, `text` (its own words) and `template` (instructions and tool lists, which other
items have too), as `agenttuning decontaminate` looks for them in training rows.

>>> next(texts(EvaluateConfig(held_in={"hotpotqa": 1}), seed=0))["text"]
'Question: What is the population of the capital of Gambia?'
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agenttuning.conversation import from_row
from agenttuning.corpus.general import GENERAL
from agenttuning.errors import BadInput, EnvironmentFailure
from agenttuning.evaluation.evaluate import EvaluateConfig, agent_h_items
from agenttuning.files import read_jsonl
from agenttuning.rollout.workers import Pool
from agenttuning.trajectory import Task, Tool

Progress = Callable[[int, int | None, str], None]
_RECORDS = ("questions", "instructions")  # files of the general probe beside its conversations


def texts(config: EvaluateConfig, seed: int, progress: Progress | None = None) -> Iterator[dict[str, Any]]:
    """Every item of every suite. A task whose environment fails to begin has its goal, and ``goal_only``.

    Raises BadInput for an environment without tasks, and for files that are not as they are published.
    """
    for done, row in enumerate(_suites(config, seed), start=1):
        if progress:
            progress(done, None, row["set"])
        yield row


def _suites(config: EvaluateConfig, seed: int) -> Iterator[dict[str, Any]]:
    yield from _tasks(config, seed)
    if config.general:
        yield from _general()
    if config.benchmarks:
        from agenttuning.evaluation.benchmarks.suite import texts as benchmark_texts

        for name, id, text in benchmark_texts(config.benchmarks, config.benchmarks_data):
            yield _row(f"general/{name}", id, text)
    for item in agent_h_items(config, seed):
        yield _row("agent_h", item.id, item.query, _tools(item.tools))
    if config.tool_use:
        yield from _tool_use(config, seed)


def _tasks(config: EvaluateConfig, seed: int) -> Iterator[dict[str, Any]]:
    wanted = {**config.held_in, **config.held_out}
    data = {name: Path(config.data[name]) if name in config.data else None for name in wanted}
    if not wanted:
        return
    with Pool(data, processes=config.workers, skip_bad=config.skip_bad) as pool:
        for name, limit in wanted.items():
            about, tasks, _ = pool.listed(name, config.split, limit=limit, seed=seed)
            if not tasks:
                raise BadInput(f"{name}: no {config.split} tasks to evaluate on; leave it out or give other data")
            template = "\n".join([about.instructions, _tools(about.tools)])

            def begin(task: Task) -> tuple[Task, str | None]:
                try:
                    return task, pool.play(task.environment, lambda seat: seat.reset(task))
                except EnvironmentFailure:
                    return task, None

            with ThreadPoolExecutor(pool.limit) as threads:
                for task, opening in threads.map(begin, tasks):
                    alone = {"goal_only": True} if opening is None else {}
                    yield _row(name, task.id, task.goal if opening is None else opening, template) | alone


def _general() -> Iterator[dict[str, Any]]:
    for number, row in read_jsonl(GENERAL):
        if row["split"] == "test":
            messages = from_row(row, where=f"{GENERAL}:{number}").messages
            yield _row("general/conversations", row["id"], "\n".join(message.text for message in messages))
    for name in _RECORDS:
        for _, row in read_jsonl(GENERAL.with_name(f"{name}.jsonl")):
            asked = [row["question"], *row["choices"]] if "choices" in row else [row["prompt"]]
            yield _row(f"general/{name}", row["id"], "\n".join(asked))


def _tool_use(config: EvaluateConfig, seed: int) -> Iterator[dict[str, Any]]:
    from agenttuning.evaluation.t_eval.built_in import built_in
    from agenttuning.evaluation.t_eval.files import read_official

    if config.tool_use_data:
        items = read_official(Path(config.tool_use_data), config.tool_use)
    else:
        items = built_in(config.tool_use, split=config.split, seed=seed)
    for item in items:
        around, asked = ([text for role, text in item.messages if (role == "system") == system] for system in (1, 0))
        yield _row(f"t_eval/{item.kind}/{item.form}", item.id, "\n".join(asked), "\n".join(around))


def _row(set: str, id: str, text: str, template: str = "") -> dict[str, Any]:
    return {"set": set, "id": id, "text": text, "template": template}


def _tools(tools: Iterable[Tool]) -> str:
    """Names, descriptions and arguments, as far as they are words."""
    lines = []
    for tool in tools:
        lines += [f"{tool.name}: {tool.description}", tool.phrase or ""]
        for name, schema in tool.parameters.get("properties", {}).items():
            lines.append(f"{name}: {schema.get('description', '') if isinstance(schema, dict) else ''}")
    return "\n".join(line for line in lines if line)
