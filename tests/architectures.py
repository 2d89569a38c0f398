"""Random models of two layers, each with a head or an end of its own kind, and rows to train them on."""

from agenttuning.training.attention import make_packs_for, use_row_attention
from agenttuning.training.encode import Encoded

VOCABULARY, WIDTH = 211, 32
FAMILIES = {
    "llama": {"tie_word_embeddings": False},
    "qwen2": {"tie_word_embeddings": True},
    "gemma2": {"tie_word_embeddings": True, "final_logit_softcapping": 1.5, "query_pre_attn_scalar": 8},
    "granite": {"tie_word_embeddings": True, "logits_scaling": 0.3},
    "cohere": {"tie_word_embeddings": True, "logit_scale": 0.6},
    "phi": {"tie_word_embeddings": False},  # its head has a bias
}


def tiny(family: str, seed: int = 0, **config):
    """A random model of two layers whose logits differ by a few nats, as a trained one's do."""
    import torch
    import transformers

    torch.manual_seed(seed)
    common = {
        "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 128,
        "initializer_range": 0.2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    config = transformers.AutoConfig.for_model(family, **{**common, **FAMILIES[family], **config})
    net = transformers.AutoModelForCausalLM.from_config(config)
    head = net.get_output_embeddings()
    if getattr(head, "bias", None) is not None:
        torch.nn.init.normal_(head.bias)
    use_row_attention(net)
    return net


def rows(lengths=(9, 12, 5), prefix=20):
    """Rows that begin alike, with so many trained tokens each; these weigh 1, 0.25 or 3."""
    import numpy as np

    draw = np.random.default_rng(7)
    shared = draw.integers(3, VOCABULARY, prefix, dtype=np.int32)
    out = []
    for number, length in enumerate(lengths):
        ids = np.concatenate([shared, draw.integers(3, VOCABULARY, 4 + length, dtype=np.int32)])
        weights = np.zeros(len(ids), dtype=np.float32)
        weights[prefix + 4 :] = np.resize((1.0, 0.25, 3.0), length)
        out.append(Encoded(f"row-{number}", "agent", ids, weights, np.zeros_like(ids, np.int8), (len(ids),)))
    return out


def pack_for(net, **shape):
    [pack] = make_packs_for(net, rows(**shape), 4096)
    return pack
