"""How busy the engine is while a recipe's environments are played, mixed as the recipe mixes them.

    python benchmarks/busy.py                               # the quickstart's environments, a tenth of their tasks
    python benchmarks/busy.py --model URL#MODEL --share 1
    python benchmarks/busy.py --slow 1.5                    # one more environment, whose steps take 1.5 s each

The model plays through `collect` as a user would; the share of the time in which at least one request was with the
engine, and how many on average, are those of its manifest. The target is 90 %.
"""

import argparse
import json
import os
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from agenttuning.recipe import load, runnable
from agenttuning.rollout.collect import CollectConfig, collect, collection_lines

SLOW = """
import os, time
from dataclasses import replace
from agenttuning.environments.knowledge_graph import KnowledgeGraph

class Slow(KnowledgeGraph):
    name = "slow"
    def tasks(self, split, *, limit=None, seed=0):
        return [replace(task, environment="slow") for task in super().tasks(split, limit=limit, seed=seed)]
    def reset(self, task):
        time.sleep(float(os.environ["SLOW_STEP"]))
        return super().reset(task)
    def step(self, call):
        time.sleep(float(os.environ["SLOW_STEP"]))
        return super().step(call)
"""


def install_slow(folder: Path, seconds: float) -> None:
    """An environment of that name for this process and its workers."""
    (folder / "slow_package.py").write_text(SLOW, encoding="utf-8")
    metadata = folder / "slow_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[agenttuning.environments]\nslow = slow_package:Slow\n")
    sys.path.insert(0, str(folder))
    os.environ["SLOW_STEP"] = str(seconds)
    assert any(one.metadata["Name"] == "slow-package" for one in distributions())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--share", type=float, default=0.1, help="of the recipe's tasks")
    parser.add_argument("--slow", type=float, help="seconds of a step of one more environment, an eighth of the tasks")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    recipe, missing = runnable(load(args.recipe))
    for name, why in missing.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    chosen = {name: max(2, round(count * args.share)) for name, count in recipe.collect.environments.items()}
    with tempfile.TemporaryDirectory() as place:
        if args.slow:
            (Path(place) / "site").mkdir()
            install_slow(Path(place) / "site", args.slow)
            chosen["slow"] = max(2, sum(chosen.values()) // 8)
        config = CollectConfig(
            chosen, agent=args.model, concurrency=args.concurrency, workers=args.workers, max_tokens=args.max_tokens
        )
        counts = collect(config, Path(place) / "out", dialect=recipe.dialect, seed=recipe.seed)
    print(json.dumps(counts) if args.json else "\n".join(collection_lines(counts)))


if __name__ == "__main__":
    main()
