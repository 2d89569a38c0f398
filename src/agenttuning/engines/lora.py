"""LoRA adapters beside one base model: every token of a batch goes through its own.

The base's weights are in memory once; each adapter adds its low-rank product to the outputs of the layers that it
names, for the tokens that ask for it (S-LoRA, arXiv 2311.03285, without its kernels).

>>> adapters = Adapters(model)
>>> adapters.load("tuned", Path("runs/quickstart/model/adapter"))
>>> adapters.rows = {"tuned": torch.tensor([4, 5, 6])}    # of the next forward pass over (1, tokens)
"""

from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import read_json

_PREFIX = "base_model.model."


class Adapters:
    """Hooks on a model's linear layers; `rows` says which tokens of the next forward pass belong to which adapter."""

    def __init__(self, model: Any):
        self._model = model
        self._parts: dict[str, dict[str, tuple[Any, Any, float]]] = {}  # layer → adapter → (A, B, scale)
        self.names: list[str] = []
        self.rows: dict[str, Any] = {}

    def load(self, name: str, folder: Path) -> None:
        """Raises BadInput for what is no plain LoRA of this model's linear layers."""
        import torch
        from safetensors.torch import load_file

        config = read_json(folder / "adapter_config.json")
        file = folder / "adapter_model.safetensors"
        odd = [key for key in ("use_dora", "modules_to_save", "trainable_token_indices", "alora_invocation_tokens")
               if config.get(key)]  # fmt: skip
        if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none" or odd:
            what = ", ".join(odd) or config.get("peft_type")
            raise BadInput(f"{folder}: an adapter with {what} cannot share its base; merge it: agenttuning merge")
        if not file.is_file():
            raise BadInput(f"{folder}: no adapter_model.safetensors; save the adapter as safetensors")
        layers = dict(self._model.named_modules())
        weights = load_file(file)
        ends = (".lora_A.weight", ".lora_B.weight")
        for key in weights:
            layer = key.removeprefix(_PREFIX).removesuffix(ends[0]).removesuffix(ends[1])
            module = layers.get(layer)
            if not key.endswith(ends) or not isinstance(module, torch.nn.Linear):
                raise BadInput(
                    f"{folder}: {key} is no low-rank part of a linear layer of this model; merge the adapter"
                )
        for layer in {key.removeprefix(_PREFIX).rpartition(".lora_")[0] for key in weights}:
            module = layers[layer]
            a, b = (weights[f"{_PREFIX}{layer}{end}"].to(module.weight) for end in ends)
            if a.shape[1] != module.in_features or b.shape[0] != module.out_features:
                raise BadInput(f"{folder}: {layer} has other sizes than the model; it is an adapter of another model")
            if layer not in self._parts:
                module.register_forward_hook(self._hook(self._parts.setdefault(layer, {})))
            self._parts[layer][name] = a, b, _scale(config, layer, len(a))
        self.names.append(name)

    def _hook(self, parts: dict[str, tuple[Any, Any, float]]) -> Any:
        def add(_: Any, inputs: tuple[Any, ...], output: Any) -> Any:
            for name, rows in self.rows.items():
                if name in parts:
                    a, b, scale = parts[name]
                    # (1, tokens, features), or (tokens, features) where a layer flattens them
                    flat = output.view(-1, output.shape[-1])
                    part = inputs[0].reshape(-1, inputs[0].shape[-1])[rows]
                    flat.index_add_(0, rows, (part @ a.T @ b.T) * scale)
            return output

        return add


def _scale(config: dict[str, Any], layer: str, rank: int) -> float:
    """alpha / r, or alpha / √r for a rank-stabilised adapter; a pattern may set alpha for some layers."""
    alpha = config["lora_alpha"]
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if layer == pattern or layer.endswith("." + pattern):
            alpha = value
    return alpha / (rank**0.5 if config.get("use_rslora") else rank)
