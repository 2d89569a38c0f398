"""`agenttuning show`: what a model sees of a corpus row, token by token, and which tokens carry loss."""

import json as jsons
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from agenttuning.conversation import Conversation, from_row
from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl
from agenttuning.models import BUILT_IN
from agenttuning.training.shown import Shown

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
    chat_template: str | None = None,
    diff: str | None = None,
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
    chat_template
        Another chat template for the model: a file, or agentlm, agent-flan, chatml, internlm2, llama-2-chat, vicuna.
    diff
        Print instead where another chat template, or another model's, prints or trains something else.
    json
        Print tokens, ids and weights as JSON.
    """
    conversation, source = _find(corpus, row, id)
    rows = _shown(conversation, source, model, chat_template)
    if diff is not None:
        _print_difference(rows, _other(conversation, source, model, diff), diff, json)
        return
    for one in rows:
        if json:
            print(jsons.dumps(one.plain(), ensure_ascii=False))
        else:
            _print(one)


def _shown(conversation: Conversation, source: str, model: str, template: str | None) -> list[Shown]:
    from agenttuning.models import load_tokenizer, resolve

    return Shown.of(conversation, source, load_tokenizer(resolve(model), template))


def _other(conversation: Conversation, source: str, model: str, name: str) -> list[Shown]:
    """Under the template of that name or file, else under the model of that name."""
    from agenttuning.models import read_template

    try:
        read_template(name)
    except BadInput:
        return _shown(conversation, source, name, None)
    return _shown(conversation, source, model, name)


def _find(corpus: Path, number: int | None, id: str | None) -> tuple[Conversation, str]:
    count = 0
    for line, row in read_jsonl(corpus):
        count += 1
        if row.get("id") == id if id is not None else count == (number or 1):
            return from_row(row, where=f"{corpus}:{line}"), str(row.get("source", ""))
    wanted = f"with the id {id!r}" if id is not None else f"number {number or 1}"
    raise BadInput(f"{corpus}: no row {wanted}; the file has {count} rows")


def _print(shown: Shown) -> None:
    """Text with the trained part coloured by capability (and, without colours, in «»), then ids by run."""
    from rich.console import Console
    from rich.text import Text

    console, encoded = Console(), shown.encoded
    console.print(
        f"{encoded.id}  {encoded.source}  {len(encoded.ids)} tokens, {encoded.trained} trained",
        style="bold",
        markup=False,
    )
    text = Text()
    for weight, capability, piece, _, _ in shown.runs():
        if weight > 0:
            text.append(piece if console.is_terminal else f"«{piece}»", style=STYLES[capability])
        else:
            text.append(piece, style="dim")
    console.print(text, soft_wrap=True)
    console.rule("tokens that carry loss")
    tokens = shown.tokens
    for weight, capability, _, start, end in shown.runs():
        if weight > 0:
            line = "  ".join(f"{tokens[i]!r} {shown.ids[i]}" for i in range(start, end))
            note = "" if weight == 1 else f" (weight {weight:g})"
            head = Text(f"{capability or 'trained'}{note}: ", style=STYLES[capability])
            console.print(head + Text(line), soft_wrap=True)


def _print_difference(rows: list[Shown], others: list[Shown], name: str, json: bool) -> None:
    """Where the second template prints or trains something else, piece by piece; nothing else."""
    from rich.console import Console
    from rich.text import Text

    own, theirs = ([(text, weight) for row in r for weight, _, text, _, _ in row.runs()] for r in (rows, others))
    matcher = SequenceMatcher(None, own, theirs, autojunk=False)
    changes = [(own[a:b], theirs[c:d]) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    if json:
        counts = {"first_rows": len(rows), "second_rows": len(others)}
        sides = [{"first": _pieces(first), "second": _pieces(second)} for first, second in changes]
        print(jsons.dumps({"id": rows[0].encoded.id, **counts, "differences": sides}, ensure_ascii=False))
        return
    console = Console()
    if not changes:
        console.print(f"no difference: {name} prints and trains the same text", markup=False)
        return
    if len(rows) != len(others):
        console.print(
            f"{len(rows)} row(s) here, {len(others)} under {name}: one of them rewrites history", markup=False
        )
    for change in changes:
        for mark, style, side in zip("-+", ("red", "green"), change, strict=True):
            for text, weight in side:
                trained = "trained" if weight > 0 else "not trained"
                console.print(Text(f"{mark} {text!r} ({trained})", style=style), soft_wrap=True)


def _pieces(side: list[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"text": text, "weight": weight} for text, weight in side]
