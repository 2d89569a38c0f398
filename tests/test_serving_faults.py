"""What a server does with requests and clients that are not as they should be, over raw sockets."""

import json
import socket
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path

import openai
import pytest
import tiny
from served import read_reply, serving_models
from test_serving import HELLO, counted, metrics, post

from agenttuning.errors import BadInput, UserError
from agenttuning.serving.config import KEY_VARIABLE, ServeConfig
from agenttuning.serving.models import Models
from agenttuning.serving.server import listen, server_key

CONFIG = ServeConfig(
    engine="transformers", name="tiny", running=1, waiting=2, body_megabytes=0.1, patience=1.0, context=200
)
ASK = {"model": "tiny", "messages": HELLO, "max_tokens": 2}
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    loaded = Models(str(tiny.write_model(tmp_path_factory.mktemp("faults") / "model")), CONFIG)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def server(models):
    with serving_models(models, CONFIG) as running:
        yield running


def head(server, *lines: str, host: str = "127.0.0.1", method: str = "POST", path: str = CHAT) -> str:
    return "\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}:{server.port}", "Connection: close", *lines, ""])


def works(server) -> bool:
    return post(server.url + CHAT, ASK)[0] == 200


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"model": "tiny", ', "not JSON"),
        (b"[" * 50_000, "nested too deeply"),
        (b"[1, 2]", "must be a JSON object"),
        (b"", "not JSON"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/generate"])
def test_a_body_that_cannot_be_read(server, body, told, path):
    status, answer, _ = post(server.url + path, body)
    assert status == 400
    message = answer["error"] if path == "/generate" else answer["error"]["message"]
    assert told in message
    assert works(server)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages"),
        ({"messages": [None]}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 1000}, "n"),
        ({"stop": ["x"] * 50}, "stop"),
        ({"stop": {"a": 1}}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"top_logprobs": 5}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"tools": "weather"}, "tools"),
        ({"tools": [{"type": "function", "function": {}}]}, "messages"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"chat_template": "{{ 1 }}"}, "chat_template"),
        ({"seed": 1.5}, "seed"),
    ],
)
def test_a_field_that_is_wrong_is_named(server, change, field):
    status, answer, _ = post(server.url + CHAT, ASK | change)
    assert (status, answer["error"]["param"]) == (400, field), answer
    assert answer["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("prompt", [None, "", [], [[]], [1, -1], [10**9], [1.5], ["a", 1], {"a": 1}, [True]])
def test_a_prompt_that_is_wrong(server, prompt):
    status, answer, _ = post(f"{server.url}/v1/completions", {"model": "tiny", "prompt": prompt})
    assert (status, answer["error"]["param"]) == (400, "prompt")


def test_a_wrong_model_path_and_method(server):
    status, answer, _ = post(server.url + CHAT, ASK | {"model": "gpt-4"})
    assert (status, answer["error"]["code"]) == (404, "model_not_found")
    assert "there is: tiny" in answer["error"]["message"]
    assert post(f"{server.url}/v2/chat", ASK)[0] == 404
    assert server.ask(head(server, method="DELETE"))[0] == 405


def test_a_context_that_does_not_fit(server):
    long = ASK | {"messages": [{"role": "user", "content": "word " * 500}]}
    status, answer, _ = post(server.url + CHAT, long)
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert "maximum context length is 200 tokens" in answer["error"]["message"]
    assert post(server.url + CHAT, ASK | {"max_tokens": 190})[1]["error"]["code"] == "context_length_exceeded"
    status, answer, _ = post(f"{server.url}/generate", {"inputs": "word " * 500})
    assert status == 400
    assert isinstance(answer["error"], str)


def test_an_oversized_body_is_refused_with_and_without_its_length(server):
    status, headers, _ = server.ask(head(server, "Content-Length: 99000000"))
    assert (status, headers["connection"]) == (413, "close")
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head(server, "Transfer-Encoding: chunked").encode().replace(b"\n", b"\r\n") + b"\r\n")
        for _ in range(5):
            connection.sendall(chunk)
        assert read_reply(connection)[0] == 413
    body = b"x" * 3_000_000  # more than the sockets' buffers hold, all of it sent before the reply is read
    for line in (f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"):
        sent = body if "Length" in line else f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(head(server, line).encode().replace(b"\n", b"\r\n") + b"\r\n" + sent)
            assert read_reply(connection)[0] == 413, line
    asks_first = head(server, "Content-Length: 99000000", "Expect: 100-continue")
    assert server.ask(asks_first)[0] == 413
    assert works(server)


def test_slow_lorises_are_dropped(server):
    """One that dribbles its headers, one that dribbles its body, one that says nothing at all."""
    began = time.monotonic()
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(3)]
    connections[0].sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A")
    connections[1].sendall(head(server, "Content-Length: 1000").encode().replace(b"\n", b"\r\n") + b"\r\n{")
    dribbling = threading.Thread(target=_dribble, args=(connections[0],))
    dribbling.start()
    assert works(server)
    assert b"408" in connections[1].recv(1000).split(b"\r\n")[0]
    for connection in connections:
        while True:
            try:
                if not connection.recv(1000):
                    break
            except ConnectionError:
                break
    assert time.monotonic() - began < 8
    dribbling.join()
    for connection in connections:
        connection.close()


def _dribble(connection: socket.socket) -> None:
    try:
        for _ in range(40):
            connection.sendall(b"a")
            time.sleep(0.1)
    except OSError:
        pass


def test_requests_that_are_no_http(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n")
        assert b"400" in connection.recv(1000)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 200_000)
        assert b"400" in connection.recv(1000)
    assert works(server)


def test_names_that_a_browser_was_rebound_to_are_refused(server):
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.5"):
        assert server.ask(head(server, host=name, method="GET", path="/v1/models"))[0] == 403
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]"):
        assert server.ask(head(server, host=name, method="GET", path="/v1/models"))[0] == 200
    nameless = "GET /v1/models HTTP/1.0\n"
    assert server.ask(nameless)[0] == 403
    foreign = head(server, "Origin: https://evil.example", method="GET", path="/v1/models")
    assert server.ask(foreign)[0] == 403
    own = head(server, f"Origin: http://localhost:{server.port}", method="GET", path="/v1/models")
    assert server.ask(own)[0] == 200


def test_a_server_on_all_addresses_is_asked_by_any_of_them(models):
    everywhere = replace(CONFIG, host="0.0.0.0")
    with serving_models(models, everywhere) as server:

        def asked(host: str, *lines: str) -> int:
            return server.ask(head(server, *lines, host=host, method="GET", path="/v1/models"))[0]

        assert asked("10.0.0.5") == asked("[fe80::1]") == 200
        assert asked("evil.example") == 403
        assert asked("10.0.0.5", f"Origin: http://10.0.0.5:{server.port}") == 200
        assert asked("10.0.0.5", "Origin: http://6.6.6.6") == 403


def test_a_key_guards_everything_but_the_health(models):
    with serving_models(models, CONFIG, key="right") as server:
        for key in (None, "wrong", "right "):
            extra = [f"Authorization: Bearer {key}"] if key else []
            status, *_ = server.ask(head(server, *extra, method="GET", path="/v1/models"))
            assert status == (200 if key == "right " else 401)  # HTTP knows no space behind a header
        assert server.ask(head(server, method="GET", path="/metrics"))[0] == 401
        assert server.ask(head(server, method="GET", path="/health"))[0] == 200
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="right", max_retries=0) as client:
            assert client.chat.completions.create(**ASK).choices
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as client, \
             pytest.raises(openai.AuthenticationError):  # fmt: skip
            client.models.list()


def test_a_full_queue_says_when_to_come_back(server):
    """One runs, two wait; of seven at once some are refused, and none fails in another way."""
    asked = ASK | {"max_tokens": 100}
    answers: list[tuple[int, dict, dict]] = []
    threads = [threading.Thread(target=lambda: answers.append(post(server.url + CHAT, asked))) for _ in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(status for status, *_ in answers)
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 3
    for status, answer, headers in answers:
        if status == 429:
            assert 1 <= int(headers["retry-after"]) <= 60
            assert answer["error"]["code"] == "queue_full"
    status, answer, _ = post(server.url + CHAT, ASK | {"n": 4})
    assert (status, "takes 3 at once" in answer["error"]["message"]) == (400, True)


def test_a_client_that_leaves_while_it_waits_or_reads(server):
    asked = json.dumps(ASK | {"max_tokens": 150, "stream": True}).encode()
    request = head(server, f"Content-Length: {len(asked)}").encode().replace(b"\n", b"\r\n") + b"\r\n" + asked
    before = counted(server, "agenttuning_cancelled_total")
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(3)]
    for connection in connections:
        connection.sendall(request)
    connections[0].recv(100)
    for connection in connections:
        connection.close()
    deadline = time.monotonic() + 10
    while counted(server, "agenttuning_replies ") or counted(server, "agenttuning_cancelled_total") < before + 3:
        assert time.monotonic() < deadline, "a place is still taken"
        time.sleep(0.05)
    assert works(server)


def counts(server) -> dict[str, float]:
    """Requests to the chat endpoint so far, by status."""
    rows = [line for line in metrics(server).splitlines() if line.startswith("agenttuning_requests_total{")]
    return {row.split('status="')[1][:3]: float(row.split()[-1]) for row in rows if f'path="{CHAT}"' in row}


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_in_the_middle_of_its_body(server, reset):
    """It ends the connection, or resets it; nobody is left to read an answer, and nothing fails."""
    before = counts(server)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head(server, "Content-Length: 1000").encode().replace(b"\n", b"\r\n") + b'\r\n{"model": ')
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    deadline = time.monotonic() + 10
    while (now := counts(server)).get("400", 0) == before.get("400", 0):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    assert "500" not in now
    assert works(server)


def test_a_client_that_does_not_read_is_dropped(models):
    """Its place is free after `patience`, and so is its connection."""
    asked = json.dumps(ASK | {"max_tokens": 150, "stream": True, "logprobs": True, "top_logprobs": 20}).encode()
    with serving_models(models, CONFIG, send_buffer=4096) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", server.port))
        request = head(server, f"Content-Length: {len(asked)}").encode().replace(b"\n", b"\r\n") + b"\r\n" + asked
        connection.sendall(request)
        deadline = time.monotonic() + 15
        while counted(server, "agenttuning_cancelled_total") == 0:
            assert time.monotonic() < deadline, "its reply is still waited with"
            time.sleep(0.05)
        assert counted(server, "agenttuning_replies ") == 0
        received = b""
        while data := connection.recv(65536):
            received += data
        assert len(received) < 100_000
        assert b"[DONE]" not in received
        assert works(server)


def test_a_failed_engine_is_told_by_health_and_every_request(tmp_path):
    config = ServeConfig(engine="transformers", name="tiny")
    loaded = Models(str(tiny.write_model(tmp_path / "model")), config)
    with serving_models(loaded, config) as server:
        assert works(server)
        loaded.close()
        status, answer, headers = post(server.url + CHAT, ASK)
        assert (status, headers["retry-after"]) == (503, "5")
        assert "engine" in answer["error"]["message"]
        assert server.ask(head(server, method="GET", path="/health"))[0] == 503


def test_a_template_runs_in_a_sandbox(tmp_path):
    """What reaches for Python's internals, and what would fill the memory, is refused when it is met."""
    model = tiny.write_model(tmp_path / "model")
    (tmp_path / "evil.jinja").write_text(
        "{% if messages[0].content == 'classes' %}{{ messages.__class__.__mro__[1].__subclasses__() }}{% endif %}"
        "{% if messages[0].content == 'memory' %}{% for i in range(10 ** 9) %}x{% endfor %}{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    config = ServeConfig(engine="transformers", name="tiny", chat_template=str(tmp_path / "evil.jinja"))
    loaded = Models(str(model), config)
    with serving_models(loaded, config) as server:
        assert works(server)
        for word in ("classes", "memory"):
            status, answer, _ = post(server.url + CHAT, ASK | {"messages": [{"role": "user", "content": word}]})
            assert (status, "chat template refuses" in answer["error"]["message"]) == (400, True), answer
    loaded.close()


def test_an_address_for_everyone_needs_a_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(BadInput, match=KEY_VARIABLE):
        server_key(ServeConfig(host="0.0.0.0"))
    assert server_key(ServeConfig(host="0.0.0.0", open=True)) is None
    assert server_key(ServeConfig(host="127.0.0.1")) is None
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    assert server_key(ServeConfig(host="0.0.0.0")) == "secret"


def test_a_port_in_use_is_said(models):
    with listen(ServeConfig(port=0)) as taken, pytest.raises(UserError, match="choose another --port"):
        listen(ServeConfig(port=taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"port": 70_000}, "port"),
        ({"running": 0}, "running"),
        ({"patience": 0}, "patience"),
        ({"host": ""}, "host"),
        ({"context": 0}, "context"),
    ],
)
def test_settings_out_of_range(settings, told):
    with pytest.raises(BadInput, match=told):
        ServeConfig(**settings)


@pytest.mark.parametrize(
    ("adapters", "told"),
    [({"a": "/nowhere"}, "no adapter_config.json"), ({"tiny": "ADAPTER"}, "has that name")],
)
def test_adapters_that_cannot_be_served(tmp_path: Path, adapters, told):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    adapters = {name: str(folder) if path == "ADAPTER" else path for name, path in adapters.items()}
    config = ServeConfig(engine="transformers", name="tiny", adapters=adapters)
    with pytest.raises(BadInput, match=told):
        Models(str(tiny.write_model(tmp_path / "model")), config)
