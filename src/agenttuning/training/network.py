"""A model made ready for training: its adapters, its precision, its attention, and the start model beside it.

>>> net = prepare(models.load_model(folder), config)
>>> start = start_model(net, folder, config)
>>> start(pack).shape   # as agenttuning.training.attention.logits
torch.Size([212, 49152])
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from agenttuning.errors import MissingExtra
from agenttuning.training.attention import logits, use_row_attention
from agenttuning.training.config import TrainConfig
from agenttuning.training.pack import Pack

Start = Callable[[Pack], Any]


def native_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware; emulated, it is slower than float32."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("amx"))


def prepare(net: Any, config: TrainConfig) -> Any:
    import torch

    net.train()
    use_row_attention(net)
    if config.method == "full":
        return net.float()
    try:
        from peft import LoraConfig, get_peft_model
        from peft.tuners.tuners_utils import BaseTunerLayer
    except ModuleNotFoundError:
        raise MissingExtra("peft", "train") from None
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,  # shared prefixes are exact only without dropout
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(net, lora)
    if config.precision == "bfloat16":
        # Autocast would make this copy of the frozen weights at every use, and undo PEFT's casts of every input.
        layers: list[Any] = [module for module in adapted.modules() if isinstance(module, BaseTunerLayer)]
        for layer in layers:
            layer.cast_input_dtype_enabled = False
            base = layer.get_base_layer()
            base.weight.data = base.weight.data.to(torch.bfloat16)
    return adapted


def start_model(net: Any, folder: Path, config: TrainConfig) -> Start | None:
    """The start model's predictions for a pack: the net without its adapter, or a frozen copy beside it."""
    import torch

    if config.general_loss == "text":
        return None
    if config.method == "lora":

        def start(pack: Pack) -> Any:
            with torch.no_grad(), net.disable_adapter():
                return logits(net, pack)

        return start
    from agenttuning import models

    frozen = models.load_model(folder).eval().requires_grad_(False)
    if config.precision == "bfloat16":
        frozen = frozen.to(torch.bfloat16)
    use_row_attention(frozen)
    return partial(logits, frozen)
