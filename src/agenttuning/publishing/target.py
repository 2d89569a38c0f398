"""Where to publish: a hub and a repository on it.

>>> target("hf:me/agent-135m").address("model")
'https://huggingface.co/me/agent-135m'
"""

import re
from dataclasses import dataclass
from typing import Literal

from agenttuning.errors import BadInput

What = Literal["model", "adapter", "dataset"]
# What both hubs allow in a name; Hugging Face also forbids .. and -- (huggingface_hub's validate_repo_id).
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?", re.ASCII)
_ADDRESSES = {
    ("hf", "model"): "https://huggingface.co/",
    ("hf", "dataset"): "https://huggingface.co/datasets/",
    ("ms", "model"): "https://modelscope.cn/models/",
    ("ms", "dataset"): "https://modelscope.cn/datasets/",
}


@dataclass(frozen=True, slots=True)
class Target:
    """`hub` is ``hf`` or ``ms``, `repository` is OWNER/NAME."""

    hub: Literal["hf", "ms"]
    repository: str

    @property
    def name(self) -> str:
        return self.repository.partition("/")[2]

    def address(self, what: What) -> str:
        return _ADDRESSES[self.hub, kind_of(what)] + self.repository


def kind_of(what: What) -> Literal["model", "dataset"]:
    """The kind of repository: an adapter lives in one for models."""
    return "dataset" if what == "dataset" else "model"


def target(text: str) -> Target:
    """Raises BadInput for anything but hf:OWNER/NAME and ms:OWNER/NAME."""
    hub, _, repository = text.partition(":")
    parts = repository.split("/")
    fine = len(parts) == 2 and all(_NAME.fullmatch(part) and len(part) <= 96 for part in parts)
    if hub not in ("hf", "ms") or not fine or ".." in repository or "--" in repository:
        raise BadInput(f"--to {text!r}: expected hf:USER/NAME (Hugging Face) or ms:USER/NAME (ModelScope)")
    return Target("hf" if hub == "hf" else "ms", repository)
