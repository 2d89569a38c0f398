"""The stages of the line one by one; each writes a folder with a manifest, and resumes it when stopped."""

import json as jsons
import os
import sys
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from agenttuning import pipeline
from agenttuning.corpus.contamination import DecontaminateConfig
from agenttuning.corpus.contamination.listing import shown
from agenttuning.corpus.contamination.stage import ITEMS_FILE, RESULT
from agenttuning.corpus.deduplicate import DeduplicateConfig
from agenttuning.corpus.filter import FilterConfig
from agenttuning.corpus.mixture import MixConfig
from agenttuning.corpus.redesign import RedesignConfig
from agenttuning.environments import missing
from agenttuning.errors import BadInput
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.suites import fill, plan, without
from agenttuning.files import read_json, read_jsonl
from agenttuning.models import BUILT_IN
from agenttuning.recipe import load, runnable
from agenttuning.rollout.collect import CollectConfig
from agenttuning.stages import Stage, perform
from agenttuning.tables import aligned
from agenttuning.training.config import TrainConfig
from agenttuning.training.distributed import perform_on_ranks

Out = Annotated[Path, Parameter(help="The folder to write.")]
Seed = Annotated[int, Parameter(help="The seed of everything that is drawn.")]
Dialect = Annotated[str, Parameter(help="How turns are written: react, command, json, native or chat.")]
Flat = Parameter(name="*", negative_iterable=())  # a config's fields become options of their own


def collect(
    *,
    out: Out,
    config: Annotated[CollectConfig | None, Flat] = None,
    dialect: Dialect = "command",
    seed: Seed = 0,
) -> None:
    """Let an agent play tasks."""
    _perform(pipeline.collect_stage(config or CollectConfig(), out, dialect=dialect, seed=seed))


def filter(  # the command's name
    trajectories: Annotated[Path, Parameter(help="A file or folder of trajectories.")],
    /,
    *,
    out: Out,
    config: Annotated[FilterConfig | None, Flat] = None,
) -> None:
    """Keep the trajectories worth learning from."""
    _perform(pipeline.filter_stage(config or FilterConfig(), trajectories, out))


def deduplicate(
    rows: Annotated[Path, Parameter(help="A file or folder of trajectories or chat rows.")],
    /,
    *,
    out: Out,
    config: Annotated[DeduplicateConfig | None, Flat] = None,
) -> None:
    """Leave out what says or does again what a row before it did."""
    _perform(pipeline.deduplicate_stage(config or DeduplicateConfig(), rows, out, funnel=_funnel_beside(rows)))


def redesign(
    trajectories: Annotated[Path, Parameter(help="A file or folder of trajectories to learn from.")],
    /,
    *,
    out: Out,
    config: Annotated[RedesignConfig | None, Flat] = None,
    dialect: Dialect = "chat",
    seed: Seed = 0,
    model: Annotated[str, Parameter(help="Count trained tokens by this model's tokenizer and template.")] = "",
) -> None:
    """Write trajectories as rows that are aligned to chat and balanced, with negative samples."""
    _perform(
        pipeline.redesign_stage(config or RedesignConfig(), trajectories, out, dialect=dialect, seed=seed, model=model)
    )


def mix(
    agent: Annotated[Path, Parameter(help="What to learn from: trajectories of `filter`, or rows of `redesign`.")],
    /,
    *,
    out: Out,
    config: Annotated[MixConfig | None, Flat] = None,
    dialect: Dialect = "command",
    seed: Seed = 0,
    model: Annotated[
        str, Parameter(help="Whose tokenizer and template count tokens, where they are asked for.")
    ] = BUILT_IN,
) -> None:
    """Mix agent trajectories and general conversations."""
    _perform(
        pipeline.mix_stage(
            config or MixConfig(), agent, out, dialect=dialect, seed=seed, model=model, funnel=_funnel_beside(agent)
        )
    )


def decontaminate(
    corpus: Annotated[Path, Parameter(help="Training rows: a file, or a folder of files.")],
    /,
    *,
    out: Out,
    recipe: Annotated[str | None, Parameter(help="Look for all that this recipe evaluates on.")] = None,
    config: Annotated[DecontaminateConfig | None, Flat] = None,
    examples: Annotated[int, Parameter(help="Print so many of the items that were found, dirtiest first.")] = 0,
    json: Annotated[bool, Parameter(negative="", help="Print contamination.json instead of a table.")] = False,
    seed: Annotated[int | None, Parameter(help="The seed of the tasks; the recipe's by default.")] = None,
) -> None:
    """Look for evaluation items in training rows."""
    chosen = load(recipe) if recipe is not None else None
    chosen = runnable(chosen)[0] if chosen is not None else None
    if chosen is None and not (config and config.files):
        raise BadInput("nothing to look for; give --recipe NAME for its suites, --files.NAME FILE, or both")
    drawn = seed if seed is not None else chosen.seed if chosen is not None else 0
    asked = chosen.evaluate if chosen is not None else None
    stage = pipeline.decontaminate_stage(config or DecontaminateConfig(), corpus, out, asked, seed=drawn)
    manifest = perform(stage, say=lambda line: print(line, file=sys.stderr if json else sys.stdout))
    if json:
        print(jsons.dumps(read_json(out / RESULT), ensure_ascii=False))
        return
    _print(manifest)
    for _, row in islice(read_jsonl(out / ITEMS_FILE), examples):
        print()
        print(shown(row, colours=sys.stdout.isatty() and "NO_COLOR" not in os.environ))


def train(
    corpus: Annotated[Path, Parameter(help="A corpus of chat rows, as `mix` writes them.")],
    /,
    *,
    out: Out,
    model: Annotated[str, Parameter(help="The start model: built-in name, folder or hub id.")] = BUILT_IN,
    config: Annotated[TrainConfig | None, Flat] = None,
    seed: Seed = 0,
) -> None:
    """Train a model."""
    _print(perform_on_ranks(pipeline.train_stage(config or TrainConfig(), corpus, model, out, seed=seed)))


def evaluate(
    model: Annotated[str, Parameter(help="The model: built-in name, folder, hub id or URL#MODEL.")],
    /,
    *,
    out: Out,
    base: Annotated[str | None, Parameter(help="The start model, to measure how far it moved.")] = None,
    config: Annotated[EvaluateConfig | None, Flat] = None,
    dialect: Dialect = "command",
    seed: Seed = 0,
    skip_missing: Annotated[
        bool, Parameter(negative="", help="Leave out environments that this machine cannot run, and say which.")
    ] = False,
    dry_run: Annotated[
        bool,
        Parameter(negative="", help="Say what would be played, and how small a difference so many tasks can show."),
    ] = False,
    json: Annotated[bool, Parameter(negative="", help="Print scores.json instead of tables.")] = False,
) -> None:
    """Measure a model."""
    chosen = fill(config or EvaluateConfig())
    lacking = _lacking(chosen) if skip_missing else {}
    if model.startswith(("http://", "https://")) and "mmlu" in chosen.benchmarks.keys() - (config or chosen).benchmarks:
        lacking["mmlu"] = "an endpoint gives no log-likelihoods"
    for name, why in lacking.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    chosen = without(chosen, lacking)
    if dry_run:
        print(aligned(plan(chosen)))
        return
    stage = pipeline.evaluate_stage(chosen, model, out, dialect=dialect, seed=seed, base=base)
    perform(stage, say=partial(print, file=sys.stderr))
    scores = read_json(out / "scores.json")
    if "mt_bench" in chosen.benchmarks and chosen.judge == "none":
        stored = out / "general" / "mt_bench_*.jsonl"
        print(f"mt_bench: not rated; the answers are in {stored}, and --judge URL#MODEL rates them", file=sys.stderr)
    if json:
        print(jsons.dumps(scores))
        return
    from rich.console import Console

    from agenttuning.evaluation.table import scores_table

    Console().print(scores_table(scores))


def _lacking(config: EvaluateConfig) -> dict[str, str]:
    """The environments and benchmarks that this machine cannot run, and why."""
    from agenttuning.evaluation.benchmarks.suite import missing as missing_benchmarks

    return missing((*config.held_in, *config.held_out)) | missing_benchmarks(config.benchmarks)


def _funnel_beside(rows: Path) -> Path | None:
    """The filter's funnel, which travels with its rows to the report."""
    beside = rows.with_name("funnel.json")
    return beside if beside.is_file() else None


def _perform(stage: Stage) -> None:
    _print(perform(stage))


def _print(manifest: Mapping[str, Any]) -> None:
    """The counts of a stage's manifest, if there is one, as a few lines."""
    for line in pipeline.summary(manifest["stage"], manifest["counts"]) if manifest else ():
        print(line)
