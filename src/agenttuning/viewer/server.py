"""The page on this machine: a small server on 127.0.0.1 that hands it lists, pages and trajectories as JSON.

    /                 the page                   /api/run                          sets, facets, what was not read
    /page.js …        its parts                  /api/list?environment=&search=    how many, and by facet
                                                 /api/page?…&offset=0&limit=100    rows of that list
    /api/trajectory?id=7   one whole             /api/tokens?id=7                  which of its tokens are trained

It answers only under its own names (no other name that leads here: DNS rebinding) and to no other site's scripts.

>>> with Server(index, tokens=None, port=0) as server:
...     server.serve_forever()
"""

import json
import threading
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from sys import exc_info
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agenttuning import __version__
from agenttuning.errors import BadInput, UserError
from agenttuning.viewer.index import FACETS, Index, Query
from agenttuning.viewer.tokens import Tokens

HOST = "127.0.0.1"
PAGE = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    **dict.fromkeys(("text.js", "source.js", "list.js", "trajectory.js", "page.js"), "text/javascript; charset=utf-8"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LONGEST = 1000  # characters of a search


class Server(ThreadingHTTPServer):
    """The viewer of one index; `port` 0 takes a free one. Raises BadInput where the port is taken."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, index: Index, tokens: Tokens | None, port: int):
        self.index, self.tokens = index, tokens
        self.page = {name: page_file(name) for name in PAGE}
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise BadInput(f"port {port}: {error.strerror or error}; give another --port") from None
        except OverflowError:
            raise BadInput(f"port {port}: expected 0 to 65535") from None
        self.names = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/"

    def in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        return thread

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(exc_info()[1], ConnectionError | TimeoutError):  # else: the browser has left
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one piece: its second part would wait for the other side to confirm the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    server_version, sys_version = f"agenttuning/{__version__}", ""
    timeout = 120

    @property
    def viewer(self) -> Server:
        assert isinstance(self.server, Server)
        return self.server

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.viewer.names:
            return self._answer(HTTPStatus.MISDIRECTED_REQUEST, {"error": f"this page is at {self.viewer.url}"})
        asked = urlsplit(self.path)
        name = asked.path.removeprefix("/") or "index.html"
        if name in PAGE:
            return self._send(HTTPStatus.OK, self.viewer.page[name], PAGE[name])
        if not name.startswith("api/"):
            return self._answer(HTTPStatus.NOT_FOUND, {"error": "no such page"})
        if self.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return self._answer(HTTPStatus.FORBIDDEN, {"error": "not for other sites"})
        fields = {key: values[-1] for key, values in parse_qs(asked.query, keep_blank_values=True).items()}
        try:
            found = self._found(name.removeprefix("api/"), fields)
        except (UserError, ValueError) as error:
            return self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except Exception as error:  # of a library, about one trajectory: the page says it and the others go on
            return self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": f"{type(error).__name__}: {error}"})
        status = HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK
        return self._answer(status, {"error": "no such call"} if found is None else found)

    def _found(self, name: str, fields: dict[str, str]) -> Any:
        index = self.viewer.index
        if name == "run":
            return about(index, self.viewer.tokens)
        if name == "trajectory":
            return index.trajectory(_number(fields, "id"))
        if name == "tokens":
            if self.viewer.tokens is None:
                raise BadInput("no model was named; start the viewer with --model NAME")
            return self.viewer.tokens.of(index.document(_number(fields, "id")))
        query = Query(**{facet: fields.get(facet) for facet in FACETS}, search=fields.get("search", "")[:_LONGEST])
        if name == "list":
            return asdict(index.listed(query, _number(fields, "id") if "id" in fields else None))
        if name == "page":
            return index.page(query, _number(fields, "offset"), _number(fields, "limit"))
        return None

    def _answer(self, status: HTTPStatus, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the user's."""


def page_file(name: str) -> bytes:
    return files("agenttuning.viewer").joinpath("page", name).read_bytes()


def about(index: Index, tokens: Tokens | None) -> dict[str, Any]:
    """What the page says of the whole: name, numbers, what could not be read, whose tokens it can show."""
    return {
        "name": index.name,
        "total": index.total,
        "bad": index.bad(),
        "model": None if tokens is None else tokens.model,
        "left_out": 0,
        "version": __version__,
    }


def _number(fields: dict[str, str], name: str) -> int:
    value = fields.get(name, "")
    if not value.isascii() or not value.isdecimal() or len(value) > 15:
        raise BadInput(f"{name}: expected a number, found {value[:40]!r}")
    return int(value)
