"""What stands before every endpoint: who may ask, and under which name.

A page that a browser shows can send requests to 127.0.0.1 and, by rebinding its own name to that address, read the
answers. So the name in a request's Host header, and that of the page it comes from, must be one of the server's. A
server that listens on all addresses of its machine takes any number for its name: numbers cannot be rebound.
"""

import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agenttuning.serving.metrics import Metrics
from agenttuning.serving.problem import Problem

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN_PATHS = ("/health",)  # answered without a key
EVERY_ADDRESS = ("0.0.0.0", "::")  # what to listen on for all of them


class Guard:
    """`hosts` are the names under which the server is reached, `key` what a client must show as a bearer token."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], key: str | None, metrics: Metrics, paths: Iterable[str]):
        self._app, self._hosts, self._key = app, {host.lower() for host in hosts}, key
        self._metrics, self._paths = metrics, set(paths)
        self._numbers = not self._hosts.isdisjoint(EVERY_ADDRESS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self._paths else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(path, str(message["status"])).inc()
            await send(message)

        problem = self._refusal(Headers(scope=scope), scope["path"])
        if problem is not None:
            answer = JSONResponse(problem.openai(), problem.status, {"Connection": "close", **problem.headers})
            await answer(scope, receive, counted)
            return
        await self._app(scope, receive, counted)

    def _refusal(self, headers: Headers, path: str) -> Problem | None:
        host = _name(f"//{headers.get('host', '')}")
        if host not in self._hosts and not (self._numbers and _is_address(host)):
            return Problem(
                403, f"this server is not called {host[:80]!r}; allow that name: --allowed-hosts", code="host"
            )
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in {*self._hosts, host}:
            return Problem(403, f"pages of {origin[:80]!r} may not ask this server; allow that name: --allowed-hosts",
                           code="origin")  # fmt: skip
        if self._key is not None and path not in OPEN_PATHS:
            shown = headers.get("authorization", "")
            if not hmac.compare_digest(shown.encode(), f"Bearer {self._key}".encode()):
                return Problem(401, "wrong or missing key; send it as: Authorization: Bearer KEY", code="wrong_key",
                               headers={"WWW-Authenticate": "Bearer"})  # fmt: skip
        return None


def _name(url: str) -> str:
    """The host name of a URL, lower case; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
