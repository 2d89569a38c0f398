"""`agenttuning rehearse`: a model's own answers to general prompts, so that it does not forget them."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.corpus.general import PROMPTS
from agenttuning.corpus.rehearsal import rehearse as write_answers
from agenttuning.models import BUILT_IN
from agenttuning.progress import bar


def rehearse(
    *,
    out: Path,
    prompts: Annotated[Path, Parameter(show_default=False)] = PROMPTS,  # a path of this machine
    model: str = BUILT_IN,
    engine: str = "auto",
    max_tokens: int = 128,
) -> None:
    """Write a model's own answers to general prompts.

    Parameters
    ----------
    out
        The JSONL file to write.
    prompts
        JSONL rows with id, split, category and prompt; the built-in ones by default.
    model
        Whose answers: the start model of your training.
    engine
        auto, openvino, transformers or openai.
    max_tokens
        Tokens of an answer.
    """
    with bar("rehearse") as progress:
        counts = write_answers(model, prompts, out, max_tokens=max_tokens, engine=engine, progress=progress)
    print(f"{out}: {counts['rows']} answers to {counts['prompts']} prompts, {counts['cut']} of them cut")
