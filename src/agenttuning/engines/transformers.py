"""The fallback for models whose attention `ragged` cannot replace: transformers' batched `generate`.

Waiting requests of the same sampling are generated together, left-padded. Nothing is kept between turns, so a
long episode pays for its history again at each of them; it runs any causal model on CPU or GPU.
"""

import queue
from typing import Any

from agenttuning.engines.batching import BatchingEngine, Job, Token

MAX_BATCH = 32


class TransformersEngine(BatchingEngine):
    name = "transformers"

    def __init__(self, model: Any, tokenizer: Any):
        self._model = model
        super().__init__(tokenizer, model.config.get_text_config().max_position_embeddings)

    def run(self) -> None:
        closing = False
        while not closing:
            batch = [self.waiting.get()]
            while len(batch) < MAX_BATCH:
                try:
                    batch.append(self.waiting.get_nowait())
                except queue.Empty:
                    break
            closing = None in batch
            jobs = [job for job in batch if job is not None]
            for sampling in dict.fromkeys(job.sampling for job in jobs):
                self._generate([job for job in jobs if job.sampling == sampling])

    def _generate(self, jobs: list[Job]) -> None:
        import torch

        sampling = jobs[0].sampling
        pad = self.tokenizer.pad_token_id
        if pad is None:
            pad = self.tokenizer.eos_token_id
        width = max(len(job.ids) for job in jobs)
        device = self._model.device
        ids = torch.tensor([[pad] * (width - len(job.ids)) + job.ids for job in jobs], device=device)
        mask = torch.tensor([[0] * (width - len(job.ids)) + [1] * len(job.ids) for job in jobs], device=device)
        options: dict[str, Any] = {"do_sample": False, "eos_token_id": sorted(self.stops)}
        if sampling.temperature > 0:
            torch.manual_seed(sampling.seed)
            options |= {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p}
            options["top_k"] = sampling.top_k  # 0 keeps all; left out, it would be 50
        if sampling.stop:
            options |= {"stop_strings": list(sampling.stop), "tokenizer": self.tokenizer}
        try:
            with torch.inference_mode():
                rows = self._model.generate(
                    ids, attention_mask=mask, max_new_tokens=sampling.max_tokens, pad_token_id=pad, **options
                )
        except Exception as error:  # out of memory and the like: these episodes fail, the engine lives on
            for job in jobs:
                job.ended.set_exception(error)
            return
        for job, row in zip(jobs, rows[:, width:].tolist(), strict=True):
            length = next((k + 1 for k, index in enumerate(row) if index in self.stops), len(row))
            job.deliver([Token(index) for index in row[:length]])
            job.ended.set_result("length" if length >= sampling.max_tokens else "stop")
