"""A real HTTP server on loopback that answers chat completions as it is told to: well, or wrongly in a named way.

`plan(n, body)` names what becomes of the n-th request (from 0); each name is a function below that writes to the
connection. Requests are kept, and how many were on their way at once.

>>> with MisbehavingServer(lambda n, body: "reset" if n == 0 else "good") as server:
...     engines.make(server.address)
"""

import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

MODEL = "small"
BODY_LIMIT = 2_000_000  # bytes that an endless body ends after, should nobody hang up


class MisbehavingServer:
    def __init__(
        self, plan: Callable[[int, dict], str] = lambda n, body: "good", *, model=MODEL, listing="listed", port=0
    ):
        self.plan, self.model, self.listing = plan, model, listing
        self.text: Callable[[dict], str] = lambda body: "Accra"
        self.work = 0.0  # seconds that a good reply takes
        self.requests: list[dict] = []
        self.times: list[float] = []
        self.at_once = self.most_at_once = 0
        self.lock, self.over = threading.Lock(), threading.Event()
        mine = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with suppress(OSError):  # the client may leave
                    mine.answer(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 512

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.address = f"{self.url}#{MODEL}"

    def answer(self, handler) -> None:
        method, body = _read(handler.rfile)
        if method == "GET":
            return LISTINGS[self.listing](handler, self)
        with self.lock:
            n = len(self.requests)
            self.requests.append(body)
            self.times.append(time.monotonic())
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            BEHAVIOURS[self.plan(n, body)](handler, self, body)
        finally:
            with self.lock:
                self.at_once -= 1

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def _read(stream) -> tuple[str, dict]:
    method, _, _ = stream.readline().decode().split(" ", 2)
    length = 0
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return method, json.loads(stream.read(length) or b"{}")


def _send(handler, status: int, data: bytes, *headers: str, length: int | None = None) -> None:
    lines = [f"HTTP/1.1 {status} Told", "Content-Type: application/json", "Connection: close", *headers]
    lines.append(f"Content-Length: {len(data) if length is None else length}")
    handler.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def _begin_chunks(handler, status: int = 200) -> None:
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    handler.wfile.write(head.encode())


def _chunk(handler, data: bytes) -> None:
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _reply(server, body) -> bytes:
    text = server.text(body)
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    whole = {"id": "x", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage}
    return json.dumps(whole).encode()


def good(handler, server, body):
    if server.work:
        time.sleep(server.work)
    _send(handler, 200, _reply(server, body))


def reset(handler, server, body):
    data = _reply(server, body)
    _send(handler, 200, data[: len(data) // 2], length=len(data))
    handler.wfile.flush()
    # With a linger time of 0, closing sends RST in place of FIN.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def reset_before(handler, server, body):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def busy(handler, server, body):
    _send(handler, 429, b'{"error": {"message": "slow down"}}')


def busy_half_a_second(handler, server, body):
    _send(handler, 429, b'{"error": {"message": "slow down"}}', "Retry-After: 0.5")


def busy_an_hour(handler, server, body):
    _send(handler, 429, b'{"error": {"message": "come back later"}}', "Retry-After: 3600")


def no_quota(handler, server, body):
    _send(handler, 429, b'{"error": {"code": "insufficient_quota", "message": "pay"}}')


def unavailable(handler, server, body):
    _send(handler, 503, b"<html>no backend</html>")


def error(handler, server, body):
    _send(handler, 500, b'{"error": {"message": "out of order"}}')


def error_without_end(handler, server, body):
    _begin_chunks(handler, 500)
    _flood(handler, server)


def hung(handler, server, body):
    server.over.wait(20)


def slow_loris(handler, server, body):
    data = _reply(server, body)
    _send(handler, 200, b"", length=len(data))
    for i in range(len(data)):
        handler.wfile.write(data[i : i + 1])
        if server.over.wait(0.1):
            return


def malformed(handler, server, body):
    _send(handler, 200, b'{"choices": [{"message": {"content": "Acc')


def page(handler, server, body):
    _send(handler, 200, b"<html><body>Welcome to our portal</body></html>")


def no_choices(handler, server, body):
    _send(handler, 200, b'{"choices": []}')


def odd_types(handler, server, body):
    _send(handler, 200, b'{"choices": [{"message": {"content": {"text": 3}}}], "usage": [1]}')


def nested(handler, server, body):
    _send(handler, 200, b'{"choices": ' + b"[" * 20_000)


def truncated(handler, server, body):
    data = _reply(server, body)
    _send(handler, 200, data[:-20], length=len(data))


def truncated_chunks(handler, server, body):
    _begin_chunks(handler)
    _chunk(handler, _reply(server, body)[:-20])


def wrong_model(handler, server, body):
    _send(handler, 404, b'{"error": {"code": "model_not_found", "message": "there is no model small"}}')


def forbidden(handler, server, body):
    _send(handler, 401, b'{"error": {"message": "wrong key"}}')


def tells_the_key(handler, server, body):
    _send(handler, 500, b'{"error": {"message": "no backend for Bearer sk-test-1234"}}')


def odd_request(handler, server, body):
    _send(handler, 400, b'{"error": {"message": "content policy"}}')


def full(handler, server, body):
    _send(handler, 400, b'{"error": {"message": "maximum context length is 10 tokens"}}')


def too_large_a_request(handler, server, body):
    _send(handler, 413, b"")


def oversized(handler, server, body):
    _send(handler, 200, b"", length=10**12)


def oversized_chunks(handler, server, body):
    _begin_chunks(handler)
    _flood(handler, server)


def compressed(handler, server, body):
    _send(handler, 200, b"\x1f\x8b\x08\x00", "Content-Encoding: gzip")


def bad_utf8(handler, server, body):
    _send(handler, 200, _reply(server, body).replace(b'"content": "', b'"content": "\xff\xfe'))


def half_a_pair(handler, server, body):
    _send(handler, 200, _reply(server, body).replace(b"Accra", b"Accra \\ud83d"))


def no_http(handler, server, body):
    handler.wfile.write(b"220 mail ready\r\n")


def _flood(handler, server) -> None:
    for _ in range(BODY_LIMIT // 10_000):
        _chunk(handler, b" " * 10_000)
        if server.over.is_set():
            return


BEHAVIOURS = {
    one.__name__: one
    for one in (
        good, reset, reset_before, busy, busy_half_a_second, busy_an_hour, no_quota, unavailable, error,
        error_without_end, hung, slow_loris, malformed, page, no_choices, odd_types, nested, truncated,
        truncated_chunks, wrong_model, forbidden, tells_the_key, odd_request, full, too_large_a_request, oversized,
        oversized_chunks, compressed, bad_utf8, half_a_pair, no_http,
    )
}  # fmt: skip
LISTINGS = {
    "listed": lambda handler, server: _send(handler, 200, json.dumps({"data": [{"id": server.model}]}).encode()),
    "unknown": lambda handler, server: _send(handler, 404, b"{}"),
    "page": lambda handler, server: _send(handler, 200, b"<html>portal</html>"),
    "error": lambda handler, server: _send(handler, 500, b"{}"),
    "hung": lambda handler, server: server.over.wait(20),
}
