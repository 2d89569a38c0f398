"""The memory that a training will need on each of its ranks, part by part, before anything is loaded.

Weights, gradients and optimiser state follow from the model's shape alone. What a step holds beside them is counted as
transformers' decoder layers keep it for the backward pass, for the largest pack that the settings allow; on a CPU it
is calibrated with peaks measured on the built-in model.

>>> need = predict(TrainConfig(method="full", pack_length=4096), shape_of("meta-llama/Llama-2-7b-chat-hf"), ranks=8)
>>> round(need.total / 1e9), round(need.weights / 1e9)
(52, 3)
"""

import math
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from agenttuning.errors import BadInput, UnknownShape
from agenttuning.machine import main_memory
from agenttuning.training.config import TrainConfig
from agenttuning.training.loss import CHUNK
from agenttuning.training.shape import Shape, shape_of

Device = Literal["cpu", "cuda"]
# What a step's tensors take of memory for each byte they hold. glibc's heap keeps gaps between large aligned blocks:
# with 1.5, five trainings of the built-in model (LoRA and full, float32 and bfloat16, packs of 512 and 1,024 tokens)
# were predicted at 0.98 to 1.20 of their peaks. On GPUs an allowance, not measured.
_GAPS = {"cpu": 1.5, "cuda": 1.1}
# Python with torch, transformers and peft: 0.36 GB measured. A CUDA context with its libraries: an allowance.
_RUNTIME = {"cpu": 360_000_000, "cuda": 800_000_000}
_EXCHANGE = 1_500_000_000  # NCCL's buffers between the ranks: an allowance
_FLOAT32, _BFLOAT16 = 4, 2


@dataclass(frozen=True)
class Prediction:
    """Bytes on one rank when a step holds most."""

    weights: int
    """The model, trained weights in float32."""
    gradients: int
    optimizer: int
    """AdamW's two moments."""
    start_model: int
    """The frozen copy that general rows are compared with."""
    copies: int
    """Weights in the precision of the products, and those gathered from other ranks, with their gradients."""
    activations: int
    """What the layers keep of a pack for the backward pass, and what passes through one layer."""
    head: int
    """Logits of a chunk of positions, and what the head's gradient takes."""
    runtime: int
    """The process itself: interpreter and libraries, the GPU's context, buffers for exchange."""
    on_host: int
    """Main memory for a whole model on the node of rank 0, where it is read and saved; not in the total."""

    @property
    def parts(self) -> dict[str, int]:
        return {name: size for name, size in asdict(self).items() if name != "on_host"}

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    @property
    def least(self) -> int:
        """What is held all the time, whatever the lengths: weights, gradients, optimiser, start model."""
        return self.weights + self.gradients + self.optimizer + self.start_model


def predict(
    config: TrainConfig, shape: Shape, *, device: Device = "cuda", ranks: int = 1, longest: int | None = None
) -> Prediction:
    """`ranks` share one copy of the model (FSDP2). `longest` is the longest row where the rows are known, in tokens;
    else `max_length` is taken. Every token of the pack counts as trained. Precision `auto` counts as bfloat16 on a
    GPU and as float32 on a CPU.
    """
    if config.precision == "auto":
        config = replace(config, precision="bfloat16" if device == "cuda" else "float32")
    row = min(config.max_length, longest or config.max_length)
    tokens = max(config.pack_length, row)
    full = config.method == "full"
    trained = shape.weights if full else shape.lora(config.lora_rank)
    sizes = Sizes(config, shape, device, ranks)
    return Prediction(
        weights=((0 if full else sizes.frozen) + _FLOAT32 * trained) // ranks,
        gradients=_FLOAT32 * trained // ranks,
        optimizer=2 * _FLOAT32 * trained // ranks,
        start_model=sizes.start_model,
        copies=sizes.copies,
        activations=round(sizes.activations(tokens, row) * _GAPS[device]),
        head=round(sizes.head(tokens) * _GAPS[device]),
        runtime=_RUNTIME[device] + (_EXCHANGE if ranks > 1 and device == "cuda" else 0),
        on_host=_on_host(config, shape, device, ranks),
    )


@dataclass(frozen=True)
class Sizes:
    """Bytes of the parts that depend on precisions: counts of elements, by the bytes of one of them."""

    config: TrainConfig
    shape: Shape
    device: Device
    ranks: int

    @property
    def full(self) -> bool:
        return self.config.method == "full"

    @property
    def one(self) -> int:
        """Of an element of a product."""
        return _BFLOAT16 if self.config.precision == "bfloat16" else _FLOAT32

    @property
    def stream(self) -> int:
        """Of an element of the residual stream: that of the embeddings, where autocast does not reach."""
        if self.device == "cuda" and (self.ranks > 1 or not self.full):
            return self.one
        return _FLOAT32

    @property
    def frozen(self) -> int:
        """The base model under LoRA: a GPU has all of it in the precision, a CPU the layers' matrices."""
        if self.device == "cuda":
            return self.one * self.shape.weights
        return self.one * self.shape.matrices + _FLOAT32 * (self.shape.weights - self.shape.matrices)

    @property
    def start_model(self) -> int:
        if not self.full or self.config.general_loss == "text":
            return 0
        gathered = self.shape.outside if self.ranks > 1 else 0  # the root of FSDP2 stays so after a forward pass
        return self.one * (self.shape.weights // self.ranks + gathered)

    @property
    def copies(self) -> int:
        shape = self.shape
        trained = shape.matrices if self.full else shape.lora(self.config.lora_rank)
        if self.ranks == 1:  # autocast keeps them for the backward pass
            return _BFLOAT16 * trained if self.config.precision == "bfloat16" else 0
        # The layer that computes and the one after it; embeddings and head all the time.
        gathered = self.one * (2 * shape.layer + shape.outside)
        if not self.full:
            return gathered
        # Whole gradients of a layer and of what is outside, and the same in float32 on their way to their shards.
        return gathered + (self.one + _FLOAT32) * (shape.layer + shape.outside)

    def activations(self, tokens: int, row: int) -> int:
        """`row` is the longest of those in a pack of `tokens`."""
        shape, every = self.shape, self.config.recompute_layers
        again = math.ceil(shape.layers / every) if every else 0
        whole = self.layer(tokens, row)
        kept = (shape.layers - again) * whole + again * self.stream * shape.hidden * tokens
        through = self.one * tokens * (4 * shape.intermediate + 2 * shape.queries + 6 * shape.hidden)
        if self.device == "cpu":
            through += 3 * _FLOAT32 * shape.heads * row * row  # a row's scores, masked scores and their gradient
        return kept + (whole if again else 0) + through

    def layer(self, tokens: int, row: int) -> int:
        """What autograd keeps of one layer."""
        shape, one = self.shape, self.one
        # gate, its activation, up, their product; out's input; the inputs of queries, keys and values and of gate and
        # up, of which autocast makes one copy each where the norms before them are in float32.
        inputs = 2 if self.stream == one else 5
        kept = one * (4 * shape.intermediate + shape.queries + inputs * shape.hidden)
        # The norms' inputs, always in float32, and what their trained weights are multiplied with.
        normed = shape.norms * shape.hidden + shape.qk_norm * (shape.queries + shape.keys)
        kept += normed * (_FLOAT32 + (self.stream if self.full else 0))
        if not self.full:
            kept += 7 * self.config.lora_rank * one
        if self.device == "cuda":  # queries, keys, values and result; the kernel keeps no scores
            return tokens * (kept + one * (2 * shape.queries + 2 * shape.keys) + _FLOAT32 * shape.heads)
        # Keys and values are repeated for every query head. The softmax is float32, its copy and capped scores are not.
        scores = _FLOAT32 + (one if one < _FLOAT32 else 0) + (one if shape.softcap else 0)
        return tokens * (kept + one * 3 * shape.queries + scores * shape.heads * row)

    def head(self, tokens: int) -> int:
        shape, cast = self.shape, _BFLOAT16 if self.one == _BFLOAT16 else 0
        weight = shape.vocabulary * shape.hidden
        logits = min(tokens * shape.vocabulary, max(CHUNK, shape.vocabulary))
        at_once = 2 if self.config.general_loss == "text" else 3  # tensors as large as the logits
        size = (at_once * _FLOAT32 + cast) * logits + (self.one + _FLOAT32) * tokens * shape.hidden
        if self.stream == _FLOAT32:
            size += cast * weight
        return size + ((_FLOAT32 + cast) * weight if self.full else 0)


def check_memory(
    config: TrainConfig, model: str | Path, *, device: Device, ranks: int = 1, longest: int | None = None
) -> str | None:
    """Ask on each rank before anything is loaded; `model`, `ranks` and `longest` as in `shape_of` and `predict`.

    A sentence where training will probably need more than is available here; None where it fits, and where the model's
    shape or the machine's memory is not known. Raises BadInput where weights, gradients, optimiser state and start
    model alone do not fit.
    """
    try:
        shape = shape_of(model)
    except UnknownShape:
        return None
    need, have = predict(config, shape, device=device, ranks=ranks, longest=longest), available(device)
    # Of the runtime most is there already.
    if have is None or need.total - need.runtime <= have:
        return None
    largest = sorted(need.parts.items(), key=lambda part: -part[1])[:3]
    where = "on this GPU" if device == "cuda" else "in main memory"
    text = (
        f"training {model} needs about {gigabytes(need.total)}{' a rank' if ranks > 1 else ''} "
        f"({', '.join(f'{name} {gigabytes(size)}' for name, size in largest)}), "
        f"and {gigabytes(have)} are available {where}; "
    )
    if need.least > have:
        raise BadInput(text + _less_held(config, device))
    return text + _less_kept(config)


def available(device: Device) -> int | None:
    """Bytes that this process may still take: of its GPU, or its share of the main memory; None where not known."""
    if device == "cuda":
        import torch

        return torch.cuda.mem_get_info()[0]
    memory = main_memory()
    return None if memory is None else memory.available // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _less_held(config: TrainConfig, device: Device) -> str:
    ways = ["train with method lora"] if config.method == "full" else []
    if config.method == "full" and config.general_loss != "text":
        ways.append("with general_loss text")
    if device == "cuda":  # processes of one machine share its main memory
        ways.append("on more ranks (torchrun)")
    return " or ".join([*ways, "take a smaller model"])


def _less_kept(config: TrainConfig) -> str:
    ways = [f"a smaller pack_length than {config.pack_length} and max_length than {config.max_length}"]
    if config.recompute_layers != 1:
        ways.append("recompute_layers 1")
    if config.method == "full":
        ways.append("method lora")
    return f"if it ends for lack of memory, take {' or '.join(ways)}"


def _on_host(config: TrainConfig, shape: Shape, device: Device, ranks: int) -> int:
    if ranks == 1:
        return 0
    narrow = device == "cuda" and config.method == "lora" and config.precision == "bfloat16"
    one = _BFLOAT16 if narrow else _FLOAT32  # read, and written as it was trained
    return one * shape.weights
