"""Several processes at one training: who is which, what they add up, and how they end together.

torchrun starts the processes and numbers them; rank 0 writes what a stage writes, the others compute. With one
process everything here returns what it was given, and no process group is made.

>>> with group("all") as mesh:                       # None with one process
...     total = add([1.0, 2.0])                      # over all ranks
>>> perform_on_ranks(stage)                          # the manifest on rank 0, {} elsewhere
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal

from agenttuning.errors import BadInput, RankLost, UserError
from agenttuning.stages import Stage, perform

PATIENCE = timedelta(hours=1)  # for a rank that reads a large checkpoint while the others wait
_WORK, _HOME = "work", "home"
_groups = count()


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def size() -> int:
    """How many processes train. Raises BadInput where only half of what torchrun sets is set."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if ranks > 1 and not {"RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        raise BadInput(f"WORLD_SIZE is {ranks}, but RANK, LOCAL_RANK or MASTER_ADDR is missing; start with torchrun")
    return ranks


def sharing(shard: Literal["all", "node"]) -> int:
    """How many processes share one copy of the weights."""
    return size() if shard == "all" else int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextmanager
def group(shard: Literal["all", "node"]) -> Generator[Any]:
    """The DeviceMesh over which weights are sharded: all ranks, or (nodes, ranks of a node). None with one process.

    NCCL on GPUs, gloo on CPUs and for what is no tensor of the model.
    """
    if size() == 1:
        yield None
        return
    import torch
    import torch.distributed as dist

    on_node, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    device, backend = ("cuda", "cpu:gloo,cuda:nccl") if gpus else ("cpu", "gloo")
    store = dist.PrefixStore(f"training {next(_groups)}", _store())  # a second group must not read the first one's keys
    dist.init_process_group(backend, store=store, rank=rank(), world_size=size(), timeout=PATIENCE)
    with together():
        if shard == "node" and size() % on_node:
            raise BadInput(f"shard is node, but {size()} ranks are no multiple of this node's {on_node}; use shard all")
        if 0 < gpus < on_node:
            raise BadInput(f"{on_node} processes on a node that has {gpus} GPUs; give --nproc-per-node {gpus}")
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if shard == "node":
        mesh = dist.init_device_mesh(device, (size() // on_node, on_node), mesh_dim_names=("replicate", "shard"))
    else:
        mesh = dist.init_device_mesh(device, (size(),), mesh_dim_names=("shard",))
    try:
        yield mesh
    except RuntimeError as error:
        if "gloo/transport" not in str(error):
            raise
        raise RankLost(f"rank {rank()}: another rank has ended; the same command goes on from the checkpoint") from None
    # Not after an error: the others may be in the middle of something, and torchrun ends them.
    dist.destroy_process_group()


def add(values: Sequence[float]) -> list[float]:
    """Element by element the sum over all ranks, in float64."""
    if size() == 1:
        return list(values)
    import torch
    import torch.distributed as dist

    total = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(total)
    return total.tolist()


def gather(value: Any) -> list[Any]:
    """Every rank's value, by rank."""
    if size() == 1:
        return [value]
    import torch.distributed as dist

    values = [None] * size()
    dist.all_gather_object(values, value)
    return values


def barrier() -> None:
    """Return when every rank has come here."""
    add([0.0])


@contextmanager
def together() -> Generator[None]:
    """What the user can mend on any rank ends all of them, and rank 0 alone says it: the others exit quietly."""
    error = None
    try:
        yield
    except UserError as raised:
        error = raised
    texts = [text for text in gather(error and str(error)) if text]
    if not texts:
        return
    if rank() > 0:
        raise SystemExit(UserError.exit_code)
    raise error or BadInput(texts[0])


@contextmanager
def first_on_node() -> Generator[None]:
    """One rank of each node does it before the others, which then find it done: a download, a conversion."""
    if size() == 1:
        yield
        return
    first = os.environ["LOCAL_RANK"] == "0"
    if not first:
        barrier()
    try:
        yield
    finally:
        if first:
            barrier()


def perform_on_ranks(stage: Stage, **options: Any) -> dict[str, Any]:
    """`stages.perform` by rank 0; the others only join in its work, if there is any to do, and have no manifest.

    The folder must be one that all ranks see.
    """
    if size() == 1:
        return perform(stage, **options)
    store, key = _store(), f"agenttuning/{stage.out}"
    if rank() > 0:
        store.wait([key], timedelta(days=365))  # as long as the stages before it take
        if store.get(key).decode() == _WORK:
            stage.work(stage.partial)
        return {}

    def work(partial: Path) -> Any:
        store.set(key, _WORK)
        return stage.work(partial)

    try:
        return perform(replace(stage, work=work), **options)
    finally:
        store.compare_set(key, "", _HOME)


def _store() -> Any:
    """torchrun's key-value store, without the keys of the processes that it has started anew since."""
    from torch.distributed import PrefixStore, rendezvous

    store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    return PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
