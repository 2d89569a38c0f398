"""Engines by name, and the choice of one for a model."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from agenttuning.engines.base import Engine, Reply, Sampling
from agenttuning.engines.batching import BatchingEngine
from agenttuning.engines.openai.config import EndpointConfig
from agenttuning.errors import BadInput

ENGINES = ("auto", "openvino", "transformers", "openai")

__all__ = ["ENGINES", "EndpointConfig", "Engine", "Reply", "Sampling", "make", "on_transformers"]


def make(model: str, engine: str = "auto", *, endpoint: EndpointConfig | None = None) -> Engine:
    """The engine that runs `model`: a checkpoint folder, a hub id, a known name or ``URL#MODEL``.

    `auto` is the endpoint for a URL, else OpenVINO on a machine without a GPU where it is installed and reads
    the checkpoint, else transformers.
    """
    if engine not in ENGINES:
        raise BadInput(f"unknown engine {engine!r}; the engines are {', '.join(ENGINES)}")
    if model.startswith(("http://", "https://")):
        if engine not in ("auto", "openai"):
            raise BadInput(f"{model} is an endpoint; use it with --engine openai")
        from agenttuning.engines.openai.engine import OpenAIEngine

        return OpenAIEngine(model, endpoint)
    if engine == "openai":
        raise BadInput(f"the openai engine needs URL#MODEL, not {model!r}")
    from agenttuning.models import resolve

    folder = resolve(model)
    if engine == "openvino" or (engine == "auto" and prefers_openvino(folder)):
        from agenttuning.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(folder)
    # The loop attends to one sequence after another, which on a GPU nobody has measured against generate's one kernel.
    return on_transformers(folder, generate=_has_gpu())


def on_transformers(
    folder: Path, adapters: Mapping[str, Path] | None = None, *, template: str | None = None, generate: bool = False
) -> BatchingEngine:
    """Continuous batching where the model's attention allows it, else (or with `generate`) transformers' own batched
    generate.

    `template` is another chat template, see `models.read_template`. Raises BadInput for `adapters` (by name, LoRA
    folders) that cannot be served beside the model.
    """
    from agenttuning.engines.loop import LoopEngine
    from agenttuning.engines.ragged import Ragged
    from agenttuning.models import load_model, load_tokenizer

    model = load_model(folder).eval()
    tokenizer = load_tokenizer(folder, template)
    if not generate and (ragged := Ragged(model)).fits:
        return LoopEngine(ragged, model, tokenizer, adapters)
    if adapters:
        raise BadInput(f"{folder}: adapters cannot be served beside a model of this kind; merge them first")
    from agenttuning.engines.transformers import TransformersEngine

    return TransformersEngine(model, tokenizer)


def prefers_openvino(folder: Path) -> bool:
    """Whether OpenVINO is installed, reads this checkpoint, and there is no GPU to prefer."""
    if importlib.util.find_spec("openvino_genai") is None or _has_gpu():
        return False
    from agenttuning.engines.gguf import supports_gguf

    return supports_gguf(folder)


def _has_gpu() -> bool:
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()
