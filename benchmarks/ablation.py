"""What each part of Agent-FLAN's redesign is worth, on the quickstart's model: one row a variant, means over seeds.

    python benchmarks/ablation.py --out runs/ablation --seeds 0 1 2

Each variant adds one part to the one before: AgentTuning's recipe in ReAct, alignment to chat, balanced capabilities,
format-following and negative rows, and the expert's mistakes in context without loss; the last is the same with its
mistakes trained. A run is a whole recipe in a folder of its own and goes on where it was stopped; what variants share
(episodes, the start model's scores) is computed once. Two tables are printed for all runs that are there: each
variant's means over seeds, and what each part changed, paired by seed and item. An interval is the wider of two: over
the items of all seeds (one that several seeds share counts once), and Student's over the seeds.
"""

import argparse
import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean

RECIPE = {
    "model": "smollm2-135m-instruct",
    "collect": {"environments": {"database": 240, "knowledge_graph": 100}},
    "mix": {"eta": 0.8},
    "train": {"method": "lora", "learning_rate": 3e-3, "batch_rows": 8, "max_length": 1024, "pack_length": 2048},
    "evaluate": {
        "held_in": {"database": 40, "knowledge_graph": 40}, "held_out": {"hotpotqa": 20}, "concurrency": 64,
        "max_tokens": 96, "hallucination": 60,
    },
}  # fmt: skip
CHAT = {"dialect": "chat", "redesign.plain": 0.1}
BALANCE = {**CHAT, "redesign.keep": "{reasoning: 1.0, retrieval: 0.25, understanding: 0.75}"}
NEGATIVES = {**BALANCE, "redesign.format_following": 0.08, "redesign.negatives": 0.15}
VARIANTS = {
    "agenttuning": {"dialect": "react"},
    "chat": CHAT,
    "balance": BALANCE,
    "negatives": NEGATIVES,
    "errors-masked": {**NEGATIVES, "collect.mistakes": 0.2},
    "errors-trained": {**NEGATIVES, "collect.mistakes": 0.2, "redesign.wrong_turns": "train"},
}
MEASURES = ("held-in", "held-out", "questions", "instructions", "restraint", "use")


def run(out: Path, variant: str, seed: int) -> None:
    import yaml

    from agenttuning import pipeline
    from agenttuning.recipe import load

    out.mkdir(parents=True, exist_ok=True)
    file = out / "ablation.yaml"
    file.write_text(yaml.safe_dump(RECIPE, sort_keys=False), encoding="utf-8")
    overrides = [f"{key}={value}" for key, value in VARIANTS[variant].items()]
    recipe = replace(load(file, overrides), name=f"{variant}-{seed}", seed=seed)
    folder = out / recipe.name
    shared = {"trajectories": "collect.mistakes", "filtered": "collect.mistakes", "evaluation/base": "dialect"}
    for other in VARIANTS:
        for part, key in shared.items():
            made = out / f"{other}-{seed}" / part
            alike = VARIANTS[other].get(key) == VARIANTS[variant].get(key)
            if alike and (made / "manifest.json").is_file() and not (folder / part).exists():
                shutil.copytree(made, folder / part)
    pipeline.run(recipe, out)


def found(out: Path) -> dict[str, dict[str, dict]]:
    """Scores by variant and seed, of the runs that are finished; the start model is a variant a dialect."""
    sides = {"start (react)": ("agenttuning", "base"), "start (chat)": ("chat", "base")}
    scores: dict[str, dict[str, dict]] = {}
    for name in (*sides, *VARIANTS):
        variant, side = sides.get(name, (name, "tuned"))
        for folder in sorted(out.glob(f"{variant}-[0-9]*")):
            if (folder / "report.html").is_file():
                one = json.loads((folder / "evaluation" / side / "scores.json").read_text())
                counts = json.loads((folder / "model" / "training.json").read_text())["counts"]
                one["trained_tokens"] = counts["trained_tokens"] if side == "tuned" else 0
                scores.setdefault(name, {})[folder.name.rpartition("-")[2]] = one
    return scores


def tables(out: Path) -> str:
    from agenttuning.evaluation.comparison import contrasts
    from agenttuning.evaluation.measures import level
    from agenttuning.tables import aligned

    scores = found(out)
    levels = [["variant", "seeds", *MEASURES, "perplexity", "trained tokens"]]
    changes = [["added", "seeds", *MEASURES]]
    for name, seeds in scores.items():
        cells = [_text(level(list(seeds.values()), measure), "mean") for measure in MEASURES]
        perplexity = fmean(one["general"]["perplexity"]["mean"] for one in seeds.values())
        tokens = fmean(one["trained_tokens"] for one in seeds.values())
        levels.append([name, str(len(seeds)), *cells, f"{perplexity:.2f}", f"{tokens:.0f}" if tokens else ""])
    chain = [name for name in VARIANTS if name in scores]
    pairs = [*pairwise(chain), (chain[0], chain[-1])] if len(chain) > 2 else [*pairwise(chain)]
    for one, other in pairs:
        both = sorted(scores[one].keys() & scores[other].keys())
        if both:
            sides = [[scores[name][seed] for seed in both] for name in (one, other)]
            rows, _ = contrasts(*sides, labels=(one, other), only=MEASURES)
            cells = [_text(rows[measure], "difference") for measure in MEASURES]
            changes.append([f"{other} - {one}", str(len(both)), *cells])
    return aligned(levels) + "\n\n" + aligned(changes)


def _text(row: dict, middle: str) -> str:
    """In percent or points, with the interval."""
    return f"{100 * row[middle]:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--table", action="store_true", help="print the tables of what is there and run nothing")
    args = parser.parse_args()
    if not args.table:
        for seed in args.seeds:
            for variant in args.variants:
                run(args.out, variant, seed)
                print(tables(args.out), flush=True)
    print(tables(args.out))


if __name__ == "__main__":
    main()
