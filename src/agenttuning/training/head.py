"""The language-model head, taken out of a model's forward pass.

A head's logits are the largest tensors of training, so the loss wants what goes into the head and multiplies it
there itself, a few positions at a time. For one pass the head's forward is another function, which gets the hidden
states where the model would call the head: the model's own choice of positions has happened by then, and a sharded
weight is gathered. Some models change their logits afterwards (a scale, a soft cap); what a model does is measured
once, with logits of our own.

>>> finish_of(gemma)
Finish(scale=1.0, cap=30.0)
>>> predictions(gemma, pack).logits(slice(0, 4))[0].shape
torch.Size([4, 256000])
"""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from agenttuning.training.attention import logits
from agenttuning.training.pack import Group, Pack

_FAR, _NEAR = 1e9, 2.0**-10  # a logit that any soft cap has cut, and one that no soft cap has changed yet
_finishes: WeakKeyDictionary[Any, "Finish | None"] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Finish:
    """What a model makes of its head's output x: ``cap · tanh(scale · x / cap)``; a cap of inf is none."""

    scale: float = 1.0
    cap: float = math.inf

    def __call__(self, raw: Any) -> tuple[Any, Any | None]:
        """(logits, their derivative divided by `scale`, None where that is 1) of a float32 tensor, which is used up."""
        if self.scale != 1:
            raw.mul_(self.scale)
        if math.isinf(self.cap):
            return raw, None
        bent = raw.div_(self.cap).tanh_()
        return bent * self.cap, bent.square_().neg_().add_(1)


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's predictions at k positions, not yet multiplied out: `hidden` (k, width) and the head's `weight`
    (vocabulary, width) and `bias`. Where the head is not one that we know, `hidden` holds the logits themselves and
    `weight` is None."""

    hidden: Any
    weight: Any | None = None
    bias: Any | None = None
    finish: Finish = Finish()

    @property
    def vocabulary(self) -> int:
        return self.hidden.shape[-1] if self.weight is None else len(self.weight)

    def logits(self, rows: slice) -> tuple[Any, Any | None]:
        """Float32 (rows, vocabulary), and the derivative that `Finish` gives."""
        import torch

        raw = self.hidden[rows]
        if self.weight is not None:
            raw = torch.nn.functional.linear(raw.to(self.weight.dtype), self.weight, self.bias)
        return self.finish(raw.float())

    def cast(self) -> "Predictions":
        """With weights in autocast's dtype, where it is on: once for all products."""
        import torch

        device = self.hidden.device.type
        if self.weight is None or not torch.is_autocast_enabled(device):
            return self
        dtype = torch.get_autocast_dtype(device)
        return replace(self, weight=self.weight.to(dtype), bias=None if self.bias is None else self.bias.to(dtype))


def predictions(net: Any, pack: Pack) -> Predictions:
    """What `net` predicts at the pack's trained positions, without gradients.

    Where the net is sharded, its root must stay gathered after the forward pass (FSDP2's default), for the weight is
    used after it.
    """
    finish = finish_of(net)
    with _aside(net):
        if finish is None:
            return Predictions(logits(net, pack))
        head, seen = net.get_output_embeddings(), []

        def record(hidden: Any) -> Any:
            seen.append(Predictions(hidden[0], head.weight, getattr(head, "bias", None), finish))
            return hidden.new_zeros(1, 1, 1)

        with replaced(head, record):
            logits(net, pack)
    return seen[0]


@contextmanager
def replaced(module: Any, forward: Callable[[Any], Any]) -> Generator[None]:
    """`module` computes `forward` instead of its own; its hooks run as ever."""
    before = vars(module).get("forward")
    module.forward = forward
    try:
        yield
    finally:
        if before is None:
            del module.forward
        else:
            module.forward = before


def finish_of(net: Any) -> Finish | None:
    """What `net` does with its head's output; None where the head or that is none of what we know, so that nothing
    but its own logits is exact. Found out by a pass over two tokens, once a model."""
    head = net.get_output_embeddings()
    if head is None:
        return None
    if head not in _finishes:
        own = dict(head.named_parameters())  # an adapter on the head would be among them, quantised weights no floats
        plain = {"weight"} <= own.keys() <= {"weight", "bias"} and all(p.dtype.itemsize > 1 for p in own.values())
        _finishes[head] = _measured(net, head) if plain else None
    return _finishes[head]


def _measured(net: Any, head: Any) -> Finish | None:
    import torch

    pack = Pack(ids=[0, 0], positions=[0, 1], targets=[0, 0], weights=[1.0, 0.0], rows=[0, 0])
    pack.groups.append(Group(0, 0, [2]))
    own, linear, given = head.forward, [], []

    def probe(hidden: Any) -> Any:
        bias = getattr(head, "bias", None)
        some = torch.linspace(-2, 3, hidden.numel(), device=hidden.device).view_as(hidden).to(hidden.dtype)
        alike = torch.equal(own(some), torch.nn.functional.linear(some, head.weight, bias))
        linear.append(alike and hidden.shape[:2] == (1, 1))
        values = torch.linspace(-60, 60, len(head.weight), device=hidden.device)
        values[0], values[-1] = _NEAR, _FAR
        given.append(values)
        torch.set_grad_enabled(True)  # until _aside ends: from here on a trained parameter would show in the result
        return values[None, None]

    with _aside(net), replaced(head, probe):
        got = logits(net, pack)
    if linear != [True] or got.requires_grad or got.shape != (1, len(given[0])):
        return None
    return _fit(given[0].double(), got[0].double())


def _fit(given: Any, got: Any) -> Finish | None:
    import torch

    scale, cap = float(got[0] / given[0]), float(got[-1])
    scale = 1.0 if abs(scale - 1) < 1e-6 else scale  # float32's last digit
    if cap > scale * _FAR / 2:
        finish, expected = Finish(scale), given * scale
    else:
        finish, expected = Finish(scale, cap), cap * torch.tanh(given * scale / cap)
    return finish if torch.allclose(got, expected, rtol=1e-5, atol=1e-7) else None


@contextmanager
def _aside(net: Any) -> Generator[None]:
    """A pass that leaves no trace: no gradients, no random numbers used, and no weights cast without gradients left
    in autocast's cache for the training pass to find."""
    import torch

    device = next(net.parameters()).device
    kept = torch.autocast(
        device.type,
        dtype=torch.get_autocast_dtype(device.type),
        enabled=torch.is_autocast_enabled(device.type),
        cache_enabled=False,
    )
    forked = torch.random.fork_rng([device] if device.type == "cuda" else [])
    with torch.inference_mode(False), torch.no_grad(), kept, forked:
        yield
