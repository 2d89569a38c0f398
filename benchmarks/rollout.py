"""Generated tokens a second over several turns: the embedded engines against transformers' batched generate.

    python benchmarks/rollout.py --conversations 16 --turns 5

All sides get the same conversations; a reply has exactly ``--tokens`` tokens or ends earlier by itself, and is
followed by a short observation. `openvino` and `transformers` are the engines of that name, `generate` is
transformers' own batched generate. They take turns, ``--repeat`` times each.
"""

import argparse
import statistics
import time

from agenttuning import dialects, engines
from agenttuning.conversation import Conversation, Segment, assistant, user
from agenttuning.engines import Sampling
from agenttuning.engines.transformers import TransformersEngine
from agenttuning.environments import make as make_environment
from agenttuning.models import load_model, load_tokenizer, resolve
from agenttuning.trajectory import Trajectory

MODEL = "smollm2-135m-instruct"


def openings(count: int) -> list[Conversation]:
    environment = make_environment("knowledge_graph")
    write = dialects.get("react").prompt
    return [
        write(Trajectory(task, tuple(environment.tools), environment.instructions, environment.reset(task)))
        for task in environment.tasks("test", limit=count)
    ]


def play(engine: engines.Engine, conversations: list[Conversation], turns: int, tokens: int) -> tuple[int, float]:
    """(generated tokens, seconds)."""
    began, generated = time.monotonic(), 0
    for _ in range(turns):
        replies = [engine.submit(c, Sampling(max_tokens=tokens)) for c in conversations]
        grown = []
        for conversation, future in zip(conversations, replies, strict=True):
            reply = future.result()
            generated += reply.usage.completion
            more = (assistant(Segment(reply.text.strip() or "…")), user("Observation: nothing new, go on."))
            grown.append(Conversation((*conversation.messages, *more)))
        conversations = grown
    return generated, time.monotonic() - began


def make(name: str) -> engines.Engine:
    if name != "generate":
        return engines.make(MODEL, name)
    folder = resolve(MODEL)
    return TransformersEngine(load_model(folder).eval(), load_tokenizer(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--conversations", type=int, default=16)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    rates: dict[str, list[float]] = {"openvino": [], "transformers": [], "generate": []}
    for _ in range(args.repeat):
        for name, values in rates.items():
            with make(name) as engine:
                play(engine, openings(2), 1, 4)  # warm up
                generated, seconds = play(engine, openings(args.conversations), args.turns, args.tokens)
            values.append(generated / seconds)
    for name, values in rates.items():
        print(f"{name:14} {statistics.median(values):7.0f} tokens/s  [{min(values):.0f}, {max(values):.0f}]")
    for name in ("openvino", "transformers"):
        ratio = statistics.median(a / b for a, b in zip(rates[name], rates["generate"], strict=True))
        print(f"{name + ' / generate':24} {ratio:7.2f}")


if __name__ == "__main__":
    main()
