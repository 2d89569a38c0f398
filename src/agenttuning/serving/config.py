"""How a model is served; `agenttuning serve --help` shows these settings.

>>> ServeConfig(port=8000, adapters={"tuned": "runs/quickstart/model/adapter"})
"""

from dataclasses import dataclass, field
from typing import Literal

from agenttuning.errors import BadInput
from agenttuning.settings import check_above_zero, check_at_least

KEY_VARIABLE = "AGENTTUNING_SERVE_KEY"


@dataclass(frozen=True)
class ServeConfig:
    """`port` 0 takes a free one. Sizes that are None are the model's or the engine's own."""

    engine: Literal["auto", "openvino", "transformers", "vllm", "sglang"] = "auto"
    """auto, openvino or transformers compute here; vllm and sglang are started in place of this program."""
    host: str = "127.0.0.1"
    """The address to listen on; one that other machines reach needs a key or --open."""
    port: int = 8000
    """The port to listen on; 0 takes a free one."""
    name: str = ""
    """The name that clients ask for; else MODEL as it is given, or a folder's name."""
    adapters: dict[str, str] = field(default_factory=dict)
    """LoRA folders beside the model, each under a name of its own: --adapters.tuned runs/quickstart/model/adapter."""
    chat_template: str | None = None
    """Another chat template: a Jinja file, or a shipped one's name such as chatml or agentlm."""
    allowed_hosts: tuple[str, ...] = ()
    """Names besides localhost and the address listened on under which clients may reach the server."""
    open: bool = False
    """Listen on an address that other machines reach without asking for a key."""
    context: int | None = None
    """Tokens of a prompt and its reply together."""
    reply_tokens: int = 512
    """Tokens of a chat reply where the request does not say."""
    running: int = 32
    """Replies computed at the same time."""
    waiting: int = 64
    """Replies that wait for their turn; what comes beyond is refused with 429 and Retry-After."""
    body_megabytes: float = 8.0
    """The largest request body."""
    patience: float = 30.0
    """Seconds in which a client must have sent its request, and must take a part of its reply."""
    tensor_parallel: int | None = None
    """vllm, sglang: cards that share one copy of the model; else as many as a known model needs, or 1."""
    data_parallel: int = 1
    """vllm, sglang: copies of the model."""

    def __post_init__(self) -> None:
        check_at_least(self, 0, "port", "waiting")
        check_at_least(self, 1, "running", "reply_tokens", "tensor_parallel", "data_parallel", "context")
        check_above_zero(self, "body_megabytes", "patience")
        if self.port > 65535:
            raise BadInput(f"port must be at most 65535, found {self.port}")
        if not self.host:
            raise BadInput("host must be an address, such as 127.0.0.1 or 0.0.0.0")

    @property
    def local(self) -> bool:
        """Whether only this machine reaches the address."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")
