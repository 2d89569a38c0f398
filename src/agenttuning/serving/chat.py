"""POST /v1/chat/completions, after https://platform.openai.com/docs/api-reference/chat."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agenttuning.chat_template import prompt_ids
from agenttuning.engines.batching import Token
from agenttuning.errors import BadInput
from agenttuning.serving.config import ServeConfig
from agenttuning.serving.fields import ALTERNATIVES, Fields
from agenttuning.serving.generation import Ask, Delta, Generator, merged
from agenttuning.serving.messages import conversation, forced_start
from agenttuning.serving.problem import Problem
from agenttuning.serving.text import token_bytes, token_text
from agenttuning.serving.tool_calls import ToolReader
from agenttuning.trajectory import ToolCall

CHOICES = 16


@dataclass(frozen=True)
class ChatRequest:
    """What is left of a request's body once it is read: one Ask a choice."""

    id: str
    created: int
    asks: tuple[Ask, ...]
    tools: frozenset[str]
    begun: str
    stream: bool
    include_usage: bool


@dataclass
class _Choice:
    """One choice on its way."""

    reader: ToolReader | None
    content: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    ending: str | None = None

    def take(self, delta: Delta) -> tuple[str, list[ToolCall]]:
        """The content and calls that this delta makes certain."""
        text, calls = (delta.text, []) if self.reader is None else self.reader.push(delta.text)
        if delta.token is not None:
            self.tokens.append(delta.token)
        if delta.ending is not None:
            if self.reader is not None:
                more, last = self.reader.finish()
                text, calls = text + more, [*calls, *last]
            self.ending = "length" if delta.ending == "length" else "stop"
        self.content += text
        self.calls += calls
        if self.calls and self.ending == "stop":
            self.ending = "tool_calls"
        return text, calls


async def read(body: Mapping[str, Any], generator: Generator, config: ServeConfig) -> ChatRequest:
    """Raises Problem for what is wrong with the body."""
    fields = Fields(body)
    served = generator.models.find(fields.text("model"))
    fields.refuse("is not taken: a template is code, and this server runs the model's own only", "chat_template")
    fields.refuse("is not supported; use tools", "functions", "function_call")
    if fields.part("response_format").text("type", "text") != "text":
        raise fields.wrong("response_format", "must be of type text: replies are not constrained here")
    choices = fields.integer("n", 1, least=1, most=CHOICES) or 1
    top = fields.integer("top_logprobs", 0, most=ALTERNATIVES)
    scored = fields.flag("logprobs")
    if top and not scored:
        raise fields.wrong("top_logprobs", "needs logprobs: true")
    wanted = fields.integer("max_completion_tokens", least=1)
    wanted = wanted if wanted is not None else fields.integer("max_tokens", least=1)
    talk = conversation(body, shows_tools=generator.models.shows_tools)
    tools = conversation(body, shows_tools=True).tools
    begun = forced_start(body.get("tool_choice"), tools)
    ids = await asyncio.to_thread(_render, generator, talk, begun)
    sampling = fields.sampling(generator.reply_tokens(wanted, len(ids), config.reply_tokens))
    ask = Ask(served, ids, sampling, fields.stops(), top if scored else None)
    seeds = [(sampling.seed + place) % 2**31 for place in range(choices)]
    return ChatRequest(
        id=f"chatcmpl-{secrets.token_hex(12)}",
        created=int(time.time()),
        asks=tuple(replace(ask, sampling=replace(sampling, seed=seed)) for seed in seeds),
        tools=frozenset(tool.name for tool in tools),
        begun=begun,
        stream=fields.flag("stream"),
        include_usage=fields.part("stream_options").flag("include_usage"),
    )


def _render(generator: Generator, talk: Any, begun: str) -> list[int]:
    engine = generator.models.main
    try:
        with engine.tokenizing:
            ids = prompt_ids(talk, engine.tokenizer)
            return ids + engine.tokenizer(begun, add_special_tokens=False)["input_ids"] if begun else ids
    except BadInput as error:
        raise Problem(400, str(error), param="messages") from None


async def answer(request: ChatRequest, generator: Generator) -> dict[str, Any]:
    """The whole completion."""
    choices = _choices(request)
    with generator.gate.admitted(len(choices)):
        async for place, delta in merged([generator.generate(ask) for ask in request.asks]):
            choices[place].take(delta)
    tokenizer = generator.models.tokenizer
    rows = []
    for place, (choice, ask) in enumerate(zip(choices, request.asks, strict=True)):
        message: dict[str, Any] = {"role": "assistant", "content": choice.content or (None if choice.calls else "")}
        if choice.calls:
            message["tool_calls"] = [_call(call) for call in choice.calls]
        scores = {"content": [_score(t, tokenizer) for t in choice.tokens]} if ask.top is not None else None
        rows.append({"index": place, "message": message, "logprobs": scores, "finish_reason": choice.ending})
    return _head(request, "chat.completion") | {"choices": rows, "usage": _usage(request, choices)}


async def stream(request: ChatRequest, generator: Generator) -> AsyncGenerator[dict[str, Any], None]:
    """The chunks of a streamed completion."""
    choices = _choices(request)
    head = _head(request, "chat.completion.chunk")
    usage = {"usage": None} if request.include_usage else {}

    def chunk(place: int, delta: dict[str, Any], ending: str | None = None, scores: Any = None) -> dict[str, Any]:
        row = {"index": place, "delta": delta, "logprobs": scores, "finish_reason": ending}
        return head | {"choices": [row]} | usage

    tokenizer = generator.models.tokenizer
    with generator.gate.admitted(len(choices)):
        for place in range(len(choices)):
            yield chunk(place, {"role": "assistant", "content": ""})
        async for place, delta in merged([generator.generate(ask) for ask in request.asks]):
            choice = choices[place]
            sent = len(choice.calls)
            text, calls = choice.take(delta)
            scored = request.asks[place].top is not None and delta.token is not None
            scores = {"content": [_score(delta.token, tokenizer)]} if scored and delta.token else None
            if text or scores:
                yield chunk(place, {"content": text}, scores=scores)
            for number, call in enumerate(calls, start=sent):
                yield chunk(place, {"tool_calls": [{"index": number, **_call(call)}]})
            if choice.ending is not None:
                yield chunk(place, {}, choice.ending)
    if request.include_usage:
        yield head | {"choices": [], "usage": _usage(request, choices)}


def _choices(request: ChatRequest) -> list[_Choice]:
    return [_Choice(ToolReader(set(request.tools), request.begun) if request.tools else None) for _ in request.asks]


def _head(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": request.id, "object": kind, "created": request.created, "model": request.asks[0].served.name}


def _usage(request: ChatRequest, choices: list[_Choice]) -> dict[str, int]:
    prompt, reply = len(request.asks[0].ids), sum(len(choice.tokens) for choice in choices)
    return {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply}


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _score(token: Token, tokenizer: Any) -> dict[str, Any]:
    def row(index: int, logprob: float | None) -> dict[str, Any]:
        return {
            "token": token_text(tokenizer, index),
            "logprob": logprob,
            "bytes": list(token_bytes(tokenizer, index)),
        }

    return row(token.id, token.logprob) | {"top_logprobs": [row(*one) for one in token.top]}
