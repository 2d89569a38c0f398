"""NEFTune: uniform noise on the input embeddings while training (arXiv 2310.05914).

A row of L tokens gets noise between -alpha / sqrt(L · width) and alpha / sqrt(L · width) on every number of its
embeddings, so the whole row's noise has about the same norm whatever its length. In a pack a shared prefix is
computed once, so its rows share its noise too, at the scale of their mean length. The noise follows from the seed,
the step and the tokens alone: it is the same again after a kill, and a row's own tokens get the same in any pack
with the same prefix.

>>> with embedding_noise(net, pack, alpha=5.0, seed=0, step=12):
...     loss = pack_loss(net, pack)
"""

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from agenttuning.training.pack import Pack


@contextmanager
def embedding_noise(net: Any, pack: Pack, *, alpha: float, seed: int, step: int) -> Generator[None]:
    """The `net`'s training passes over `pack` inside this context are noisy; an alpha of 0 is none. A pass without
    gradients (the start model's predictions, an evaluation) stays clean."""
    if alpha == 0:
        yield
        return

    import torch

    def add(module: Any, inputs: Any, embeddings: Any) -> Any:
        if not torch.is_grad_enabled():
            return embeddings
        noise = pack_noise(pack, embeddings.shape[-1], alpha=alpha, seed=seed, step=step)
        padding = embeddings.shape[-2] - len(noise)  # what the pack was filled up with
        return embeddings + torch.nn.functional.pad(noise, (0, 0, 0, padding)).to(embeddings)

    hook = net.get_input_embeddings().register_forward_hook(add)
    try:
        yield
    finally:
        hook.remove()


def pack_noise(pack: Pack, width: int, *, alpha: float, seed: int, step: int) -> Any:
    """Float32 (tokens of the pack, width), on the CPU."""
    import torch

    parts = []
    for group in pack.groups:
        lengths = [group.prefix + own for own in group.rows]
        scales = [sum(lengths) / len(lengths), *lengths]
        at = group.start
        for length, of in zip((group.prefix, *group.rows), scales, strict=True):
            generator = torch.Generator().manual_seed(_seed(seed, step, pack.ids[at : at + length]))
            parts.append(_uniform(length, width, generator) * (alpha / (of * width) ** 0.5))
            at += length
    return torch.cat(parts)


def _uniform(rows: int, width: int, generator: Any) -> Any:
    import torch

    return torch.rand(rows, width, generator=generator) * 2 - 1


def _seed(seed: int, step: int, ids: Sequence[int]) -> int:
    text = f"{seed} {step} {' '.join(map(str, ids))}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
