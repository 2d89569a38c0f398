"""One optimiser step: the packs of its batch, each rank's part of them, and what they add up to.

A step's loss is the mean over the trained tokens of all its rows, however they are packed and on however many ranks
they are computed. A loss or gradient that is no finite number ends the training before it changes a weight.

>>> result = take_step(Pass(config, network, start, seed=0, step=12), optimizer, split(network.net, rows, config))
>>> result.loss, result.losses, result.gradient_norm
(2.31, {'agent/database': 2.02, 'general': 2.6}, 1.7)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from agenttuning.conversation import GENERAL_SOURCE
from agenttuning.errors import Diverged
from agenttuning.training.attention import make_packs_for
from agenttuning.training.config import TrainConfig
from agenttuning.training.deal import packs_of_rank
from agenttuning.training.distributed import add, gather, rank, size, together
from agenttuning.training.encode import Encoded
from agenttuning.training.loss import pack_loss
from agenttuning.training.network import Network, Start
from agenttuning.training.noise import embedding_noise
from agenttuning.training.pack import Pack

_SHOWN = 5  # row ids in a message


@dataclass(frozen=True)
class StepResult:
    """Means over trained tokens, in nats; `divergence` from the start model is of general rows, where it is known."""

    loss: float
    losses: dict[str, float]
    gradient_norm: float
    divergence: float | None


@dataclass
class _Sums:
    """Weighted sums over what this rank has computed."""

    losses: dict[str, float] = field(default_factory=dict)  # by source, as are the weights
    weights: dict[str, float] = field(default_factory=dict)
    divergence: float = 0.0
    compared: float = 0.0  # the weight that the divergence is a sum over
    not_finite: dict[str, None] = field(default_factory=dict)  # rows that have such a loss, in order


def split(net: Any, rows: Sequence[Encoded], config: TrainConfig) -> list[list[Pack]]:
    """The rows in packs, by kind: general rows have packs of their own, for they may have another loss."""
    general = [row for row in rows if row.source == GENERAL_SOURCE]
    others = [row for row in rows if row.source != GENERAL_SOURCE]
    return [make_packs_for(net, part, config.pack_length) for part in (others, general) if part]


@dataclass(frozen=True)
class Pass:
    """What computes a step's losses; `seed` and `step` decide the noise, where there is any."""

    config: TrainConfig
    network: Network
    start: Start | None
    seed: int
    step: int


def take_step(one: Pass, optimizer: Any, kinds: Sequence[Sequence[Pack]]) -> StepResult:
    """Move the weights by the gradient of the mean loss of these packs, of which each rank computes its part.

    Raises Diverged where the loss or the gradient is not finite; the weights are then as they were.
    """
    packs = [pack for kind in kinds for pack in kind]
    weight = sum(sum(pack.weights) for pack in packs)
    # Ranks may compute packs at the same time only where they make the same passes through the same models.
    alike = kinds if one.start else [packs]
    turns = [turn for kind in alike for turn in packs_of_rank(kind, rank(), size())]
    sums = _Sums()
    for pack, counts in turns:
        _backward(one, pack, weight, sums if counts else None)
    parameters = list(one.network.trained().values())
    norm = _clip(parameters, one.config.clip)
    result = _result(sums, packs, norm)
    if not math.isfinite(result.loss + norm):
        row_ids = _not_finite(one, turns, weight, sums)
        with together():
            raise Diverged(_what_diverged(result, row_ids, packs))
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return result


def _backward(one: Pass, pack: Pack, batch_weight: float, sums: _Sums | None) -> None:
    """Add the pack's share of the step's gradient, and its losses to `sums`; without those it counts nothing."""
    import torch

    config, net = one.config, one.network.net
    general = pack.sources[0] == GENERAL_SOURCE
    kind = config.general_loss if general else "text"

    def compute() -> tuple[Any, ...]:
        loss = pack_loss(net, pack, start=theirs, kind=kind, dft=config.dft)
        return loss.total, loss.losses, loss.divergence

    device = next(net.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
        theirs = one.start(pack) if one.start and general else None
        with embedding_noise(net, pack, alpha=config.neftune, seed=one.seed, step=one.step):
            total, losses, divergence = one.network.run(compute)
    # Gradients are averaged over the ranks, and the loss is to be a sum over them.
    (total / batch_weight * (0 if sums is None else size())).backward()
    if sums is None:
        return
    weights = [pack.weights[i] for i in pack.trained]
    for i, value, weight in zip(pack.trained, losses.tolist(), weights, strict=True):
        number = pack.rows[i]
        source = pack.sources[number]
        sums.losses[source] = sums.losses.get(source, 0.0) + value
        sums.weights[source] = sums.weights.get(source, 0.0) + weight
        if not math.isfinite(value):
            sums.not_finite[pack.row_ids[number]] = None
    if divergence is not None:
        sums.divergence += sum(d * weight for d, weight in zip(divergence.tolist(), weights, strict=True))
        sums.compared += sum(weights)


def _clip(parameters: Sequence[Any], limit: float) -> float:
    """Clip the gradient, over all shards, to a norm; returns the norm it had."""
    import torch

    norm: Any = torch.nn.utils.clip_grad_norm_(parameters, limit)
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def _result(sums: _Sums, packs: Sequence[Pack], norm: float) -> StepResult:
    sources = list(dict.fromkeys(source for pack in packs for source in pack.sources))
    parts = ([of.get(source, 0.0) for source in sources] for of in (sums.losses, sums.weights))
    *totals, divergence, compared = add([*chain(*parts), sums.divergence, sums.compared])
    losses, weights = totals[: len(sources)], totals[len(sources) :]
    return StepResult(
        loss=sum(losses) / sum(weights),
        losses={source: s / w for source, s, w in sorted(zip(sources, losses, weights, strict=True)) if w},
        gradient_norm=norm,
        divergence=divergence / compared if compared else None,
    )


def _not_finite(one: Pass, turns: Sequence[tuple[Pack, bool]], batch_weight: float, sums: _Sums) -> list[str]:
    """The rows, of all ranks, whose loss is not finite; where there are none, those with such a gradient."""
    row_ids = list(sums.not_finite)
    if not any(gather(bool(row_ids))):
        parameters = list(one.network.trained().values())
        for pack, counts in turns:  # once more, one pass at a time
            for parameter in parameters:
                parameter.grad = None
            _backward(one, pack, batch_weight, _Sums() if counts else None)
            if not math.isfinite(_clip(parameters, one.config.clip)) and counts:
                row_ids += pack.row_ids
    return [row_id for of_rank in gather(row_ids) for row_id in of_rank]


def _what_diverged(result: StepResult, row_ids: Sequence[str], packs: Sequence[Pack]) -> str:
    rows = sum(len(pack.row_ids) for pack in packs)
    more = f" and {len(row_ids) - _SHOWN} more" if len(row_ids) > _SHOWN else ""
    named = f"from {len(row_ids)} of its {rows} rows: {', '.join(row_ids[:_SHOWN])}{more}"
    hint = (
        "lower learning_rate"
        if len(row_ids) == rows
        else "look at these rows (agenttuning show) or lower learning_rate"
    )
    return f"the loss is {result.loss:.3g} and the gradient norm {result.gradient_norm:.3g}, {named}; {hint}"
