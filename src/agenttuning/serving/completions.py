"""POST /v1/completions, after https://platform.openai.com/docs/api-reference/completions: a text is continued.

With `echo` and `logprobs` it scores a text, which is how lm-eval's `local-completions` measures log-likelihoods.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agenttuning.engines.batching import Token
from agenttuning.serving.fields import Fields
from agenttuning.serving.generation import Ask, Delta, Generator, merged
from agenttuning.serving.text import token_text

DEFAULT_TOKENS = 16  # of a reply, as OpenAI's
PROMPTS = 512  # of one request
CHOICES = 16
ALTERNATIVES = 20


@dataclass(frozen=True)
class CompletionRequest:
    """One Ask a choice; `prompts` are the texts to echo, one a choice."""

    id: str
    created: int
    asks: tuple[Ask, ...]
    prompts: tuple[str, ...]
    prompt_tokens: int
    stream: bool
    include_usage: bool


@dataclass
class _Scores:
    """The columns in which this API writes log-probabilities."""

    tokens: list[str] = field(default_factory=list)
    token_logprobs: list[float | None] = field(default_factory=list)
    top_logprobs: list[dict[str, float] | None] = field(default_factory=list)
    text_offset: list[int] = field(default_factory=list)
    end: int = 0

    def add(self, token: Token, tokenizer: Any) -> None:
        text = token_text(tokenizer, token.id)
        self.tokens.append(text)
        self.token_logprobs.append(token.logprob)
        alternatives: dict[str, float] = {}
        for index, logprob in token.top:  # the likeliest first: of two with one text it stays
            alternatives.setdefault(token_text(tokenizer, index), logprob)
        self.top_logprobs.append(alternatives if token.logprob is not None else None)
        self.text_offset.append(self.end)
        self.end += len(text)

    def columns(self) -> dict[str, Any]:
        names = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
        return {name: getattr(self, name) for name in names}


async def read(body: Mapping[str, Any], generator: Generator) -> CompletionRequest:
    """Raises Problem for what is wrong with the body."""
    fields = Fields(body)
    served = generator.models.find(fields.text("model"))
    fields.refuse("is not supported", "suffix", "best_of")
    choices = fields.integer("n", 1, least=1, most=CHOICES) or 1
    top = fields.integer("logprobs", most=ALTERNATIVES)
    echo = fields.flag("echo")
    # Without scores a prompt is echoed as it came; nothing is computed for that.
    wanted = fields.integer("max_tokens", DEFAULT_TOKENS, least=0 if echo and top is not None else 1)
    prompts = await asyncio.to_thread(_prompts, fields, generator)
    asks, texts = [], []
    for text, ids in prompts:
        sampling = fields.sampling(generator.reply_tokens(wanted, len(ids), DEFAULT_TOKENS))
        ask = Ask(served, ids, sampling, fields.stops(), top, echo and top is not None, continues=True)
        for place in range(choices):
            asks.append(replace(ask, sampling=replace(sampling, seed=(sampling.seed + place) % 2**31)))
            texts.append(text if echo else "")
    return CompletionRequest(
        id=f"cmpl-{secrets.token_hex(12)}",
        created=int(time.time()),
        asks=tuple(asks),
        prompts=tuple(texts),
        prompt_tokens=sum(len(ids) for _, ids in prompts),
        stream=fields.flag("stream"),
        include_usage=fields.part("stream_options").flag("include_usage"),
    )


def _prompts(fields: Fields, generator: Generator) -> list[tuple[str, list[int]]]:
    """(text, token ids) of each prompt: a text, texts, token ids, or lists of them."""
    engine = generator.models.main
    value = fields.values.get("prompt")
    size = len(engine.tokenizer)
    many = isinstance(value, list) and bool(value) and isinstance(value[0], str | list)
    prompts = value if isinstance(value, list) and many else [value]
    if len(prompts) > PROMPTS:
        raise fields.wrong("prompt", f"holds {len(prompts)} prompts, at most {PROMPTS} are taken")
    out = []
    for prompt in prompts:
        with engine.tokenizing:
            if isinstance(prompt, str):
                text = Fields({"prompt": prompt}).text("prompt")
                ids = engine.tokenizer(text)["input_ids"]
            elif isinstance(prompt, list) and all(type(i) is int and 0 <= i < size for i in prompt):
                text, ids = engine.tokenizer.decode(prompt, skip_special_tokens=False), list(prompt)
            else:
                raise fields.wrong("prompt", f"must be text, token ids below {size}, or a list of such")
        if not ids:
            raise fields.wrong("prompt", "is empty; a model needs one token to begin with")
        out.append((text, ids))
    return out


async def answer(request: CompletionRequest, generator: Generator) -> dict[str, Any]:
    """The whole completion."""
    texts = list(request.prompts)
    scores = [_Scores() for _ in texts]
    endings: list[str | None] = [None] * len(texts)
    replied = 0
    with generator.gate.admitted(len(texts)):
        async for place, delta in merged([generator.generate(ask) for ask in request.asks]):
            texts[place] += delta.text
            endings[place] = _ending(delta) or endings[place]
            replied += delta.token is not None and not delta.prompt
            if delta.token is not None and request.asks[place].top is not None:
                scores[place].add(delta.token, generator.models.tokenizer)
    rows = [
        {"index": place, "text": text, "finish_reason": ending,
         "logprobs": score.columns() if request.asks[place].top is not None else None}
        for place, (text, ending, score) in enumerate(zip(texts, endings, scores, strict=True))
    ]  # fmt: skip
    return _head(request) | {"choices": rows, "usage": _usage(request, replied)}


async def stream(request: CompletionRequest, generator: Generator) -> AsyncGenerator[dict[str, Any], None]:
    """The chunks of a streamed completion."""
    usage = {"usage": None} if request.include_usage else {}
    replied = 0
    ends = [0] * len(request.asks)

    def chunk(place: int, text: str, ending: str | None = None, scores: Any = None) -> dict[str, Any]:
        row = {"index": place, "text": text, "logprobs": scores, "finish_reason": ending}
        return _head(request) | {"choices": [row]} | usage

    with generator.gate.admitted(len(request.asks)):
        for place, text in enumerate(request.prompts):
            yield chunk(place, text)
        async for place, delta in merged([generator.generate(ask) for ask in request.asks]):
            replied += delta.token is not None and not delta.prompt
            scores = None
            if delta.token is not None and request.asks[place].top is not None:
                one = _Scores(end=ends[place])
                one.add(delta.token, generator.models.tokenizer)
                ends[place], scores = one.end, one.columns()
            if delta.text or scores or delta.ending:
                yield chunk(place, delta.text, _ending(delta), scores)
    if request.include_usage:
        yield _head(request) | {"choices": [], "usage": _usage(request, replied)}


def _ending(delta: Delta) -> str | None:
    return None if delta.ending is None else "length" if delta.ending == "length" else "stop"


def _head(request: CompletionRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "object": "text_completion",
        "created": request.created,
        "model": request.asks[0].served.name,
    }


def _usage(request: CompletionRequest, replied: int) -> dict[str, int]:
    prompt = request.prompt_tokens
    return {"prompt_tokens": prompt, "completion_tokens": replied, "total_tokens": prompt + replied}
