"""MMLU (Hendrycks et al., arXiv 2009.03300): 57 subjects, five examples, which letter is the likeliest.

Prompts are lm-eval's, plain text without a chat template as it is used there, and the likelihoods are computed by its
own model for Hugging Face checkpoints: the score is lm-eval's. An endpoint gives no likelihoods.

>>> MMLU.prepare(Path("data"), 5).measure(Path("model/merged"), Path("scores/general"))["anatomy/0"]
1.0
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agenttuning.evaluation.benchmarks import files, harness
from agenttuning.evaluation.benchmarks.asking import Progress, Rows

AT_ONCE = 8  # questions between two writes


@dataclass(frozen=True)
class MMLU:
    """`tasks` are lm-eval's by subject; `limit` questions of each."""

    tasks: Mapping[str, Any]
    limit: int

    @classmethod
    def prepare(cls, data: Path | None, limit: int) -> Self:
        """From the files in `data`, None: from the hub."""
        if data is None:
            names = harness.members("mmlu/default")
            read: Mapping[str, Any] = dict.fromkeys(n.removeprefix("mmlu_") for n in names if n.startswith("mmlu_"))
        else:
            read = files.read_mmlu(data)
        tasks = {name: harness.load(f"mmlu_{name}", rows, num_fewshot=files.SHOTS) for name, rows in read.items()}
        return cls(tasks, limit)

    def measure(self, model: Path, folder: Path, progress: Progress | None = None) -> dict[str, float]:
        """1 or 0 by item, ``SUBJECT/NUMBER``; the four log-likelihoods of each are in mmlu.jsonl."""
        rows = Rows(folder / "mmlu.jsonl")
        asked: dict[str, dict[int, list[Any]]] = {}
        for subject, task in self.tasks.items():
            asked[subject] = {}
            for request in harness.requests(task, self.limit, chat=False):
                asked[subject].setdefault(request.doc_id, []).append(request)
        order = [(f"{subject}/{item}", own) for subject, items in asked.items() for item, own in items.items()]
        missing = [(id, own) for id, own in order if not rows.has(id, _fingerprint(own))]
        if missing:
            scorer = _scorer(model)
        for at in range(0, len(missing), AT_ONCE):
            part = missing[at : at + AT_ONCE]
            found = iter(scorer.loglikelihood([request for _, own in part for request in own], disable_tqdm=True))
            for id, own in part:
                likelihoods = [next(found) for _ in own]
                row = {"id": id, "asked": _fingerprint(own), "logprobs": [float(value) for value, _ in likelihoods]}
                rows.add(row | {"greedy": [bool(greedy) for _, greedy in likelihoods]})
            if progress:
                progress(len(order) - len(missing) + at + len(part), len(order), "mmlu")
        settled = {row["id"]: row for row in rows.settle([id for id, _ in order])}
        values = {}
        for subject, task in self.tasks.items():
            for item, own in asked[subject].items():
                row = settled[f"{subject}/{item}"]
                for request, *likelihood in zip(own, row["logprobs"], row["greedy"], strict=True):
                    request.resps = [tuple(likelihood)]
            found = harness.results(task, [request for own in asked[subject].values() for request in own])
            values |= {f"{subject}/{item}": float(found[item]["none"]["acc"]) for item in found}
        return values


def _fingerprint(own: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps([request.arguments for request in own]).encode()).hexdigest()[:16]


def _scorer(folder: Path) -> Any:
    from lm_eval.models.huggingface import HFLM

    from agenttuning import models

    net = models.load_model(folder).eval()
    # One at a time on a CPU: a batch of whole distributions over the vocabulary is large, and gains nothing there.
    return HFLM(
        pretrained=net, tokenizer=models.load_tokenizer(folder), batch_size=8 if net.device.type == "cuda" else 1
    )
