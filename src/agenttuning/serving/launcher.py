"""The command line of vLLM or SGLang that serves a model as this program would: same names, same template.

>>> shlex.join(command_line("Qwen/Qwen3-4B", ServeConfig(engine="vllm", tensor_parallel=2)))
'vllm serve Qwen/Qwen3-4B --host 127.0.0.1 --port 8000 --tensor-parallel-size 2 ... --enable-prefix-caching'

A known model brings its template, context and number of cards where the settings say nothing. What the options mean:
https://docs.vllm.ai/en/latest/cli/serve and https://docs.sglang.io/advanced_features/server_arguments.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from agenttuning.errors import BadInput, MissingProgram
from agenttuning.files import read_json
from agenttuning.known_models import KNOWN
from agenttuning.models import BUILT_IN, MODELSCOPE, hub_id, resolve, template_file
from agenttuning.serving.config import KEY_VARIABLE, ServeConfig
from agenttuning.serving.models import served_name
from agenttuning.serving.server import server_key

_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM takes for its largest one


def command_line(model: str, config: ServeConfig) -> list[str]:
    """The program and its arguments; the key is no part of it. Raises BadInput for what is no adapter or template."""
    adapters = {name: _adapter(name, folder) for name, folder in config.adapters.items()}
    known = KNOWN.get(model)
    template, context, cards = config.chat_template, config.context, config.tensor_parallel or 1
    if known is not None:
        template, context = template or known.template, context or known.context
        cards = config.tensor_parallel or known.gpus
    source = str(resolve(model)) if model == BUILT_IN or Path(model).expanduser().is_dir() else hub_id(model)
    line = _vllm if config.engine == "vllm" else _sglang
    out = line(source.removeprefix(MODELSCOPE), served_name(model, config), adapters, cards, config)
    if context is not None:
        out += ["--max-model-len" if config.engine == "vllm" else "--context-length", str(context)]
    if template is not None:
        out += ["--chat-template", str(template_file(template))]
    if known is not None and known.own_code:
        out.append("--trust-remote-code")
    if source.startswith(MODELSCOPE):
        return ["env", f"{config.engine.upper()}_USE_MODELSCOPE=true", *out]
    return out


def _vllm(source: str, name: str, adapters: dict[str, Path], cards: int, config: ServeConfig) -> list[str]:
    line = ["vllm", "serve", source, "--host", config.host, "--port", str(config.port), "--served-model-name", name]
    line += ["--tensor-parallel-size", str(cards), "--data-parallel-size", str(config.data_parallel)]
    line += ["--enable-prefix-caching", "--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    if adapters:
        rank = _largest_rank(adapters)
        line += ["--enable-lora", "--max-loras", str(len(adapters)), "--max-lora-rank", str(rank), "--lora-modules"]
        line += [f"{adapter}={folder}" for adapter, folder in adapters.items()]
    return line


def _sglang(source: str, name: str, adapters: dict[str, Path], cards: int, config: ServeConfig) -> list[str]:
    """Prefix caching (RadixAttention) is on there unless it is turned off."""
    line = [sys.executable, "-m", "sglang.launch_server", "--model-path", source]
    line += ["--host", config.host, "--port", str(config.port), "--served-model-name", name]
    line += ["--tp-size", str(cards), "--dp-size", str(config.data_parallel)]
    line += ["--tool-call-parser", "qwen25", "--enable-metrics"]
    if adapters:
        line += ["--enable-lora", "--max-loras-per-batch", str(len(adapters) + 1), "--lora-paths"]
        line += [f"{adapter}={folder}" for adapter, folder in adapters.items()]
    return line


def launch(model: str, config: ServeConfig) -> None:
    """Become that program. Raises MissingProgram where it is not installed."""
    line = command_line(model, config)
    key = server_key(config)
    environment = dict(os.environ)
    if config.engine == "vllm":
        if shutil.which("vllm") is None:
            raise MissingProgram("vllm is not installed", "pip install vllm")
        if key is not None:
            environment["VLLM_API_KEY"] = key
    else:
        if find_spec("sglang") is None:
            raise MissingProgram("sglang is not installed", "pip install sglang")
        if key is not None:  # it reads none from the environment
            raise BadInput(
                f"sglang takes a key on its command line only, where everyone on the machine reads it; unset "
                f"{KEY_VARIABLE}, or put a proxy in front"
            )
    os.execvpe(line[0], line, environment)


def _adapter(name: str, folder: str) -> Path:
    path = Path(folder).expanduser().resolve()
    if not (path / "adapter_config.json").is_file():
        raise BadInput(f"adapters.{name}: {folder} has no adapter_config.json; give a LoRA folder")
    return path


def _largest_rank(adapters: dict[str, Path]) -> int:
    ranks = [read_json(folder / "adapter_config.json").get("r", 8) for folder in adapters.values()]
    fitting = [rank for rank in _LORA_RANKS if rank >= max(ranks)]
    if not fitting:
        raise BadInput(
            f"an adapter of rank {max(ranks)} is too large for vLLM, which takes {_LORA_RANKS[-1]}; merge it"
        )
    return fitting[0]
