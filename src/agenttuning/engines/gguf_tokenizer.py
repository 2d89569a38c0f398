"""A tokenizer as llama.cpp reads it: byte-level BPE with the way it splits text, or SentencePiece's BPE (Llama 2).

llama.cpp knows the splits by name and takes no others (https://github.com/ggml-org/llama.cpp, `llama-vocab.cpp`), so a
tokenizer of another kind is refused: written under a wrong name it would cut text in other places.

>>> write_tokenizer(writer, load_tokenizer(folder), vocabulary=49152)
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from agenttuning.errors import BadInput

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_FIRST = 259  # Llama 2's first token that is no byte and not special; from there on the ids are in order of merging


def write_tokenizer(writer: Any, tokenizer: Any, vocabulary: int) -> None:
    """`vocabulary` is the number of rows of the embedding. Raises BadInput for a tokenizer that has no name there."""
    import gguf

    state = json.loads(tokenizer.backend_tokenizer.to_str())
    split = split_name(state)
    by_id = {index: token for token, index in tokenizer.get_vocab().items()}
    names = [by_id.get(index, f"[PAD{index}]") for index in range(vocabulary)]
    special = set(tokenizer.all_special_ids)
    added = set(tokenizer.added_tokens_decoder) - special
    kinds = gguf.TokenType

    def kind(index: int) -> Any:
        if index not in by_id:
            return kinds.UNUSED
        if split is None and index == tokenizer.unk_token_id:
            return kinds.UNKNOWN
        if index in special:
            return kinds.CONTROL
        if index in added:
            return kinds.USER_DEFINED
        return kinds.BYTE if split is None and _BYTE.fullmatch(names[index]) else kinds.NORMAL

    writer.add_token_list(names)
    writer.add_token_types([kind(index) for index in range(vocabulary)])
    if split is None:
        writer.add_tokenizer_model("llama")
        writer.add_token_scores([float(-max(index - _FIRST, 0)) for index in range(vocabulary)])
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(split)
        merges = state["model"]["merges"]
        writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    ids = (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    )
    for add, index in ids:
        if index is not None:
            add(index)
    begins = tokenizer("a")["input_ids"][0]
    writer.add_add_bos_token(tokenizer.bos_token_id is not None and begins == tokenizer.bos_token_id)
    writer.add_chat_template(tokenizer.chat_template)


def split_name(state: Mapping[str, Any]) -> str | None:
    """How text is split before it is merged, in llama.cpp's words; None for SentencePiece's way. `state` is a
    tokenizer.json."""
    model = state["model"]
    if model["type"] != "BPE":
        raise BadInput(f"a {model['type']} tokenizer cannot be written as GGUF; use --engine transformers")
    if model.get("byte_fallback"):
        return None
    steps = _steps(state.get("pre_tokenizer"))
    kinds = [step["type"] for step in steps]
    patterns = "".join(str(step.get("pattern", {}).get("Regex", "")) for step in steps)
    if kinds == ["Digits", "ByteLevel"]:
        return "smollm"
    if kinds == ["ByteLevel"]:
        # Without tokens of several digits it makes no difference whether digits are split off.
        return "gpt-2" if any(re.fullmatch(r"\u0120?[0-9]{2,}", token) for token in model["vocab"]) else "smollm"
    if kinds == ["Split", "ByteLevel"] and r"\p{N}{1,3}" in patterns:
        return "llama-bpe"
    if kinds == ["Split", "ByteLevel"] and r"|\p{N}|" in patterns:
        return "qwen2"
    raise BadInput(
        f"a tokenizer that splits text by {', '.join(kinds) or 'nothing'} has no name in llama.cpp; "
        "use --engine transformers"
    )


def _steps(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a pre-tokenizer, one after the other."""
    if part is None:
        return []
    return [step for one in part["pretokenizers"] for step in _steps(one)] if part["type"] == "Sequence" else [part]
