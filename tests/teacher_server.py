"""A real OpenAI-compatible server on loopback that answers as a teacher does: recorded texts, chosen by the question.

`answer(request)` gives the text for a request's JSON, or an int for an HTTP status. The requests are kept.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TeacherServer:
    def __init__(self, answer, usage=(100, 50), finish="stop"):
        self.answer, self.usage, self.finish = answer, usage, finish
        self.requests, self._lock = [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send(200, {"object": "list", "data": [{"id": "teacher", "object": "model"}]})

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    outer.requests.append(request)
                text = outer.answer(request)
                if isinstance(text, int):
                    return self.send(text, {"error": {"message": "recorded"}})
                message = {"role": "assistant", "content": text}
                prompt, completion = outer.usage
                return self.send(200, {
                    "id": "x", "object": "chat.completion", "created": 0, "model": "teacher",
                    "choices": [{"index": 0, "finish_reason": outer.finish, "message": message}],
                    "usage": {"prompt_tokens": prompt, "completion_tokens": completion,
                              "total_tokens": prompt + completion},
                })  # fmt: skip

            def send(self, status, value):
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.model = f"http://127.0.0.1:{self._server.server_port}/v1#teacher"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def said(request):
    """Everything that a request says, as one text."""
    return "\n".join(message["content"] for message in request["messages"])
