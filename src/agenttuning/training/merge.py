"""A tuned model and its start model as one checkpoint, anywhere between the two.

Interpolating between the start model's weights and the tuned ones (WiSE-FT, arXiv 2109.01903) gives back general
ability for some of the gain: ``alpha`` 1 is the tuned model, 0 the start model. Of a LoRA adapter the update is
scaled, which is the same.

>>> merge(Path("runs/quickstart/model/adapter"), Path("merged"), alpha=0.8)
>>> merge(Path("runs/full/model/merged"), Path("merged"), alpha=0.8, base="smollm2-135m-instruct")
"""

import shutil
from pathlib import Path
from typing import Any

from agenttuning import models
from agenttuning.errors import BadInput
from agenttuning.files import disk_error, read_json
from agenttuning.training.interpolate import interpolate

# Settings of an adapter whose effect is not proportional to its scale.
_NOT_SCALED = ("use_dora", "modules_to_save", "trainable_token_indices", "layer_replication")


def merge(tuned: str | Path, out: Path, *, alpha: float = 1.0, base: str | None = None) -> Path:
    """Write the checkpoint at `alpha` between the start model and `tuned`, a LoRA adapter or a full checkpoint.

    `base` is the start model: a full checkpoint needs it, an adapter names its own. The base's number format is kept
    for an adapter, the tuned one's for a checkpoint. Raises BadInput for what is no checkpoint, not whole or of
    another architecture, and for an alpha outside [0, 1].
    """
    if not 0 <= alpha <= 1:
        raise BadInput(f"alpha is {alpha:g}, expected a share between 0 (start model) and 1 (tuned model)")
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out}: is there already and not empty; choose another folder")
    folder = models.resolve(str(tuned))
    start = models.resolve(start_model(folder, base))
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        if (folder / "adapter_config.json").is_file():
            _merge_adapter(folder, start, partial, alpha)
        else:
            interpolate(start, folder, partial, alpha)
        partial.rename(out)
    except OSError as error:
        raise disk_error(error, out) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def start_model(tuned: Path, base: str | None = None) -> str:
    """The name or folder of what `tuned` was tuned from: `base`, else what an adapter says."""
    if base is not None:
        return base
    if not (tuned / "adapter_config.json").is_file():
        raise BadInput(f"{tuned}: a full checkpoint; say with --base what it was tuned from")
    named = str(read_json(tuned / "adapter_config.json").get("base_model_name_or_path"))
    try:
        models.resolve(named)
    except BadInput as error:
        raise BadInput(f"{tuned}: its base cannot be found ({error}); say where it is with --base") from None
    return named


def _merge_adapter(adapter: Path, start: Path, out: Path, alpha: float) -> None:
    from peft import PeftModel
    from safetensors import SafetensorError

    if not any((adapter / name).is_file() for name in ("adapter_model.safetensors", "adapter_model.bin")):
        raise BadInput(f"{adapter}: no adapter_model.safetensors; a half-written adapter, train again")
    config = read_json(adapter / "adapter_config.json")
    special = [key for key in _NOT_SCALED if config.get(key)]
    special += ["bias"] if config.get("bias", "none") != "none" else []
    if alpha < 1 and (special or config.get("peft_type") != "LORA"):
        why = ", ".join(special) or config.get("peft_type")
        raise BadInput(
            f"{adapter}: an adapter with {why} is no multiple of its update; merge it whole (--alpha 1) and then "
            "interpolate that checkpoint with --base"
        )
    try:
        net: Any = PeftModel.from_pretrained(
            models.load_model(start, device="cpu", dtype="auto"), adapter, torch_device="cpu"
        )
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{adapter}: does not load onto {start} ({reason}); is it whole, and this its base?") from None
    for module in net.modules():
        if hasattr(module, "scaling") and isinstance(module.scaling, dict):
            module.scaling = {name: value * alpha for name, value in module.scaling.items()}
    net.merge_and_unload().save_pretrained(out)
    own = (adapter / "tokenizer_config.json").is_file()
    models.load_tokenizer(adapter if own else start).save_pretrained(out)
