"""How an endpoint answers: one JSON object or a stream of server-sent events, given up when the client leaves.

>>> Answer(events=chunks)       # an async generator of objects, ended by [DONE]
>>> Answer(whole=compute())     # a coroutine
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from agenttuning.serving.problem import Problem

# A connection that is closed on data nobody has read is reset, and the refusal may be lost with it: what a client is
# still sending is thrown away for so many seconds, until it pauses for as long.
LINGER, PAUSE = 1.0, 0.1


class Answer(Response):
    """`done` is what a stream ends with; a Problem before the first event becomes a status, later ones an event."""

    def __init__(
        self,
        *,
        whole: Coroutine[Any, Any, Any] | None = None,
        events: AsyncGenerator[Any, None] | None = None,
        done: str | None = "[DONE]",
        left: Any = None,
    ):
        super().__init__()
        self._whole, self._events, self._done, self._left = whole, events, done, left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = self._answer(scope, receive, send) if self._whole is not None else self._stream(send)
        task = asyncio.create_task(work)
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            elif self._left is not None:
                self._left.inc()
        finally:
            for each in (task, gone):
                each.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._whole is not None
        await JSONResponse(await self._whole)(scope, receive, send)

    async def _stream(self, send: Send) -> None:
        assert self._events is not None
        async with aclosing(self._events) as events:
            first = await anext(events)
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send(_event(first))
            try:
                async for event in events:
                    await send(_event(event))
            except Problem as problem:
                await send(_event(problem.openai()))
            if self._done is not None:
                await send(_body(f"data: {self._done}\n\n".encode()))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(value: Any) -> dict[str, Any]:
    return _body(f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode())


def _body(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(request: Request, limit: int, patience: float) -> bytes:
    """The whole body. Raises Problem: 413 over `limit` bytes, 408 after `patience` seconds, 400 where the client left
    before its end (nobody reads that, but it is counted)."""
    too_large = Problem(
        413, f"the body is larger than the {limit} bytes that are taken", headers={"Connection": "close"}
    )
    length, chunks = request.headers.get("content-length", "0"), request.stream()
    if length.isdigit() and int(length) > limit:
        if "expect" not in request.headers:  # who asks before sending is not told to go on
            await _throw_away(chunks)
        raise too_large
    data = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in chunks:
                data += chunk
                if len(data) > limit:
                    break
    except TimeoutError:
        raise Problem(408, f"the body did not arrive within {patience:g} s", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the client left before the end of the body") from None
    if len(data) > limit:
        await _throw_away(chunks)
        raise too_large
    return bytes(data)


async def _throw_away(chunks: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError, ClientDisconnect, StopAsyncIteration):
        async with asyncio.timeout(LINGER):
            while True:
                async with asyncio.timeout(PAUSE):
                    await anext(chunks)
