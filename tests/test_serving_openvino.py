"""The server on OpenVINO and the built-in model, as it comes: what it streams is what transformers generates.

OpenVINO reads the matrices in float16, so the reference's are rounded to it; computed is in float32 on both sides.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from served import serving
from test_serving import counted, metrics, post

from agenttuning.models import BUILT_IN, load_model, resolve
from agenttuning.serving.config import ServeConfig

pytestmark = pytest.mark.slow
QUESTIONS = (
    "Why does the sky look blue at noon but orange at sunset?",
    "How do I boil an egg so that the yolk stays soft?",
    "Write a two-line birthday message for a colleague who loves gardening.",
    'Make this sentence more polite: "Send me the report now."',
    # Two in which the rounding decides: at their first and tenth token the float32 model's lead is below 0.0005 nats.
    "Say hello.",
    "Say hello in German.",
)


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("openvino_genai")
    with serving(BUILT_IN, ServeConfig(engine="openvino")) as running:
        assert running.models.main.name == "openvino"
        yield running


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120) as one:
        yield one


def asked(question: str, **more) -> dict:
    return {"model": BUILT_IN, "messages": [{"role": "user", "content": question}], "max_tokens": 16, **more}


def test_greedy_replies_at_once_are_those_of_transformers_alone(server, client):
    import torch

    def streamed(question):
        chunks = client.chat.completions.create(**asked(question, temperature=0, stream=True))
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    with ThreadPoolExecutor(len(QUESTIONS)) as pool:
        found = list(pool.map(streamed, QUESTIONS))
    net, tokenizer = load_model(resolve(BUILT_IN)).eval(), server.models.tokenizer
    for weight in net.parameters():
        if weight.ndim == 2:
            weight.data = weight.data.half().float()
    for question, text in zip(QUESTIONS, found, strict=True):
        ids = tokenizer.apply_chat_template(asked(question)["messages"], add_generation_prompt=True, return_dict=False)
        with torch.inference_mode():
            out = net.generate(torch.tensor([ids]), max_new_tokens=16, do_sample=False, pad_token_id=2)
        assert text == tokenizer.decode(out[0][len(ids) :], skip_special_tokens=True)


def test_a_seed_decides_whatever_runs_beside_it(client):
    def drawn(seed):
        return client.chat.completions.create(**asked("Write a line about rain.", seed=seed)).choices[0].message.content

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(drawn, (1, 2, 1, 3)))
    assert together[0] == together[2] == drawn(1)
    assert len(set(together)) > 1


def test_stop_texts_and_leaving_end_a_reply_early(server, client):
    whole = client.chat.completions.create(**asked("Count to ten.", temperature=0)).choices[0].message.content
    mark = whole[len(whole) // 2 :][:3]
    short = client.chat.completions.create(**asked("Count to ten.", temperature=0, stop=mark))
    assert short.choices[0].message.content == whole[: whole.index(mark)]
    before = counted(server, "agenttuning_cancelled_total")
    stream = client.chat.completions.create(**asked("Tell a long story.", max_tokens=2000) | {"stream": True})
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()
    deadline = time.monotonic() + 30
    while "agenttuning_replies 0.0" not in metrics(server):
        assert time.monotonic() < deadline, "nobody waits, and a reply is still computed"
        time.sleep(0.1)
    assert counted(server, "agenttuning_cancelled_total") > before


def test_log_probabilities_come_from_the_loop_beside_it(server, client):
    answer = client.chat.completions.create(**asked(QUESTIONS[0], temperature=0, logprobs=True, top_logprobs=2))
    plain = client.chat.completions.create(**asked(QUESTIONS[0], temperature=0))
    assert answer.choices[0].message.content == plain.choices[0].message.content
    assert all(row.logprob == row.top_logprobs[0].logprob for row in answer.choices[0].logprobs.content)
    status, answer, _ = post(
        f"{server.url}/generate", {"inputs": "The sky is", "parameters": {"max_new_tokens": 4, "details": True}}
    )
    assert (status, answer["details"]["generated_tokens"]) == (200, 4)
