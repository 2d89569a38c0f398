"""Supervised fine-tuning on packs, LoRA or full, that can be killed at any step and goes on to the same curve.

The order of rows is a function of the corpus and the step alone, the language-model head runs only where there
is loss, and a step's loss is the mean over the trained tokens of all its rows.

>>> train(TrainConfig(epochs=1), Path("corpus/mixed.jsonl"), "smollm2-135m-instruct", Path("model"), seed=0)
{'steps': 60, 'rows': 960, 'trained_tokens': 48211, 'loss': 0.21, …}
"""

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from agenttuning.conversation import GENERAL_SOURCE, from_row
from agenttuning.errors import BadInput, MissingExtra
from agenttuning.files import read_json, read_jsonl, write_json
from agenttuning.settings import check_above_zero, check_at_least
from agenttuning.training.attention import logits, make_packs_for, use_row_attention
from agenttuning.training.encode import Encoded, cut, encode
from agenttuning.training.memory import freed_memory_kept, huge_pages
from agenttuning.training.merge import merge
from agenttuning.training.pack import Pack

Progress = Callable[[int, int, str], None]
_Start = Callable[[Pack], Any]


@dataclass(frozen=True)
class TrainConfig:
    """How the corpus becomes a model. The optimiser's constants are AgentTuning's (arXiv 2310.12823 §2.3)."""

    method: Literal["lora", "full"] = "lora"
    """lora or full."""
    learning_rate: float = 2e-3
    """The peak; about 2e-3 for LoRA on a small model, 5e-5 for full training at 7B."""
    epochs: float = 1.0
    """Passes over the corpus."""
    max_steps: int | None = None
    """Stop after so many steps even if the epochs are not over."""
    batch_rows: int = 8
    """Rows of the corpus in one optimiser step."""
    max_length: int = 2048
    """Tokens of one row; a longer row ends after its last whole turn that fits."""
    pack_length: int = 1024
    """Tokens computed at once: bounds memory, changes nothing else."""
    lora_rank: int = 16
    """Rank of the LoRA matrices."""
    lora_alpha: int = 32
    """Scale of the LoRA update, divided by the rank."""
    warmup: float = 0.02
    """Share of the steps in which the learning rate rises; then it falls as a cosine to a tenth."""
    weight_decay: float = 0.1
    """AdamW's, on matrices of full training and on LoRA matrices."""
    clip: float = 1.0
    """Norm to which gradients are clipped."""
    checkpoint_every: int = 20
    """Steps between checkpoints."""
    general_loss: Literal["text", "start_model", "both"] = "both"
    """What general rows are held to: their `text` (cross-entropy); on every token of it the whole distribution of the
    `start_model` (KL divergence), which keeps far more of what the model knew for the same rows; or the mean of
    `both`, for the first alone makes the model surer of such text than it was, and the second less sure."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the forward pass; LoRA's weights and the optimiser stay float32. auto: bfloat16 where the
    processor or GPU has units for it (about twice as fast), else float32."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "max_steps", "batch_rows", "max_length", "pack_length", "checkpoint_every")
        check_at_least(self, 1, "lora_rank", "lora_alpha")
        check_at_least(self, 0, "weight_decay")
        check_above_zero(self, "learning_rate", "epochs", "clip")
        if not 0 <= self.warmup <= 1:
            raise BadInput(f"warmup is a share of the steps between 0 and 1, found {self.warmup}")


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
    rows, dropped = _read(corpus, tokenizer, config.max_length)
    steps = max(1, math.ceil(len(rows) * config.epochs / config.batch_rows))
    if config.max_steps is not None:
        steps = min(steps, config.max_steps)
    out.mkdir(parents=True, exist_ok=True)
    settings = {**asdict(config), "seed": seed, "steps": steps}
    finished = read_json(out / "training.json") if (out / "training.json").is_file() else {}
    if finished.get("settings") == settings:  # killed after its last write
        return finished["counts"]
    net = _prepare(models.load_model(folder), config)
    start = _start_model(net, folder, config)
    optimizer = _optimizer(net, config)
    done = _restore(out, net, optimizer, settings)
    with freed_memory_kept():
        counts = _run(config, rows, net, start, optimizer, out, done, settings, progress)
    _save_model(net, tokenizer, out, model, config)
    counts = {"steps": steps, "rows": len(rows), "dropped": dropped, "precision": config.precision, **counts}
    write_json(out / "training.json", {"settings": settings, "counts": counts})
    shutil.rmtree(out / "checkpoint", ignore_errors=True)
    return counts


def _read(corpus: Path, tokenizer: Any, length: int) -> tuple[list[Encoded], dict[str, int]]:
    rows, dropped = [], {"no trained token within max_length": 0, "cut to max_length": 0}
    for number, row in read_jsonl(corpus):
        conversation = from_row(row, where=f"{corpus}:{number}")
        encoded = encode(conversation, tokenizer, source=str(row.get("source", "")))
        short = cut(encoded, length)
        if short is None:
            dropped["no trained token within max_length"] += 1
            continue
        dropped["cut to max_length"] += len(short.ids) < len(encoded.ids)
        rows.append(short)
    if not rows:
        raise BadInput(f"{corpus}: no row has a trained token within {length} tokens; look at one: agenttuning show")
    return rows, dropped


def native_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware; emulated, it is slower than float32."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("amx"))


def _prepare(net: Any, config: TrainConfig) -> Any:
    import torch

    net.train()
    use_row_attention(net)
    if config.method == "full":
        return net.float()
    try:
        from peft import LoraConfig, get_peft_model
        from peft.tuners.tuners_utils import BaseTunerLayer
    except ModuleNotFoundError:
        raise MissingExtra("peft", "train") from None
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,  # shared prefixes are exact only without dropout
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(net, lora)
    if config.precision == "bfloat16":
        # Autocast would make this copy of the frozen weights at every use, and undo PEFT's casts of every input.
        layers: list[Any] = [module for module in adapted.modules() if isinstance(module, BaseTunerLayer)]
        for layer in layers:
            layer.cast_input_dtype_enabled = False
            base = layer.get_base_layer()
            base.weight.data = base.weight.data.to(torch.bfloat16)
    return adapted


def _start_model(net: Any, folder: Path, config: TrainConfig) -> _Start | None:
    """The start model's predictions for a pack: the net without its adapter, or a frozen copy beside it."""
    import torch

    if config.general_loss == "text":
        return None
    if config.method == "lora":

        def start(pack: Pack) -> Any:
            with torch.no_grad(), net.disable_adapter():
                return logits(net, pack)

        return start
    from agenttuning import models

    frozen = models.load_model(folder).eval().requires_grad_(False)
    if config.precision == "bfloat16":
        frozen = frozen.to(torch.bfloat16)
    use_row_attention(frozen)
    return partial(logits, frozen)


def _optimizer(net: Any, config: TrainConfig) -> Any:
    import torch

    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [g for g in groups if g["params"]], lr=config.learning_rate, betas=(0.9, 0.95), eps=1e-8, fused=True
    )


def _learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Step counts from 0."""
    warmup = max(1, round(config.warmup * steps))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    through = (step - warmup) / max(1, steps - warmup)
    return config.learning_rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * through)))


def _batches(rows: list[Encoded], size: int, first: int, steps: int) -> Iterator[list[Encoded]]:
    """Rows in the corpus's own order, round and round: the mixture already ordered them by seed."""
    for step in range(first, steps):
        yield [rows[i % len(rows)] for i in range(step * size, (step + 1) * size)]


def _run(
    config: TrainConfig,
    rows: list[Encoded],
    net: Any,
    start: _Start | None,
    optimizer: Any,
    out: Path,
    done: int,
    settings: dict[str, Any],
    progress: Progress | None,
) -> dict[str, Any]:
    import torch

    steps = settings["steps"]
    parameters = [p for p in net.parameters() if p.requires_grad]
    before = _last(out / "metrics.jsonl")
    totals = {key: before.get(key, 0) for key in ("tokens", "computed_tokens", "trained_tokens")}
    loss, started = before.get("loss", float("nan")), time.monotonic() - before.get("seconds", 0.0)
    for step, batch in enumerate(_batches(rows, config.batch_rows, done, steps), start=done):
        rate = _learning_rate(config, step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        packs = _pack(net, batch, config)
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
        _log(
            out / "metrics.jsonl",
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
            _checkpoint(out, net, optimizer, step + 1, settings)
        if progress:
            progress(step + 1, steps, f"loss {loss:.3f}")
    return {**totals, "loss": loss, "seconds": round(time.monotonic() - started, 1)}


def _pack(net: Any, batch: list[Encoded], config: TrainConfig) -> list[Pack]:
    """The batch in packs; general rows have their own, for they may have another loss."""
    parts = (
        [row for row in batch if row.source != GENERAL_SOURCE],
        [row for row in batch if row.source == GENERAL_SOURCE],
    )
    return [pack for part in parts for pack in make_packs_for(net, part, config.pack_length)]


def _backward(
    config: TrainConfig,
    net: Any,
    start: _Start | None,
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


def _checkpoint(out: Path, net: Any, optimizer: Any, step: int, settings: dict[str, Any]) -> None:
    import torch

    partial, final, old = out / "checkpoint.partial", out / "checkpoint", out / "checkpoint.old"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    trained = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    torch.save({"weights": trained, "optimizer": optimizer.state_dict()}, partial / "state.pt")
    write_json(partial / "state.json", {"step": step, "settings": settings})
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    partial.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def _restore(out: Path, net: Any, optimizer: Any, settings: dict[str, Any]) -> int:
    """Load the last checkpoint of a run with the same settings; returns the steps done (0: from the start)."""
    import torch

    metrics = out / "metrics.jsonl"
    folder = next((f for f in (out / "checkpoint", out / "checkpoint.old") if (f / "state.json").is_file()), None)
    state = json.loads((folder / "state.json").read_text()) if folder else None
    if folder is None or state is None or state["settings"] != settings:
        metrics.unlink(missing_ok=True)
        return 0
    saved = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    own = dict(net.named_parameters())
    with torch.no_grad():
        for name, value in saved["weights"].items():
            own[name].copy_(value)
    optimizer.load_state_dict(saved["optimizer"])
    lines = metrics.read_bytes().splitlines(keepends=True)[: state["step"]] if metrics.is_file() else []
    metrics.write_bytes(b"".join(lines))
    return state["step"]


def _log(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def _last(path: Path) -> dict[str, Any]:
    rows = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return json.loads(rows[-1]) if rows else {}


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
