"""Continuous batching on transformers: any model whose attention can be replaced, on CPU or GPU.

Sequences join and leave between two steps. A step computes the next token of all running ones and a part of one
waiting prompt, in one forward pass (`ragged`); what ended sequences computed is kept, so that a turn costs only its
new tokens. Unlike the faster OpenVINO it gives log-probabilities, a prompt's too, draws from each request's own seed,
and serves LoRA adapters beside their base.
"""

import queue
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning.engines.base import Sampling
from agenttuning.engines.batching import BatchingEngine, Job, Token
from agenttuning.engines.kept import Cache, Kept
from agenttuning.engines.lora import Adapters
from agenttuning.engines.ragged import Part, Ragged

STEP_TOKENS = 256  # of prompts in one step: how long a running sequence may wait for its next token
RUNNING = 64
RUNNING_BYTES = 2 * 2**30  # of the caches of running sequences
KEPT_BYTES = 2**30  # of those of ended ones


@dataclass(slots=True, eq=False)
class _Sequence:
    job: Job
    pending: list[int]  # tokens that are not computed yet
    cache: Cache | None = None  # none before its first tokens' turn
    computed: int = 0
    generated: int = 0
    generator: Any = None


class LoopEngine(BatchingEngine):
    name = "transformers"

    def __init__(self, ragged: Ragged, model: Any, tokenizer: Any, adapters: Mapping[str, Path] | None = None):
        self._ragged, self._device = ragged, model.device
        self._kept = Kept(KEPT_BYTES)
        self._adapters = Adapters(model)
        for name, folder in (adapters or {}).items():
            self._adapters.load(name, folder)
        super().__init__(tokenizer, model.config.get_text_config().max_position_embeddings)

    def run(self) -> None:
        running: list[_Sequence] = []
        waiting: list[_Sequence] = []
        closing = False
        while True:
            closing |= self._take(waiting, block=not (running or waiting or closing))
            if closing and not running and not waiting:
                return
            waiting = [sequence for sequence in waiting if not self._left(sequence)]
            running = [sequence for sequence in running if not self._left(sequence)]
            while waiting and self._has_room(running, waiting[0]):
                running.append(waiting.pop(0))
            if not running:
                continue
            try:
                running = self._step(running)
            except Exception as error:  # out of memory and the like: these sequences fail, the engine lives on
                for sequence in running:
                    if not sequence.job.ended.done():
                        sequence.job.ended.set_exception(error)
                running = []

    def _take(self, waiting: list[_Sequence], *, block: bool) -> bool:
        """Move new jobs to `waiting`; whether the engine is to close."""
        while True:
            try:
                job = self.waiting.get(block=block)
            except queue.Empty:
                return False
            if job is None:
                return True
            waiting.append(_Sequence(job, list(job.ids)))
            block = False

    def _has_room(self, running: list[_Sequence], more: _Sequence) -> bool:
        tokens = sum(len(s.job.ids) + s.job.sampling.max_tokens for s in [*running, more])
        return not running or (len(running) < RUNNING and tokens * self._ragged.token_bytes <= RUNNING_BYTES)

    def _left(self, sequence: _Sequence) -> bool:
        """Whether nobody waits for it any more; what it computed is kept."""
        if sequence.job.cancelled:
            self._end(sequence, "stop")
        return sequence.job.cancelled

    def _end(self, sequence: _Sequence, ending: Any) -> None:
        if sequence.cache is not None and sequence.cache.ids:
            self._kept.add(sequence.cache)
        sequence.job.ended.set_result(ending)

    def _step(self, running: list[_Sequence]) -> list[_Sequence]:
        """One forward pass; the sequences that go on."""
        import torch

        parts, chosen = self._choose(running)
        wanted: list[int] = []
        spans: list[tuple[int, int]] = []  # of each part's rows among the wanted ones
        end = 0
        rows: dict[str, list[int]] = {}
        for sequence, part in zip(chosen, parts, strict=True):
            begin, end = end, end + len(part.ids)
            if sequence.job.adapter is not None:
                rows.setdefault(sequence.job.adapter, []).extend(range(begin, end))
            whole = sequence.job.echo and not sequence.generated
            last = [end - 1] if len(part.ids) == len(sequence.pending) else []
            mine = range(begin, end) if whole else last
            spans.append((len(wanted), len(wanted) + len(mine)))
            wanted.extend(mine)
        self._adapters.rows = {name: torch.tensor(at, device=self._device) for name, at in rows.items()}
        logits = self._ragged.forward(parts, wanted or [0]).float()
        for sequence, part, (low, high) in zip(chosen, parts, spans, strict=True):
            sequence.computed += len(part.ids)
            sequence.pending = sequence.pending[len(part.ids) :]
            self._advance(sequence, part, logits[low:high])
        return [sequence for sequence in running if not sequence.job.ended.done()]

    def _choose(self, running: list[_Sequence]) -> tuple[list[Part], list[_Sequence]]:
        """What the next pass computes: every next token, and prompts up to STEP_TOKENS."""
        budget = STEP_TOKENS
        parts, chosen = [], []
        for sequence in running:
            if sequence.generated == 0 and budget == 0:
                continue
            if sequence.cache is None:
                self._begin(sequence, running)
            assert sequence.cache is not None
            ids = sequence.pending if sequence.generated else sequence.pending[:budget]
            budget -= 0 if sequence.generated else len(ids)
            parts.append(Part(sequence.cache, ids, sequence.computed))
            chosen.append(sequence)
        return parts, chosen

    def _begin(self, sequence: _Sequence, running: list[_Sequence]) -> None:
        job = sequence.job
        if job.echo:  # every position's logits are wanted, so every position is computed
            sequence.cache = Cache(job.adapter)
            return
        others = [s.cache for s in running if s.cache is not None]
        sequence.cache, sequence.computed = self._kept.begin(job.ids, job.adapter, others)
        sequence.pending = job.ids[sequence.computed :]

    def _advance(self, sequence: _Sequence, part: Part, logits: Any) -> None:
        """Deliver what this sequence's rows of `logits` say, and put its next token in its place."""
        import torch

        job = sequence.job
        if job.echo and not sequence.generated:
            known = job.ids[part.start + 1 : part.start + len(part.ids) + 1]
            first = [Token(job.ids[0])] if part.start == 0 else []
            job.deliver([*first, *_tokens(logits[: len(known)], known, job.top)])
        if sequence.pending:
            return
        if job.sampling.max_tokens == 0:
            self._end(sequence, "length")
            return
        if sequence.generator is None and job.sampling.temperature > 0:
            sequence.generator = torch.Generator(device=logits.device).manual_seed(job.sampling.seed)
        index = draw(logits[-1], job.sampling, sequence.generator)
        job.deliver(_tokens(logits[-1:], [index], job.top))
        sequence.generated += 1
        if index in self.stops or sequence.generated >= job.sampling.max_tokens:
            self._end(sequence, "stop" if index in self.stops else "length")
        else:
            sequence.pending = [index]


def draw(logits: Any, sampling: Sampling, generator: Any) -> int:
    """The next token's id from logits (vocabulary,)."""
    import torch

    if sampling.temperature == 0:
        return int(logits.argmax())
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < len(logits):
        logits = logits.masked_fill(logits < logits.topk(sampling.top_k).values[-1], float("-inf"))
    chances = logits.softmax(-1)
    if sampling.top_p < 1:
        ordered, order = chances.sort(descending=True)
        before = ordered.cumsum(0) - ordered
        chances = chances.index_fill(0, order[before >= sampling.top_p], 0.0)
    return int(torch.multinomial(chances, 1, generator=generator))


def _tokens(logits: Any, ids: list[int], top: int | None) -> list[Token]:
    """`ids` with what `logits` (len(ids), vocabulary) say of them."""
    import torch

    if top is None:
        return [Token(index) for index in ids]
    if not ids:
        return []
    scores = logits.log_softmax(-1)
    own = scores.gather(1, torch.tensor(ids, device=scores.device)[:, None])[:, 0].tolist()
    best = scores.topk(top)
    alternatives = [
        tuple(zip(row, values, strict=True))
        for row, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    return [Token(*row) for row in zip(ids, own, alternatives, strict=True)]
