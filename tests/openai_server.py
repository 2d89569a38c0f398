"""A real HTTP server on loopback that speaks the chat-completions protocol with recorded replies.

Each recorded reply is a status with headers, or the message of a completion; the requests are kept.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RecordedServer:
    def __init__(self, replies, key=None):
        self.replies, self.requests, self.key = list(replies), [], key
        recorded = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if recorded.key and self.headers["Authorization"] != f"Bearer {recorded.key}":
                    return self.answer(401, {"error": {"message": "wrong key"}})
                return self.answer(200, {"object": "list", "data": [{"id": "recorded", "object": "model"}]})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorded.requests.append(json.loads(body))
                reply = recorded.replies.pop(0)
                if "status" in reply:
                    return self.answer(
                        reply["status"],
                        {"error": {"message": reply.get("text", "no")}},
                        reply.get("headers", {}),
                    )
                choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **reply}}
                usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
                return self.answer(
                    200,
                    {"id": "x", "object": "chat.completion", "created": 0, "model": "recorded",
                     "choices": [choice], "usage": usage},
                )  # fmt: skip

            def answer(self, status, value, headers=()):
                data = json.dumps(value).encode()
                self.send_response(status)
                for name, text in dict(headers).items():
                    self.send_header(name, text)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
