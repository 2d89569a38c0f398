"""How many greedy replies are transformers', to the letter: 100 prompts, float32, the built-in model.

    python benchmarks/greedy.py --prompts 100 --tokens 64

The reference generates one prompt at a time, in float32. OpenVINO reads no float32 weights from GGUF, so it is also put
beside transformers with weights rounded to float16 (`rounded`), which says what the rounding does and what OpenVINO
does. Where a reply parts from a reference, a line says at which token, and by how much that one's logit led its
runner-up's there: a lead of 1e-4 is lost to the order of sums, one of 1e-2 to the rounding.
"""

import argparse

from agenttuning import engines
from agenttuning.chat_template import prompt_ids
from agenttuning.conversation import Conversation, user
from agenttuning.corpus.general import PROMPTS
from agenttuning.engines.base import Sampling
from agenttuning.engines.batching import BatchingEngine, Job
from agenttuning.files import read_jsonl
from agenttuning.models import load_model, load_tokenizer, resolve

MODEL = "smollm2-135m-instruct"


def reference(ids: list[list[int]], tokens: int, *, rounded: bool = False) -> list[tuple[list[int], list[float]]]:
    """(generated ids, lead of each over its runner-up in nats); `rounded` has the matrices of a float16 file."""
    import torch

    net = load_model(resolve(MODEL)).eval()
    if rounded:
        for weight in net.parameters():
            if weight.ndim == 2:
                weight.data = weight.data.half().float()
    out = []
    for row in ids:
        with torch.inference_mode():
            found = net.generate(
                torch.tensor([row]), max_new_tokens=tokens, do_sample=False, pad_token_id=2,
                output_scores=True, return_dict_in_generate=True,
            )  # fmt: skip
        best = [scores[0].topk(2).values.tolist() for scores in found.scores]
        out.append((found.sequences[0][len(row) :].tolist(), [one - two for one, two in best]))
    return out


def replies(engine: BatchingEngine, ids: list[list[int]], tokens: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in ids]
    jobs = [
        Job(row, Sampling(max_tokens=tokens), lambda new, into=into: into.extend(token.id for token in new))
        for row, into in zip(ids, found, strict=True)
    ]
    for job in jobs:
        engine.start(job)
    for job in jobs:
        job.ended.result()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=64)
    args = parser.parse_args()
    tokenizer = load_tokenizer(resolve(MODEL))
    asked = [row["prompt"] for _, row in read_jsonl(PROMPTS)][: args.prompts]
    ids = [prompt_ids(Conversation((user(text),)), tokenizer) for text in asked]
    exact, rounded = reference(ids, args.tokens), reference(ids, args.tokens, rounded=True)
    compare("rounded", [found for found, _ in rounded], exact)
    for name in ("transformers", "openvino"):
        with engines.make(MODEL, name) as engine:
            found = replies(engine, ids, args.tokens)  # ty: ignore[invalid-argument-type]
        compare(name, found, exact)
    compare("openvino against rounded", found, rounded)


def compare(name: str, found: list[list[int]], expected: list[tuple[list[int], list[float]]]) -> None:
    same = 0
    for place, ((tokens, leads), reply) in enumerate(zip(expected, found, strict=True)):
        if tokens == reply:
            same += 1
            continue
        pairs = enumerate(zip(tokens, reply, strict=False))
        at = next((k for k, (a, b) in pairs if a != b), min(len(tokens), len(reply)) - 1)
        print(f"{name}: prompt {place} parts at token {at}, the reference led by {leads[at]:.2g}")
    print(f"{name}: {same} of {len(found)} replies are the reference's", flush=True)


if __name__ == "__main__":
    main()
