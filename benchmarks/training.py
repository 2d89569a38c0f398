"""Training speed and peak memory, ours against TRL's SFTTrainer, on the same rows in the same run.

    python benchmarks/training.py --rows 64

Each side trains LoRA r = 16 on all linear layers for one pass in a process of its own, in turn, ``--repeat`` times.
A trajectory token is a token of a row as the model sees it, whether it was computed once for many rows or not.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# SmolLM2's template with the markers that TRL needs to know the assistant's tokens; it prints the same text.
TEMPLATE = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n{% endif %}"
    "<|im_start|>{{ m['role'] + '\n' }}{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}<|im_end|>"
    "{% endgeneration %}{% else %}{{ m['content'] }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}"
)


def corpus(folder: Path, rows: int, eta: float) -> Path:
    from agenttuning.corpus.mixture import MixConfig, mix
    from agenttuning.rollout.collect import CollectConfig, collect

    agent = round(rows * eta)
    collect(CollectConfig({"database": agent}), folder / "trajectories", dialect="command", seed=0)
    out = folder / "corpus.jsonl"
    mix(MixConfig(eta=eta), folder / "trajectories" / "database.jsonl", out, dialect="command", seed=0)
    return out


def ours(path: Path, precision: str) -> dict:
    from agenttuning.training.config import TrainConfig
    from agenttuning.training.trainer import train

    with tempfile.TemporaryDirectory() as out:
        config = TrainConfig(precision=precision, batch_rows=8, checkpoint_every=10**9)
        counts = train(config, path, "smollm2-135m-instruct", Path(out), seed=0)
    return {"tokens": counts["tokens"], "seconds": counts["seconds"]}


def trl(path: Path, precision: str, packing: bool) -> dict:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from agenttuning import models

    folder = models.resolve("smollm2-135m-instruct")
    tokenizer = models.load_tokenizer(folder)
    tokenizer.chat_template = TEMPLATE
    rows = [json.loads(line)["messages"] for line in path.read_text().splitlines()]
    rows = [[{"role": m["role"], "content": m["content"]} for m in messages] for messages in rows]
    tokens = sum(len(tokenizer.apply_chat_template(m, return_dict=True)["input_ids"]) for m in rows)
    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(
            output_dir=out, num_train_epochs=1, per_device_train_batch_size=1 if packing else 8,
            learning_rate=1e-3, packing=packing, max_length=1024, assistant_only_loss=True,
            bf16=precision == "bfloat16", use_cpu=True, report_to=[], save_strategy="no", logging_steps=10**9,
            disable_tqdm=True, dataset_num_proc=1,
        )  # fmt: skip
        trainer = SFTTrainer(
            str(folder), args=config, train_dataset=Dataset.from_list([{"messages": m} for m in rows]),
            processing_class=tokenizer,
            peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        )  # fmt: skip
        began = time.monotonic()
        trainer.train()
        return {"tokens": tokens, "seconds": time.monotonic() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--eta", type=float, default=1.0, help="share of agent rows")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        run = {
            "ours": lambda: ours(args.corpus, args.precision),
            "trl": lambda: trl(args.corpus, args.precision, False),
            "trl-packed": lambda: trl(args.corpus, args.precision, True),
        }[args.side]()
        run["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps(run))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = corpus(Path(folder), args.rows, args.eta)
        sides: dict[str, list[dict]] = {"ours": [], "trl": [], "trl-packed": []}
        for _ in range(args.repeat):
            for side, results in sides.items():
                command = [sys.executable, __file__, "--side", side, "--corpus", path, "--precision", args.precision]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                results.append(json.loads(output.splitlines()[-1]))
                print(side, results[-1], file=sys.stderr)
    rates = {side: [r["tokens"] / r["seconds"] for r in results] for side, results in sides.items()}
    print(f"{'side':12} {'tokens/s (median)':>18} {'min':>7} {'max':>7} {'peak MB':>8} {'ours / it':>10}")
    for side, values in rates.items():
        ratio = statistics.median(a / b for a, b in zip(rates["ours"], values, strict=True))
        peak = max(r["peak_mb"] for r in sides[side])
        print(
            f"{side:12} {statistics.median(values):18.0f} {min(values):7.0f} {max(values):7.0f} {peak:8} {ratio:10.2f}"
        )


if __name__ == "__main__":
    main()
