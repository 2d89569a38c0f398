"""A checkpoint as one GGUF file in float16, which OpenVINO, llama.cpp and Ollama read.

Only the Llama layout is written; what another architecture needs is said in the error. Never fewer than 16 bits:
at 8 or 4 the model's answers become visibly another model's.

>>> export_gguf(Path("runs/quickstart/model/merged"), Path("model.gguf"))
"""

from pathlib import Path
from typing import Any

from agenttuning.engines.gguf_tokenizer import write_tokenizer
from agenttuning.errors import BadInput, MissingExtra
from agenttuning.files import read_json
from agenttuning.models import load_tokenizer

# Hugging Face names → GGUF names, per layer and for the whole model.
_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def supports_gguf(folder: Path) -> bool:
    """Whether `export_gguf` can write this checkpoint."""
    if not (folder / "config.json").is_file():
        return False
    config = read_json(folder / "config.json")
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    plain_rope = rope.get("rope_type", rope.get("type", "default")) == "default"
    return config.get("model_type") == "llama" and plain_rope and not config.get("attention_bias")


def export_gguf(folder: Path, out: Path) -> Path:
    """Write the checkpoint of `folder` to `out` in float16 (norms in float32)."""
    try:
        import gguf
    except ModuleNotFoundError:
        raise MissingExtra("gguf", "cpu") from None
    if not supports_gguf(folder):
        raise BadInput(f"{folder}: only plain Llama checkpoints can be written as GGUF; use --engine transformers")
    config = read_json(folder / "config.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    writer = gguf.GGUFWriter(partial, "llama")
    _write_config(writer, config, gguf)
    write_tokenizer(writer, load_tokenizer(folder), config["vocab_size"])
    _write_tensors(writer, folder, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(out)
    return out


def _write_config(writer: Any, config: dict, gguf: Any) -> None:
    heads = config["num_attention_heads"]
    rope = config.get("rope_parameters") or {}
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_name(Path(config.get("_name_or_path") or "model").name)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads", heads))
    writer.add_rope_dimension_count(head_size)
    writer.add_rope_freq_base(float(rope.get("rope_theta", config.get("rope_theta", 10000.0))))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _write_tensors(writer: Any, folder: Path, config: dict) -> None:
    import numpy
    import torch
    from safetensors import safe_open

    heads = config["num_attention_heads"]
    heads_of = {"self_attn.q_proj": heads, "self_attn.k_proj": config.get("num_key_value_heads", heads)}
    tied = bool(config.get("tie_word_embeddings"))
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as shard:
            for name in shard.keys():  # noqa: SIM118 (a safetensors handle does not iterate)
                stem = name.removesuffix(".weight")
                if tied and stem == "lm_head":
                    continue
                tensor = shard.get_tensor(name).to(torch.float32).numpy()
                if stem.startswith("model.layers."):
                    layer, _, part = stem.removeprefix("model.layers.").partition(".")
                    if part in heads_of:
                        tensor = _permute(tensor, heads_of[part])
                    target = f"blk.{layer}.{_LAYER[part]}.weight"
                else:
                    target = f"{_WHOLE[stem]}.weight"
                # Norms are a few numbers: they stay exact.
                writer.add_tensor(target, tensor if tensor.ndim == 1 else tensor.astype(numpy.float16))


def _permute(weight: Any, heads: int) -> Any:
    """Rotary halves (Hugging Face) → rotary pairs (GGUF's Llama): rows (2, d/2) of each head become (d/2, 2)."""
    rows, columns = weight.shape
    half = rows // heads // 2
    return weight.reshape(heads, 2, half, columns).swapaxes(1, 2).reshape(rows, columns)
