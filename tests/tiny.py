"""A real but tiny Llama with the built-in model's tokenizer, and a corpus for it: trains in seconds."""

import json
from pathlib import Path
from typing import Any


def write_model(folder: Path) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from agenttuning.models import BUILT_IN, load_tokenizer, resolve

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=512, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    load_tokenizer(resolve(BUILT_IN)).save_pretrained(folder)
    return folder


def write_corpus(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as stream:
        for i in range(rows):
            messages = [
                {
                    "role": "system",
                    "content": "You add one to a number and say the result, nothing else at all.",
                },
                {"role": "user", "content": f"What follows {i}?"},
                {"role": "assistant", "content": f"{i + 1}"},
            ]
            stream.write(json.dumps({"id": f"row-{i}", "source": "agent/sums", "messages": messages}) + "\n")
    return path


def write_mixed_corpus(path: Path, rows: int) -> Path:
    """Every second row is general and of another kind."""
    write_corpus(path, rows)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for i, row in enumerate(lines[1::2]):
        row["source"] = "general"
        row["messages"] = [
            {"role": "user", "content": f"Tell me of {i}."},
            {"role": "assistant", "content": "It is a number like any other number."},
        ]
    path.write_text("".join(json.dumps(row) + "\n" for row in lines))
    return path


def config_of(kind: str, shape: Any, **more: Any) -> Any:
    """A transformers config of that model_type with the sizes of an agenttuning.training.shape.Shape."""
    from transformers import AutoConfig

    return AutoConfig.for_model(
        kind, hidden_size=shape.hidden, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads, head_dim=shape.head_dim, intermediate_size=shape.intermediate,
        vocab_size=shape.vocabulary, tie_word_embeddings=shape.tied, pad_token_id=0, **more,
    )  # fmt: skip
