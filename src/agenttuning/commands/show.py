"""`agenttuning show`: what a model sees of a corpus row, token by token, and which tokens carry loss."""

import json as jsons
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from agenttuning.conversation import Conversation, from_row
from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl
from agenttuning.models import BUILT_IN

STYLES = {
    "reasoning": "bold green",
    "retrieval": "bold cyan",
    "understanding": "bold yellow",
    "instruction_following": "bold magenta",
    None: "bold green",
}


def show(
    corpus: Path,
    /,
    *,
    row: int | None = None,
    id: str | None = None,
    model: str = BUILT_IN,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Print one row as tokens.

    Parameters
    ----------
    corpus
        A file of corpus rows.
    row
        Which row, counted from 1; the first by default.
    id
        Which row, by its id.
    model
        The model whose tokenizer and chat template are used.
    json
        Print tokens, ids and weights as JSON.
    """
    from agenttuning.models import load_tokenizer, resolve
    from agenttuning.training.encode import encode

    conversation, source = _find(corpus, row, id)
    tokenizer = load_tokenizer(resolve(model))
    encoded = encode(conversation, tokenizer, source=source)
    tokens = [tokenizer.decode([token]) for token in encoded.ids]
    if json:
        fields: dict[str, Any] = {"id": encoded.id, "source": source, "tokens": tokens}
        fields |= {"ids": encoded.ids, "weights": encoded.weights, "capabilities": encoded.capabilities}
        print(jsons.dumps(fields, ensure_ascii=False))
        return
    _print(encoded, tokens, source, tokenizer)


def _find(corpus: Path, number: int | None, id: str | None) -> tuple[Conversation, str]:
    count = 0
    for line, row in read_jsonl(corpus):
        count += 1
        if row.get("id") == id if id is not None else count == (number or 1):
            return from_row(row, where=f"{corpus}:{line}"), str(row.get("source", ""))
    wanted = f"with the id {id!r}" if id is not None else f"number {number or 1}"
    raise BadInput(f"{corpus}: no row {wanted}; the file has {count} rows")


def _print(encoded: Any, tokens: list[str], source: str, tokenizer: Any) -> None:
    """Text with the trained part coloured by capability (and, without colours, in «»), then ids by run."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(
        f"{encoded.id}  {source}  {len(encoded.ids)} tokens, {encoded.trained} trained",
        style="bold",
        markup=False,
    )
    kinds = list(zip(encoded.weights, encoded.capabilities, strict=True))
    text, place = Text(), 0
    for (weight, capability), group in groupby(kinds):
        count = len(list(group))
        piece = tokenizer.decode(encoded.ids[place : place + count])
        if weight > 0:
            piece = piece if console.is_terminal else f"«{piece}»"
            text.append(piece, style=STYLES[capability])
        else:
            text.append(piece, style="dim")
        place += count
    console.print(text, soft_wrap=True)
    console.rule("tokens that carry loss")
    place = 0
    for (weight, capability), group in groupby(kinds):
        count = len(list(group))
        if weight > 0:
            pairs = ((tokens[i], encoded.ids[i]) for i in range(place, place + count))
            line = "  ".join(f"{token!r} {number}" for token, number in pairs)
            console.print(Text(f"{capability or 'trained'}: ", style=STYLES[capability]) + Text(line), soft_wrap=True)
        place += count
