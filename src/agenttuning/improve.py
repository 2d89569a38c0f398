"""Self-improvement by rejection sampling: a model plays, the best of it trains the next one, a dev split judges.

    improved/
      recipe.yaml  log.jsonl  improve.json
      round-0/evaluation/tuned/                 the model as it was given, on the dev tasks
      round-1/trajectories/ … model/ evaluation/tuned/
      round-2/…

A round plays new tasks, several samples of each, keeps the best, and goes through the stages of a run. The next one
plays with the best model so far. It ends when the dev score has stopped rising. Training begins from the first model
in every round, as STaR (arXiv 2203.14465) and ReST-EM (arXiv 2312.06585) do, so that errors do not pile up.

>>> improve("runs/quickstart/model/merged", Path("improved"), ImproveConfig(environments={"database": 200}))["best"]
2
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from agenttuning.errors import BadInput
from agenttuning.evaluation.comparison import compare_scores
from agenttuning.evaluation.scores import held_score
from agenttuning.files import atomic_write, read_json, write_json
from agenttuning.pipeline import Say, collect_stage, evaluate_stage, stages, summary
from agenttuning.recipe import Recipe, dump, runnable
from agenttuning.settings import check_at_least
from agenttuning.stages import MANIFEST, Stage, log_event, perform, status
from agenttuning.tables import aligned
from agenttuning.training.distributed import size

RESULT = "improve.json"
Do = Callable[[int, Stage], Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class ImproveConfig:
    """How rounds of self-improvement go."""

    rounds: int = 3
    """At most so many rounds."""
    patience: int = 1
    """Stop after so many rounds in a row whose dev score is not above the best so far."""
    environments: dict[str, int] = field(default_factory=dict)
    """How many tasks of each environment a round plays; by default those that the recipe collects."""
    samples: int = 4
    """Episodes of each task."""
    keep: int = 1
    """Episodes of each task that may be learned from, the best by reward."""
    dev: int = 40
    """Dev tasks of each environment, the same in every round."""
    train_from: Literal["first", "best"] = "first"
    """What a round trains: the `first` model, or the `best` one so far."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "rounds", "patience", "environments", "samples", "keep", "dev")


@dataclass(frozen=True)
class _Judged:
    """A model and its scores on the dev tasks; None where they are still to come."""

    round: int
    model: str
    scores: Mapping[str, Any] | None


def improve(
    model: str, out: Path, config: ImproveConfig, recipe: Recipe | None = None, *, say: Say = print
) -> dict[str, Any]:
    """Run what is not done yet; returns what improve.json holds: `rounds`, the `best` one, its `model`, why it
    `stopped`. The same command goes on after a kill, and with more rounds."""
    chosen, missing = resolved(model, config, recipe)
    for name, why in missing.items():
        say(f"left out: {name}: {why}")
    with atomic_write(out / "recipe.yaml") as stream:
        stream.write(dump(chosen))
    log, told = out / "log.jsonl", -1

    def do(number: int, stage: Stage) -> Mapping[str, Any]:
        nonlocal told
        if number > told:
            say(f"round {number}" if number else "the model as it is")
            told = number
        manifest = perform(stage, log=log, say=say)
        for line in summary(stage.name, manifest["counts"]):
            say(f"  {line}")
        return manifest

    rows: list[dict[str, Any]] = []
    stopped = f"all {config.rounds} rounds are done"
    for row in _rounds(model, out, config, chosen, do):
        rows.append(row)
        stopped = row.pop("stopped", None) or stopped
        write_json(out / RESULT, _result(model, rows, "not finished yet"))
    result = _result(model, rows, stopped)
    write_json(out / RESULT, result)
    log_event(log, "improved", best=result["best"], stopped=stopped)
    return result


def plan(
    model: str, out: Path, config: ImproveConfig, recipe: Recipe | None = None
) -> list[tuple[int, str, Path, bool, str]]:
    """(round, stage, what it writes, whether it would run, why), without running anything.

    What is not known yet is taken to go well: every round keeps episodes and is better than those before it.
    """
    rows: list[tuple[int, str, Path, bool, str]] = []
    remade: set[Path] = set()

    def do(number: int, stage: Stage) -> Mapping[str, Any] | None:
        runs, why = status(stage, remade)
        if runs:
            remade.add(stage.out)
        rows.append((number, stage.name, stage.out, runs, why))
        return None if runs else read_json(stage.out / MANIFEST)

    for _ in _rounds(model, out, config, resolved(model, config, recipe)[0], do):
        pass
    return rows


def resolved(model: str, config: ImproveConfig, recipe: Recipe | None = None) -> tuple[Recipe, dict[str, str]]:
    """The recipe of a round, and why environments that it calls optional are left out.

    Raises BadInput for a model that cannot be trained, and without environments.
    """
    if model.startswith(("http://", "https://")):
        raise BadInput(f"{model} is an endpoint, and improve trains the model; give a checkpoint folder or a name")
    if size() > 1:
        raise BadInput("improve runs as one process; train its rounds by hand with torchrun, or leave torchrun out")
    recipe = recipe or Recipe(name="improve")
    environments = config.environments or recipe.collect.environments
    if not environments:
        raise BadInput("nothing to play; name environments: --environments.database 200")
    collect = replace(
        recipe.collect, environments=environments, agent=model, mistakes=0.0, samples=config.samples,
        keep=config.keep, data={name: path for name, path in recipe.collect.data.items() if name in environments},
    )  # fmt: skip
    evaluate = replace(
        recipe.evaluate, suite=[], split="dev", held_in=dict.fromkeys(environments, config.dev), held_out={},
        data={name: path for name, path in recipe.evaluate.data.items() if name in environments},
        general=False, hallucination=0, tool_use=0,
    )  # fmt: skip
    return runnable(replace(recipe, model=model, collect=collect, evaluate=evaluate))


def improvement_table(result: Mapping[str, Any]) -> str:
    """The rounds to read, a line each, then the best one and why there are no more."""
    rows = [["round", "played by", "tasks", "episodes", "kept", "dev score", "95 %", "against the best before"]]
    for row in result["rounds"]:
        dev = row["dev"]
        ends = f"{dev['low']:.1%} to {dev['high']:.1%}" if dev else ""
        score = f"{dev['mean']:.1%}" if dev else "-"
        numbers = [str(row[key]) if key in row else "" for key in ("tasks", "episodes", "kept")]
        rows.append([str(row["round"]), row.get("played_by", ""), *numbers, score, ends, _verdict(row)])
    lines = aligned(rows).splitlines()
    return "\n".join([*lines, f"best: round {result['best']}, {result['model']}", f"stopped: {result['stopped']}"])


def _verdict(row: Mapping[str, Any]) -> str:
    change = row.get("change")
    if not change:
        return ""
    told = f"{100 * change['difference']:+.1f} points, "
    if not row["better"]:
        return told + ("fell" if change["verdict"] == "fell" else "no rise")
    return told + ("rose" if change["verdict"] == "rose" else "a rise inside the noise")


def _rounds(model: str, out: Path, config: ImproveConfig, recipe: Recipe, do: Do) -> Iterator[dict[str, Any]]:
    """The row of each round as it ends; the last one says why it `stopped`, where that is not their number.

    `do` performs a stage of a round, or tells the manifest of one that is done; it returns None for one still to come.
    """
    first = _judge(0, model, evaluate_stage(
        recipe.evaluate, model, out / "round-0" / "evaluation" / "tuned", dialect=recipe.dialect, seed=recipe.seed
    ), do)  # fmt: skip
    yield {"round": 0, **_scored(first), "model": model}
    best, without_rise = first, 0
    for number in range(1, config.rounds + 1):
        *making, judging = _stages(number, out, config, recipe, best.model, first.model)
        row: dict[str, Any] = {"round": number, "played_by": _name(best)}
        for stage in making:
            done = do(number, stage)
            if done and stage.name == "filter":
                row |= _funnel(done["counts"])
                if not row["kept"]:
                    stopped = f"nothing that was played in round {number} is worth learning from"
                    yield row | {"dev": None, "model": None, "better": False, "stopped": stopped}
                    return
        judged = _judge(number, str(out / f"round-{number}" / "model" / "merged"), judging, do)
        row |= {"trained_from": _name(best if config.train_from == "best" else first)}
        row |= {**_scored(judged), "model": f"round-{number}/model/merged"}
        row["better"] = True
        if judged.scores and best.scores:
            row["change"] = _change(best.scores, judged.scores)
            row["better"] = row["change"]["difference"] > 0
        without_rise = 0 if row["better"] else without_rise + 1
        best = judged if row["better"] else best
        if without_rise >= config.patience and number < config.rounds:
            so_often = "the last round" if config.patience == 1 else f"the last {config.patience} rounds"
            yield row | {"stopped": f"the dev score did not rise in {so_often}"}
            return
        yield row


def _stages(number: int, out: Path, config: ImproveConfig, recipe: Recipe, best: str, first: str) -> list[Stage]:
    """A run's stages with the best model as its agent, on tasks and with samples that no round before had."""
    folder = out / f"round-{number}"
    collect = replace(recipe.collect, agent=best)
    trained = best if config.train_from == "best" else first
    playing, *rest = stages(replace(recipe, collect=collect, model=trained), folder)
    seed = recipe.seed + (number - 1) * config.samples
    played = collect_stage(collect, playing.out, dialect=recipe.dialect, seed=seed)
    return [played, *(stage for stage in rest if stage.out != folder / "evaluation" / "base")]


def _judge(number: int, model: str, stage: Stage, do: Do) -> _Judged:
    return _Judged(number, model, read_json(stage.out / "scores.json") if do(number, stage) else None)


def _scored(judged: _Judged) -> dict[str, Any]:
    if judged.scores is None:
        return {"dev": None}
    means = {name: row["mean"] for name, row in judged.scores["environments"].items()}
    return {"dev": held_score(judged.scores, "in"), "environments": means}


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    found = compare_scores(before, after)["held_in"]
    return {key: found[key] for key in ("n", "difference", "low", "high", "verdict")}


def _funnel(counts: Mapping[str, Any]) -> dict[str, int]:
    return {key: sum(source[key] for source in counts["sources"].values()) for key in ("tasks", "episodes", "kept")}


def _name(judged: _Judged) -> str:
    return f"round {judged.round}"


def _result(model: str, rows: Sequence[Mapping[str, Any]], stopped: str) -> dict[str, Any]:
    best = next((row for row in reversed(rows) if row.get("better")), rows[0])
    told = [dict(row) for row in rows]
    return {"start": model, "rounds": told, "best": best["round"], "model": best["model"], "stopped": stopped}
