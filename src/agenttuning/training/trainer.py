"""Supervised fine-tuning on packs, LoRA or full, that can be killed at any step and goes on to the same curve.

The language-model head runs only where there is loss, and a step's loss is the mean over the trained tokens of all
its rows.

>>> train(TrainConfig(epochs=1), Path("corpus/mixed.jsonl"), "smollm2-135m-instruct", Path("model"), seed=0)
{'steps': 60, 'rows': 960, 'trained_tokens': 48211, 'loss': 0.21, …}
"""

import math
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agenttuning.chat_template import ChatTemplate
from agenttuning.errors import Diverged, MissingExtra
from agenttuning.files import read_json, write_json
from agenttuning.stages import SPEED_ONLY
from agenttuning.tracking import Log, trackers
from agenttuning.training import checkpoint
from agenttuning.training.compute import expandable_segments
from agenttuning.training.config import TrainConfig
from agenttuning.training.distributed import first_on_node, group, rank, sharing, together
from agenttuning.training.encode import Encoded
from agenttuning.training.memory import freed_memory_kept, huge_pages
from agenttuning.training.merge import merge
from agenttuning.training.metrics import Steps
from agenttuning.training.network import Network, Start, load_network, native_bfloat16, start_model
from agenttuning.training.optimizer import learning_rate, make_optimizer, set_rate
from agenttuning.training.prediction import check_memory
from agenttuning.training.rows import OTHER_TEMPLATE, batch, read_rows
from agenttuning.training.sharding import gathered
from agenttuning.training.step import Pass, split, take_step

Progress = Callable[[int, int, str], None]


def train(
    config: TrainConfig, corpus: Path, model: str, out: Path, *, seed: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Write ``out/merged`` (a checkpoint any engine loads), ``out/adapter`` (LoRA) and ``out/metrics.jsonl``.

    Called again after a kill it goes on from the last checkpoint in `out`. Where torchrun has started several
    processes, each calls it; rank 0 writes, and its return value is the one that counts. Raises BadInput for a corpus
    with no trained token and for a damaged checkpoint, Diverged for a loss that is not finite, MissingExtra without
    torch.
    """
    huge_pages()
    expandable_segments()
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtra("torch", "train") from None
    from agenttuning import models

    torch.manual_seed(seed)
    with group(config.shard) as mesh:
        if config.precision == "auto":
            config = replace(config, precision="bfloat16" if native_bfloat16() else "float32")
        with together():
            with first_on_node():
                folder = models.resolve(model)
            tokenizer = models.load_tokenizer(folder, config.chat_template)
            length = min(config.max_length, models.positions(folder))
            rows, dropped = read_rows(corpus, tokenizer, length)
        if rank() == 0 and (others := dropped.get(OTHER_TEMPLATE)):
            print(
                f"train: {others} rows were {OTHER_TEMPLATE} than this training's "
                f"({ChatTemplate(tokenizer).fingerprint}); look at the difference: agenttuning show --diff",
                file=sys.stderr,
            )
        if length < config.max_length:
            limit = f"the model's {length} positions"
            dropped = {reason.replace("max_length", limit): count for reason, count in dropped.items()}
        steps = max(1, math.ceil(len(rows) * config.epochs / config.batch_rows))
        if config.max_steps is not None:
            steps = min(steps, config.max_steps)
        # A checkpoint fits any number of ranks, and any way to compute the same.
        own = {key: value for key, value in asdict(config).items() if key not in SPEED_ONLY}
        settings = {**own, "seed": seed, "steps": steps}
        finished = read_json(out / "training.json") if (out / "training.json").is_file() else {}
        if finished.get("settings") == settings:  # killed after its last write
            return finished["counts"]
        out.mkdir(parents=True, exist_ok=True)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        with together():
            warning = check_memory(config, folder, device=device, ranks=sharing(config.shard), longest=rows.longest)
        if warning and rank() == 0:
            print(f"train: {warning}", file=sys.stderr)
        network = load_network(folder, config, mesh)
        start = start_model(network, folder, config, mesh)
        optimizer = make_optimizer(network, config)
        with together():
            done = checkpoint.restore(out, network, optimizer, settings)
        log = Steps(out / "metrics.jsonl" if rank() == 0 else None, done)
        names = config.tracking if rank() == 0 else ()
        name = out.parent.name if out.name.partition(".")[0] == "model" else out.name.partition(".")[0]
        with freed_memory_kept(), trackers(names, name, settings | {"model": model}, out) as track:
            _run(config, rows, network, start, optimizer, out, settings, log, done, track, progress)
        weights = _weights(network, config)
    counts: dict[str, Any] = {"steps": steps, "rows": len(rows), "dropped": dropped, "precision": config.precision}
    counts |= {**log.totals, "loss": log.loss, "seconds": round(log.seconds, 1)}
    if rank() == 0:
        _save_model(network.net, weights, tokenizer, out, model, config)
        write_json(out / "training.json", {"settings": settings, "counts": counts})
        shutil.rmtree(out / "checkpoint", ignore_errors=True)
    return counts


def _run(
    config: TrainConfig,
    rows: Sequence[Encoded],
    network: Network,
    start: Start | None,
    optimizer: Any,
    out: Path,
    settings: dict[str, Any],
    log: Steps,
    done: int,
    track: Log,
    progress: Progress | None,
) -> None:
    steps = settings["steps"]
    for step in range(done, steps):
        rate = learning_rate(config, step, steps)
        set_rate(optimizer, rate)
        kinds = split(network.net, batch(rows, config.batch_rows, step), config)
        try:
            result = take_step(Pass(config, network, start, settings["seed"], step), optimizer, kinds)
        except Diverged as error:
            kept = checkpoint.step_of(out)
            stays = f"; the checkpoint of step {kept} stays" if kept else ""
            raise Diverged(f"step {step + 1}: {error}{stays}") from None
        row = {
            "step": step + 1,
            "loss": result.loss,
            "losses": result.losses,
            "learning_rate": rate,
            "gradient_norm": result.gradient_norm,
        }
        if result.divergence is not None:
            row["divergence"] = result.divergence
        track(step + 1, log.add(row, [pack for kind in kinds for pack in kind]))
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == steps:
            with together():
                checkpoint.save(out, network, optimizer, step + 1, settings)
        if progress:
            progress(step + 1, steps, f"loss {result.loss:.3f}")


def _weights(network: Network, config: TrainConfig) -> dict[str, Any]:
    """What is saved, whole and on rank 0 alone."""
    if config.method == "lora":
        return gathered(network.trained())
    net = network.net
    shared = {name for name, _ in net.named_parameters(remove_duplicate=False)}
    buffers = {name: value for name, value in net.state_dict().items() if name not in shared}
    return gathered({**dict(net.named_parameters()), **buffers})


def _save_model(net: Any, weights: dict[str, Any], tokenizer: Any, out: Path, model: str, config: TrainConfig) -> None:
    merged = out / "merged.partial"
    shutil.rmtree(merged, ignore_errors=True)
    if config.method == "lora":
        settings = net.peft_config["default"]
        settings.base_model_name_or_path = model
        settings.target_modules = sorted(settings.target_modules)  # a set, whose order changes from run to run
        # Asked to find out by itself whether embeddings were trained, PEFT would look the model up on the hub.
        net.save_pretrained(out / "adapter", save_embedding_layers=False, state_dict=weights)
        tokenizer.save_pretrained(out / "adapter")
        merge(out / "adapter", merged)
    else:
        net.save_pretrained(merged, state_dict=weights)
        tokenizer.save_pretrained(merged)
    shutil.rmtree(out / "merged", ignore_errors=True)
    merged.rename(out / "merged")
