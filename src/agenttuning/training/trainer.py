"""Supervised fine-tuning on packs, LoRA or full, that can be killed at any step and goes on to the same curve.

The language-model head runs only where there is loss, and a step's loss is the mean over the trained tokens of all
its rows.

>>> train(TrainConfig(epochs=1), Path("corpus/mixed.jsonl"), "smollm2-135m-instruct", Path("model"), seed=0)
{'steps': 60, 'rows': 960, 'trained_tokens': 48211, 'loss': 0.21, …}
"""

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agenttuning.conversation import GENERAL_SOURCE
from agenttuning.errors import MissingExtra
from agenttuning.files import read_json, write_json
from agenttuning.training import checkpoint, metrics
from agenttuning.training.attention import logits, make_packs_for
from agenttuning.training.config import TrainConfig
from agenttuning.training.encode import Encoded
from agenttuning.training.memory import freed_memory_kept, huge_pages
from agenttuning.training.merge import merge
from agenttuning.training.network import Start, native_bfloat16, prepare, start_model
from agenttuning.training.optimizer import learning_rate, make_optimizer, set_rate
from agenttuning.training.pack import Pack
from agenttuning.training.rows import batch, read_rows

Progress = Callable[[int, int, str], None]


def train(
    config: TrainConfig, corpus: Path, model: str, out: Path, *, seed: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Write ``out/merged`` (a checkpoint any engine loads), ``out/adapter`` (LoRA) and ``out/metrics.jsonl``.

    Called again after a kill it goes on from the last checkpoint in `out`. Raises BadInput for a corpus with no
    trained token, MissingExtra without torch.
    """
    huge_pages()
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtra("torch", "train") from None
    from agenttuning import models

    if config.precision == "auto":
        config = replace(config, precision="bfloat16" if native_bfloat16() else "float32")
    torch.manual_seed(seed)
    folder = models.resolve(model)
    tokenizer = models.load_tokenizer(folder)
    rows, dropped = read_rows(corpus, tokenizer, config.max_length)
    steps = max(1, math.ceil(len(rows) * config.epochs / config.batch_rows))
    if config.max_steps is not None:
        steps = min(steps, config.max_steps)
    out.mkdir(parents=True, exist_ok=True)
    settings = {**asdict(config), "seed": seed, "steps": steps}
    finished = read_json(out / "training.json") if (out / "training.json").is_file() else {}
    if finished.get("settings") == settings:  # killed after its last write
        return finished["counts"]
    net = prepare(models.load_model(folder), config)
    start = start_model(net, folder, config)
    optimizer = make_optimizer(net, config)
    done = checkpoint.restore(out, net, optimizer, settings)
    metrics.keep(out / "metrics.jsonl", done)
    with freed_memory_kept():
        counts = _run(config, rows, net, start, optimizer, out, done, settings, progress)
    _save_model(net, tokenizer, out, model, config)
    counts = {"steps": steps, "rows": len(rows), "dropped": dropped, "precision": config.precision, **counts}
    write_json(out / "training.json", {"settings": settings, "counts": counts})
    shutil.rmtree(out / "checkpoint", ignore_errors=True)
    return counts


def _run(
    config: TrainConfig,
    rows: Sequence[Encoded],
    net: Any,
    start: Start | None,
    optimizer: Any,
    out: Path,
    done: int,
    settings: dict[str, Any],
    progress: Progress | None,
) -> dict[str, Any]:
    import torch

    steps = settings["steps"]
    parameters = [p for p in net.parameters() if p.requires_grad]
    log = out / "metrics.jsonl"
    before = metrics.last(log)
    totals = {key: before.get(key, 0) for key in ("tokens", "computed_tokens", "trained_tokens")}
    loss, started = before.get("loss", float("nan")), time.monotonic() - before.get("seconds", 0.0)
    for step in range(done, steps):
        rate = learning_rate(config, step, steps)
        set_rate(optimizer, rate)
        packs = _pack(net, batch(rows, config.batch_rows, step), config)
        weight = sum(sum(pack.weights) for pack in packs)
        sums: dict[str, list[float]] = {}
        for pack in packs:
            _backward(config, net, start, pack, weight, sums)
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, config.clip))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss = sum(s for s, _ in sums.values()) / sum(w for _, w in sums.values())
        totals["tokens"] += sum(pack.tokens for pack in packs)
        totals["computed_tokens"] += sum(len(pack.ids) for pack in packs)
        totals["trained_tokens"] += sum(len(pack.trained) for pack in packs)
        metrics.append(
            log,
            {
                "step": step + 1,
                "loss": loss,
                "losses": {source: s / w for source, (s, w) in sorted(sums.items()) if w},
                "learning_rate": rate,
                "gradient_norm": norm,
                **totals,
                "seconds": round(time.monotonic() - started, 3),
            },
        )
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == steps:
            checkpoint.save(out, net, optimizer, step + 1, settings)
        if progress:
            progress(step + 1, steps, f"loss {loss:.3f}")
    return {**totals, "loss": loss, "seconds": round(time.monotonic() - started, 1)}


def _pack(net: Any, taken: list[Encoded], config: TrainConfig) -> list[Pack]:
    """The batch in packs; general rows have their own, for they may have another loss."""
    parts = (
        [row for row in taken if row.source != GENERAL_SOURCE],
        [row for row in taken if row.source == GENERAL_SOURCE],
    )
    return [pack for part in parts for pack in make_packs_for(net, part, config.pack_length)]


def _backward(
    config: TrainConfig,
    net: Any,
    start: Start | None,
    pack: Pack,
    batch_weight: float,
    sums: dict[str, list[float]],
) -> None:
    """Add the pack's share of the step's gradient; `sums` collects (weighted loss, weight) by source."""
    import torch

    device = next(net.parameters()).device
    at = pack.trained
    weights = torch.tensor([pack.weights[i] for i in at], device=device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
        theirs = start(pack) if start and pack.sources[0] == GENERAL_SOURCE else None
        ours = logits(net, pack)
    log = torch.log_softmax(ours.float(), dim=-1)
    targets = torch.tensor([pack.targets[i] for i in at], device=device)
    losses = -log.gather(1, targets[:, None])[:, 0]
    if theirs is not None:
        start_log = torch.log_softmax(theirs.float(), dim=-1)
        divergence = torch.nn.functional.kl_div(log, start_log, reduction="none", log_target=True).sum(-1)
        losses = divergence if config.general_loss == "start_model" else (losses + divergence) / 2
    losses = losses * weights
    (losses.sum() / batch_weight).backward()
    for i, value, weight in zip(at, losses.tolist(), weights.tolist(), strict=True):
        entry = sums.setdefault(pack.sources[pack.rows[i]], [0.0, 0.0])
        entry[0] += value
        entry[1] += weight


def _save_model(net: Any, tokenizer: Any, out: Path, model: str, config: TrainConfig) -> None:
    merged = out / "merged.partial"
    shutil.rmtree(merged, ignore_errors=True)
    if config.method == "lora":
        net.peft_config["default"].base_model_name_or_path = model
        # Asked to find out by itself whether embeddings were trained, PEFT would look the model up on the hub.
        net.save_pretrained(out / "adapter", save_embedding_layers=False)
        merge(out / "adapter", merged)
    else:
        net.save_pretrained(merged)
        tokenizer.save_pretrained(merged)
    shutil.rmtree(out / "merged", ignore_errors=True)
    merged.rename(out / "merged")
