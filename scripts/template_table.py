"""Write docs/templates.md from the tests' lists: every chat template whose loss mask is proven, and what it is.

python scripts/template_table.py          write the file
python scripts/template_table.py --check  end with status 1 where it is out of date
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from template_peers import OFFLINE, RENDERERS, TRL, Difference  # noqa: E402
from template_results import NEXT_HEADER, RESULTS, Result  # noqa: E402
from template_zoo import TEMPLATES, Template  # noqa: E402
from written_page import written  # noqa: E402

PAGE = ROOT / "docs" / "templates.md"
HEAD = """\
<!-- Written by scripts/template_table.py from the tests' lists; `make docs` writes it again. -->
# Chat templates

A token carries loss where the model would itself have sampled it and its segment is trained. What a model samples
is found from the template alone, without markers in it: let P be the messages before an answer with the
generation prompt, and R the messages up to the answer. R begins with P, and what follows, up to and with the stop
token, is the answer as the model writes it. So these are trained: the content, the stop token, the space that
Llama 2 writes before its answers. These are not: headers, prompts, tool results, the line break behind the stop
token, the empty thought that Qwen 3's prompt ends with (a template's own thinking is off here: an agent's thoughts
are part of its text). A token that two sides share belongs to the side of its first character.

- **one** row: the template prints a turn the same way whatever follows, and a conversation is one row.
- **a row a turn**: it rewrites earlier turns (Qwen 3 takes their thoughts out, gpt-oss ends them with another token);
  each turn is trained in a row that ends with it, as the model wrote it.
- **refused**: no answer stands as the model would have written it, or nothing ends it. The reason is in the message.

`tests/test_templates.py` shows eleven conversations (with and without a system message, several segments a turn, white
space at the ends, other scripts, words that look like headers, an untrained turn in the middle, a last turn by the
user, thoughts, tool calls) to each template and compares every token with expectations that are written by hand.
`tests/test_template_peers.py` compares the masks with those of TRL {trl} and renderers {renderers}. Templates of
`trl` and `axolotl` are read from these packages as their models' authors published them; those of `agenttuning` are
presets for models whose tokenizer has none, those of `tests` (in `tests/templates`) are our own lines, true to the
published formats. Tokenizers have each family's special tokens on one of two vocabularies, byte-level or
SentencePiece.

A preset, or any file with a Jinja template, takes the place of a model's own:

<!-- not run: needs the reader's files -->
```bash
agenttuning show corpus.jsonl --chat-template vicuna
agenttuning show corpus.jsonl --diff llama-2-chat
```

## What is trained

`…` is the content; what stands around it is sampled by the model with it. White space at the content's ends is kept
unless said otherwise. The last columns say what becomes of a turn that holds `<think>` tags of its own, and of
native tool calls.

| template | read from | rows | a trained turn | `<think>` | tool calls |
|---|---|---|---|---|---|
"""
PEERS = """
## Beside TRL and renderers

`=` means that the same tokens are trained. Else it says what the other does that a model at inference would not have
sampled, or would have been given; the tests check that this is all of the difference.

| template | TRL | renderers |
|---|---|---|
"""


def page() -> str:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    head = HEAD.format(trl=pins["trl"], renderers=pins["renderers"])
    rows = "".join(f"| {' | '.join(row(item, RESULTS[item.name]))} |\n" for item in TEMPLATES)
    peers = "".join(
        f"| {item.name} | {difference(TRL.get(item.name))} | {difference(RENDERERS.get(item.name, ('', None))[1])} |\n"
        for item in TEMPLATES
        if item.name in TRL or item.name in RENDERERS
    )
    return head + rows + PEERS + peers


def row(item: Template, result: Result) -> tuple[str, ...]:
    name = f"**{item.name}**: {item.models}"
    source = f"{item.package} `{item.file}`"
    if result.reason("plain"):
        return name, source, f"refused: {said(result.reason('plain'))}", "", "", ""
    rows = "a row a turn" if result.has_row_a_turn("plain") else "one"
    if result.reason("system"):
        rows += f"; with a system message refused: {said(result.reason('system'))}"
    stop = "the next message's first token" if result.stop == NEXT_HEADER else code(result.stop)
    turn = f"{code(result.lead + '…' + result.tail)} {stop}"
    turn += f"; {result.strip} stripped" if result.strip else ""
    if result.note:
        turn += "; " + result.note.replace("|", "\\|")
    thoughts = "a row a turn" if result.has_row_a_turn("thoughts") else "trained"
    if result.reason("thoughts"):
        thoughts = f"refused: {said(result.reason('thoughts'))}"
    return name, source, rows, turn, thoughts, calls(result)


def calls(result: Result) -> str:
    text, silent = result.reason("calls"), result.reason("silent-calls")
    if silent:
        return "–" if "prints no tools" in silent else f"refused: {said(silent)}"
    return f"trained; with a text beside it refused: {said(text)}" if text else "trained"


def said(reason: str) -> str:
    """A reason in the table's words."""
    return {
        "does not begin with the prompt": "the finished turn does not begin with the prompt",
        "does not begin with the prompt .*<think>": "the prompt's `<think>` is not in the finished turn",
        "header": "a header that the prompt lacks",
    }.get(reason, reason)


def code(text: str) -> str:
    shown = text.replace("\n", "\\n").replace("|", "\\|")
    return f"`{shown}`"


def difference(of: Difference | None) -> str:
    if of is None:
        return ""
    if of.none:
        return "="
    return (f"not compared: {of.why}" if of is OFFLINE else of.why).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(written(PAGE, page()))
