"""The recipe: one YAML file that says how a model becomes an agent, a section for each stage.

    name: small
    model: smollm2-135m-instruct
    collect:
      environments: {database: 200}
    train:
      learning_rate: 1e-3

Every key has a default; any of them can be overridden as ``section.key=value``. A recipe is given by its path
or by the name of one that is shipped. All mistakes are reported at once, each with its file and key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml.constructor import ConstructorError

from agenttuning.corpus.contamination import DecontaminateConfig
from agenttuning.corpus.deduplicate import DeduplicateConfig
from agenttuning.corpus.filter import FilterConfig
from agenttuning.corpus.mixture import MixConfig
from agenttuning.corpus.redesign import RedesignConfig
from agenttuning.errors import BadInput, RecipeError
from agenttuning.evaluation.evaluate import EvaluateConfig
from agenttuning.evaluation.suites import fill, without
from agenttuning.rollout.collect import CollectConfig
from agenttuning.settings import Mistake, build, plain, suggest
from agenttuning.training.config import TrainConfig

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that a run depends on; the same recipe and seed give the same corpus."""

    name: str
    """Names the run's folder, runs/NAME."""
    seed: int = 0
    """The seed of everything that is drawn: tasks, order of rows, initial adapter weights."""
    model: str = "smollm2-135m-instruct"
    """The start model: a built-in name, a checkpoint folder or a hub id."""
    dialect: str = "command"
    """How trajectories are written for the model and its replies are read: react, command, json, native or chat."""
    optional: list[str] = field(default_factory=list)
    """Environments that are left out, with a line that says so, where this machine cannot run them."""
    collect: CollectConfig = field(default_factory=CollectConfig)
    """Which environments, how many tasks of each, and who acts."""
    filter: FilterConfig = field(default_factory=FilterConfig)
    """Which episodes are worth learning from."""
    deduplicate: DeduplicateConfig = field(default_factory=DeduplicateConfig)
    """Which of them say or do again what others did."""
    redesign: RedesignConfig = field(default_factory=RedesignConfig)
    """How their trajectories are written and balanced; by default as they are, in the run's dialect."""
    mix: MixConfig = field(default_factory=MixConfig)
    """How much of the corpus is agent trajectories and how much general conversation."""
    decontaminate: DecontaminateConfig = field(default_factory=DecontaminateConfig)
    """How the corpus is compared with what the model is evaluated on, and whether rows are dropped."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How the model is trained on the corpus."""
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    """What the start model and the tuned one are measured on."""


def load(source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe at a path, or the shipped one of that name, with ``key.path=value`` overrides applied.

    Raises RecipeError with every mistake, one a line.
    """
    path = find(source)
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}); check the path") from None
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: expected keys and values such as 'name: my-run', found {values!r:.60}")
    values.setdefault("name", path.stem)
    return _checked(values, overrides, path)


def made(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of that name that has nothing but defaults and ``key.path=value`` overrides; raises as `load` does."""
    return _checked({"name": name}, overrides, name)


def _checked(values: dict[str, Any], overrides: Sequence[str], path: str | Path) -> Recipe:
    """The recipe of these values; `path` is where they are from."""
    overridden = _override(values, overrides)
    mistakes: list[Mistake] = []
    recipe = build(Recipe, values, mistakes)
    mistakes += _names(values)
    if mistakes:
        lines = []
        for key, message in mistakes:
            mine = any(key == o or key.startswith((o + ".", o + "[")) for o in overridden)
            lines.append(f"{'override' if mine else path}: {key or 'recipe'}: {message}")
        raise RecipeError("\n".join(lines))
    return recipe


def runnable(recipe: Recipe) -> tuple[Recipe, dict[str, str]]:
    """The recipe with its suites filled in and without those of its optional environments that cannot run here, and
    for each of them why."""
    from agenttuning.environments import missing

    collect, evaluate = recipe.collect, fill(recipe.evaluate)
    named = collect.environments | evaluate.held_in | evaluate.held_out
    lacking = missing(name for name in recipe.optional if name in named)

    def left(chosen: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in chosen.items() if name not in lacking}

    collect = replace(collect, environments=left(collect.environments), data=left(collect.data))
    return replace(recipe, collect=collect, evaluate=without(evaluate, lacking)), lacking


def find(source: str | Path) -> Path:
    """The file of a recipe: `source` itself where it exists, else the shipped recipe of that name."""
    path = Path(source)
    if path.is_file():
        return path
    known = {p.stem: p for folder in _shipped() for p in sorted(folder.glob("*.yaml"))}
    if str(source) in known:
        return known[str(source)]
    raise BadInput(f"no recipe {str(source)!r}: no such file, and of the shipped ones {suggest(path.stem, known)}")


def dump(recipe: Recipe) -> str:
    """The recipe with every default filled in, as YAML that `load` reads back to an equal recipe."""
    return yaml.safe_dump(plain(recipe), sort_keys=False, allow_unicode=True, width=110)


def _shipped() -> Iterable[Path]:
    """The folders of shipped recipes: inside an installed wheel, and beside src/ in a clone."""
    package = Path(__file__).parent
    return (package / "recipes", package.parent.parent / "recipes")


def _override(values: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    """Set ``a.b=value`` in nested dicts; returns the key paths that were set."""
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise RecipeError(f"override {text!r}: write it as section.key=value, e.g. train.learning_rate=1e-3")
        *sections, last = key.strip().split(".")
        place = values
        for section in sections:
            if not isinstance(place.get(section), dict):
                place[section] = {}
            place = place[section]
        try:
            place[last] = yaml.load(value, _Loader)
        except yaml.YAMLError:
            place[last] = value
    return [text.partition("=")[0].strip() for text in overrides]


def _names(values: Mapping[str, Any]) -> list[Mistake]:
    """Dialects and environments that do not exist; asked here so that no stage finds out an hour later."""
    from agenttuning.dialects import DIALECTS
    from agenttuning.environments import names

    mistakes: list[Mistake] = []
    dialect = values.get("dialect")
    if isinstance(dialect, str) and dialect not in DIALECTS:
        mistakes.append(("dialect", f"unknown dialect {dialect!r}; {suggest(dialect, DIALECTS)}"))
    known = names()
    for section, key in (
        ("collect", "environments"),
        ("collect", "data"),
        ("evaluate", "held_in"),
        ("evaluate", "held_out"),
    ):
        part = values.get(section)
        chosen = part.get(key) if isinstance(part, dict) else None
        for name in chosen if isinstance(chosen, dict) else ():
            if name not in known:
                mistakes.append((f"{section}.{key}.{name}", f"unknown environment; {suggest(str(name), known)}"))
    optional = values.get("optional")
    for name in optional if isinstance(optional, list) else ():
        if name not in known:
            mistakes.append(("optional", f"unknown environment {name!r}; {suggest(str(name), known)}"))
    return mistakes


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key written twice, which plain YAML lets the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise ConstructorError(None, None, f"key {key!r} stands here twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
