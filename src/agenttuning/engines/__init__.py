"""Engines by name, and the choice of one for a model."""

import importlib.util

from agenttuning.engines.base import Engine, Reply, Sampling
from agenttuning.engines.openai.config import EndpointConfig
from agenttuning.errors import BadInput

ENGINES = ("auto", "openvino", "transformers", "openai")

__all__ = ["ENGINES", "EndpointConfig", "Engine", "Reply", "Sampling", "make"]


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
    if engine == "openvino" or (engine == "auto" and _prefers_openvino(folder)):
        from agenttuning.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(folder)
    from agenttuning.engines.transformers import TransformersEngine

    return TransformersEngine(folder)


def _prefers_openvino(folder) -> bool:
    if importlib.util.find_spec("openvino_genai") is None:
        return False
    if importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            return False
    from agenttuning.engines.gguf import supports_gguf

    return supports_gguf(folder)
