"""A LoRA adapter and its base model as one checkpoint, whole or at part strength.

Interpolating between the start model's weights and the tuned ones (WiSE-FT, arXiv 2109.01903) gives back general
ability for some of the gain: ``weight`` 1 is the tuned model, 0 the start model.

>>> merge(Path("runs/quickstart/model/adapter"), Path("merged"), weight=0.8)
"""

from pathlib import Path
from typing import Any

from agenttuning import models
from agenttuning.errors import BadInput
from agenttuning.files import read_json


def merge(adapter: Path, out: Path, *, weight: float = 1.0) -> Path:
    """Write the merged checkpoint to `out`. Raises BadInput where `adapter` is no LoRA folder or weight no share."""
    if not (adapter / "adapter_config.json").is_file():
        raise BadInput(f"{adapter}: no adapter_config.json; give the adapter folder of a LoRA training")
    if not 0 <= weight <= 1:
        raise BadInput(f"weight is {weight}, expected a share between 0 (start model) and 1 (tuned model)")
    from peft import PeftModel

    base = models.resolve(read_json(adapter / "adapter_config.json")["base_model_name_or_path"])
    net: Any = PeftModel.from_pretrained(models.load_model(base), adapter)
    for module in net.modules():
        if hasattr(module, "scaling") and isinstance(module.scaling, dict):
            module.scaling = {name: value * weight for name, value in module.scaling.items()}
    net.merge_and_unload().save_pretrained(out)
    models.load_tokenizer(base).save_pretrained(out)
    return out
