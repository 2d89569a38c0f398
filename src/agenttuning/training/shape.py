"""The sizes of a decoder-only model, and what follows from them: how many weights it has and how many LoRA adds.

Read from a checkpoint's config.json, or from a table of well-known models, so that nothing is downloaded and torch is
not imported.

>>> shape_of("meta-llama/Llama-2-7b-chat-hf").weights
6738415616
"""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning.errors import UnknownShape
from agenttuning.files import read_json


@dataclass(frozen=True)
class Shape:
    """Sizes in elements. `norms` counts a layer's norms over the hidden state; the flags say which biases, and norms
    over a head's queries and keys, a layer has."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    tied: bool = False
    norms: int = 2
    qk_norm: bool = False
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    softcap: bool = False

    @property
    def queries(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_dim

    @property
    def keys(self) -> int:
        """Width of all key heads together, and of all value heads."""
        return self.kv_heads * self.head_dim

    @property
    def linears(self) -> tuple[tuple[int, int, bool], ...]:
        """(in, out, bias) of a layer's linear maps: queries, keys, values, out, gate, up, down."""
        wide, narrow = self.intermediate, self.hidden
        return (
            (narrow, self.queries, self.qkv_bias),
            (narrow, self.keys, self.qkv_bias),
            (narrow, self.keys, self.qkv_bias),
            (self.queries, narrow, self.out_bias),
            (narrow, wide, self.mlp_bias),
            (narrow, wide, self.mlp_bias),
            (wide, narrow, self.mlp_bias),
        )

    @property
    def matrices(self) -> int:
        """Weights of the linear maps of all layers, without biases."""
        return self.layers * sum(i * o for i, o, _ in self.linears)

    @property
    def layer(self) -> int:
        """Weights of one layer."""
        linear = sum(i * o + o * bias for i, o, bias in self.linears)
        return linear + self.norms * self.hidden + 2 * self.head_dim * self.qk_norm

    @property
    def outside(self) -> int:
        """Weights outside the layers: embeddings, last norm, and the head where it has weights of its own."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.hidden

    @property
    def weights(self) -> int:
        return self.layers * self.layer + self.outside

    def lora(self, rank: int) -> int:
        """Weights of LoRA matrices on every linear map of the layers."""
        return self.layers * sum(rank * (i + o) for i, o, _ in self.linears)


# By name without owner, in lower case, and without what _SUFFIX takes off.
KNOWN = {
    "llama-2-7b": Shape(4096, 32, 32, 32, 128, 11008, 32000),
    "llama-2-13b": Shape(5120, 40, 40, 40, 128, 13824, 32000),
    "llama-2-70b": Shape(8192, 80, 64, 8, 128, 28672, 32000),
    "llama-3.1-8b": Shape(4096, 32, 32, 8, 128, 14336, 128256),
    "llama-3.1-70b": Shape(8192, 80, 64, 8, 128, 28672, 128256),
    "qwen2.5-7b": Shape(3584, 28, 28, 4, 128, 18944, 152064, qkv_bias=True),
    "qwen3-4b": Shape(2560, 36, 32, 8, 128, 9728, 151936, tied=True, qk_norm=True),
    "gemma-2-9b": Shape(3584, 42, 16, 8, 256, 14336, 256000, tied=True, norms=4, softcap=True),
    "smollm2-135m": Shape(576, 30, 9, 3, 64, 1536, 49152, tied=True),
}
_PREFIX, _SUFFIX = re.compile(r"^meta-"), re.compile(r"-(chat|hf|instruct|it|base|\d{4})$")

# model_type: what its config.json need not say, and what is always so.
_FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {},
    "granite": {},
    "smollm3": {"tied": True},
    "qwen2": {"qkv_bias": True},
    "qwen3": {"head_dim": 128, "qk_norm": True},
    "gemma": {"head_dim": 256, "tied": True},
    "gemma2": {"head_dim": 256, "tied": True, "norms": 4, "softcap": True},
}
_ATTENTION_BIAS = {"llama", "granite", "smollm3", "qwen3", "gemma", "gemma2"}  # whose configs can ask for it
_MLP_BIAS = {"llama", "granite", "smollm3"}


def shape_of(model: str | Path) -> Shape:
    """The shape of a checkpoint folder (of the base of a LoRA folder), of a well-known model by its name, or of a hub
    model that has been downloaded.

    Raises UnknownShape that says why not, BadInput for a folder whose config.json cannot be read.
    """
    folder = Path(model).expanduser()
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        return shape_of(read_json(folder / "adapter_config.json").get("base_model_name_or_path", ""))
    if (folder / "config.json").is_file():
        return read_shape(folder / "config.json")
    name = _PREFIX.sub("", str(model).rpartition("/")[2].lower())
    while name not in KNOWN and (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
    if name in KNOWN:
        return KNOWN[name]
    cached = _downloaded(str(model))
    if cached is None:
        raise UnknownShape("not downloaded")
    return read_shape(cached)


def read_shape(file: Path) -> Shape:
    """The shape that a config.json describes. Raises as `shape_of`."""
    config = read_json(file)
    kind = config.get("model_type") if isinstance(config, Mapping) else None
    if kind not in _FAMILIES:
        raise UnknownShape(f"{file} has model_type {kind!r}, known are {', '.join(sorted(_FAMILIES))}")
    family = dict(_FAMILIES[kind])
    head_dim, tied = family.pop("head_dim", None), family.pop("tied", False)
    bias = kind in _ATTENTION_BIAS and bool(config.get("attention_bias"))
    wide_bias = kind in _MLP_BIAS and bool(config.get("mlp_bias"))
    try:
        hidden, heads = config["hidden_size"], config["num_attention_heads"]
        return Shape(
            hidden=hidden,
            layers=config["num_hidden_layers"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or head_dim or hidden // heads,
            intermediate=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            tied=config.get("tie_word_embeddings", tied),
            **{"qkv_bias": bias, "out_bias": bias, "mlp_bias": wide_bias, **family},
        )
    except KeyError as error:
        raise UnknownShape(f"{file} has no {error}") from None


def _downloaded(model: str) -> Path | None:
    """The config.json of a hub model in the local cache."""
    if model.count("/") != 1 or importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, "config.json")
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None
