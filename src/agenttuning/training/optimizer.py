"""AdamW with AgentTuning's constants, and the learning rate of a step.

>>> optimizer = make_optimizer(network, config)
>>> set_rate(optimizer, learning_rate(config, 0, 60))
"""

import math
from typing import Any

from agenttuning.training.config import TrainConfig
from agenttuning.training.network import Network


def make_optimizer(network: Network, config: TrainConfig) -> Any:
    import torch

    trained = list(network.trained().values())
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [g for g in groups if g["params"]], lr=config.learning_rate, betas=(0.9, 0.95), eps=1e-8, fused=True
    )


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Step counts from 0."""
    warmup = max(1, round(config.warmup * steps))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    through = (step - warmup) / max(1, steps - warmup)
    return config.learning_rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * through)))


def set_rate(optimizer: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
