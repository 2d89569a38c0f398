"""An evaluation of one model: test tasks of held-in and held-out environments, the general probe and benchmarks,
Agent-H, T-Eval.

Writes ``trajectories/ENV.jsonl``, ``general/BENCHMARK.jsonl``, ``agent_h.jsonl`` and ``scores.json``; called again
after a kill it plays and asks only what is missing.

>>> config = EvaluateConfig(held_in={"database": 100}, held_out={"hotpotqa": 50})
>>> evaluate(config, "smollm2-135m-instruct", Path("evaluation/base"), dialect="react", seed=0)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agenttuning import dialects, engines
from agenttuning.atif import read_trajectories
from agenttuning.engines.stored import storing
from agenttuning.errors import BadInput
from agenttuning.evaluation.agent_h import files as published
from agenttuning.evaluation.agent_h import items as built_in
from agenttuning.evaluation.agent_h.ask import ask
from agenttuning.evaluation.agent_h.item import Item
from agenttuning.evaluation.agent_h.scores import score as score_replies
from agenttuning.files import read_json, write_json
from agenttuning.rollout.collect import REPLIES, CollectConfig, check, model_agent, play_all
from agenttuning.settings import check_at_least
from agenttuning.trajectory import Split

if TYPE_CHECKING:
    from agenttuning.evaluation.benchmarks.suite import Benchmarks
    from agenttuning.evaluation.t_eval.probe import ToolUse

Progress = Callable[[int, int, str], None]
Suite = Literal["held-in", "held-out", "general", "tool-use", "hallucination", "all"]
Size = Literal["smoke", "quick", "paper"]


@dataclass(frozen=True)
class EvaluateConfig:
    """What a model is measured on; greedy decoding unless a temperature is given."""

    suite: list[Suite] = field(default_factory=list)
    """Named suites: held-in and held-out of six environments each, general, tool-use, hallucination; or all."""
    size: Size = "quick"
    """Tasks of each environment in a suite: smoke (5), quick (40) or paper (as many as the papers play)."""
    held_in: dict[str, int] = field(default_factory=dict)
    """Environments whose training tasks the model may have seen, and how many test tasks of each."""
    held_out: dict[str, int] = field(default_factory=dict)
    """Environments that no training saw, and how many tasks of each. A count given here wins over a suite's."""
    general: bool = True
    """Whether to run the general probe. With suites it runs where `general` is one of them."""
    benchmarks: dict[str, int] = field(default_factory=dict)
    """General benchmarks and how many items of each: mmlu (of each subject), gsm8k, humaneval, mt_bench, ifeval. With
    the suite `general` those whose files are in `benchmarks_data` (docs/general.md)."""
    benchmarks_data: str = ""
    """The folder of their published files, or hub; without one, what is named in `benchmarks` comes from the hub."""
    judge: str = "none"
    """Who rates the answers of MT-Bench, e.g. https://api.openai.com/v1#gpt-4; none: they are stored."""
    programs: int = 1
    """Programs that are drawn for each problem of HumanEval; 10 give pass@10 too."""
    programs_temperature: float = 0.0
    """Their temperature; above 0 where there are several."""
    hallucination: int = 0
    """How many items of Agent-H to ask, with and without need for a tool (docs/hallucination.md); 0: none."""
    hallucination_data: str | None = None
    """A file of glaive-function-calling-v2 in place of Agent-H's built-in items: `hallucination` rows with an answer as
    reference (0: the paper's 1,845), and as many with a call."""
    tool_use: int = 0
    """T-Eval items of each dimension and form; 0: none."""
    tool_use_data: str = ""
    """The folder of T-Eval's published files, instead of the built-in items."""
    tool_use_similarity: str = "lexical"
    """How thoughts and plans are compared: lexical, or a sentence-transformers model such as all-mpnet-base-v2."""
    split: Split = "test"
    """Which tasks: test, or dev while a recipe is being tuned."""
    data: dict[str, str] = field(default_factory=dict)
    """The official benchmark's files for an environment, instead of built-in tasks."""
    skip_bad: bool = False
    """Leave out records of those files that cannot be read, instead of stopping at the first."""
    concurrency: int = 32
    """Episodes at a time."""
    workers: int = 0
    """Environment processes in all, at least one for each environment; 0: as processors and memory allow."""
    max_turns: int | None = None
    """Turns an episode may have; none: the environment's own limit."""
    max_tokens: int = 128
    """Tokens of one reply."""
    temperature: float = 0.0
    """0 is greedy."""
    engine: str = "auto"
    """auto, openvino, transformers or openai."""
    endpoint: engines.EndpointConfig = field(default_factory=engines.EndpointConfig)
    """How an endpoint is asked, where the model is one (docs/endpoints.md)."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "held_in", "held_out", "benchmarks", "programs")
        check_at_least(self, 1, "concurrency", "max_turns", "max_tokens")
        check_at_least(self, 0, "temperature", "programs_temperature", "hallucination", "tool_use", "workers")


def evaluate(
    config: EvaluateConfig,
    model: str,
    out: Path,
    *,
    dialect: str,
    seed: int,
    base: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write and return the scores of `model`; `base` is the start model to measure divergence from.

    The likelihood measures of the general probe need the weights, so an endpoint is scored without them.
    """
    from agenttuning.environments import environment_class
    from agenttuning.evaluation import general
    from agenttuning.evaluation.scores import normalised, score_environment

    both = set(config.held_in) & set(config.held_out)
    if both:
        raise BadInput(f"{', '.join(sorted(both))}: both held-in and held-out; an environment is one of them")
    began = time.monotonic()
    playing = _as_collect(config, model)
    check(playing)
    asked = agent_h_items(config, seed)
    tool_use = _tool_use(config, seed) if config.tool_use else None
    benchmarks = _benchmarks(config, model, seed) if config.benchmarks else None
    items_file = out / "general.json"
    items: dict[str, dict[str, float]] = read_json(items_file) if items_file.is_file() else {}
    with (
        engines.make(model, config.engine, endpoint=config.endpoint) as running,
        storing(running, model, out / REPLIES) as engine,
    ):
        agent = model_agent(playing, engine, dialect=dialect, seed=seed)
        play_all(playing, out / "trajectories", agent, seed=seed, progress=progress)
        replies = []
        if asked:
            file, at_once = out / "agent_h.jsonl", config.concurrency
            replies = ask(asked, agent, file, seed=seed, concurrency=at_once, progress=progress)
        template = engine.template
        if config.general and "instructions" not in items:
            items["instructions"] = general.follow_instructions(engine, progress)
            write_json(items_file, items)
        told = tool_use.ask(engine, out / "t_eval.jsonl", progress) if tool_use else {}
        answered = benchmarks.ask(engine, out / "general", progress) if benchmarks else {}
    scores: dict[str, Any] = {
        "model": model,
        "dialect": dialect,
        "seed": seed,
        "chat_template": template,
        "environments": {},
    }
    for name in playing.environments:
        scores["environments"][name] = score_environment(
            list(read_trajectories(out / "trajectories" / f"{name}.jsonl")),
            metric=environment_class(name).metric,
            held="in" if name in config.held_in else "out",
            tasks=Path(config.data[name]).name if name in config.data else "built-in",
        )
    if config.general:
        if "nll" not in items and not model.startswith(("http://", "https://")):
            items |= general.likelihoods(*_folders(model, base), progress=progress)
            write_json(items_file, items)
        scores["general"] = general.summary(items)
    if benchmarks:
        rows, values = benchmarks.scores(answered, out / "general", progress)
        probe = scores.get("general", {"items": {}})
        scores["general"] = probe | rows | {"items": probe["items"] | values}
    scores["normalised"] = normalised(scores)
    if asked:
        scores["hallucination"] = score_replies(asked, replies, dialects.get(dialect), seed)
    if tool_use:
        scores["tool_use"] = tool_use.scores(told)
    scores["seconds"] = round(time.monotonic() - began, 1)
    write_json(out / "scores.json", scores)
    return scores


def agent_h_items(config: EvaluateConfig, seed: int) -> tuple[Item, ...]:
    """What an evaluation asks of Agent-H; another split than test shares no tool and no phrasing with it."""
    if config.hallucination_data:
        return published.read(Path(config.hallucination_data), config.hallucination, seed=seed)
    return built_in.items(config.hallucination, seed=seed, half="test" if config.split == "test" else "train")


def _as_collect(config: EvaluateConfig, model: str) -> CollectConfig:
    """Evaluation plays episodes exactly as collection does."""
    return CollectConfig(
        environments={**config.held_in, **config.held_out},
        agent=model,
        split=config.split,
        data=config.data,
        skip_bad=config.skip_bad,
        concurrency=config.concurrency,
        workers=config.workers,
        max_turns=config.max_turns,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        engine=config.engine,
        endpoint=config.endpoint,
    )


def _tool_use(config: EvaluateConfig, seed: int) -> "ToolUse":
    """T-Eval's questions, read or made before the engine starts."""
    from agenttuning.evaluation.t_eval.probe import prepare

    data = Path(config.tool_use_data) if config.tool_use_data else None
    return prepare(config.tool_use, data, similarity=config.tool_use_similarity, split=config.split, seed=seed)


def _benchmarks(config: EvaluateConfig, model: str, seed: int) -> "Benchmarks":
    from agenttuning.evaluation.benchmarks.suite import prepare

    return prepare(
        config.benchmarks,
        config.benchmarks_data,
        model=model,
        judge=config.judge,
        samples=config.programs,
        temperature=config.programs_temperature,
        endpoint=config.endpoint,
        seed=seed,
    )


def _folders(model: str, base: str | None) -> tuple[Path, Path | None]:
    from agenttuning import models

    return models.resolve(model), models.resolve(base) if base is not None else None
