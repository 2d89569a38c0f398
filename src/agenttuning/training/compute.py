"""What a training step trades on a GPU, each by choice: memory for time, time to compile for time to run.

None of it changes the loss. Activation checkpointing keeps of a layer only its input and computes the rest again in
the backward pass. Compiling fuses what stands between a layer's matrix products, which is bound by memory.

>>> expandable_segments()            # before the first tensor is on a GPU
>>> checkpoint_layers(net, every=2)  # every second layer's activations are computed twice
16
>>> compile_layers(net)
"""

import os
from functools import partial
from typing import Any

from agenttuning.errors import BadInput

_ALLOCATOR = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")  # the old name, which every version reads, and the new


def decoder_layers(net: Any) -> list[Any]:
    """The decoder layers of a transformers model, PEFT's adapters around it or not, from the first to the last.

    Raises BadInput for a model that has none of transformers' own.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in net.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        kind = type(net).__name__
        raise BadInput(f"{kind} has no decoder layers of transformers': train it without checkpointing and compiling")
    return layers


def checkpoint_layers(net: Any, every: int) -> int:
    """Compute the first of each `every` decoder layers again in the backward pass of training; 1: all, 0: none.

    Returns how many layers that is. Memory for activations falls to about 1 - 1/every of what it was (1: to a layer's
    input each, and one whole layer), time grows by up to a third of its 1/every.
    """
    from torch.utils.checkpoint import checkpoint

    layers = decoder_layers(net)
    again = layers[::every] if every else []
    for layer in layers:
        layer.gradient_checkpointing = layer in again
        # Frozen embeddings give the first layer an input without gradient, with which the reentrant kind loses all.
        layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
    return len(again)


def compile_layers(net: Any) -> None:
    """Compile the parts of each decoder layer (attention, MLP, norms) on first use, once for all layers and lengths.

    For dense models; experts take as many tokens as come, and are compiled again and again. Call it after adapters are
    in place. The parts and not the whole: around what is recomputed, the compiler gives up on a layer and says nothing.
    """
    for layer in decoder_layers(net):
        for part in layer.children():
            part.compile(dynamic=True)


def allow_tf32(allowed: bool) -> None:
    """Whether a GPU may round the factors of float32 products to 10 bits of mantissa, for several times the speed.

    Products in bfloat16 are not concerned.
    """
    import torch

    torch.set_float32_matmul_precision("high" if allowed else "highest")


def expandable_segments() -> None:
    """Let torch's GPU memory grow in place, so that packs of many lengths leave no gaps; a user's own setting stays.

    torch reads this once, when it makes its first tensor on a GPU.
    """
    if not any(name in os.environ for name in _ALLOCATOR):
        os.environ[_ALLOCATOR[0]] = "expandable_segments:True"
