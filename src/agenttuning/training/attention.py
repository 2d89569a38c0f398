"""A model's forward pass over a pack, with attention inside each row alone.

In a pack a token sees its row and the prefix that its group shares, a small part of all pairs. A dense mask would
compute every pair and throw most away; here each row is multiplied with its own keys only. Plugged into
transformers as an attention implementation, so it serves every architecture that uses that interface; the rows
of any other are computed one by one.

>>> use_row_attention(net)
True
>>> [pack] = make_packs_for(net, rows, length=1024)
>>> logits(net, pack).shape   # one row a token that carries loss
torch.Size([212, 49152])
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from agenttuning.training.encode import Encoded
from agenttuning.training.pack import MIN_PREFIX, Group, Pack, make_packs

ROWS = "agenttuning_rows"  # our name among transformers' attention implementations


def use_row_attention(net: Any) -> bool:
    """Make `net` attend row by row; False where its attention cannot be replaced. Then it serves `logits` alone, not
    `generate`."""
    from transformers import AttentionInterface

    if any(name.endswith(".sinks") for name, _ in net.named_parameters()):
        return False  # attention sinks are one more column of the softmax, which _causal does not have
    AttentionInterface.register(ROWS, _attend)
    net.set_attn_implementation(ROWS)
    return net.config._attn_implementation == ROWS


def make_packs_for(net: Any, rows: Sequence[Encoded], length: int, *, share_from: int = MIN_PREFIX) -> list[Pack]:
    """Packs of at most `length` tokens, or of one row each where `net` cannot tell the rows of a pack apart."""
    if net.config._attn_implementation == ROWS:
        return make_packs(rows, length, share_from=share_from)
    return make_packs(rows, 1, share_from=None)


def logits(net: Any, pack: Pack) -> Any:
    """Tensor (k, vocabulary): the predictions at the pack's `trained` positions, in their order."""
    import torch

    device = next(net.parameters()).device
    rows = {"pack_groups": pack.groups} if net.config._attn_implementation == ROWS else {}
    return net(
        input_ids=torch.tensor([pack.ids], device=device),
        position_ids=torch.tensor([pack.positions], device=device),
        logits_to_keep=torch.tensor(pack.trained, device=device),
        use_cache=False,
        **rows,
    ).logits[0]


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    pack_groups: list[Group],
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """transformers' attention interface: query (1, heads, n, d), key and value (1, fewer heads, n, d), result
    (1, n, heads, d)."""
    import torch

    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    out = []
    for group in pack_groups:
        end = group.start + group.prefix
        before = slice(group.start, end)
        if group.prefix:
            own = query[:, :, before], key[:, :, before], value[:, :, before]
            out.append(_causal(*own, scale, sliding_window, softcap))
        for length in group.rows:
            row = slice(end, end + length)
            keys, values = key[:, :, row], value[:, :, row]
            if group.prefix:
                keys = torch.cat((key[:, :, before], keys), dim=2)
                values = torch.cat((value[:, :, before], values), dim=2)
            out.append(_causal(query[:, :, row], keys, values, scale, sliding_window, softcap))
            end += length
    return torch.cat(out, dim=2).transpose(1, 2).contiguous(), None


def _causal(query: Any, key: Any, value: Any, scale: float, window: int | None, softcap: float | None) -> Any:
    """Attention of the last queries over all keys, none to its right."""
    import torch

    hidden = _hidden(query.shape[2], key.shape[2], window, query.device)
    if query.is_cuda and softcap is None:
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=~hidden, scale=scale)
    # On a CPU the plain products beat the fused kernel at a row's few hundred tokens, backwards above all.
    scores = query @ key.transpose(-1, -2) * scale
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    scores = scores.masked_fill(hidden, float("-inf"))
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype) @ value


@lru_cache(maxsize=64)
def _hidden(queries: int, keys: int, window: int | None, device: Any) -> Any:
    """Boolean (queries, keys): what a query must not see; the last query sees the last key."""
    import torch

    at = torch.arange(keys - queries, keys, device=device)[:, None]
    other = torch.arange(keys, device=device)[None, :]
    hidden = other > at
    return hidden if window is None else hidden | (other <= at - window)
