"""A training's metrics in the trackers that a team already looks at, beside the log that every training writes.

`trackers` opens those that are named, all as one run that a resumed training goes on in: the run's id and the last
step that was sent are kept in ``tracking/run.json``. What a tracker does wrong is told once and never ends a training.

>>> with trackers(("tensorboard",), "quickstart", settings, Path("runs/quickstart/model")) as log:
...     log(1, {"loss": 2.1, "losses": {"agent/database": 2.3}})  # loss, loss/agent/database
"""

import netrc
import os
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from agenttuning.errors import BadInput, MissingExtra
from agenttuning.files import read_json, write_json
from agenttuning.settings import plain, redact, suggest

PROJECT = "agenttuning"  # where a tracker groups runs by project
PATIENCE = 60.0  # seconds that a tracker may take to send its last rows when the training is over
_EXTRAS = {"tensorboard": "tracking"}  # the others are installed by their own names
_PREFIXES = {"losses": "loss"}

Log = Callable[[int, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Run:
    """`folder` is for a tracker's files; `settings` are without keys, and were sent before where not `fresh`."""

    name: str
    id: str
    settings: Mapping[str, Any]
    folder: Path
    fresh: bool


# What a tracker makes of a run: a function that takes a step with its values, and one that ends the run.
_Open = tuple[Callable[[int, dict[str, float]], Any], Callable[[], Any]]


def check_trackers(names: Iterable[str]) -> None:
    """Raise BadInput for a name that no tracker has; installed or not is asked when they are opened."""
    for name in names:
        if name not in _TRACKERS:
            raise BadInput(f"tracking names {name!r}, which is no tracker; {suggest(name, _TRACKERS)}")


@contextmanager
def trackers(names: Iterable[str], run_name: str, settings: Mapping[str, Any], folder: Path) -> Generator[Log]:
    """``log(step, metrics)`` for the trackers of these names, all of whose files go to ``folder/tracking``.

    Steps count from 1 and rise; numbers are sent, nested ones as ``loss/agent/database``, all else is left out. A
    training that is called again with the same `settings` goes on in its run, and steps that were sent are not sent
    again. Raises BadInput for an unknown name and MissingExtra for a package that is not installed, both before
    anything is written.
    """
    names = tuple(dict.fromkeys(names))
    check_trackers(names)
    for name in names:
        if find_spec(name) is None:
            raise MissingExtra(name, _EXTRAS.get(name))
    if not names:
        yield lambda step, metrics: None
        return
    run, last = _identity(run_name, settings, folder / "tracking")
    working: dict[str, _Open] = {}
    for name in names:
        try:
            with _aside():
                working[name] = _TRACKERS[name](run)
        except Exception as error:  # here and below: whatever a tracker raises, the training goes on
            _tell(name, "cannot start", error)

    def log(step: int, metrics: Mapping[str, Any]) -> None:
        nonlocal last
        if step <= last:
            return
        last = step
        # Noted before it is sent: what a kill loses in between is in the training's own log, what it doubled
        # would bend the tracker's curve.
        write_json(run.folder / "run.json", {"id": run.id, "step": step, "settings": run.settings})
        values = flat(metrics)
        for name, (send, _) in tuple(working.items()):
            try:
                send(step, values)
            except Exception as error:
                _tell(name, f"failed at step {step} and is left alone from now on", error)
                del working[name]

    try:
        yield log
    finally:
        for name, (_, close) in working.items():
            try:
                with _aside():
                    _bounded(close)
            except Exception as error:
                _tell(name, "could not end its run", error)


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of nested metrics by path, without the step."""
    out: dict[str, float] = {}
    for key, value in metrics.items():
        name = f"{prefix}{_PREFIXES.get(key, key)}"
        if isinstance(value, Mapping):
            out |= flat(value, f"{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and key != "step":
            out[name] = value
    return out


def _identity(name: str, settings: Mapping[str, Any], folder: Path) -> tuple[_Run, int]:
    """The run that this folder began under these settings and its last step, or a new one and 0."""
    shown = yaml.safe_load(redact(yaml.safe_dump(plain(settings))))
    file = folder / "run.json"
    before = read_json(file) if file.is_file() else {}
    if before.get("settings") == shown:
        return _Run(name, before["id"], shown, folder, fresh=False), before["step"]
    run = _Run(name, uuid.uuid4().hex[:8], shown, folder, fresh=True)
    write_json(file, {"id": run.id, "step": 0, "settings": shown})
    return run, 0


def _bounded(close: Callable[[], Any]) -> None:
    """Close a tracker, but do not wait for ever: one that has lost its server may try again for hours."""
    failed: list[Exception] = []

    def work() -> None:
        try:
            close()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        raise TimeoutError(f"still sending after {PATIENCE:g} s")
    if failed:
        raise failed[0]


def _aside() -> AbstractContextManager[Any]:
    """What trackers print about themselves is not the command's output."""
    return redirect_stdout(sys.stderr)


def _tell(name: str, what: str, error: Exception) -> None:
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    _say(f"{name} {what} ({reason}); the training goes on, metrics.jsonl has every step")


def _say(text: str) -> None:
    print(f"tracking: {text}", file=sys.stderr, flush=True)


def _tensorboard(run: _Run) -> _Open:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(run.folder / "tensorboard"))
    if run.fresh:
        writer.add_text("settings", f"```yaml\n{yaml.safe_dump(run.settings, sort_keys=False)}```")

    def send(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()  # else a kill loses two minutes

    return send, writer.close


def _wandb(run: _Run) -> _Open:
    """Mode: WANDB_MODE where it is set, else online where there is a key, else offline."""
    wandb: Any = import_module("wandb")
    mode: Any = os.environ.get("WANDB_MODE") or ("online" if _wandb_key(wandb.setup().settings) else "offline")
    if mode == "offline":
        _say("wandb works offline; send its files later: wandb sync MODEL/tracking/wandb/offline-run-*")
    opened = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=run.name,
        id=run.id,
        resume="allow",
        config=dict(run.settings),
        dir=run.folder,
        mode=mode,
        # Metrics and settings only: no output, no code, no commit.
        settings=wandb.Settings(console="off", save_code=False, disable_git=True),
    )
    return lambda step, values: opened.log(values, step=step), opened.finish


def _wandb_key(settings: Any) -> bool:
    """Whether a login is configured; asked here because wandb itself would stop and ask the user."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE") or settings.api_key:
        return True
    try:
        saved = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    return saved.authenticators(urlsplit(settings.base_url).hostname or "") is not None


def _trackio(run: _Run) -> _Open:
    """On this machine, where `trackio show` looks, unless TRACKIO_SPACE_ID or TRACKIO_SERVER_URL says else."""
    opened = import_module("trackio").init(
        project=os.environ.get("TRACKIO_PROJECT", PROJECT),
        name=f"{run.name}-{run.id}",  # it knows runs by name alone
        config=dict(run.settings),
        resume="allow",
    )
    return lambda step, values: opened.log(values, step=step), opened.finish


def _mlflow(run: _Run) -> _Open:
    """On the server that MLFLOW_TRACKING_URI names, else in a file of the run's own."""
    mlflow: Any = import_module("mlflow")
    row: Any = import_module("mlflow.entities")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{run.folder.resolve() / 'mlflow.db'}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    experiment = client.get_experiment_by_name(name)
    number = experiment.experiment_id if experiment else client.create_experiment(name)
    tag = f"{PROJECT}.run"
    found = client.search_runs([number], f"tags.`{tag}` = '{run.id}'")
    if found:
        key = found[0].info.run_id
        client.update_run(key, status="RUNNING")
    else:
        key = client.create_run(number, run_name=run.name, tags={tag: run.id}).info.run_id
        client.log_batch(key, params=[row.Param(name, str(value)[:500]) for name, value in run.settings.items()])

    def send(step: int, values: dict[str, float]) -> None:
        now = int(1000 * time.time())
        named = {re.sub(r"[^\w\-./ ]", "_", name): value for name, value in values.items()}  # it refuses other signs
        client.log_batch(key, metrics=[row.Metric(name, value, now, step) for name, value in named.items()])

    return send, lambda: client.set_terminated(key)


_TRACKERS: Mapping[str, Callable[[_Run], _Open]] = {
    "trackio": _trackio,
    "wandb": _wandb,
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
}
