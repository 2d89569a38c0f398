"""A real server on loopback, in a thread of this process, with the tiny model or any other."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from agenttuning.models import load_model
from agenttuning.serving.app import application
from agenttuning.serving.config import ServeConfig
from agenttuning.serving.models import Models
from agenttuning.serving.server import listen, protocol


@dataclass
class Server:
    models: Models
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, head: str, body: bytes = b"", *, timeout: float = 20.0) -> tuple[int, dict[str, str], bytes]:
        """Send raw bytes, read until the server closes: (status, headers, body)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(head.encode().replace(b"\n", b"\r\n") + b"\r\n" + body)
            return read_reply(connection)


def read_reply(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, rest


@contextmanager
def serving(model: Path | str, config: ServeConfig, *, key: str | None = None) -> Iterator[Server]:
    models = Models(str(model), config)
    try:
        with serving_models(models, config, key=key) as server:
            yield server
    finally:
        models.close()


@contextmanager
def serving_models(
    models: Models, config: ServeConfig, *, key: str | None = None, send_buffer: int | None = None
) -> Iterator[Server]:
    """Another server on models that are loaded already; `send_buffer` is what the system holds of a reply, in bytes."""
    listening = listen(replace(config, port=0))
    if send_buffer is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    app = application(models, config, key=key)
    settings = uvicorn.Config(
        app, http=protocol(config.patience), ws="none", log_level="critical", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield Server(models, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def write_adapter(model: Path, folder: Path) -> Path:
    """A random LoRA adapter, far enough from nothing to change every reply."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj", "down_proj"], use_rslora=True)
    adapted = get_peft_model(load_model(model), config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    adapted.save_pretrained(folder)
    return folder
