"""A model's own answers to general prompts: what it rehearses while it learns to act.

Near-on-policy text moves the weights least where nothing is to be learned, so a model forgets less than on
anybody else's answers. The built-in `rehearsal.jsonl` was made by this command with the built-in model.

>>> rehearse("smollm2-135m-instruct", PROMPTS, Path("rehearsal.jsonl"))
{'prompts': 400, 'rows': 400, 'cut': 312}
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agenttuning import engines
from agenttuning.conversation import Conversation, user
from agenttuning.engines import Sampling
from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl, write_jsonl
from agenttuning.provenance import PROVENANCE

Progress = Callable[[int, int, str], None]


def rehearse(
    model: str,
    prompts: Path,
    out: Path,
    *,
    max_tokens: int = 64,
    engine: str = "auto",
    progress: Progress | None = None,
) -> dict[str, int]:
    """Greedy answers to every row's `prompt`. Of one that `max_tokens` cut, the text is trained but not its end,
    which the model never wrote; empty answers are left out."""
    rows = []
    for number, row in read_jsonl(prompts):
        if not isinstance(row.get("prompt"), str):
            raise BadInput(f'{prompts}:{number}: no \'prompt\' text; each line is {{"id": …, "prompt": …}}')
        rows.append(row)
    sampling = Sampling(max_tokens=max_tokens)
    origin = {"source": f"rehearsal: {prompts.stem}", "teacher": model, "transformations": ["rehearse"]}
    answered: list[dict[str, Any]] = []
    cut = 0
    with engines.make(model, engine) as running:
        replies = [running.submit(Conversation((user(row["prompt"]),)), sampling) for row in rows]
        for i, (row, future) in enumerate(zip(rows, replies, strict=True), start=1):
            reply = future.result()
            text = reply.text.strip()
            if text:
                whole = reply.finish == "stop"
                cut += not whole
                answer: dict[str, Any] = {"role": "assistant", "content": text}
                if not whole:
                    answer |= {"train": False, "segments": [[text, True, None]]}
                answered.append(
                    {
                        "id": row.get("id", f"prompt-{i:04d}"),
                        "split": row.get("split", "train"),
                        "category": row.get("category", ""),
                        "messages": [{"role": "user", "content": row["prompt"]}, answer],
                        "meta": {PROVENANCE: origin},
                    }
                )
            if progress:
                progress(i, len(rows), "answers")
    write_jsonl(out, answered)
    return {"prompts": len(rows), "rows": len(answered), "cut": cut}
