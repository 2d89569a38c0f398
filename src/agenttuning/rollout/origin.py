"""Where a collected episode comes from, for its provenance.

>>> origin(trajectory, data=None)
{'source': 'collected: database, built-in tasks', 'environment_version': 'agenttuning 0.1.0', 'license': 'apache-2.0'}
"""

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from agenttuning.environments import GROUP
from agenttuning.trajectory import Trajectory

OURS = "agenttuning"
LICENSE = "apache-2.0"


def origin(trajectory: Trajectory, data: Path | None) -> dict[str, str]:
    """`data` are the benchmark's files that the tasks are from, if any. Built-in tasks and what their experts wrote are
    under our licence; under which a benchmark and a model's words are, only their users know."""
    environment = trajectory.task.environment
    name, version = _package(environment)
    out = {"source": f"collected: {environment}, " + (f"tasks of {data.name}" if data else "built-in tasks")}
    if name:
        out["environment_version"] = f"{name} {version}"
    if data is None and name == OURS and trajectory.agent == "expert":
        out["license"] = LICENSE
    return out


@cache
def _package(environment: str) -> tuple[str, str]:
    """The name and version of the package that an environment is in; empty where it is in none."""
    for entry in entry_points(group=GROUP, name=environment):
        if entry.dist is not None:
            return entry.dist.name, entry.dist.version
    return "", ""
