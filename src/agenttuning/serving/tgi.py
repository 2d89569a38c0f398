"""POST /generate and /generate_stream, the API of Text Generation Inference, which AgentLM was served by.

>>> requests.post(f"{url}/generate", json={"inputs": "The sky is", "parameters": {"max_new_tokens": 8}}).json()
{'generated_text': ' blue because of the way that light'}
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agenttuning.engines.batching import Token
from agenttuning.serving.fields import Fields
from agenttuning.serving.generation import Ask, Delta, Generator
from agenttuning.serving.text import token_text

DEFAULT_TOKENS = 100  # of a reply, as TGI's
_REASONS = {"token": "eos_token", "text": "stop_sequence", "length": "length"}


@dataclass(frozen=True)
class GenerateRequest:
    """`full` puts the prompt before the reply, `details` adds tokens and reasons, `prefill` the prompt's tokens."""

    ask: Ask
    inputs: str
    full: bool
    details: bool
    prefill: bool


async def read(body: Mapping[str, Any], generator: Generator) -> GenerateRequest:
    """Raises Problem 422 for what is wrong with the body."""
    fields = Fields(body, status=422)
    inputs = fields.text("inputs")
    parameters = fields.part("parameters")
    parameters.refuse("is not supported", "best_of", "typical_p", "watermark", "grammar", "top_n_tokens",
                      "repetition_penalty", "frequency_penalty")  # fmt: skip
    # TGI serves one model; a client of several may name one.
    name = body.get("model") or parameters.values.get("adapter_id")
    served = generator.models.find(str(name)) if name else generator.models.base
    ids = await asyncio.to_thread(_tokens, generator, inputs)
    if not ids:
        raise fields.wrong("inputs", "must not be empty")
    cut = parameters.integer("truncate", least=1)
    ids = ids[-cut:] if cut else ids
    budget = generator.reply_tokens(parameters.integer("max_new_tokens", least=1), len(ids), DEFAULT_TOKENS)
    sampling = parameters.sampling(budget)
    # TGI samples where anything but the defaults is asked for, even with do_sample: false (utils/tokens.py there).
    warped = sampling.temperature != 1.0 or sampling.top_p < 1.0 or sampling.top_k > 0
    if not (parameters.flag("do_sample") or warped):
        sampling = replace(sampling, temperature=0.0)
    details, prefill = parameters.flag("details"), parameters.flag("decoder_input_details")
    stops = parameters.stops("stop")
    ask = Ask(served, ids, sampling, stops, 0 if details else None, details and prefill, continues=True)
    return GenerateRequest(ask, inputs, parameters.flag("return_full_text"), details, prefill)


def _tokens(generator: Generator, text: str) -> list[int]:
    engine = generator.models.main
    with engine.tokenizing:
        return engine.tokenizer(text)["input_ids"]


async def answer(request: GenerateRequest, generator: Generator) -> dict[str, Any]:
    """The whole reply."""
    deltas = []
    with generator.gate.admitted(1):
        async for delta in generator.generate(request.ask):
            deltas.append(delta)
    out: dict[str, Any] = {"generated_text": _text(request, deltas)}
    if request.details:
        tokenizer = generator.models.tokenizer
        prompt = [_token(d.token, tokenizer) for d in deltas if d.prompt and d.token]
        out["details"] = _details(request, deltas) | {
            "prefill": [{key: row[key] for key in ("id", "text", "logprob")} for row in prompt],
            "tokens": [_token(d.token, tokenizer) for d in deltas if not d.prompt and d.token],
        }
    return out


async def stream(request: GenerateRequest, generator: Generator) -> AsyncGenerator[dict[str, Any], None]:
    """An event a token; the last one has the whole text."""
    tokenizer = generator.models.tokenizer
    deltas: list[Delta] = []
    index = 0
    waiting: dict[str, Any] | None = None  # the last token's event goes out when the ending is known
    with generator.gate.admitted(1):
        async for delta in generator.generate(request.ask):
            deltas.append(delta)
            if delta.token is None or delta.prompt:
                continue
            if waiting is not None:
                yield waiting
            index += 1
            token = _token(delta.token, tokenizer)
            waiting = {"index": index, "token": token, "generated_text": None, "details": None}
    if waiting is not None:
        waiting["generated_text"] = _text(request, deltas)
        waiting["details"] = _details(request, deltas) if request.details else None
        yield waiting


def _text(request: GenerateRequest, deltas: list[Delta]) -> str:
    """With the stop text at its end, which TGI leaves there."""
    text = "".join(delta.text + delta.stop for delta in deltas)
    return request.inputs + text if request.full else text


def _details(request: GenerateRequest, deltas: list[Delta]) -> dict[str, Any]:
    return {
        "finish_reason": _REASONS[deltas[-1].ending or "length"],
        "generated_tokens": sum(d.token is not None and not d.prompt for d in deltas),
        "input_length": len(request.ask.ids),
        "seed": request.ask.sampling.seed if request.ask.sampling.temperature > 0 else None,
    }


def _token(token: Token, tokenizer: Any) -> dict[str, Any]:
    """`logprob` is None where no details were asked for: it costs a slower engine."""
    return {
        "id": token.id,
        "text": token_text(tokenizer, token.id),
        "logprob": token.logprob,
        "special": token.id in tokenizer.all_special_ids,
    }
