"""What goes over the wire: a conversation as a request, and the bytes of a reply as text and counts.

A reply is read as what it is, bytes from somebody else: everything that is used of it is checked, and what is not as
the protocol says raises Unreadable with the reason.

>>> read_answer(b'{"choices": [{"message": {"content": "Accra"}, "finish_reason": "stop"}]}')
Answer(text='Accra', finish='stop', prompt=0, completion=0, cached=0)
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from agenttuning.conversation import Conversation, to_openai
from agenttuning.dialects.native import call_text
from agenttuning.engines.base import Sampling
from agenttuning.trajectory import ToolCall


class Unreadable(Exception):
    """The body of a reply is not what the protocol says; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; counts are tokens, 0 where the endpoint did not tell."""

    text: str
    finish: Literal["stop", "length"]
    prompt: int = 0
    completion: int = 0
    cached: int = 0


def request(model: str, conversation: Conversation, sampling: Sampling) -> dict[str, Any]:
    """The body of a request to /chat/completions."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_as_wire(message) for message in to_openai(conversation)],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if conversation.tools:
        body["tools"] = [tool.schema() for tool in conversation.tools]
    return body


def prefix(body: Mapping[str, Any]) -> str:
    """What all requests of one conversation share: a hash of everything up to its first user message."""
    shared = []
    for message in body["messages"]:
        shared.append(message)
        if message["role"] == "user":
            break
    text = json.dumps([shared, body.get("tools")], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prompt_bytes(body: Mapping[str, Any]) -> int:
    """How much there is to read in a request's prompt."""
    return len(json.dumps([body["messages"], body.get("tools")], ensure_ascii=False).encode("utf-8", "replace"))


def read_answer(data: bytes) -> Answer:
    """The answer in a reply's body. Raises Unreadable."""
    reply = _object(_json(data), "the reply")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unreadable("the reply holds no choices")
    choice = _object(choices[0], "choices[0]")
    message = _object(choice.get("message"), "choices[0].message")
    text = message.get("content") or ""
    if not isinstance(text, str):
        raise Unreadable(f"choices[0].message.content is {type(text).__name__}, expected text")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise Unreadable(f"choices[0].message.tool_calls is {type(calls).__name__}, expected a list")
    if calls:  # one call a turn: the environments are sequential
        text = f"{text}\n{_call_as_text(_object(calls[0], 'tool_calls[0]').get('function'))}".strip()
    usage = reply.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    details = usage.get("prompt_tokens_details")
    prompt = _count(usage.get("prompt_tokens"))
    return Answer(
        text=text.encode("utf-8", "replace").decode(),  # half a surrogate pair could not be written to disk
        finish="length" if choice.get("finish_reason") == "length" else "stop",
        prompt=prompt,
        completion=_count(usage.get("completion_tokens")),
        cached=min(_count(details.get("cached_tokens")), prompt) if isinstance(details, Mapping) else 0,
    )


def read_models(data: bytes) -> list[str]:
    """The names in a reply to /models. Raises Unreadable."""
    listed = _object(_json(data), "the reply").get("data")
    if not isinstance(listed, list):
        raise Unreadable("the reply holds no list of models")
    return [str(entry["id"]) for entry in listed if isinstance(entry, Mapping) and "id" in entry]


def bounded(most: int) -> Callable[[Any], Any]:
    """A hook for the client's responses: a body of more than `most` bytes is not read to its end.

    A compressed body could be a thousand times what was counted, and none was asked for.
    """

    async def bound(response: Any) -> None:
        coding = response.headers.get("content-encoding", "identity")
        if coding != "identity":
            raise Unreadable(f"the reply is compressed ({coding[:20]}), which was not asked for")
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            raise Unreadable(f"the reply has {int(length):,} bytes, more than {most:,}")
        response.stream = _bounded_stream(type(response.stream))(response.stream, most)

    return bound


@cache
def _bounded_stream(kind: type) -> type:
    """A stream class of the HTTP library that is in use, whichever of its names that has."""
    base: Any = next(one for one in kind.__mro__ if one.__name__ == "AsyncByteStream")

    class Bounded(base):
        def __init__(self, stream: Any, most: int):
            self._stream, self._most = stream, most

        async def __aiter__(self) -> Any:
            got = 0
            async for chunk in self._stream:
                got += len(chunk)
                if got > self._most:
                    raise Unreadable(f"the reply has more than {self._most:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Bounded


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise Unreadable(f"the reply is not UTF-8 (byte 0x{data[error.start]:02x} at {error.start})") from None
    except (ValueError, RecursionError) as error:
        start = data[:60].decode("utf-8", "replace")
        raise Unreadable(f"the reply is not JSON ({error}; it begins {start!r})") from None


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable(f"{name} is {type(value).__name__}, expected an object")
    return value


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _call_as_text(function: Any) -> str:
    """A structured call in the native dialect's text; arguments that are no JSON object are left for it to refuse."""
    function = _object(function, "tool_calls[0].function")
    name, written = function.get("name"), function.get("arguments") or "{}"
    if not isinstance(name, str):
        raise Unreadable("tool_calls[0].function has no name")
    try:
        arguments = json.loads(written) if isinstance(written, str) else written
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return f"<tool_call>{written}</tool_call>"
    return call_text(ToolCall(name, arguments))


def _as_wire(message: Mapping[str, Any]) -> dict[str, Any]:
    """On the wire a call's arguments are a JSON string, in a template they are an object."""
    calls = [
        {**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
        for call in message.get("tool_calls", ())
    ]
    return {**message, "tool_calls": calls} if calls else dict(message)
