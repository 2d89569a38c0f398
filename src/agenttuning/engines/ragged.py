"""Attention over a ragged batch: tokens of many sequences side by side, each seeing its own sequence alone.

Linear layers do not care whose token they multiply, so a step that continues sixteen conversations and reads a part
of a seventeenth's prompt is one forward pass over (1, tokens), without padding. Attention is plugged into
transformers in place of the model's own; it adds the new keys and values to each sequence's cache.

>>> ragged = Ragged(model)
>>> logits = ragged.forward([Part(cache, [5, 9], start=40), Part(other, [7], start=12)], wanted=[1, 2])
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agenttuning.engines.kept import Cache

_numbers = itertools.count()
# How far the probe's logits may lie from the model's own, as a part of the largest; with 16-bit weights, and else.
CLOSE = (0.05, 1e-3)


@dataclass(frozen=True, slots=True)
class Part:
    """New tokens `ids` of the sequence in `cache`, of which `start` tokens are computed."""

    cache: Cache
    ids: list[int]
    start: int


class Ragged:
    """The model with its attention replaced; `fits` says whether it still computes the same."""

    def __init__(self, model: Any):
        from transformers import AttentionInterface

        self._model = model
        self._parts: Sequence[Part] = ()
        self.token_bytes = 0  # of the cache
        before = model.config._attn_implementation
        probe = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
        own = self._own_logits(probe)
        name = f"agenttuning_ragged_{next(_numbers)}"
        AttentionInterface.register(name, self._attend)
        try:
            model.set_attn_implementation(name)
            self.fits = model.config._attn_implementation == name and self._computes(probe, own)
        except Exception:  # a model whose attention is no plain one fails in its own way
            self.fits = False
        if not self.fits:
            model.set_attn_implementation(before)

    def _own_logits(self, ids: list[int]) -> Any:
        import torch

        with torch.inference_mode():
            return self._model(torch.tensor([ids], device=self._model.device)).logits[0]

    def _computes(self, ids: list[int], own: Any) -> bool:
        """Whether a sequence in two parts, between others, gets the logits that the model itself gives it."""
        import torch

        one, other = Cache(), Cache()
        self.forward([Part(other, ids[::-1], 0), Part(one, ids[:7], 0)], [0])
        new = self.forward([Part(one, ids[7:], 7), Part(other, ids[:2], len(ids))], range(len(ids) - 7))
        self.token_bytes = one.beginning(1).size
        return bool((new - own[7:]).abs().max() <= CLOSE[own.dtype == torch.float32] * own.abs().max())

    def forward(self, parts: Sequence[Part], wanted: Sequence[int]) -> Any:
        """Tensor (len(wanted), vocabulary): predictions behind these tokens, counted over all parts."""
        import torch

        device = self._model.device
        ids = [index for part in parts for index in part.ids]
        positions = [place for part in parts for place in range(part.start, part.start + len(part.ids))]
        keep = torch.tensor(list(wanted), device=device)
        self._parts = parts
        with torch.inference_mode():
            logits = self._model(
                input_ids=torch.tensor([ids], device=device),
                position_ids=torch.tensor([positions], device=device),
                logits_to_keep=keep,
                use_cache=False,
            ).logits[0]
        for part in parts:
            part.cache.ids[part.start :] = part.ids
        return logits[keep] if len(logits) == len(ids) else logits  # some models compute all positions, asked or not

    def _attend(
        self,
        module: Any,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any,
        *,
        scaling: float | None = None,
        sliding_window: int | None = None,
        softcap: float | None = None,
        **_: Any,
    ) -> tuple[Any, None]:
        """transformers' attention interface: query (1, heads, n, d), key and value (1, fewer heads, n, d), result
        (1, n, heads, d)."""
        import torch

        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        out, end = [], 0
        for part in self._parts:
            rows = slice(end, end := end + len(part.ids))
            keys, values = part.cache.extend(module.layer_idx, key[0, :, rows], value[0, :, rows], part.start)
            out.append(_sequence(query[0, :, rows], keys, values, scale, sliding_window, softcap))
        return torch.cat(out, dim=1).transpose(0, 1)[None], None


def _sequence(query: Any, key: Any, value: Any, scale: float, window: int | None, softcap: float | None) -> Any:
    """(heads, n, d): the last n of a sequence's tokens over its keys and values (kv heads, all, d)."""
    import torch

    heads, new, size = query.shape
    kv_heads, length, _ = key.shape
    if new == 1 and window and length > window:
        key, value = key[:, -window:], value[:, -window:]
        length = window
    # The query heads that share a key head stand in its matrix, so that no key is copied.
    scores = (query.reshape(kv_heads, -1, size) * scale) @ key.transpose(1, 2)
    scores = scores.view(kv_heads, heads // kv_heads, new, length)
    if softcap:
        scores = torch.tanh(scores / softcap) * softcap
    if new > 1:
        place = torch.arange(length, device=query.device)
        behind = place[-new:, None] - place[None, :]
        seen = behind >= 0 if not window else (behind >= 0) & (behind < window)
        scores = scores.masked_fill(~seen, float("-inf"))
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    return (weights.view(kv_heads, -1, length) @ value).view(heads, new, value.shape[2])
