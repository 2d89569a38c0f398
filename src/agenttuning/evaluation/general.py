"""The general probe: does the tuned model still know and say what the start model did?

Four measures on data that no training saw: perplexity on the start model's own answers to unseen prompts, the
divergence KL(start ‖ tuned) on the same tokens, accuracy on checkable questions by log-likelihood, and the share
of verifiable instructions that a generated reply follows.

>>> summary(likelihoods(folder))["questions"]["mean"]
0.52
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agenttuning.conversation import Conversation, from_row, user
from agenttuning.corpus.general import GENERAL
from agenttuning.engines import Engine, Sampling
from agenttuning.evaluation.scores import summarize
from agenttuning.files import read_jsonl
from agenttuning.training.attention import logits, make_packs_for, use_row_attention
from agenttuning.training.encode import Encoded, Encoder
from agenttuning.training.pack import Pack

Progress = Callable[[int, int, str], None]
QUESTIONS = GENERAL.with_name("questions.jsonl")
INSTRUCTIONS = GENERAL.with_name("instructions.jsonl")
PACK = 512  # tokens a forward pass
REPLY = 160  # tokens a reply to an instruction may have


def follow_instructions(engine: Engine, progress: Progress | None = None) -> dict[str, float]:
    """1 or 0 for each built-in instruction: does the model's greedy reply pass its check?"""
    rows = [row for _, row in read_jsonl(INSTRUCTIONS)]
    sampling = Sampling(max_tokens=REPLY)
    replies = [engine.submit(Conversation((user(row["prompt"]),)), sampling) for row in rows]
    out = {}
    for i, (row, reply) in enumerate(zip(rows, replies, strict=True), start=1):
        out[row["id"]] = float(follows(reply.result().text, row["check"]))
        if progress:
            progress(i, len(rows), "instructions")
    return out


def follows(text: str, check: Mapping[str, Any]) -> bool:
    """Whether a reply passes one check; white space around it does not count."""
    text = text.strip()
    lower, kind = text.lower(), check["kind"]
    words = len(text.split())
    match kind:
        case "contains":
            return check["text"].lower() in lower
        case "not_contains":
            return bool(text) and check["text"].lower() not in lower
        case "max_words":
            return 0 < words <= check["n"]
        case "min_words":
            return words >= check["n"]
        case "starts_with":
            return lower.startswith(check["text"].lower())
        case "ends_with":
            return lower.endswith(check["text"].lower())
        case "all_lowercase":
            return any(c.isalpha() for c in text) and text == lower
        case "all_uppercase":
            return any(c.isalpha() for c in text) and text == text.upper()
        case "lines":
            return sum(bool(line.strip()) for line in text.splitlines()) == check["n"]
        case "json_object":
            return _is_object(text)
    raise ValueError(f"unknown check {kind!r}")


def _is_object(text: str) -> bool:
    fenced = text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return isinstance(json.loads(fenced), dict)
    except (ValueError, RecursionError):
        return False


def likelihoods(folder: Path, base: Path | None = None, *, progress: Progress | None = None) -> dict[str, Any]:
    """Per-item values from the model's own probabilities: `nll` (nats a token) and `kl` by conversation,
    `questions` 0 or 1. `kl` is left out without a `base` to diverge from."""
    from agenttuning import models

    tokenizer = models.load_tokenizer(folder)
    net = models.load_model(folder).eval()
    use_row_attention(net)
    start = models.load_model(base).eval() if base is not None else None
    if start is not None:
        use_row_attention(start)
    encoder = Encoder(tokenizer)
    test = [from_row(row) for _, row in read_jsonl(GENERAL) if row["split"] == "test"]
    talks = [encoded for conversation in test for encoded in encoder.encode(conversation, "general")]
    questions = [row for _, row in read_jsonl(QUESTIONS)]
    choices = [_choice_row(row, i, tokenizer) for row in questions for i in range(len(row["choices"]))]
    packs = make_packs_for(net, talks, PACK), make_packs_for(net, choices, PACK, share_from=4)
    total = sum(map(len, packs))
    nll: dict[str, float] = {}
    kl: dict[str, float] = {}
    score: dict[str, float] = {}
    for done, pack in enumerate((*packs[0], *packs[1]), start=1):
        talking = done <= len(packs[0])
        for key, logs, divergence in _pack_likelihoods(net, start if talking else None, pack):
            if talking:
                nll[key] = -sum(logs) / len(logs)
                if start is not None:
                    kl[key] = sum(divergence) / len(divergence)
            else:
                score[key] = sum(logs)
        if progress:
            progress(done, total, "likelihoods")
    right = {row["id"]: float(_picked(row, score) == row["answer"]) for row in questions}
    order = [talk.id for talk in talks]
    out: dict[str, Any] = {"nll": {key: nll[key] for key in order}, "questions": right}
    return out | ({"kl": {key: kl[key] for key in order}} if start is not None else {})


def _choice_row(row: Mapping[str, Any], i: int, tokenizer: Any) -> Encoded:
    """``Question: …\\nAnswer:`` and the choice, of which the choice carries weight."""
    import numpy as np

    prompt = tokenizer(f"Question: {row['question']}\nAnswer:", add_special_tokens=False)["input_ids"]
    answer = tokenizer(f" {row['choices'][i]}", add_special_tokens=False)["input_ids"]
    ids = np.array([*prompt, *answer], np.int32)
    weights = np.array([0.0] * len(prompt) + [1.0] * len(answer), np.float32)
    return Encoded(f"{row['id']}/{i}", row["id"], ids, weights, np.zeros(len(ids), np.int8), (len(ids),))


def _picked(row: Mapping[str, Any], score: Mapping[str, float]) -> int:
    """The choice with the highest log-likelihood a character (lm-eval's `acc_norm`)."""
    values = [score[f"{row['id']}/{i}"] / len(choice) for i, choice in enumerate(row["choices"])]
    return values.index(max(values))


def _pack_likelihoods(net: Any, start: Any | None, pack: Pack) -> Iterator[tuple[str, list[float], list[float]]]:
    """(row id, log-probability, KL(start ‖ net)) of each row's weighted tokens; no KL without `start`."""
    import torch

    at = pack.trained
    with torch.inference_mode():
        own = torch.log_softmax(logits(net, pack).float(), dim=-1)
        targets = torch.tensor([pack.targets[i] for i in at], device=own.device)
        chosen = own.gather(1, targets[:, None])[:, 0].tolist()
        apart: list[float] = []
        if start is not None:
            theirs = torch.log_softmax(logits(start, pack).float(), dim=-1)
            apart = (theirs.exp() * (theirs - own)).sum(-1).tolist()
    for row, row_id in enumerate(pack.row_ids):
        mine = [k for k, i in enumerate(at) if pack.rows[i] == row]
        yield row_id, [chosen[k] for k in mine], [apart[k] for k in mine] if apart else []


def summary(items: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """What scores.json holds: n, mean and 95 % interval of each measure, and the items for pairing."""
    out: dict[str, Any] = {}
    if "nll" in items:
        nats = summarize(_values(items["nll"]), share=False)
        # The exponential of the mean log-likelihood: perplexity, with its interval carried over.
        out["perplexity"] = {"n": nats["n"]} | {k: math.exp(nats[k]) for k in ("mean", "low", "high")}
    if "kl" in items:
        out["divergence"] = summarize(_values(items["kl"]), share=False)
    for name in ("questions", "instructions"):
        if name in items:
            out[name] = summarize(_values(items[name]))
    return out | {"items": {name: dict(values) for name, values in items.items()}}


def _values(items: Mapping[str, float]) -> Sequence[float]:
    return list(items.values())
