"""Weights in shards, one on each rank (FSDP2): gathered layer by layer while they compute, and never all at once.

A model is made without weights on every rank and sharded; then rank 0 deals out those it has read, one tensor at a
time. So no GPU holds more than its shard, one layer and one tensor, and only the host of rank 0 holds a whole model.

>>> root = shard(net, mesh, "bfloat16")      # net is on the meta device
>>> fill(net, checkpoint)                    # a model on rank 0, None elsewhere
>>> root(lambda: net(ids))                   # inside its forward pass weights are whole
"""

from collections.abc import Callable, Iterable
from typing import Any

from agenttuning.training.distributed import rank


def shard(net: Any, mesh: Any, precision: str) -> Any:
    """Shard `net` over the mesh, decoder layer by decoder layer; returns the module in whose forward to compute."""
    import torch
    from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

    device = mesh.device_type
    policy = MixedPrecisionPolicy()
    if precision == "bfloat16" and device == "cuda":  # a CPU casts as it multiplies, as with one process
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for layer in _layers(net):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    root: Any = fully_shard(_root(net), mesh=mesh, mp_policy=policy)
    assert isinstance(root, FSDPModule)
    if hasattr(root, "set_reduce_scatter_unused_params"):  # an expert may have tokens on one rank only
        root.set_reduce_scatter_unused_params(True)
    root.to_empty(device=device)
    return root


def _layers(net: Any) -> Iterable[Any]:
    """The decoder layers: of all lists of modules the one with the most weights."""
    import torch

    lists = [module for module in net.modules() if isinstance(module, torch.nn.ModuleList)]
    return max(lists, key=lambda layers: sum(p.numel() for p in layers.parameters()))


def _root(net: Any) -> Any:
    import torch

    class Root(torch.nn.Module):
        """Holds the net, and computes whatever it is asked to while the weights outside the layers are whole."""

        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, compute: Callable[[], Any]) -> Any:
            return compute()

    return Root()


def fill(net: Any, full: Any | None) -> None:
    """Give the sharded `net` the weights and buffers of `full`, which rank 0 has; tensor by tensor."""
    import torch
    import torch.distributed as dist
    from torch.distributed.tensor import distribute_tensor

    weights, buffers = (dict(full.named_parameters()), dict(full.named_buffers())) if full is not None else ({}, {})
    with torch.no_grad():
        for name, own in net.named_parameters():
            like = {"dtype": own.dtype, "device": own.device}
            whole = torch.empty(own.shape, **like) if full is None else weights[name].detach().to(**like).contiguous()
            own.copy_(distribute_tensor(whole, own.device_mesh, own.placements))
        for name, own in net.named_buffers():
            if full is not None:
                own.copy_(buffers[name])
            dist.broadcast(own, 0)


def gathered(tensors: dict[str, Any]) -> dict[str, Any]:
    """Whole tensors in rank 0's memory, nothing on the others; as they are where they are no shards."""
    out = {}
    for name, value in tensors.items():
        if hasattr(value, "full_tensor"):
            value = value.full_tensor().cpu()
        if rank() == 0:
            out[name] = value
    return out
