"""Stages: work from files to files that is done once, whole or not at all.

A stage works in ``NAME.partial/``; the folder gets its name when all is written, with a ``manifest.json``:
from what (hashes of the inputs), how (settings), how much, how long. A finished stage whose inputs and
settings are the same is skipped; a killed one finds its partial folder again and goes on inside it. What no
longer fits is set aside as ``NAME.old``, never deleted before its successor is there.

>>> perform(Stage("filter", Path("runs/a/filtered"), settings, (trajectories,), work))
"""

import hashlib
import json
import platform
import shutil
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import disk_error, locked, read_json, sha256, write_json
from agenttuning.progress import duration

MANIFEST = "manifest.json"
PLAN = "stage.json"  # in a partial folder: what it is being made from
# Settings that change how fast a stage runs or who watches it, never what it makes.
SPEED_ONLY = frozenset(
    {"concurrency", "workers", "recycle_episodes", "recycle_memory", "ray", "endpoint", "threads", "shard", "tracking"}
    | {"recompute_layers", "compile_layers"}
)
# In a folder, but no part of what it holds: times, and the file that an engine derives from a checkpoint.
NOT_CONTENT = frozenset({MANIFEST})
PACKAGES = ("torch", "transformers", "peft", "openvino", "openvino-genai", "tokenizers")


@dataclass(frozen=True)
class Stage:
    """`out` is a folder. `work(partial)` fills it and returns counts; `inputs` are files or folders.

    `settings` are JSON types; an input that does not exist yet is made by a stage before. `grows` names
    counts that may rise without losing what was done: the work goes on from the rows that are there.
    """

    name: str
    out: Path
    settings: Mapping[str, Any]
    inputs: tuple[Path, ...]
    work: Callable[[Path], Mapping[str, Any] | None]
    grows: tuple[str, ...] = ()

    @property
    def partial(self) -> Path:
        return self.out.with_name(self.out.name + ".partial")


def perform(stage: Stage, *, log: Path | None = None, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run the stage, or skip it where it is finished already; returns its manifest."""
    for path in stage.inputs:
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder; {stage.name} reads it")
    plan = _plan(stage)
    with locked(stage.out):
        if _finished(stage.partial, plan):  # killed between its last write and the renaming
            _settle(stage)
        if finished := _finished(stage.out, plan):
            say(f"{stage.name}: done before, {stage.out} is up to date")
            log_event(log, "skipped", stage=stage.name)
            return finished
        _prepare(stage, plan, say)
        log_event(log, "started", stage=stage.name)
        began = time.monotonic()
        with _peak_memory() as peak:
            try:
                counts = dict(stage.work(stage.partial) or {})
            except BaseException as error:
                log_event(log, "stopped", stage=stage.name, error=f"{type(error).__name__}: {error}"[:500])
                if isinstance(error, OSError):
                    raise disk_error(error, stage.out) from error
                raise
        seconds = round(time.monotonic() - began, 2)
        manifest = plan | {
            "counts": counts,
            "seconds": seconds,
            "peak_memory_mb": peak(),
            "versions": _versions(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(stage.partial / MANIFEST, manifest)
        _settle(stage)
    say(f"{stage.name}: {stage.out} written in {duration(seconds)}")
    log_event(log, "finished", stage=stage.name, counts=counts, seconds=seconds)
    return manifest


def status(stage: Stage, remade: Collection[Path] = ()) -> tuple[bool, str]:
    """Whether the stage would run, and why; `remade` are folders that stages before it will write first."""
    for path in stage.inputs:
        if any(folder == path or folder in path.parents for folder in remade):
            return True, f"{path} will be made first"
        if not path.exists():
            return True, f"{path} is not there yet"
    plan = _plan(stage)
    before = _read(stage.out / MANIFEST)
    if before is None:
        interrupted = _usable(stage, _read(stage.partial / PLAN), plan)
        return True, "was interrupted, goes on where it stopped" if interrupted else "not done yet"
    old, new = before.get("settings") or {}, plan["settings"]
    if old != new:
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return True, f"settings changed: {', '.join(changed)}"
    if before.get("inputs") != plan["inputs"]:
        return True, "inputs changed"
    return False, "up to date"


def log_event(log: Path | None, event: str, **fields: Any) -> None:
    """Append one line to the run's log.jsonl."""
    if log is None:
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _plan(stage: Stage) -> dict[str, Any]:
    """What decides whether an output is still good. Keys that only set the speed are left out."""
    return {
        "stage": stage.name,
        "inputs": [[path.name, _content_hash(path)] for path in stage.inputs],
        "settings": json.loads(json.dumps(_without_speed(stage.settings))),
    }


def _without_speed(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_speed(item) for key, item in value.items() if key not in SPEED_ONLY}


def _content_hash(path: Path) -> str:
    """A file's hash; a folder's over its files but the manifest, which holds times, and what is derived."""
    if path.is_file():
        return sha256(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file() and p.name not in NOT_CONTENT):
        digest.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode())
    return digest.hexdigest()


def _finished(folder: Path, plan: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a finished folder that fits the plan."""
    manifest = _read(folder / MANIFEST)
    return manifest if manifest and all(manifest.get(key) == plan[key] for key in plan) else None


def _read(file: Path) -> dict[str, Any] | None:
    return read_json(file) if file.is_file() else None


def _prepare(stage: Stage, plan: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """A partial folder made from this plan: the one that is there, or a new one."""
    if stage.partial.exists():
        begun = _read(stage.partial / PLAN)
        if _usable(stage, begun, plan):
            say(f"{stage.name}: goes on where it was stopped")
        elif begun is not None or any(path.name != f"{PLAN}.partial" for path in stage.partial.iterdir()):
            old = _set_aside(stage.partial)
            say(f"{stage.name}: what was begun with other settings or inputs is now {old}")
    elif stage.grows and _usable(stage, _read(stage.out / MANIFEST), plan):
        say(f"{stage.name}: goes on from what is in {stage.out}")
        shutil.copytree(stage.out, stage.partial, ignore=shutil.ignore_patterns(MANIFEST))
    stage.partial.mkdir(parents=True, exist_ok=True)
    write_json(stage.partial / PLAN, plan)


def _usable(stage: Stage, before: Mapping[str, Any] | None, plan: Mapping[str, Any]) -> bool:
    """Whether rows made under the plan `before` are all rows of this plan too."""
    if before is None or before.get("inputs") != plan["inputs"]:
        return False
    old, new = before["settings"], plan["settings"]
    return old.keys() == new.keys() and all(
        old[key] == new[key] or (key in stage.grows and _grew(old[key], new[key])) for key in new
    )


def _grew(old: Any, new: Any) -> bool:
    """Whether a count, or every count of several, is at least what it was, or there is now what was none."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return all(key in new and _grew(value, new[key]) for key, value in old.items())
    return old == "none" or (isinstance(old, int) and isinstance(new, int) and new >= old)


def _settle(stage: Stage) -> None:
    if stage.out.exists():
        _set_aside(stage.out)
    (stage.partial / PLAN).unlink(missing_ok=True)
    stage.partial.rename(stage.out)


def _set_aside(folder: Path) -> Path:
    """Rename to NAME.old, in place of an older one of that name."""
    old = folder.with_name(folder.name + ".old")
    if old.is_dir():
        shutil.rmtree(old)
    return folder.rename(old)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("agenttuning", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def _peak_memory() -> Generator[Callable[[], int]]:
    """The most resident memory of this process since the block began, in MB; off Linux, since it started."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")

    def peak() -> int:
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            import resource

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    yield peak
