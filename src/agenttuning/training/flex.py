"""Attention over a whole pack by one compiled GPU kernel, which skips the blocks of pairs that no token sees.

A token of a pack sees two stretches of it: what is before it in its own row, and the prefix of its group. Three
numbers a token say so, the window of a sliding attention included. From them come the mask inside a block and the
list of blocks to compute, made once a pack and window for all layers.

>>> sight([Group(start=0, prefix=2, rows=[3, 2])], 7, window=None)
(tensor([0, 0, 2, 2, 2, 5, 5]), tensor([0, 1, 0, 0, 0, 0, 0]), tensor([0, 1, 2, 2, 2, 2, 2]))
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from agenttuning.training.pack import Group

BLOCK = 128  # the kernel's own block of queries and of keys
_HEAD_SIZES = range(16, 257)  # smaller ones the kernel refuses, larger ones outgrow a GPU's shared memory


def suits(config: Any, device: Any) -> bool:
    """Whether a text model of this transformers config has its kernel on this torch device."""
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return device.type == "cuda" and size in _HEAD_SIZES


def padded(length: int) -> int:
    """The tokens that a pack of `length` is computed as: whole blocks, so that the kernel is compiled for few shapes.

    At least two, because one block would be a shape of its own to the compiler.
    """
    return max(2, -(-length // BLOCK)) * BLOCK


def sight(groups: Sequence[Group], length: int, window: int | None) -> tuple[Any, Any, Any]:
    """What each of `length` tokens sees, as three integer tensors (length,): `first`, `shared`, `end`.

    Token i sees the tokens from first[i] to itself and those from shared[i] to before end[i] (none where that is not
    after shared[i]). A `window` counts positions, which in a row continue from its prefix: i sees positions above its
    own minus the window. A token that belongs to no group (padding) sees itself, so that no softmax is empty.
    """
    import torch

    at = torch.arange(length)
    first, shared, end = at.clone(), at.clone(), at.clone()
    for group in groups:
        stop = group.start + group.prefix
        first[group.start : stop] = group.start
        begin = stop
        for row in group.rows:
            own = slice(begin, begin + row)
            first[own], shared[own], end[own] = begin, group.start, stop
            begin += row
    if window is not None:
        positions = at - first + end - shared
        shared = torch.maximum(shared, shared + positions - window + 1)
        first = torch.maximum(first, at - window + 1)
    return first, shared, end


def block_mask(groups: Sequence[Group], length: int, window: int | None, device: Any) -> Any:
    """The pack's BlockMask (torch.nn.attention.flex_attention) for all its heads; `length` is a multiple of BLOCK."""
    import torch
    from torch.nn.attention.flex_attention import BlockMask

    first, shared, end = (tensor.to(device, torch.int32) for tensor in sight(groups, length, window))

    def sees(batch: Any, head: Any, query: Any, key: Any) -> Any:
        own = (key <= query) & (key >= first[query])
        return own | ((key >= shared[query]) & (key < end[query]))

    starts = torch.arange(0, length, BLOCK, dtype=torch.int32, device=device)

    def keys_seen(low: Any, high: Any) -> Any:
        """Integer (length, blocks): how many of a block's keys lie from low to before high."""
        return (torch.minimum(high[:, None], starts + BLOCK) - torch.maximum(low[:, None], starts)).clamp(min=0)

    pairs = keys_seen(first, torch.arange(1, length + 1, dtype=torch.int32, device=device)) + keys_seen(shared, end)
    pairs = pairs.view(len(starts), BLOCK, len(starts)).sum(1)
    full = pairs == BLOCK * BLOCK
    return BlockMask.from_kv_blocks(
        *_listed((pairs > 0) & ~full), *_listed(full), BLOCK_SIZE=(BLOCK, BLOCK), mask_mod=sees
    )


def _listed(blocks: Any) -> tuple[Any, Any]:
    """Of a boolean (blocks, blocks): how many each row holds, and their columns first in its order of columns."""
    import torch

    order = torch.argsort(blocks.int(), dim=-1, descending=True, stable=True)
    return blocks.sum(-1, dtype=torch.int32)[None, None], order.to(torch.int32)[None, None]


class Masks:
    """The block masks of a pack, `length` tokens with its padding, each made when its window is first asked for."""

    def __init__(self, groups: Sequence[Group], length: int, device: Any) -> None:
        self._pack = groups, length
        self._device = device
        self._by_window: dict[int | None, Any] = {}

    def of(self, window: int | None) -> Any:
        """The BlockMask for a sliding `window`, or for none."""
        if window not in self._by_window:
            self._by_window[window] = block_mask(*self._pack, window, self._device)
        return self._by_window[window]


def attend(query: Any, key: Any, value: Any, mask: Any, scale: float, softcap: float | None) -> Any:
    """Query (1, heads, n, d), key and value (1, fewer heads, n, d), the result as the query; `mask` is a BlockMask."""
    import torch

    # Rotary embeddings leave queries and keys in float32 where the residual stream is; the kernel wants one dtype.
    kind = query.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else value.dtype
    return _kernel(kind)(
        query.to(dtype),
        key.to(dtype),
        value.to(dtype),
        score_mod=None if softcap is None else _capped(softcap),
        block_mask=mask,
        scale=scale,
        enable_gqa=True,
    )


@cache
def _kernel(device: str) -> Callable[..., Any]:
    """On a CPU, where only tests run it, the same function as it is: every pair in one dense product."""
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    # Not dynamic=True: that makes a tensor of the softcap too, which the kernel cannot take. Left to itself the
    # compiler sees the length change and compiles once more, for any length.
    return torch.compile(flex_attention) if device == "cuda" else flex_attention


@cache
def _capped(softcap: float) -> Callable[..., Any]:
    """One function a value: the compiler takes a new function for new code."""
    import torch

    def score(value: Any, batch: Any, head: Any, query: Any, key: Any) -> Any:
        return softcap * torch.tanh(value / softcap)

    return score
