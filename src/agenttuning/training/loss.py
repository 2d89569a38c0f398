"""The loss of a pack, with its gradient, from a few positions' logits at a time.

Every kind of loss here has the gradient p - q in the logits: p is the model's distribution, q the target's one-hot
for cross-entropy, the start model's distribution for KL(start ‖ model), their mean for the mean of both. So a
chunk of positions is multiplied with the head, gives its losses and at once their gradient for the hidden states
(and for the head's weight where it is trained), and its logits are forgotten; backward is one multiplication. A
tensor of all positions by the whole vocabulary never exists.

>>> loss = pack_loss(net, pack, start=predictions(start, pack), kind="both")
>>> (loss.total / batch_weight).backward()
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from agenttuning.training.attention import logits
from agenttuning.training.head import Finish, Predictions, finish_of, replaced
from agenttuning.training.pack import Pack

Kind = Literal["text", "start_model", "both"]
CHUNK = 2**24  # float32 logits computed at once, 64 MiB: large enough that the products run at full speed
_TEXT_SHARE = {"text": 1.0, "start_model": 0.0, "both": 0.5}


@dataclass(frozen=True, slots=True)
class PackLoss:
    """`total` is differentiable: the sum of `losses` (k), which are weighted, in the order of the pack's trained
    positions. `divergence` (k) is KL(start ‖ model) in nats, unweighted; None without a start model."""

    total: Any
    losses: Any
    divergence: Any | None


def pack_loss(
    net: Any,
    pack: Pack,
    *,
    start: Predictions | None = None,
    kind: Kind = "text",
    dft: bool = False,
    chunk: int = CHUNK,
) -> PackLoss:
    """Run `net` over the pack; the weighted loss of its trained positions.

    `kind` is what tokens are held to: their text, the `start` model's distribution, or the mean of both. With `dft`
    (dynamic fine-tuning, arXiv 2508.05629) a token's cross-entropy is multiplied by the probability, detached, that
    the model gives to the token. `chunk` bounds the logits computed at once. Raises ValueError for a kind that needs
    a start model without one.
    """
    import torch

    share = _TEXT_SHARE[kind]
    if share < 1 and start is None:
        raise ValueError(f"loss kind {kind!r} needs the start model's predictions")
    device, at = next(net.parameters()).device, pack.trained
    task = _Task(
        targets=torch.tensor([pack.targets[i] for i in at], device=device)[:, None],
        weights=torch.tensor([pack.weights[i] for i in at], device=device)[:, None],
        start=start if share < 1 else None,
        text_share=share,
        dft=dft,
        chunk=chunk,
    )
    finish = finish_of(net)
    if finish is None:
        total, losses, divergence, _ = _function().apply(logits(net, pack), None, None, Finish(), task)
        return PackLoss(total, losses, divergence)
    head, result = net.get_output_embeddings(), []

    def forward(hidden: Any) -> Any:
        trained = [head.weight, getattr(head, "bias", None)]
        if not torch.is_grad_enabled():
            trained = [p if p is None else p.detach() for p in trained]
        result.extend(_function().apply(hidden[0], *trained, finish, task))
        return result[3]

    with replaced(head, forward):
        through = logits(net, pack)
    # A zero that has gone through the end of the model, so that hooks on its output (FSDP's) see this backward pass.
    return PackLoss(result[0] + through.sum(), result[1], result[2])


@dataclass(frozen=True, slots=True)
class _Task:
    targets: Any  # (k, 1)
    weights: Any  # (k, 1)
    start: Predictions | None
    text_share: float  # of the cross-entropy in the loss; the rest is the divergence
    dft: bool
    chunk: int

    def slices(self, vocabulary: int) -> list[slice]:
        """The k positions in parts of about the same size."""
        k = len(self.targets)
        parts = math.ceil(k / max(self.chunk // vocabulary, 1))
        size = math.ceil(k / parts)
        return [slice(i, i + size) for i in range(0, k, size)]


@lru_cache(maxsize=1)
def _function() -> Any:
    """The autograd function; made late, for its class needs torch."""
    import torch

    class FusedLoss(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, hidden: Any, weight: Any, bias: Any, finish: Finish, task: _Task) -> tuple[Any, ...]:
            ours = Predictions(hidden, weight, bias, finish)
            losses, divergence, gradients = _by_chunks(ours, task, ctx.needs_input_grad[:3])
            ctx.save_for_backward(*gradients)
            ctx.set_materialize_grads(False)
            ctx.mark_non_differentiable(*(out for out in (losses, divergence) if out is not None))
            return losses.sum(), losses, divergence, hidden.new_zeros(1, 1, 1)

        @staticmethod
        def backward(ctx: Any, *of_outputs: Any) -> tuple[Any, ...]:
            # In place: autograd itself refuses to use a tensor a second time that was changed.
            return *(g if g is None else g.mul_(of_outputs[0]) for g in ctx.saved_tensors), None, None

    return FusedLoss


def _by_chunks(ours: Predictions, task: _Task, wanted: tuple[bool, ...]) -> tuple[Any, Any | None, list[Any]]:
    """Weighted losses (k), divergence (k), and the gradients of the losses' sum for those of the hidden states, weight
    and bias that are `wanted`, None for the others."""
    import torch

    inputs, start = (ours.hidden, ours.weight, ours.bias), task.start
    ours = ours.cast()
    if start is not None:
        same = start.weight is inputs[1]  # LoRA's start model has the head of the model itself
        start = replace(start, weight=ours.weight, bias=ours.bias) if same else start.cast()
    losses = torch.empty(len(task.targets), 1, device=ours.hidden.device)
    divergence = torch.empty_like(losses)
    sums = [torch.empty_like(x, dtype=torch.float32) if want else None for x, want in zip(inputs, wanted, strict=True)]
    for rows in task.slices(ours.vocabulary):
        logits, slope = ours.logits(rows)
        if start is None:
            loss, factor, difference = _held_to_text(logits, task, rows)
            del logits
        else:
            log = torch.log_softmax(logits, dim=-1)
            del logits  # of all that is as large, three tensors at a time are enough
            start_log = torch.log_softmax(start.logits(rows)[0], dim=-1)
            loss, factor, difference, divergence[rows] = _held_to_start(log, start_log, task, rows)
            del log, start_log
        losses[rows] = loss * task.weights[rows]
        if any(wanted):
            difference = difference if slope is None else difference.mul_(slope)
            _add_gradients(sums, ours, rows, difference, factor * task.weights[rows] * ours.finish.scale)
        del difference, slope
    gradients = [total if total is None else total.to(x.dtype) for total, x in zip(sums, inputs, strict=True)]
    return losses[:, 0], None if start is None else divergence[:, 0], gradients


def _held_to_text(logits: Any, task: _Task, rows: slice) -> tuple[Any, Any, Any]:
    """(losses, factor, p - q) with losses and factor (rows, 1); a loss's gradient in the logits is factor · (p - q)."""
    import torch

    p = torch.softmax(logits, dim=-1)
    # log p of the target from the largest p, whose logarithm is exact however small the target's own p is: one pass
    # over the vocabulary fewer than by way of all the logarithms.
    highest = logits.amax(-1, keepdim=True) - p.amax(-1, keepdim=True).log()
    loss, factor = _cross_entropy(logits.gather(1, task.targets[rows]) - highest, task)
    return loss, factor, p.scatter_add_(1, task.targets[rows], -torch.ones_like(loss))


def _held_to_start(log: Any, start_log: Any, task: _Task, rows: slice) -> tuple[Any, Any, Any, Any]:
    """As `_held_to_text`, with the divergence (rows, 1) from the start model, of both models' log-probabilities, which
    are used up."""
    loss, of_text = _cross_entropy(log.gather(1, task.targets[rows]), task)
    of_text, of_start = task.text_share * of_text, 1 - task.text_share
    q = start_log.exp()
    divergence = start_log.sub_(log).mul_(q).sum(-1, keepdim=True)
    factor = of_text + of_start
    difference = log.exp_().addcmul_(q, of_start / factor, value=-1)
    difference.scatter_add_(1, task.targets[rows], -of_text / factor)
    return task.text_share * loss + of_start * divergence, factor, difference, divergence


def _cross_entropy(log: Any, task: _Task) -> tuple[Any, Any]:
    """(losses, what p - one-hot is multiplied by) of the targets' log-probabilities, all (rows, 1)."""
    import torch

    belief = log.exp() if task.dft else torch.ones_like(log)
    return -belief * log, belief


def _add_gradients(sums: list[Any], ours: Predictions, rows: slice, difference: Any, factor: Any) -> None:
    """Add a chunk's share to the gradients of the hidden states, weight and bias; the first chunk overwrites what
    was there. `factor` (rows, 1) is multiplied where tensors are narrow."""
    of_hidden, of_weight, of_bias = sums
    if ours.weight is None:
        of_hidden[rows] = difference * factor
        return
    first, difference = rows.start == 0, difference.to(ours.weight.dtype)
    if of_hidden is not None:
        of_hidden[rows] = (difference @ ours.weight) * factor
    if of_weight is not None:
        scaled = (ours.hidden[rows] * factor).to(difference.dtype)
        if scaled.dtype == of_weight.dtype:
            of_weight.addmm_(difference.T, scaled, beta=float(not first))
        else:
            _add(of_weight, difference.T @ scaled, first)
    if of_bias is not None:
        _add(of_bias, (difference.float() * factor).sum(0), first)


def _add(total: Any, part: Any, first: bool) -> None:
    if first:
        total.copy_(part)
    else:
        total.add_(part)
