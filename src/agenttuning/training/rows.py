"""The rows of a corpus as tokens, and in which step each is trained on.

Rows keep the corpus's own order, for the mixture already ordered them by seed: which rows a step takes is a function of
the corpus and the step alone.

>>> rows, dropped = read_rows(Path("corpus/corpus.jsonl"), tokenizer, 2048)
>>> len(batch(rows, 8, step=3))
8
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agenttuning.conversation import from_row
from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl
from agenttuning.training.encode import Encoded, cut, encode


def read_rows(corpus: Path, tokenizer: Any, length: int) -> tuple[list[Encoded], dict[str, int]]:
    rows, dropped = [], {"no trained token within max_length": 0, "cut to max_length": 0}
    for number, row in read_jsonl(corpus):
        conversation = from_row(row, where=f"{corpus}:{number}")
        encoded = encode(conversation, tokenizer, source=str(row.get("source", "")))
        short = cut(encoded, length)
        if short is None:
            dropped["no trained token within max_length"] += 1
            continue
        dropped["cut to max_length"] += len(short.ids) < len(encoded.ids)
        rows.append(short)
    if not rows:
        raise BadInput(f"{corpus}: no row has a trained token within {length} tokens; look at one: agenttuning show")
    return rows, dropped


def batch(rows: Sequence[Encoded], size: int, step: int) -> list[Encoded]:
    """The rows of a step, which counts from 0; after the last row comes the first again."""
    return [rows[i % len(rows)] for i in range(step * size, (step + 1) * size)]
