"""What the tests of packing and attention share: tiny models of several architectures, rows, losses to compare."""

import numpy as np
import pytest

from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.models import BUILT_IN, load_tokenizer, resolve
from agenttuning.training.attention import logits
from agenttuning.training.encode import Encoded, encode

PREFIX = "You answer questions about towns. Say what you think, then answer in one word, please, every time."
# Random weights this large make scores that a softcap of 1 and a window of 16 change.
FAMILIES = [
    ("llama", {}),
    ("qwen3", {}),
    (
        "gemma2",
        {
            "sliding_window": 16,
            "layer_types": ["sliding_attention", "full_attention"],
            "attn_logit_softcapping": 1.0,
            "initializer_range": 0.2,
        },
    ),
    ("mistral", {"sliding_window": 16}),
    ("phi3", {"pad_token_id": 0}),
]


def talks() -> list[Encoded]:
    """Five rows that begin alike and one that does not, with the built-in model's tokenizer."""
    tokenizer = load_tokenizer(resolve(BUILT_IN))
    talks = [
        Conversation((system(PREFIX), user(f"Town {i}?"), assistant(Segment(f"Answer {'no ' * i}{i}.", True))))
        for i in range(5)
    ]
    talks.append(Conversation((user("Hello there."), assistant(Segment("Hello.", True)))))
    return [
        row for i, talk in enumerate(talks) for row in encode(talk, tokenizer, source="agent" if i < 5 else "general")
    ]


def random_rows(seed: int, count: int, longest: int) -> list[Encoded]:
    """Rows of ids below 500 that begin in one of three ways, two of them long enough to be shared."""
    number = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        start, length = ((1, 20), (2, 40), (3, 3))[number.integers(3)]
        body = number.integers(200, 500, number.integers(2, longest, endpoint=True))
        ids = np.concatenate((np.full(length, start), body)).astype(np.int32)
        weights = (np.arange(len(ids)) > length).astype(np.float32)
        rows.append(Encoded(str(i), "agent", ids, weights, np.zeros(len(ids), np.int8), (len(ids),)))
    return rows


def tiny_model(family, **config):
    """A random model of two layers with an attention of its own kind."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    common = {
        "vocab_size": 49152, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512,
    }  # fmt: skip
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **common | config))


def loss_and_gradient(net, packs, **how):
    """The mean loss of all trained tokens and its gradient, one vector over the trained parameters of the first layer.
    `how` goes to `logits`."""
    import torch

    net.zero_grad()
    device = next(net.parameters()).device
    total = sum(sum(pack.weights) for pack in packs)
    loss = 0.0
    for pack in packs:
        targets = torch.tensor([pack.targets[i] for i in pack.trained], device=device)
        part = torch.nn.functional.cross_entropy(logits(net, pack, **how).float(), targets, reduction="sum") / total
        part.backward()
        loss += part.item()
    first = net.get_decoder().layers[0]
    return loss, torch.cat([p.grad.flatten() for p in first.parameters() if p.grad is not None])


def assert_same(one, other, loss=1e-5, gradient=1e-5):
    assert one[0] == pytest.approx(other[0], rel=loss)
    assert float((one[1] - other[1]).norm() / other[1].norm()) < gradient
