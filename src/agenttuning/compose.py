"""A compose file that serves a known model with vLLM, one instance or several, each on GPUs and a port of its own.

The chat template stands in the file itself (a config with inline content, Compose 2.23 or newer), so that the file is
all that a machine needs. Ports are bound to 127.0.0.1. The folder docker/ holds what this prints for the papers'
models.

>>> print(compose_file(KNOWN["agentlm-7b"], instances=2))
# Known model agentlm-7b on 2 GPUs ...
"""

import json
from pathlib import Path
from typing import Any

import yaml

from agenttuning.errors import BadInput
from agenttuning.known_models import KnownModel

IMAGE = "vllm/vllm-openai:v0.33.0"
PORT = 8000  # of the first instance; the others follow
_HEALTH = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=5)"


def compose_file(model: KnownModel, instances: int = 1) -> str:
    """The file's text, with how to use it in its first lines."""
    if instances < 1:
        raise BadInput(f"--instances must be at least 1, found {instances}")
    names = [model.name] if instances == 1 else [f"{model.name}-{i + 1}" for i in range(instances)]
    document: dict[str, Any] = {
        "name": model.name.replace(".", "-"),
        "services": {name.replace(".", "-"): _service(model, i) for i, name in enumerate(names)},
        "volumes": {"hub": {}},
    }
    if model.template:
        file = Path(__file__).parent / "templates" / f"{model.template}.jinja"
        content = file.read_text(encoding="utf-8").replace("$", "$$")
        document["configs"] = {"template": {"content": content}}
    return _head(model, instances) + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _service(model: KnownModel, number: int) -> dict[str, Any]:
    devices = [str(number * model.gpus + i) for i in range(model.gpus)]
    command = ["--model", model.hub, "--served-model-name", model.name, "--max-model-len", str(model.context)]
    if model.gpus > 1:
        command += ["--tensor-parallel-size", str(model.gpus)]
    if model.template:
        command += ["--chat-template", "/template.jinja"]
    if model.own_code:
        command.append("--trust-remote-code")
    service: dict[str, Any] = {
        "image": IMAGE,
        "command": [*command, "--enable-prefix-caching"],
        "environment": {"HF_TOKEN": "${HF_TOKEN:-}"},
        "ports": [f"127.0.0.1:{PORT + number}:8000"],
        "volumes": ["hub:/root/.cache/huggingface"],
        "ipc": "host",  # workers of one model share memory
        "restart": "unless-stopped",
        "healthcheck": {
            "test": ["CMD", "python3", "-c", _HEALTH],
            "interval": "30s",
            "timeout": "10s",
            "retries": 3,
            "start_period": "30m",  # the first start downloads the weights
        },
        "deploy": {
            "resources": {
                "reservations": {"devices": [{"driver": "nvidia", "device_ids": devices, "capabilities": ["gpu"]}]}
            }
        },
    }
    if model.template:
        service["configs"] = [{"source": "template", "target": "/template.jinja"}]
    return service


def _head(model: KnownModel, instances: int) -> str:
    count = instances * model.gpus
    address = f"http://127.0.0.1:{PORT}/v1#{model.name}"
    lines = [f"Known model {model.name} on {count} GPU{'s' * (count > 1)} of 80 GB, by `agenttuning models`."]
    if model.gated:
        lines.append(f"Accept its licence on the hub first ({model.hub}) and set HF_TOKEN.")
    if model.own_code:
        lines.append("It comes with modelling code of its own, which runs in the container and nowhere else.")
    if model.stop:
        lines.append(
            f"Its turns end with {json.dumps(model.stop)}, which agenttuning asks for; others give it as stop."
        )
    replicas = "".join(f" --endpoint.replicas http://127.0.0.1:{PORT + i}/v1" for i in range(1, instances))
    lines += ["", "docker compose -f FILE up -d --wait", f"agenttuning collect --agent {address}{replicas} ..."]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines) + "\n"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
