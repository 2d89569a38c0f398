"""Known models by short name: where they are published, how they were prompted, what they need.

The two papers' models and small open ones to start from. A name stands wherever a model does; `AGENTTUNING_HUB` =
modelscope fetches from ModelScope in place of Hugging Face. What a hub says of a model's licence and context counts,
not this table: not every entry could be compared with its model card.

>>> KNOWN["agentlm-7b"].hub, KNOWN["agentlm-7b"].template
('zai-org/agentlm-7b', 'agentlm')
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

LLAMA_2, LLAMA_3_1, LLAMA_3_2, GEMMA = "Llama 2 Community", "Llama 3.1 Community", "Llama 3.2 Community", "Gemma Terms"
APACHE, QWEN_RESEARCH = "Apache-2.0", "Qwen Research"
_HONEST = "You are a helpful, respectful and honest assistant."
_QWEN = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
_SMOL = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """`hub`, `modelscope` and `openxlab` are ids, None where it is not published there.

    `template` is the shipped chat template that it was trained with, None where its tokenizer has its own; `system` is
    the system prompt that the template prints where a conversation has none. `stop` ends its turns where its tokenizer
    does not say so. `context` is in tokens, `gpus` how many of 80 GB share one copy in bfloat16. `gated`: the hub asks
    for a licence to be accepted first. `own_code`: it needs modelling code from the hub, which only a server runs.
    """

    name: str
    hub: str
    modelscope: str | None
    context: int
    licence: str
    gpus: int = 1
    template: str | None = None
    system: str | None = None
    stop: str | None = None
    openxlab: str | None = None
    gated: bool = False
    own_code: bool = False

    def row(self) -> dict[str, Any]:
        return asdict(self)


def _agentlm(size: str, gpus: int = 1) -> KnownModel:
    name = f"agentlm-{size}"
    return KnownModel(
        name, f"zai-org/{name}", f"ZhipuAI/{name}", 4096, LLAMA_2, gpus=gpus, template="agentlm", system=_HONEST
    )


def _llama_2(size: str, gpus: int = 1) -> KnownModel:
    return KnownModel(
        f"llama-2-{size}-chat",
        f"meta-llama/Llama-2-{size}-chat-hf",
        f"modelscope/Llama-2-{size}-chat-ms",
        4096,
        LLAMA_2,
        gpus=gpus,
        template="llama-2-chat",
        gated=True,
    )


def _same(owner: str, name: str, context: int, licence: str, system: str | None = None) -> KnownModel:
    """Published under one id on both hubs."""
    id = f"{owner}/{name}"
    return KnownModel(name.lower(), id, id, context, licence, system=system)


def _llama_3(name: str, version: str, licence: str) -> KnownModel:
    hub, scope = f"meta-llama/Llama-{version}-Instruct", f"LLM-Research/{name}-Instruct"
    return KnownModel(f"llama-{version.lower()}-instruct", hub, scope, 131_072, licence, gated=True)


_ALL = (
    _agentlm("7b"),
    _agentlm("13b"),
    _agentlm("70b", gpus=4),  # the authors' own compose file has four shards
    KnownModel(
        "agent-flan-7b",
        "internlm/Agent-FLAN-7b",
        None,
        4096,
        APACHE,
        template="agent-flan",
        stop="\u0d3f",
        openxlab="OpenLMLab/Agent-FLAN-7b",
        own_code=True,
    ),
    _llama_2("7b"),
    _llama_2("13b"),
    _llama_2("70b", gpus=4),
    _same("HuggingFaceTB", "SmolLM2-135M-Instruct", 8192, APACHE, _SMOL),
    _same("HuggingFaceTB", "SmolLM2-360M-Instruct", 8192, APACHE, _SMOL),
    _same("HuggingFaceTB", "SmolLM2-1.7B-Instruct", 8192, APACHE, _SMOL),
    _same("HuggingFaceTB", "SmolLM3-3B", 65_536, APACHE),
    _same("Qwen", "Qwen2.5-0.5B-Instruct", 32_768, APACHE, _QWEN),
    _same("Qwen", "Qwen2.5-1.5B-Instruct", 32_768, APACHE, _QWEN),
    _same("Qwen", "Qwen2.5-3B-Instruct", 32_768, QWEN_RESEARCH, _QWEN),
    _same("Qwen", "Qwen2.5-7B-Instruct", 32_768, APACHE, _QWEN),
    _same("Qwen", "Qwen3-0.6B", 32_768, APACHE),
    _same("Qwen", "Qwen3-1.7B", 32_768, APACHE),
    _same("Qwen", "Qwen3-4B", 32_768, APACHE),
    _same("Qwen", "Qwen3-8B", 32_768, APACHE),
    _same("Qwen", "Qwen3-4B-Instruct-2507", 262_144, APACHE),
    _llama_3("Llama-3.2-1B", "3.2-1B", LLAMA_3_2),
    _llama_3("Llama-3.2-3B", "3.2-3B", LLAMA_3_2),
    _llama_3("Meta-Llama-3.1-8B", "3.1-8B", LLAMA_3_1),
    KnownModel("gemma-3-270m-it", "google/gemma-3-270m-it", "google/gemma-3-270m-it", 32_768, GEMMA, gated=True),
    KnownModel("gemma-3-1b-it", "google/gemma-3-1b-it", "LLM-Research/gemma-3-1b-it", 32_768, GEMMA, gated=True),
)
KNOWN = {model.name: model for model in _ALL}


def of_folder(folder: Path, models: Iterable[KnownModel] = _ALL) -> KnownModel | None:
    """The known model whose download a folder is, by the layout of the hubs' caches; None for any other folder."""
    parts = folder.parts
    pairs = {f"{one}/{other}" for one, other in pairwise(parts)}
    for model in models:
        cached = "models--" + model.hub.replace("/", "--")
        # ModelScope's cache writes a point in a name as three underscores.
        if cached in parts or (model.modelscope or "").replace(".", "___") in pairs:
            return model
    return None
