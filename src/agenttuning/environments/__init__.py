"""Environments by name, ours and those a user's package adds under the same entry-point group.

In a package's pyproject.toml::

    [project.entry-points."agenttuning.environments"]
    my_world = "my_package.world:MyWorld"
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agenttuning.environments.base import LEVELS, Environment, Feedback, Metric
from agenttuning.errors import BadInput, MissingExtra, MissingProgram

GROUP = "agenttuning.environments"
# Which extra brings what an environment imports.
EXTRAS = {
    "alfworld": "alfworld",
    "database": "database",
    "hotpotqa": "environments",
    "knowledge_graph": "graph",
    "mind2web": "web",
    "miniwob": "browser",
    "rewoo": "search",
    "scienceworld": "scienceworld",
    "webarena": "arena",
    "webshop": "webshop",
}

__all__ = ["LEVELS", "Environment", "Feedback", "Metric", "environment_class", "make", "missing", "names"]


def names() -> list[str]:
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def environment_class(name: str) -> type[Any]:
    """The class behind a name.

    Raises BadInput for an unknown one, MissingExtra for one that cannot import, and MissingProgram for one that
    the system cannot run.
    """
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known))}"
        raise BadInput(f"unknown environment {name!r}; {hint}")
    extra = EXTRAS.get(name, "environments")
    try:
        kind = known[name].load()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("agenttuning"):
            raise
        raise MissingExtra(error.name or name, extra) from None
    for package in getattr(kind, "packages", ()):
        if find_spec(package) is None:
            raise MissingExtra(package, extra)
    if hasattr(kind, "check"):
        kind.check()
    return kind


def missing(chosen: Iterable[str]) -> dict[str, str]:
    """Those of these environments that cannot run here, each with what it lacks and the command that mends it."""
    lacking: dict[str, str] = {}
    for name in chosen:
        try:
            environment_class(name)
        except (MissingExtra, MissingProgram) as error:
            lacking[name] = str(error)
    return lacking


def make(name: str, data: Path | None = None, *, skip_bad: bool = False) -> Environment:
    """A new environment, on built-in tasks or on the benchmark's own files at `data`."""
    kind = environment_class(name)
    return kind(data, skip_bad=True) if skip_bad else kind(data)
