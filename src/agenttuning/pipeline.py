"""The whole line, from top to bottom: agents act, their trajectories become a corpus, the corpus a model, the
model gets scores, the scores become a report.

    runs/quickstart/
      recipe.yaml  log.jsonl  report.html
      trajectories/  filtered/  deduplicated/  redesigned/  corpus/  decontaminated/  model/
      evaluation/base/  evaluation/tuned/

>>> run(load("quickstart"), Path("runs"))
PosixPath('runs/quickstart')
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from agenttuning.conversation import Conversation
from agenttuning.corpus.contamination import DecontaminateConfig, Found, contamination_lines, decontaminate
from agenttuning.corpus.deduplicate import DeduplicateConfig, deduplicate, deduplication_lines
from agenttuning.corpus.filter import FilterConfig, filter_trajectories, funnel_table
from agenttuning.corpus.mixture import MixConfig, mix, mixture_table
from agenttuning.corpus.redesign import RedesignConfig, capability_table, redesign
from agenttuning.errors import UnknownShape
from agenttuning.evaluation.comparison import compare_runs
from agenttuning.evaluation.evaluate import EvaluateConfig, evaluate
from agenttuning.evaluation.suites import fill
from agenttuning.files import atomic_write, read_json, write_json, write_jsonl
from agenttuning.machine import cards, main_memory
from agenttuning.progress import bar
from agenttuning.recipe import Recipe, dump, runnable
from agenttuning.rollout.collect import CollectConfig, collect, collection_lines
from agenttuning.settings import plain
from agenttuning.stages import Stage, log_event, perform, status
from agenttuning.training.config import TrainConfig
from agenttuning.training.distributed import perform_on_ranks, rank
from agenttuning.training.prediction import Device, predict
from agenttuning.training.shape import shape_of
from agenttuning.training.trainer import train

Say = Callable[[str], None]


def run(recipe: Recipe, root: Path = Path("runs"), *, say: Say = print) -> Path:
    """Run what is not done yet and write the report; returns the run's folder.

    Where torchrun has started several processes, all of them train, and rank 0 does the rest.
    """
    folder = root / recipe.name
    if rank() > 0:
        perform_on_ranks(*(stage for stage in stages(runnable(recipe)[0], folder) if stage.name == "train"))
        return folder
    log = folder / "log.jsonl"
    recipe, missing = runnable(recipe)
    with atomic_write(folder / "recipe.yaml") as stream:
        for name, why in missing.items():
            say(f"left out: {name}: {why}")
            stream.write(f"# left out: {name}: {why}\n")
        stream.write(dump(recipe))
    log_event(log, "run", recipe=recipe.name, left_out=missing)
    for stage in stages(recipe, folder):
        manifest = (perform_on_ranks if stage.name == "train" else perform)(stage, log=log, say=say)
        for line in summary(stage.name, manifest["counts"]):
            say(f"  {line}")
    compare(folder / "evaluation")
    report(folder, say=say)
    log_event(log, "reported")
    return folder


def stages(recipe: Recipe, folder: Path, data: Path | None = None) -> list[Stage]:
    """The stages of a recipe in order, each reading what those before it wrote; `data` is where those before the
    mixture write, where several mixtures share them."""
    dialect, seed = recipe.dialect, recipe.seed
    data = data or folder
    trajectories, filtered, corpus, model = (
        data / "trajectories",
        data / "filtered",
        folder / "corpus",
        folder / "model",
    )
    base, tuned = folder / "evaluation" / "base", folder / "evaluation" / "tuned"
    clean = folder / "decontaminated"
    kept, rows = data / "deduplicated" / "kept.jsonl", data / "redesigned" / "rows.jsonl"
    redesigned = recipe.redesign != RedesignConfig()
    out = [
        collect_stage(recipe.collect, trajectories, dialect=dialect, seed=seed),
        filter_stage(recipe.filter, trajectories, filtered),
        deduplicate_stage(recipe.deduplicate, filtered / "kept.jsonl", kept.parent, funnel=filtered / "funnel.json"),
    ]
    if redesigned:
        out.append(redesign_stage(recipe.redesign, kept, rows.parent, dialect=dialect, seed=seed, model=recipe.model))
    return [
        *out,
        mix_stage(
            recipe.mix,
            rows if redesigned else kept,
            corpus,
            dialect=dialect,
            seed=seed,
            model=recipe.model,
            funnel=(rows if redesigned else kept).with_name("funnel.json"),
        ),
        decontaminate_stage(recipe.decontaminate, corpus / "corpus.jsonl", clean, recipe.evaluate, seed=seed),
        train_stage(
            recipe.train,
            (corpus if recipe.decontaminate.drop == "none" else clean) / "corpus.jsonl",
            recipe.model,
            model,
            seed=seed,
        ),
        evaluate_stage(recipe.evaluate, recipe.model, base, dialect=dialect, seed=seed),
        evaluate_stage(recipe.evaluate, model / "merged", tuned, dialect=dialect, seed=seed, base=recipe.model),
    ]


def plan(recipe: Recipe, root: Path = Path("runs")) -> list[tuple[str, Path, bool, str]]:
    """(stage, what it writes, whether it would run, why) for each stage, without running anything."""
    rows, remade = [], set()
    for stage in stages(runnable(recipe)[0], root / recipe.name):
        runs, why = status(stage, remade)
        if runs:
            remade.add(stage.out)
        rows.append((stage.name, stage.out, runs, why))
    return [*rows, ("report", root / recipe.name / "report.html", True, "is always written again")]


def memory(recipe: Recipe, gpus: int | None = None) -> dict[str, Any]:
    """What training will need and what is here, without loading or downloading anything.

    On so many GPUs that share a model; None: as one process on this machine. `parts` and `total` are bytes on each
    GPU, or in main memory without one; they are None and `unknown` says why where the model's shape is not known.
    `main_memory` is needed beside them for a whole model on the first node. `available` is that of the fullest GPU
    here, or of main memory; None where there is no such device.
    """
    found, host = cards(), main_memory()
    device: Device = "cuda" if gpus or found else "cpu"
    room = min((card.available for card in found), default=None) if device == "cuda" else host and host.available
    out: dict[str, Any] = {"model": recipe.model, "device": device, "ranks": gpus or 1, "available": room}
    try:
        need = predict(recipe.train, shape_of(recipe.model), device=device, ranks=gpus or 1)
    except UnknownShape as error:
        return out | {"unknown": str(error), "parts": None, "total": None, "main_memory": None}
    return out | {"unknown": None, "parts": need.parts, "total": need.total, "main_memory": need.on_host}


def collect_stage(config: CollectConfig, out: Path, *, dialect: str, seed: int) -> Stage:
    def work(partial: Path) -> Mapping[str, Any]:
        with bar("collect") as progress:
            return collect(config, partial, dialect=dialect, seed=seed, progress=progress)

    folder = _folder(config.agent)
    # An expert's episode is the same in every dialect.
    settings = plain(config) | {"seed": seed, "dialect": None if config.agent == "expert" else dialect}
    settings |= {"agent": folder.name if folder else config.agent, "temperature": config.heat}
    inputs = (*(Path(path) for path in config.data.values()), *([folder] if folder else []))
    return Stage("collect", out, settings, inputs, work, grows=("environments", "samples", "keep"))


def filter_stage(config: FilterConfig, trajectories: Path, out: Path) -> Stage:
    def work(partial: Path) -> Mapping[str, Any]:
        with bar("filter") as progress:
            return filter_trajectories(config, [trajectories], partial / "kept.jsonl", progress=progress)

    return Stage("filter", out, plain(config), (trajectories,), work)


def deduplicate_stage(config: DeduplicateConfig, rows: Path, out: Path, *, funnel: Path | None = None) -> Stage:
    """`funnel` is the filter's, which stands beside `rows` and is brought up to date."""

    def work(partial: Path) -> Mapping[str, Any]:
        with bar("deduplicate") as progress:
            return deduplicate(config, [rows], partial / "kept.jsonl", progress=progress)

    return Stage("deduplicate", out, plain(config), (rows, funnel) if funnel else (rows,), work)


def redesign_stage(
    config: RedesignConfig, trajectories: Path, out: Path, *, dialect: str, seed: int, model: str
) -> Stage:
    """`model` is whose tokens are counted; "" counts none."""

    def work(folder: Path) -> Mapping[str, Any]:
        count = _token_counter(model) if model else None
        with bar("redesign") as progress:
            target = folder / "rows.jsonl"
            return redesign(
                config, [trajectories], target, dialect=dialect, seed=seed, count_tokens=count, progress=progress
            )

    settings = plain(config) | {"dialect": dialect, "seed": seed, "model": model}
    return Stage("redesign", out, settings, (trajectories,), work)


def _token_counter(model: str) -> Callable[[Conversation], Mapping[str | None, int]]:
    from agenttuning import models
    from agenttuning.training.encode import Encoder, trained_tokens

    return partial(trained_tokens, Encoder(models.load_tokenizer(models.resolve(model))))


def mix_stage(
    config: MixConfig, agent: Path, out: Path, *, dialect: str, seed: int, model: str, funnel: Path | None = None
) -> Stage:
    """`funnel` is the filter's, which stands beside `agent` and travels with the corpus to the report; `model` is whose
    tokens are counted, where the config asks for tokens."""
    tokens = config.by == "tokens" or config.tokens is not None

    def work(partial: Path) -> Mapping[str, Any]:
        counter = _token_counter(model) if tokens else None
        count = (lambda talk: sum(counter(talk).values())) if counter else None
        with bar("mix") as progress:
            target = partial / "corpus.jsonl"
            return mix(config, agent, target, dialect=dialect, seed=seed, count_tokens=count, progress=progress)

    paths = tuple(config.paths(agent).values())
    settings = plain(config) | {"dialect": dialect, "seed": seed} | ({"model": model} if tokens else {})
    return Stage("mix", out, settings, (*paths, *([funnel] if funnel and agent in paths else [])), work)


def decontaminate_stage(
    config: DecontaminateConfig, corpus: Path, out: Path, evaluate: EvaluateConfig | None, *, seed: int
) -> Stage:
    """`evaluate` says what is looked for beside the config's own files; None: nothing."""
    asked = evaluate if config.suites else None

    def work(partial: Path) -> Mapping[str, Any]:
        from agenttuning.evaluation.texts import texts

        found, written = Found(), partial / "evaluation.jsonl"
        with bar("decontaminate") as progress:
            if asked is not None:
                if not written.is_file():
                    write_jsonl(written, texts(asked, seed, progress))
                found.add_written(written)
            for name, source in config.files.items():
                found.add_file(name, source, skip_bad=config.skip_bad)
            return decontaminate(config, corpus, found, partial, progress=progress)

    files = [Path(source.rpartition("#")[0] or source) for source in config.files.values()]
    inputs = [corpus, *files]
    settings = plain(config) | {"seed": seed, "evaluate": None}
    if asked is not None:
        own = {"general", "benchmarks_data", "hallucination_data", "tool_use_data", "data", "skip_bad", "split"}
        counts = {"held_in", "held_out", "benchmarks", "hallucination", "tool_use", "workers"}
        settings["evaluate"] = {key: value for key, value in plain(asked).items() if key in own | counts}
        tool_use_data = asked.tool_use_data if asked.tool_use else None
        inputs += [Path(p) for p in (*asked.data.values(), asked.hallucination_data, tool_use_data) if p]
        inputs += _benchmark_folders(asked)
    return Stage("decontaminate", out, settings, tuple(inputs), work)


def train_stage(config: TrainConfig, corpus: Path, model: str, out: Path, *, seed: int) -> Stage:
    def work(partial: Path) -> Mapping[str, Any]:
        with bar("train") if rank() == 0 else nullcontext() as progress:
            return train(config, corpus, model, partial, seed=seed, progress=progress)

    folder = _folder(model)
    settings = plain(config) | {"model": folder.name if folder else model, "seed": seed}
    return Stage("train", out, settings, (corpus, *([folder] if folder else [])), work)


def evaluate_stage(
    config: EvaluateConfig,
    model: str | Path,
    out: Path,
    *,
    dialect: str,
    seed: int,
    base: str | None = None,
) -> Stage:
    config = fill(config)

    def work(partial: Path) -> Mapping[str, Any]:
        with bar(f"evaluate {out.name}") as progress:
            scores = evaluate(config, str(model), partial, dialect=dialect, seed=seed, base=base, progress=progress)
        found = dict(scores["environments"])
        if "tool_use" in scores:
            found["T-Eval"] = scores["tool_use"]["overall"]
        found |= {name: scores["general"][name] for name in config.benchmarks if name in scores.get("general", {})}
        for name in ("two_sided", "restraint", "use", "hscore"):
            if name in scores.get("hallucination", {}):
                found[f"Agent-H {name.replace('_', '-')}"] = scores["hallucination"][name]
        return {name: {key: row[key] for key in ("n", "mean", "low", "high")} for name, row in found.items()}

    folders = {name: _folder(name) for name in (model, base) if name is not None}
    names = {name: folder.name if folder else str(name) for name, folder in folders.items()}
    settings = plain(config) | {"dialect": dialect, "seed": seed}
    settings |= {"model": names[model], "base": names.get(base)}
    tool_use_data = config.tool_use_data if config.tool_use else None
    files = [path for path in (*config.data.values(), config.hallucination_data, tool_use_data) if path]
    inputs = (*(f for f in folders.values() if f), *(Path(path) for path in files), *_benchmark_folders(config))
    grows = ("held_in", "held_out", "benchmarks", "judge", "programs", "hallucination", "tool_use")
    return Stage("evaluate", out, settings, inputs, work, grows=grows)


def _benchmark_folders(config: EvaluateConfig) -> list[Path]:
    """The folders of the general benchmarks that are read from files."""
    return [folder for name in config.benchmarks if (folder := Path(config.benchmarks_data) / name).is_dir()]


def _folder(model: str | Path) -> Path | None:
    """The folder of a model that is one, or will be when its stage has run; None for a name."""
    return Path(model) if isinstance(model, Path) or Path(model).is_dir() else None


def compare(evaluation: Path) -> None:
    """Write comparison.json beside base/ and tuned/ and print it as tables."""
    from rich.console import Console

    from agenttuning.evaluation.table import terminal_table

    base, tuned = (read_json(evaluation / side / "scores.json") for side in ("base", "tuned"))
    templates = {scores["chat_template"] for scores in (base, tuned) if scores.get("chat_template")}
    if len(templates) > 1:
        print("the two models were prompted with different chat templates: what differs may be that alone")
    comparison = compare_runs([base], [tuned], labels=("the start model", "the tuned model"))
    write_json(evaluation / "comparison.json", comparison)
    Console().print(terminal_table(base, tuned, comparison))


def report(folder: Path, *, say: Say = print) -> Path:
    """Write report.html from what the run's folder holds."""
    from agenttuning.report.page import write_report

    path = write_report(folder)
    say(f"report: {path}")
    return path


def summary(stage: str, counts: Mapping[str, Any]) -> list[str]:
    """A finished stage's counts as a few lines to read."""
    if stage == "collect":
        return collection_lines(counts)
    if stage == "filter":
        return funnel_table(counts).splitlines()
    if stage == "deduplicate":
        return deduplication_lines(counts)
    if stage == "redesign":
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts["kinds"].items())
        return [f"{counts['rows']} rows: {kinds}", *capability_table(counts).splitlines()]
    if stage == "mix":
        head = (
            f"{counts['rows']} rows, eta {counts['eta']:.2f}: {counts['agent_rows']} agent rows "
            f"({counts['agent_epochs']:g} epochs) and {counts['general_rows']} general rows "
            f"({counts['general_epochs']:g} epochs)"
        )
        several = len(counts["sources"]) > 2 or any(one["refused"] for one in counts["sources"].values())
        return [head, *(mixture_table(counts).splitlines() if several or "eta_tokens" in counts else [])]
    if stage == "decontaminate":
        return contamination_lines(counts)
    if stage == "train":
        return [f"{count} rows: {reason}" for reason, count in counts["dropped"].items() if count]
    if stage == "evaluate":
        form = {name: ".2f" if name == "mt_bench" else ".1%" for name in counts}  # ratings from 1 to 10
        return [
            f"{name}: {score['mean']:{form[name]}} of {score['n']}  "
            f"[{score['low']:{form[name]}}, {score['high']:{form[name]}}]"
            for name, score in counts.items()
        ]
    return []
