"""Trainings for torchrun, on as many ranks as it starts: `torchrun ... ranks.py JOBS.json`.

A job is a `TrainConfig`'s settings and the other arguments of `train`; one with `stop` breaks off after that step, as
a run that was killed there, and is the last.
"""

import json
import sys
from pathlib import Path

from agenttuning.models import quiet_transformers
from agenttuning.training.config import TrainConfig
from agenttuning.training.trainer import train


class Stopped(Exception):
    pass


def perform(job: dict) -> None:
    """Train; raises Stopped after the step `stop`."""

    def progress(done: int, total: int, text: str) -> None:
        if done == job.get("stop"):
            raise Stopped

    config = TrainConfig(precision="float32", **job["config"])
    train(config, Path(job["corpus"]), job["model"], Path(job["out"]), seed=1, progress=progress)


if __name__ == "__main__":
    quiet_transformers()
    for job in json.loads(Path(sys.argv[1]).read_text()):
        try:
            perform(job)
        except Stopped:
            break
