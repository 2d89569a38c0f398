"""What Ollama reads beside a GGUF file: the chat template once more, in the language that Ollama has for it.

Ollama's templates are Go's (https://github.com/ollama/ollama/blob/main/docs/modelfile.md). One is written where the
model's own prints every message between fixed texts, which a rendered conversation shows; for any other Ollama has to
know the model's template itself.

>>> print(modelfile("model.gguf", load_tokenizer(folder)))
FROM ./model.gguf
TEMPLATE \"\"\"{{ range .Messages }}{{ if eq .Role "system" }}<|im_start|>system
...
"""

from typing import Any

from agenttuning.chat_template import ChatTemplate
from agenttuning.conversation import Conversation, Message, Segment, assistant, system, user
from agenttuning.errors import BadInput

_MARKS = ("Zq0Zq", "Zq1Zq", "Zq2Zq", "Zq3Zq", "Zq4Zq")


def modelfile(file: str, tokenizer: Any) -> str:
    """The text of a Modelfile beside the GGUF `file`."""
    template = ChatTemplate(tokenizer)
    lines = [f"FROM ./{file}"]
    found = _template(template)
    if found is None:
        lines.append("# The chat template is no text around each message: Ollama takes the one in the GGUF file.")
    else:
        lines.append(f'TEMPLATE """{found}"""')
    return "\n".join([*lines, *(f'PARAMETER stop "{stop}"' for stop in template.stops), ""])


def _template(template: ChatTemplate) -> str | None:
    """The template in Go's words; None where that cannot be known, or cannot be written."""
    roles = (system, user, _said, user, _said)
    try:
        text = template.text(Conversation(tuple(make(mark) for make, mark in zip(roles, _MARKS, strict=True))))
        prompt = template.text(Conversation((user(_MARKS[0]),)), generation_prompt=True)
        plain = template.text(Conversation((user(_MARKS[0]),)))
    except BadInput:
        return None
    if not prompt.startswith(plain) or any(text.count(mark) != 1 for mark in _MARKS):
        return None
    before, rest = text.split(_MARKS[1])[0].split(_MARKS[0])[0], text
    between = []
    for mark in _MARKS:
        head, rest = rest.split(mark, 1)
        between.append(head)
    tail = rest
    # Between a user's turn and a reply stands what ends the one and begins the other; the prompt says where to cut.
    begin_reply = prompt[len(plain) :]
    end_user = plain.split(_MARKS[0])[1]
    begin_user = between[3].removeprefix(tail)
    end_system = between[1].removesuffix(begin_user)
    parts = {"system": (before, end_system), "user": (begin_user, end_user), "assistant": (begin_reply, tail)}
    rebuilt = "".join(
        parts[role][0] + mark + parts[role][1]
        for role, mark in zip(("system", "user", "assistant", "user", "assistant"), _MARKS, strict=True)
    )
    written = "".join(begin + end for begin, end in parts.values())
    if rebuilt != text or any(mark in written for mark in ("{{", "}}", '"""')):
        return None
    cases = " ".join(
        f'{{{{ {"if" if place == 0 else "else if"} eq .Role "{role}" }}}}{begin}{{{{ .Content }}}}{end}'
        for place, (role, (begin, end)) in enumerate(parts.items())
    ).replace(" {{ else", "{{ else")
    return f"{{{{ range .Messages }}}}{cases}{{{{ end }}}}{{{{ end }}}}{begin_reply}"


def _said(text: str) -> Message:
    return assistant(Segment(text))
