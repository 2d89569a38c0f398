"""The process that serves: a socket, uvicorn, and clients that are too slow to be waited for.

>>> serve("smollm2-135m-instruct", ServeConfig(port=0))
serving smollm2-135m-instruct (openvino, 8192 tokens) on http://127.0.0.1:34567/v1
"""

import contextlib
import os
import socket
from typing import Any

from agenttuning.errors import BadInput, MissingExtra, UserError
from agenttuning.serving.config import KEY_VARIABLE, ServeConfig

MOST_CONNECTIONS = 65_536  # file descriptors asked of the system, as far as it allows
LARGEST_HEADERS = 64 * 1024  # bytes
GRACE = 10  # seconds that running replies have when the server is stopped


def serve(model: str, config: ServeConfig) -> None:
    """Load the model and serve it until the process is stopped.

    Raises BadInput for an address that others reach without a key, UserError for one that cannot be listened on.
    """
    try:
        import uvicorn

        from agenttuning.serving.app import application
        from agenttuning.serving.models import Models
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "uvicorn", "serve") from None
    key = server_key(config)
    listening = listen(config)
    models = Models(model, config)
    try:
        app = application(models, config, key=key)
        settings = uvicorn.Config(
            app,
            http=protocol(config.patience),
            ws="none",
            loop="asyncio",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=max(int(config.patience), 1),
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=LARGEST_HEADERS,
        )
        names = ", ".join(models.served)
        shown = f"[{config.host}]" if ":" in config.host else config.host
        port = listening.getsockname()[1]
        print(f"serving {names} ({models.main.name}, {models.context} tokens) on http://{shown}:{port}/v1", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listening])
    finally:
        listening.close()
        models.close()


def server_key(config: ServeConfig) -> str | None:
    """The key that clients have to show, from the environment: a command line is for everyone to read."""
    key = os.environ.get(KEY_VARIABLE) or None
    if key is None and not config.local and not config.open:
        raise BadInput(
            f"{config.host} is reached by other machines: set a key for them in {KEY_VARIABLE}, or allow everyone "
            "with --open"
        )
    return key


def listen(config: ServeConfig) -> socket.socket:
    """A listening socket, taken before the model is loaded: a port in use is said at once."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST_CONNECTIONS if most == resource.RLIM_INFINITY else min(most, MOST_CONNECTIONS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot listen on {config.host}:{config.port} ({reason}); choose another --port") from None


def protocol(patience: float) -> Any:
    """uvicorn's HTTP protocol, which drops a connection whose request headers are not complete after `patience`
    seconds, or that has left a part of its reply unread for so long: uvicorn itself waits for ever."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        _deadline: Any = None
        _unread: Any = None

        def connection_made(self, transport: Any) -> None:
            # Nothing is held for the client beyond what the system takes, so what it does not read is noticed.
            transport.set_write_buffer_limits(high=0)
            super().connection_made(transport)
            self._watch()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(patience, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread is not None:
                self._unread.cancel()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            if self._unread is not None:
                self._unread.cancel()
            super().connection_lost(exc)

        def _watch(self) -> None:
            """Have a deadline exactly while a request's headers are awaited."""
            busy = self.cycle is not None and not self.cycle.response_complete
            if busy:
                self._forget()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(patience, self._drop)

        def _drop(self) -> None:
            self._deadline = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

        def _forget(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Protocol
