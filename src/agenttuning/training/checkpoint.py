"""What a killed training goes on from: the trained weights and the optimiser's state after a step.

Every rank writes its shards (torch's distributed checkpoint), and any number of ranks can read them. The folder is
written beside the last one and takes its name when it is whole.

>>> save(out, network, optimizer, 20, settings)
>>> restore(out, network, optimizer, settings)
20
"""

import errno
import shutil
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import disk_error, read_json, write_json
from agenttuning.training.distributed import barrier, rank, size
from agenttuning.training.network import Network

_WEIGHTS = "weights"  # before a parameter's name; the optimiser's tensors have their own names there
_FULL = 2**20  # bytes left on a disk that is full


def save(out: Path, network: Network, optimizer: Any, step: int, settings: dict[str, Any]) -> None:
    import torch.distributed.checkpoint as dcp

    partial, final, old = out / "checkpoint.partial", out / "checkpoint", out / "checkpoint.old"
    if rank() == 0:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
    barrier()
    state = {}
    for name, parameter in network.trained().items():
        state[f"{_WEIGHTS}/{name}"] = parameter.detach()
        state |= {f"{key}/{name}": value for key, value in optimizer.state[parameter].items()}
    try:
        with _quiet():
            dcp.save(state, checkpoint_id=partial, no_dist=size() == 1)
    except dcp.CheckpointException as error:  # a BaseException; a full disk is a RuntimeError in it
        if shutil.disk_usage(out).free < _FULL:
            raise disk_error(OSError(errno.ENOSPC, "full"), partial) from None
        raise RuntimeError(f"{partial}: {_reason(error)}") from error
    if rank() > 0:
        return
    write_json(partial / "state.json", {"step": step, "settings": settings})
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    partial.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def last(out: Path) -> Path | None:
    """The folder of the last whole checkpoint: under its old name where a run was killed between two renamings."""
    return next((folder for folder in (out / "checkpoint", out / "checkpoint.old") if folder.is_dir()), None)


def step_of(out: Path) -> int:
    """The step of the last whole checkpoint, 0 where there is none."""
    folder = last(out)
    return read_json(folder / "state.json")["step"] if folder else 0


def restore(out: Path, network: Network, optimizer: Any, settings: dict[str, Any]) -> int:
    """Load the last checkpoint of a run with the same settings; returns the steps done (0: from the start).

    Raises BadInput for a checkpoint that is damaged or of another model.
    """
    folder = last(out)
    if folder is None:
        return 0
    try:
        state = read_json(folder / "state.json")
        step, saved_settings = int(state["step"]), state["settings"]
    except (BadInput, KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, error) from None
    if saved_settings != settings:
        return 0
    _load(folder, network, optimizer)
    return step


def _load(folder: Path, network: Network, optimizer: Any) -> None:
    import torch
    import torch.distributed.checkpoint as dcp

    trained = network.trained()
    try:
        found: Any = dcp.FileSystemReader(folder).read_metadata().state_dict_metadata
        shapes = {(kind, name): found[f"{kind}/{name}"].size for kind, name in (key.split("/", 1) for key in found)}
    except Exception as error:  # whatever a reader makes of bytes that are not what they should be
        raise _damaged(folder, error) from None
    weights = {name: shape for (kind, name), shape in shapes.items() if kind == _WEIGHTS}
    if weights != {name: parameter.shape for name, parameter in trained.items()}:
        raise BadInput(f"{folder}: a checkpoint of another model; delete it to start again: rm -r {folder}")
    state = {}
    for kind, name in shapes:
        parameter = trained[name]
        if kind == _WEIGHTS:
            state[kind, name] = parameter.detach()
        elif shapes[kind, name] == parameter.shape:
            state[kind, name] = torch.zeros_like(parameter, requires_grad=False)
        else:
            state[kind, name] = torch.zeros(shapes[kind, name], device=parameter.device)
    try:
        with _quiet():
            dcp.load({"/".join(key): value for key, value in state.items()}, checkpoint_id=folder, no_dist=size() == 1)
    except (dcp.CheckpointException, Exception) as error:
        raise _damaged(folder, error) from None
    for (kind, name), value in state.items():
        if kind != _WEIGHTS:
            optimizer.state[trained[name]][kind] = value


@contextmanager
def _quiet() -> Generator[None]:
    """Without the warning that one process is one process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield


def _damaged(folder: Path, error: BaseException) -> BadInput:
    return BadInput(f"{folder}: the checkpoint is damaged ({_reason(error)}); delete it to start again: rm -r {folder}")


def _reason(error: BaseException) -> str:
    """An error in one line; where several ranks had one, that of the first."""
    for cause, _ in getattr(error, "failures", {}).values():
        return _reason(cause)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
