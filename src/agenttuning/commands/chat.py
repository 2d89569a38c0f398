"""`agenttuning chat`: a conversation with a model in the terminal."""

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from agenttuning import engines
from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.engines import Sampling


def chat(
    model: str,
    /,
    *,
    system_prompt: Annotated[str | None, Parameter(name="--system")] = None,
    engine: str = "auto",
    max_tokens: int = 512,
    temperature: float = 0.0,
    seed: int = 0,
) -> None:
    """Talk to a model; an empty line or /quit ends, /new begins again.

    Parameters
    ----------
    model
        Built-in name, folder, hub id or URL#MODEL.
    system_prompt
        What the model is told before anything else.
    engine
        auto, openvino, transformers or openai.
    max_tokens
        Tokens of one reply.
    temperature
        0 is greedy.
    seed
        The seed of sampling.
    """
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)
    start = Conversation((system(system_prompt),) if system_prompt else ())
    with engines.make(model, engine) as loaded:
        print(f"{loaded.name}; /new begins again, /quit ends")
        conversation = start
        while line := _ask():
            if line == "/new":
                conversation = start
                continue
            conversation = replace(conversation, messages=(*conversation.messages, user(line)))
            reply = loaded.submit(conversation, sampling).result()
            print(reply.text, flush=True)
            answer = assistant(Segment(reply.text, True))
            conversation = replace(conversation, messages=(*conversation.messages, answer))


def _ask() -> str | None:
    """The next line; None where the conversation is over."""
    try:
        line = input("> ").strip()
    except EOFError:
        return None
    return None if line in ("", "/quit") else line
