"""Many conversations at once against one OpenAI-compatible server, measured as their clients see them.

A conversation has several turns; each is a streamed request that holds everything said before. Where the server
answers 429 or 503 with Retry-After its client waits as told and asks again; anything else that is no reply is an
error.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field


@dataclass
class Load:
    """What was seen. Times in seconds: to a reply's first token, between two of its tokens."""

    first: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)
    tokens: int = 0
    finished: int = 0
    refused: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def error(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


async def drive(
    port: int, model: str, openings: list[list[dict[str, str]]], *, turns: int, tokens: int, limit: float
) -> Load:
    """All conversations at once, for at most `limit` seconds; what is not over by then counts as unfinished."""
    load = Load()
    began = time.monotonic()
    tasks = [
        asyncio.create_task(_talk(port, model, messages, turns, tokens, load, random.Random(place)))
        for place, messages in enumerate(openings)
    ]
    _, late = await asyncio.wait(tasks, timeout=limit)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    load.seconds = time.monotonic() - began
    return load


async def _talk(port: int, model: str, messages: list, turns: int, tokens: int, load: Load, draw: random.Random):
    for _ in range(turns):
        while True:
            request = {"model": model, "messages": messages, "max_tokens": tokens, "temperature": 0, "stream": True}
            try:
                status, headers, text = await _reply(port, request, load)
            except (OSError, EOFError, ValueError) as error:
                load.error(type(error).__name__)
                return
            if status == 200:
                break
            wait = headers.get("retry-after", "")
            if status not in (429, 503) or not wait.isdigit():
                load.error(f"status {status}" + ("" if wait else " without Retry-After"))
                return
            load.refused += 1
            await asyncio.sleep(int(wait) * draw.uniform(1.0, 1.5))
        said = {"role": "assistant", "content": text.strip() or "…"}
        messages = [*messages, said, {"role": "user", "content": "Observation: nothing new, go on."}]
    load.finished += 1


async def _reply(port: int, request: dict, load: Load) -> tuple[int, dict[str, str], str]:
    body = json.dumps(request).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        asked = last = time.monotonic()
        await writer.drain()
        status = int((await reader.readline()).split()[1])
        headers = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if status != 200:
            return status, headers, ""
        text, ended = "", False
        async for data in _events(reader, headers):
            if data == "[DONE]":
                ended = True
                continue
            event = json.loads(data)
            if "error" in event:
                raise ValueError(str(event["error"]))
            choice = event["choices"][0] if event.get("choices") else {}
            piece = choice.get("delta", {}).get("content")
            if piece:
                now = time.monotonic()
                (load.between if text else load.first).append(now - (last if text else asked))
                last = now
                load.tokens += 1
                text += piece
            ended |= choice.get("finish_reason") is not None
        if not ended:
            raise EOFError("the stream broke off")
        return status, headers, text
    finally:
        writer.close()


async def _events(reader: asyncio.StreamReader, headers: dict[str, str]):
    """The data of each server-sent event."""
    held = b""
    chunked = headers.get("transfer-encoding") == "chunked"
    while True:
        if chunked:
            size = int((await reader.readline()).strip() or b"0", 16)
            data = await reader.readexactly(size + 2) if size else b""
            data = data[:size]
        else:
            data = await reader.read(65536)
        if not data:
            return
        held += data
        *lines, held = held.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip().decode()
