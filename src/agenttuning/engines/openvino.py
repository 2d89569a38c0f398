"""The CPU default: OpenVINO GenAI's continuous batching with prefix caching.

Requests join and leave the running batch at any step, and a turn computes only what its conversation added.
Weights are float16, the key-value cache and arithmetic float32: fewer bits are faster and visibly another model. A
request's seed decides its draws, whatever runs beside it.
"""

import hashlib
import queue
from pathlib import Path
from typing import Any

from agenttuning.engines.batching import BatchingEngine, Job, Token
from agenttuning.engines.gguf import export_gguf, supports_gguf
from agenttuning.errors import EngineError, MissingExtra
from agenttuning.files import read_json, sha256
from agenttuning.models import cache_folder, load_tokenizer

KEPT_EXPORTS = 4  # GGUF files in the cache; the longest unused go first
CACHE_GIGABYTES = 1  # the KV cache; full blocks of ended conversations are dropped first
PRECISION = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}


class OpenVinoEngine(BatchingEngine):
    name = "openvino"

    def __init__(self, folder: Path, *, template: str | None = None):
        try:
            import openvino_genai
        except ModuleNotFoundError:
            raise MissingExtra("openvino-genai", "cpu") from None
        self._genai: Any = openvino_genai
        file = _cached_gguf(folder)
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size = CACHE_GIGABYTES
        scheduler.enable_prefix_caching = True
        scheduler.max_num_batched_tokens = 1024
        try:
            self._pipeline: Any = openvino_genai.ContinuousBatchingPipeline(str(file), scheduler, "CPU", PRECISION)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot load {file} ({error}); try --engine transformers") from None
        tokenizer = load_tokenizer(folder, template)
        super().__init__(tokenizer, read_json(folder / "config.json")["max_position_embeddings"])

    def run(self) -> None:
        running: dict[Any, Job] = {}
        number = 0
        closing = False
        try:
            while running or not closing:
                while not closing:
                    try:
                        job = self.waiting.get(block=not running)
                    except queue.Empty:
                        break
                    if job is None:
                        closing = True
                        break
                    number += 1
                    running[self._start(number, job)] = job
                if running:
                    self._pipeline.step()
                    self._collect(running)
        except Exception as error:
            for job in running.values():
                job.ended.set_exception(EngineError(f"the openvino engine failed: {error}"))
            raise

    def _start(self, number: int, job: Job) -> Any:
        import numpy
        import openvino

        assert (job.top, job.echo, job.adapter) == (None, False, None), "OpenVINO computes replies only"
        config = self._genai.GenerationConfig()
        config.max_new_tokens = job.sampling.max_tokens
        config.eos_token_id = self.tokenizer.eos_token_id
        config.stop_token_ids = set(self.stops)
        config.rng_seed = job.sampling.seed
        if job.sampling.stop:
            config.stop_strings = set(job.sampling.stop)
        if job.sampling.temperature > 0:
            config.do_sample = True
            config.temperature = job.sampling.temperature
            config.top_p = job.sampling.top_p
            if job.sampling.top_k:
                config.top_k = job.sampling.top_k
        else:
            config.do_sample = False
        ids = openvino.Tensor(numpy.array([job.ids], dtype=numpy.int64))
        return self._pipeline.add_request(number, ids, config)

    def _collect(self, running: dict[Any, Job]) -> None:
        """Hand on what the last step computed; drop what has ended or is no longer wanted."""
        statuses, reasons = self._genai.GenerationStatus, self._genai.GenerationFinishReason
        for handle, job in list(running.items()):
            ending = reasons.NONE
            while handle.can_read():
                (output,) = handle.read().values()
                job.deliver([Token(index) for index in output.generated_ids])
                ending = output.finish_reason
            status = handle.get_status()
            if status == statuses.RUNNING:
                if job.cancelled:
                    handle.cancel()
                    del running[handle]
                    job.ended.set_result("stop")
                continue
            del running[handle]
            if status == statuses.FINISHED:
                job.ended.set_result("length" if ending == reasons.LENGTH else "stop")
            else:
                job.ended.set_exception(EngineError(f"the openvino engine dropped a request ({status})"))


def _cached_gguf(folder: Path) -> Path:
    """The checkpoint's export, made once for its content and never inside the checkpoint's own folder."""
    if not supports_gguf(folder):
        export_gguf(folder, folder)  # raises, with the reason
    digest = hashlib.sha256("".join(sha256(f) for f in sorted(folder.glob("*.safetensors"))).encode())
    digest.update((folder / "config.json").read_bytes())
    file = cache_folder() / "gguf" / f"{digest.hexdigest()[:24]}.gguf"
    if file.is_file():
        file.touch()
        return file
    export_gguf(folder, file)
    exports = sorted(file.parent.glob("*.gguf"), key=lambda f: f.stat().st_mtime, reverse=True)
    for old in exports[KEPT_EXPORTS:]:
        old.unlink(missing_ok=True)
    return file
