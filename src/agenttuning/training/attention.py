"""A model's forward pass over a pack, with attention inside each row alone.

In a pack a token sees its row and the prefix that its group shares, a small part of all pairs. A dense mask would
compute every pair and throw most away. Here a GPU runs one kernel over the pack that skips what nobody sees (flex.py);
elsewhere each row is multiplied with its own keys. Plugged into transformers as an attention implementation, so it
serves every architecture that uses that interface; the rows of any other are computed one by one.

>>> use_row_attention(net)
True
>>> [pack] = make_packs_for(net, rows, length=1024)
>>> logits(net, pack).shape   # one row a token that carries loss
torch.Size([212, 49152])
"""

import ast
import inspect
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from agenttuning.training import flex
from agenttuning.training.encode import Encoded
from agenttuning.training.pack import MIN_PREFIX, Group, Pack, make_packs

ROWS = "agenttuning_rows"  # our name among transformers' attention implementations
_KINDS = {"full_attention", "sliding_attention", "attention"}  # of layers; others look at other tokens in another way


def use_row_attention(net: Any) -> bool:
    """Make `net` attend row by row; False where its attention cannot be replaced, or other layers mix tokens too.
    Then it serves `logits` alone, not `generate`."""
    import torch
    from transformers import AttentionInterface

    if any(name.endswith(".sinks") for name, _ in net.named_parameters()):
        return False  # attention sinks are one more column of the softmax, which neither way has
    config = net.config.get_text_config()
    kinds = {kind for name in ("layer_types", "layers_block_type") for kind in getattr(config, name, None) or ()}
    if not kinds <= _KINDS or any(isinstance(module, torch.nn.Conv1d) for module in net.modules()):
        return False  # chunked, recurrent or convolutional layers
    if not _hands_on(net):
        return False
    # A compiled layer leaves its graph here: a pack's rows and masks are no constants of it.
    AttentionInterface.register(ROWS, torch.compiler.disable(_attend))
    net.set_attn_implementation(ROWS)
    return net.config._attn_implementation == ROWS


def _hands_on(net: Any) -> bool:
    """Whether every layer gives its attention what it was called with; in transformers all but a few families do."""
    calls = {
        (type(module).forward, name)
        for module in net.modules()
        for name, part in module.named_children()
        if "Attention" in type(part).__name__
    }
    for forward, name in calls:
        tree = ast.parse(textwrap.dedent(inspect.getsource(forward)))
        own = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == f"self.{name}"]
        if not all(any(keyword.arg is None for keyword in call.keywords) for call in own):
            return False
    return True


def make_packs_for(net: Any, rows: Sequence[Encoded], length: int, *, share_from: int = MIN_PREFIX) -> list[Pack]:
    """Packs of at most `length` tokens, or of one row each where `net` cannot tell the rows of a pack apart."""
    if net.config._attn_implementation == ROWS:
        return make_packs(rows, length, share_from=share_from)
    return make_packs(rows, 1, share_from=None)


def logits(net: Any, pack: Pack, *, kernel: bool | None = None) -> Any:
    """Tensor (k, vocabulary): the predictions at the pack's `trained` positions, in their order.

    `kernel` says whether one kernel runs over the whole pack; None: on a GPU, where it can.
    """
    import torch

    device = next(net.parameters()).device
    ids, positions, attention = pack.ids, pack.positions, {}
    if net.config._attn_implementation == ROWS:
        if flex.suits(net.config.get_text_config(), device) if kernel is None else kernel:
            more = flex.padded(len(ids)) - len(ids)  # tokens that nobody sees fill the last block
            ids, positions = ids + ids[:1] * more, positions + [0] * more
            attention = {"pack_masks": flex.Masks(pack.groups, len(ids), device)}
        else:
            attention = {"pack_groups": pack.groups}
    out = net(
        input_ids=torch.tensor([ids], device=device),
        position_ids=torch.tensor([positions], device=device),
        logits_to_keep=torch.tensor(pack.trained, device=device),
        use_cache=False,
        **attention,
    ).logits[0]
    return out[pack.trained] if len(out) == len(ids) else out  # some models compute all positions, asked or not


def _attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    pack_groups: list[Group] | None = None,
    pack_masks: flex.Masks | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """transformers' attention interface: query (1, heads, n, d), key and value (1, fewer heads, n, d), result
    (1, n, heads, d)."""
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if pack_masks is not None:
        out = flex.attend(query, key, value, pack_masks.of(sliding_window), scale, softcap)
    else:
        assert pack_groups is not None, (
            "a net with row attention is called through agenttuning.training.attention.logits"
        )
        out = _attend_by_row(query, key, value, pack_groups, scale, sliding_window, softcap)
    return out.transpose(1, 2).contiguous(), None


def _attend_by_row(
    query: Any, key: Any, value: Any, groups: list[Group], scale: float, window: int | None, softcap: float | None
) -> Any:
    """The result is shaped as the query."""
    import torch

    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1)
    out = []
    for group in groups:
        end = group.start + group.prefix
        before = slice(group.start, end)
        if group.prefix:
            own = query[:, :, before], key[:, :, before], value[:, :, before]
            out.append(_causal(*own, scale, window, softcap))
        for length in group.rows:
            row = slice(end, end + length)
            keys, values = key[:, :, row], value[:, :, row]
            if group.prefix:
                keys = torch.cat((key[:, :, before], keys), dim=2)
                values = torch.cat((value[:, :, before], values), dim=2)
            out.append(_causal(query[:, :, row], keys, values, scale, window, softcap))
            end += length
    return torch.cat(out, dim=2)


def _causal(query: Any, key: Any, value: Any, scale: float, window: int | None, softcap: float | None) -> Any:
    """Attention of the last queries over all keys, none to its right."""
    import torch

    hidden = _hidden(query.shape[2], key.shape[2], window, query.device)
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

    # It is kept: one that was made while a model was only measured could not be used in training.
    with torch.inference_mode(False):
        at = torch.arange(keys - queries, keys, device=device)[:, None]
        other = torch.arange(keys, device=device)[None, :]
        hidden = other > at
        return hidden if window is None else hidden | (other <= at - window)
