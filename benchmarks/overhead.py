"""What the framework adds to a step: worker processes, the episode loop and the journal on disk.

    python benchmarks/overhead.py --tasks 300

The expert plays the same database tasks twice: in this process with nothing around it, and through `collect` with
one worker, where every episode is written and synced. The difference over the steps is the overhead.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from agenttuning.environments import make
from agenttuning.rollout.collect import CollectConfig, collect


def bare(tasks: int) -> tuple[float, int]:
    environment = make("database")
    began, steps = time.perf_counter(), 0
    for task in environment.tasks("train", limit=tasks):
        environment.reset(task)
        for decision in environment.expert(task):
            environment.step(decision.call)
            steps += 1
    return time.perf_counter() - began, steps


def through_collect(tasks: int) -> float:
    def timed(count: int) -> float:
        with tempfile.TemporaryDirectory() as out:
            began = time.perf_counter()
            collect(CollectConfig({"database": count}, workers=1), Path(out), dialect="command", seed=0)
            return time.perf_counter() - began

    return timed(tasks) - timed(1)  # without the start of the worker process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    bare(20)
    added = []
    for _ in range(args.repeat):
        alone, steps = bare(args.tasks)
        added.append((through_collect(args.tasks) - alone) / steps * 1000)
    print(f"framework: {statistics.median(added):.2f} ms a step  [{min(added):.2f}, {max(added):.2f}]")


if __name__ == "__main__":
    main()
