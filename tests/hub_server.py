"""A model hub on loopback, as far as an upload needs it: Hugging Face's repository, preupload, LFS and commit calls.

    with hub() as server:
        ... HF_ENDPOINT=server.address ...
    server.files["me/agent"]["README.md"], server.private["me/agent"]

What it speaks is read off huggingface_hub's own client. The real hub's Xet storage is not here: a client is started
with HF_HUB_DISABLE_XET=1, and sends large files by LFS.
"""

import base64
import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

KEY = "hf_" + "Ab1Cd2Ef3Gh4" * 3


@dataclass
class Hub:
    """`files` and `private` by repository, `kinds` its kind; `asked` are the calls, `broken` fails the commits."""

    address: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    broken: bool = False

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """(status, JSON) for one call of a client with the right key."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[:3] == ["api", "repos", "create"]:
            return self._create(json.loads(body))
        if parts[:2] == ["api", "validate-yaml"]:
            return 200, {"errors": [], "warnings": []}
        if parts[0] == "blobs":
            assert hashlib.sha256(body).hexdigest() == parts[1]
            self.blobs[parts[1]] = body
            return 200, {}
        if path.endswith("info/lfs/objects/batch"):
            return 200, {"transfer": "basic", "objects": [self._upload(o) for o in json.loads(body)["objects"]]}
        repository = "/".join(parts[2:4])
        if repository not in self.files:
            return 404, {"error": "Repository not found"}
        match parts[4:]:
            case ["preupload", "main"]:
                return 200, {"files": [self._mode(file) for file in json.loads(body)["files"]]}
            case ["commit", "main"] if self.broken:
                return 500, {"error": "the disk is full"}
            case ["commit", "main"]:
                self._commit(repository, [json.loads(line) for line in body.splitlines()])
                return 200, {"commitUrl": f"{self.address}/{repository}/commit/{'0' * 40}", "commitOid": "0" * 40}
            case [] | ["revision", "main"]:
                siblings = [{"rfilename": name} for name in self.files[repository]]
                info = {"id": repository, "private": self.private[repository], "siblings": siblings, "tags": []}
                return 200, info | {"sha": "0" * 40, "downloads": 0, "likes": 0}
        return 404, {"error": f"not here: {method} {path}"}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.files:
            return 409, {"error": "You already created this repo", "url": f"{self.address}/{name}"}
        self.files[name], self.kinds[name] = {}, asked.get("type") or "model"
        self.private[name] = asked.get("private") is True or asked.get("visibility") == "private"
        return 200, {"url": f"{self.address}/{name}"}

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _upload(self, wanted: dict[str, Any]) -> dict[str, Any]:
        actions = {"upload": {"href": f"{self.address}/blobs/{wanted['oid']}", "header": {}}}
        return {"oid": wanted["oid"], "size": wanted["size"], "actions": actions}

    def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.messages.append(value["summary"])
            elif line["key"] == "file":
                self.files[repository][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[repository][value["path"]] = self.blobs[value["oid"]]


@contextmanager
def hub() -> Generator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self._body()
            state.asked.append(f"{self.command} {self.path}")
            trusted = self.headers.get("Authorization") == f"Bearer {KEY}" or self.path.startswith("/blobs/")
            status, content = (
                state.answer(self.command, self.path, body) if trusted else (401, {"error": "Invalid credentials"})
            )
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _handle

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            out = b""
            while size := int(self.rfile.readline(), 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return out

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
