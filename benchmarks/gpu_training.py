"""Training speed on one GPU as a share of what the card can do, ours against TRL's SFTTrainer, on the same rows.

    python benchmarks/gpu_training.py                       # Llama 2 7B's shape, random weights, LoRA and full
    python benchmarks/gpu_training.py --methods lora --rows 128 --checkpoint-every 0 --compile
    python benchmarks/gpu_training.py --smoke               # a tiny shape in float32, on a CPU too

Sides take turns, each in a process of its own: the card's matmul peak, ours, and TRL unpacked and packed, with Liger
kernels too where `liger_kernel` is installed. All sides train the same rows in steps of about as many rows, with the
same optimizer, precision and choice of recomputing; the first steps (compiling) are not timed.

A trajectory token is a token of a row, whether it was computed once for many rows or not; a computed token is one that
the layers ran over, padding included. Model FLOPs of a step, recomputing not counted:
    layers     6 (LoRA: 4) x weights of the layers' matrices x computed tokens, padding left out
    head       6 (LoRA: 4) x weights of the head x positions whose logits are computed
    attention  12 x layers x heads x head size x pairs of a token and one that it sees
The 4 is 6 less the gradients of frozen weights. Adapters' own FLOPs are left out.
"""

import argparse
import gc
import importlib.util
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

SHAPES = {
    "llama-2-7b": {
        "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 32, "vocab_size": 32000, "max_position_embeddings": 32768,
    },
    "tiny": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 4, "vocab_size": 512, "max_position_embeddings": 2048,
    },
}  # fmt: skip
SMOKE = {
    "shape": "tiny", "sharing": ["shared"], "rows": 12, "batch_rows": 4, "warmup": 1, "prompts": 2,
    "prompt": 40, "own": 30, "turn": 6, "pack_length": 256, "matmul": 128, "repeat": 1,
}  # fmt: skip
PEAK = "peak"


@dataclass(frozen=True)
class Case:
    method: str  # lora or full
    shared: bool  # whether rows begin with one of a few prompts; else each has its own

    def __str__(self) -> str:
        return f"{self.method}, {'shared prompts' if self.shared else 'nothing shared'}"


def make_rows(args: argparse.Namespace, case: Case) -> list[Any]:
    """Rows like trajectories: a prompt, then turns of `--turn` tokens, in turn the assistant's and an observation."""
    import numpy as np

    from agenttuning.training.encode import Encoded

    number = random.Random(args.seed)
    vocabulary = range(3, SHAPES[args.shape]["vocab_size"])
    prompts = [tuple(number.choices(vocabulary, k=args.prompt)) for _ in range(args.prompts)]
    rows = []
    for i in range(args.rows):
        prompt = prompts[i % len(prompts)] if case.shared else tuple(number.choices(vocabulary, k=args.prompt))
        own = round(args.own * number.uniform(0.5, 1.5))
        trained = [1.0 if (k // args.turn) % 2 == 0 else 0.0 for k in range(own)]
        ids = np.array([*prompt, *number.choices(vocabulary, k=own)], np.int32)
        weights = np.array([0.0] * len(prompt) + trained, np.float32)
        rows.append(Encoded(str(i), "agent", ids, weights, np.zeros(len(ids), np.int8), (len(ids),)))
    longest = max(len(row.ids) for row in rows)
    assert longest <= args.pack_length, f"--pack-length {args.pack_length} is less than the longest row, {longest}"
    return rows


def make_net(args: argparse.Namespace, case: Case) -> Any:
    """Random weights on the device; those that are trained whole are kept in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(args.seed)
    dtype = torch.bfloat16 if args.precision == "bfloat16" and case.method == "lora" else torch.float32
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(args.device):
            return LlamaForCausalLM(LlamaConfig(**SHAPES[args.shape], pad_token_id=0))
    finally:
        torch.set_default_dtype(before)


def flops(args: argparse.Namespace, case: Case, tokens: int, head: int, pairs: int) -> float:
    """The formula above, for so many computed tokens, positions with logits, and pairs."""
    shape = SHAPES[args.shape]
    wide, inner, layers = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
    keys = wide * shape["num_key_value_heads"] // shape["num_attention_heads"]
    matrices = layers * (2 * wide * wide + 2 * wide * keys + 3 * wide * inner)
    each = 4 if case.method == "lora" else 6
    return each * (matrices * tokens + wide * shape["vocab_size"] * head) + 12 * layers * wide * pairs


def wait(device: str) -> float:
    """The time when the device has done all that was asked of it."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()


def peak(args: argparse.Namespace) -> float:
    """FLOP/s of the best of several runs of large square matrix products."""
    import torch

    dtype = torch.bfloat16 if args.precision == "bfloat16" else torch.float32
    a, b = (torch.randn(args.matmul, args.matmul, device=args.device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(12):
        began = wait(args.device)
        for _ in range(10):
            a @ b
        best = min(best, (wait(args.device) - began) / 10)
    return 2 * args.matmul**3 / best


def ours(args: argparse.Namespace, case: Case) -> dict[str, float]:
    """The steps of agenttuning.training.trainer on a net that was not read from a file."""
    import torch

    from agenttuning.training import flex
    from agenttuning.training.config import TrainConfig
    from agenttuning.training.network import whole_network
    from agenttuning.training.optimizer import make_optimizer
    from agenttuning.training.step import Pass, split, take_step

    config = TrainConfig(
        method=case.method, precision=args.precision, pack_length=args.pack_length, batch_rows=args.batch_rows,
        recompute_layers=args.checkpoint_every, compile_layers=args.compile,
    )  # fmt: skip
    rows = make_rows(args, case)
    network = whole_network(make_net(args, case), config)
    net, optimizer = network.net, make_optimizer(network, config)
    done = {"seconds": 0.0, "trajectory_tokens": 0, "computed_tokens": 0, "flops": 0.0}
    for step, start in enumerate(range(0, len(rows), args.batch_rows)):
        began = wait(args.device)
        kinds = split(net, rows[start : start + args.batch_rows], config)
        take_step(Pass(config, network, None, 0, step), optimizer, kinds)
        packs = [pack for kind in kinds for pack in kind]
        if step >= args.warmup:
            done["seconds"] += wait(args.device) - began
            for pack in packs:
                tokens = len(pack.ids)
                by_kernel = flex.suits(net.config.get_text_config(), torch.device(args.device))
                done["trajectory_tokens"] += pack.tokens
                done["computed_tokens"] += flex.padded(tokens) if by_kernel else tokens
                pairs = sum(position + 1 for position in pack.positions)  # each token sees all before it in its row
                done["flops"] += flops(args, case, tokens, len(pack.trained), pairs)
    return done


def trl(args: argparse.Namespace, case: Case, *, packed: bool, liger: bool) -> dict[str, float]:
    """SFTTrainer on the rows' ids and labels, with the fastest attention that is installed."""
    from datasets import Dataset, disable_progress_bars
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    rows = make_rows(args, case)
    mean = sum(len(row.ids) for row in rows) / len(rows)
    together = max(1, min(args.batch_rows, int(args.pack_length / mean)))  # rows of about one pack
    accumulate = max(1, round(args.batch_rows / together))
    net = make_net(args, case)
    if packed:
        flash = args.device == "cuda" and importlib.util.find_spec("flash_attn")
        net.set_attn_implementation("flash_attention_2" if flash else "sdpa")
    batches: list[tuple[int, int, float]] = []  # trajectory tokens, computed tokens, FLOPs of each forward pass
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(wait(args.device))

    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(
            output_dir=out, num_train_epochs=1, per_device_train_batch_size=1 if packed else together,
            gradient_accumulation_steps=accumulate, learning_rate=1e-4, packing=packed, max_length=args.pack_length,
            bf16=args.precision == "bfloat16", gradient_checkpointing=args.checkpoint_every > 0,
            use_liger_kernel=liger, use_cpu=args.device == "cpu", report_to=[], save_strategy="no",
            logging_steps=10**9, disable_tqdm=True, dataset_num_proc=1, optim="adamw_torch_fused", adam_beta2=0.95,
            weight_decay=0.1, dataloader_drop_last=False, seed=args.seed,
        )  # fmt: skip
        lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        trainer = SFTTrainer(
            net, args=config, processing_class=_tokenizer(),
            train_dataset=Dataset.from_list([{"input_ids": row.ids.tolist(), "labels": _labels(row)} for row in rows]),
            peft_config=lora if case.method == "lora" else None, callbacks=[Clock()],
        )  # fmt: skip
        collate = trainer.data_collator

        def counted(examples: list[Any]) -> Any:
            batch = collate(examples)
            ids, mask = batch["input_ids"], batch.get("attention_mask")
            lengths = [n for e in examples for n in e.get("seq_lengths", [len(e["input_ids"])])]
            real = ids.numel() if mask is None else int(mask.sum())
            assert sum(lengths) == real, "rows and their tokens do not agree"
            pairs = sum(n * (n + 1) // 2 for n in lengths)
            batches.append((real, ids.numel(), flops(args, case, real, real, pairs)))
            return batch

        trainer.data_collator = counted
        trainer.train()
    assert len(times) > args.warmup, f"{len(times)} steps are too few for --warmup {args.warmup}; take more --rows"
    timed = batches[args.warmup * accumulate :]
    names = ("trajectory_tokens", "computed_tokens", "flops")
    sums = {name: sum(batch[i] for batch in timed) for i, name in enumerate(names)}
    return {"seconds": times[-1] - times[args.warmup - 1], **sums}


def _labels(row: Any) -> list[int]:
    return [token if weight > 0 else -100 for token, weight in zip(row.ids.tolist(), row.weights, strict=True)]


def _tokenizer() -> Any:
    """SFTTrainer asks for one, though the rows are tokens already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<pad>": 0, "<s>": 1, "</s>": 2}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", bos_token="<s>", eos_token="</s>")


def run_side(args: argparse.Namespace) -> dict[str, Any]:
    """One side in this process: its results by case; one that does not fit is a text that says so."""
    from agenttuning.training.compute import expandable_segments

    expandable_segments()
    import torch

    results: dict[str, Any] = {}
    if args.side == PEAK:
        return {PEAK: peak(args)}
    for case in cases(args):
        if args.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        try:
            if args.side == "ours":
                done: Any = ours(args, case)
            else:
                done = trl(args, case, packed="packed" in args.side, liger="liger" in args.side)
            on_card = torch.cuda.max_memory_allocated() if args.device == "cuda" else 0
            done["peak_bytes"] = on_card or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        except torch.cuda.OutOfMemoryError:
            done = "out of memory"
        results[str(case)] = done
        gc.collect()
        if args.device == "cuda":
            torch.cuda.empty_cache()
    return results


def cases(args: argparse.Namespace) -> list[Case]:
    return [Case(method, sharing == "shared") for method in args.methods for sharing in args.sharing]


def sides_and_reasons() -> tuple[list[str], list[str]]:
    """Which sides can run here, and why the others cannot."""
    missing = [name for name in ("trl", "datasets", "peft") if importlib.util.find_spec(name) is None]
    if missing:
        return [PEAK, "ours"], [
            f"TRL is left out: {', '.join(missing)} not installed (pip install 'agenttuning[bench]')"
        ]
    names = [PEAK, "ours", "trl", "trl-packed"]
    if importlib.util.find_spec("liger_kernel"):
        return [*names, "trl-liger", "trl-packed-liger"], []
    return names, ["TRL with Liger is left out: liger_kernel is not installed (pip install liger-kernel)"]


def measure(args: argparse.Namespace, sides: list[str]) -> list[dict[str, Any]]:
    """`--repeat` rounds of all sides, each `{side: results}`."""
    rounds = []
    for _ in range(args.repeat):
        rounds.append({})
        for side in sides:
            command = [sys.executable, __file__, *sys.argv[1:], "--side", side]
            quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=quiet)
            if done.returncode:
                sys.exit(f"{side} ended with status {done.returncode}; its message is above")
            rounds[-1][side] = json.loads(done.stdout.splitlines()[-1])
            print(side, rounds[-1][side], file=sys.stderr)
    return rounds


def summary(args: argparse.Namespace, rounds: list[dict[str, Any]], sides: list[str]) -> list[dict[str, Any]]:
    """One line a case and side, medians over the rounds."""
    lines = []
    best = max(one[PEAK][PEAK] for one in rounds)
    for case in map(str, cases(args)):
        for side in sides[1:]:
            runs = [one[side][case] for one in rounds]
            failed = next((run for run in runs if isinstance(run, str)), None)
            if failed:
                lines.append({"case": case, "side": side, "failed": failed})
                continue
            line = {"case": case, "side": side}
            for name in ("trajectory_tokens", "computed_tokens", "flops"):
                line[f"{name}_per_s"] = statistics.median(run[name] / run["seconds"] for run in runs)
            line["share_of_peak"] = line["flops_per_s"] / best
            line["peak_gb"] = max(run["peak_bytes"] for run in runs) / 1e9
            lines.append(line)
    return lines


def report(args: argparse.Namespace, lines: list[dict[str, Any]], best: float) -> None:
    import torch

    card = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    names = ["torch", "transformers", "peft", "trl", "liger_kernel", "flash_attn", "triton"]
    versions = {name: version(name) for name in names if importlib.util.find_spec(name)}
    print(f"{card}, {args.precision}, matmul peak {best / 1e12:.2f} TFLOP/s; {versions}")
    print(f"{'case':22} {'side':17} {'trajectory tok/s':>16} {'computed tok/s':>14} {'of peak':>8} {'peak GB':>8}")
    for line in lines:
        start = f"{line['case']:22} {line['side']:17} "
        if "failed" in line:
            print(start + line["failed"])
            continue
        print(
            f"{start}{line['trajectory_tokens_per_s']:16.0f} {line['computed_tokens_per_s']:14.0f} "
            f"{line['share_of_peak']:8.1%} {line['peak_gb']:8.2f}"
        )
    settings = {key: value for key, value in vars(args).items() if key != "side"}
    print(json.dumps({"card": card, "versions": versions, "matmul_peak": best, "settings": settings, "results": lines}))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="tiny shape and sizes, float32, on whatever is here")
    parser.add_argument("--shape", choices=list(SHAPES), default="llama-2-7b")
    parser.add_argument("--methods", nargs="+", choices=["lora", "full"], default=["lora", "full"])
    parser.add_argument("--sharing", nargs="+", choices=["shared", "none"], default=["shared", "none"])
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--batch-rows", type=int, default=16, help="rows in one optimizer step")
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--prompts", type=int, default=4, help="how many prompts rows share where they do")
    parser.add_argument("--prompt", type=int, default=800, help="tokens of a prompt")
    parser.add_argument("--own", type=int, default=1000, help="tokens of a row after its prompt, on average")
    parser.add_argument("--turn", type=int, default=80, help="tokens of a turn")
    parser.add_argument("--pack-length", type=int, default=8192)
    parser.add_argument("--checkpoint-every", type=int, default=1, help="recompute each n-th layer; TRL knows 0 and 1")
    parser.add_argument("--compile", action="store_true", help="compile the parts of our layers")
    parser.add_argument("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--matmul", type=int, default=8192, help="side of the matrices that give the peak")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    if "--smoke" in sys.argv:
        parser.set_defaults(**SMOKE, precision="float32")
    args = parser.parse_args()
    if args.warmup < 1 or args.rows <= args.warmup * args.batch_rows:
        parser.error("--warmup must be at least 1, and --rows more than --warmup times --batch-rows")
    import torch

    args.device = "cuda" if torch.cuda.is_available() else "cpu"
    if args.device == "cpu" and not args.smoke:
        parser.error("no GPU here: try --smoke")
    return args


def main() -> None:
    args = options()
    if args.side:
        print(json.dumps(run_side(args)))
        return
    sides, reasons = sides_and_reasons()
    rounds = measure(args, sides)
    report(args, summary(args, rounds, sides), max(one[PEAK][PEAK] for one in rounds))
    print("\n".join(reasons), file=sys.stderr)


if __name__ == "__main__":
    main()
