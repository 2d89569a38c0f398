"""The server as the official client and plain requests see it, on a tiny model."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import openai
import pytest
import tiny
from served import serving

from agenttuning.models import load_model
from agenttuning.serving.config import ServeConfig

HELLO = [{"role": "user", "content": "Say something."}]
CONFIG = ServeConfig(engine="transformers", name="tiny", reply_tokens=8)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("serving") / "model")


@pytest.fixture(scope="module")
def server(model: Path):
    with serving(model, CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=30) as one:
        yield one


def post(url: str, body: object, **headers: str) -> tuple[int, dict, dict]:
    """(status, JSON, headers) of one request, as curl sends it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), dict(error.headers)


def greedy(model: Path, tokenizer, ids: list[int], tokens: int) -> str:
    import torch

    with torch.inference_mode():
        net = load_model(model).eval()
        out = net.generate(torch.tensor([ids]), max_new_tokens=tokens, do_sample=False, pad_token_id=2)
    return tokenizer.decode(out[0][len(ids) :], skip_special_tokens=True)


def test_a_chat_reply_is_what_transformers_generates(server, client, model):
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=12, temperature=0)
    tokenizer = server.models.tokenizer
    ids = tokenizer.apply_chat_template(HELLO, add_generation_prompt=True, return_dict=False)
    assert answer.choices[0].message.content == greedy(model, tokenizer, ids, 12)
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(ids), 12)
    assert answer.model == "tiny"


def test_a_stream_adds_up_to_the_whole(client):
    asked = {"model": "tiny", "messages": HELLO, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 12
    assert len(chunks) > 6, "the reply came in one piece"


def test_stop_texts_cut_the_reply_and_are_no_part_of_it(client):
    asked = {"model": "tiny", "messages": HELLO, "max_tokens": 16, "temperature": 0}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    mark = whole[len(whole) // 2 : len(whole) // 2 + 3]
    short = client.chat.completions.create(**asked, stop=[mark, "never in it"])
    assert short.choices[0].message.content == whole[: whole.index(mark)]
    assert short.choices[0].finish_reason == "stop"
    streamed = client.chat.completions.create(**asked, stop=mark, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in streamed) == whole[: whole.index(mark)]


def test_a_seed_decides_what_is_drawn(client):
    def texts(seed, count=1):
        answer = client.chat.completions.create(
            model="tiny", messages=HELLO, max_tokens=12, temperature=1.0, seed=seed, n=count
        )
        return [choice.message.content for choice in answer.choices]

    assert texts(5) == texts(5) != texts(6)
    assert len(set(texts(5, 3))) == 3
    assert texts(5, 3)[0] == texts(5)[0]


def test_log_probabilities_are_those_of_the_model(server, client, model):
    import torch

    answer = client.chat.completions.create(
        model="tiny", messages=HELLO, max_tokens=4, temperature=0, logprobs=True, top_logprobs=3
    )
    rows = answer.choices[0].logprobs.content
    ids = server.models.tokenizer.apply_chat_template(HELLO, add_generation_prompt=True, return_dict=False)
    net = load_model(model).eval()
    for row in rows:
        with torch.inference_mode():
            scores = net(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        best = scores.topk(3)
        assert row.logprob == pytest.approx(best.values[0].item(), abs=1e-4)
        assert [top.logprob for top in row.top_logprobs] == pytest.approx(best.values.tolist(), abs=1e-4)
        assert bytes(row.bytes) == bytes(row.top_logprobs[0].bytes)
        ids = [*ids, best.indices[0].item()]
    assert len(rows) == 4


def test_completions_echo_a_text_with_its_log_probabilities(server, client, model):
    import torch

    text = "The river is long, ünd breit 😀."
    answer = client.completions.create(
        model="tiny", prompt=[text, "Two words"], max_tokens=1, echo=True, logprobs=2, temperature=0
    )
    first, second = answer.choices
    ids = server.models.tokenizer(text)["input_ids"]
    with torch.inference_mode():
        scores = load_model(model).eval()(torch.tensor([ids])).logits[0].log_softmax(-1)
    own = [scores[place, index].item() for place, index in enumerate(ids[1:])]
    assert first.text.startswith(text)
    assert first.logprobs.token_logprobs[0] is None
    assert first.logprobs.token_logprobs[1 : len(ids)] == pytest.approx(own, abs=1e-4)
    assert len(first.logprobs.tokens) == len(first.logprobs.top_logprobs) == len(ids) + 1
    assert len(second.logprobs.tokens) == 3
    for token, top in zip(first.logprobs.tokens[1:], first.logprobs.top_logprobs[1:], strict=True):
        assert len(top) <= 2
        assert token in top or max(top.values()) <= 0
    same = client.completions.create(model="tiny", prompt=ids, max_tokens=1, echo=True, logprobs=2, temperature=0)
    assert same.choices[0].logprobs.token_logprobs[1:] == pytest.approx(first.logprobs.token_logprobs[1:], abs=1e-4)


def test_completions_stream_and_score_without_a_reply(client):
    asked = {"model": "tiny", "prompt": "Once upon", "max_tokens": 6, "temperature": 0}
    whole = client.completions.create(**asked).choices[0].text
    assert "".join(c.choices[0].text for c in client.completions.create(**asked, stream=True)) == whole
    scored = client.completions.create(model="tiny", prompt="Once upon", max_tokens=0, echo=True, logprobs=0)
    assert scored.choices[0].text == "Once upon"
    assert scored.usage.completion_tokens == 0


def test_models_are_listed(server, client):
    assert [one.id for one in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError, match="there is: tiny"):
        client.chat.completions.create(model="gpt-4", messages=HELLO)


def test_text_generation_inference_clients_go_on_working(server, client):
    status, answer, _ = post(f"{server.url}/generate", {"inputs": "Once upon", "parameters": {"max_new_tokens": 6}})
    plain = client.completions.create(model="tiny", prompt="Once upon", max_tokens=6, temperature=0).choices[0].text
    assert (status, answer) == (200, {"generated_text": plain})
    asked = {
        "inputs": "Once upon",
        "parameters": {"max_new_tokens": 6, "details": True, "decoder_input_details": True, "return_full_text": True},
    }
    _, answer, _ = post(f"{server.url}/generate", asked)
    assert answer["generated_text"] == "Once upon" + plain
    details = answer["details"]
    assert (details["finish_reason"], details["generated_tokens"], len(details["tokens"])) == ("length", 6, 6)
    assert details["prefill"][0]["logprob"] is None
    assert all(row["logprob"] < 0 for row in [*details["prefill"][1:], *details["tokens"]])
    _, answers, _ = post(f"{server.url}/", {"inputs": "Once upon", "parameters": {"max_new_tokens": 6}})
    assert answers == [{"generated_text": plain}]
    request = urllib.request.Request(
        f"{server.url}/generate_stream", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as stream:
        events = [json.loads(line[5:]) for line in stream.read().decode().splitlines() if line]
    assert [event["index"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[-1]["generated_text"] == "Once upon" + plain
    assert all(event["generated_text"] is None for event in events[:-1])
    assert events[-1]["details"]["generated_tokens"] == 6


def test_the_client_that_agentlm_was_evaluated_with(server):
    """Its request, field for field; the prompt is cut at the front. TGI samples at this temperature."""
    import requests

    def asked(**more):
        parameters = {"max_new_tokens": 32, "do_sample": False, "temperature": 0.7, "truncate": 64} | more
        data = json.dumps({"inputs": "<s>[INST] Look around. [/INST]" * 40, "parameters": parameters})
        return requests.post(
            f"{server.url}/generate", data=data, headers={"Content-Type": "application/json"}, timeout=9
        )

    (line,) = asked().iter_lines(delimiter=b"\0")
    assert json.loads(line).keys() == {"generated_text"}
    assert asked(seed=1).json() == asked(seed=1).json() != asked(seed=2).json()
    plain = asked(temperature=1.0, seed=1).json()
    assert plain == asked(temperature=1.0, seed=2).json(), "at TGI's default nothing is drawn"
    assert asked(temperature=1.0, seed=1, do_sample=True).json() != plain


def test_hugging_faces_client_of_text_generation_inference(server):
    from huggingface_hub import InferenceClient

    client = InferenceClient(model=server.url, timeout=30)
    text = client.text_generation("Once upon", max_new_tokens=6)
    assert (
        text
        == post(f"{server.url}/generate", {"inputs": "Once upon", "parameters": {"max_new_tokens": 6}})[1][
            "generated_text"
        ]
    )
    whole = client.text_generation("Once upon", max_new_tokens=6, details=True, decoder_input_details=True)
    assert (whole.generated_text, whole.details.finish_reason, len(whole.details.prefill)) == (text, "length", 2)
    assert "".join(client.text_generation("Once upon", max_new_tokens=6, stream=True)) == text
    *_, last = client.text_generation("Once upon", max_new_tokens=6, stream=True, details=True)
    assert (last.generated_text, last.details.generated_tokens) == (text, 6)


def test_several_replies_run_at_once_and_each_is_its_own(server, client):
    from concurrent.futures import ThreadPoolExecutor

    def one(place):
        asked = [{"role": "user", "content": f"Tell me about the number {place}."}]
        return client.chat.completions.create(model="tiny", messages=asked, max_tokens=10, temperature=0)

    alone = [one(place).choices[0].message.content for place in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = [answer.choices[0].message.content for answer in pool.map(one, range(8))]
    assert together == alone


def test_a_client_that_leaves_frees_its_place(server, client):
    """The place and the engine's sequence alike: a reply of 400 tokens would run for seconds."""
    before = counted(server, "agenttuning_cancelled_total")
    asked = {"model": "tiny", "messages": HELLO, "max_tokens": 400, "temperature": 0}
    stream = client.chat.completions.create(**asked, stream=True)
    next(iter(stream))
    stream.close()
    until_idle(server)
    asyncio.run(_cancelled_task(server, asked))
    until_idle(server)
    assert counted(server, "agenttuning_cancelled_total") == before + 2


def until_idle(server) -> None:
    deadline = time.monotonic() + 10
    while "agenttuning_replies 0.0" not in metrics(server):
        assert time.monotonic() < deadline, "nobody waits, and a reply is still computed"
        time.sleep(0.02)


async def _cancelled_task(server, asked: dict) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        task = asyncio.create_task(client.chat.completions.create(**asked))
        while "agenttuning_replies 0.0" in await asyncio.to_thread(metrics, server):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def metrics(server) -> str:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        return answer.read().decode()


def counted(server, name: str) -> float:
    return sum(float(line.split()[-1]) for line in metrics(server).splitlines() if line.startswith(name))


def test_what_is_done_is_counted(server, client):
    before = {name: counted(server, f"agenttuning_{name}") for name in ("prompt_tokens_total", "reply_tokens_total")}
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=5, temperature=0)
    assert (
        counted(server, "agenttuning_prompt_tokens_total") == before["prompt_tokens_total"] + answer.usage.prompt_tokens
    )
    assert counted(server, "agenttuning_reply_tokens_total") == before["reply_tokens_total"] + 5
    page = metrics(server)
    assert 'agenttuning_requests_total{path="/v1/chat/completions",status="200"}' in page
    assert "agenttuning_first_token_seconds_bucket" in page
    assert "agenttuning_between_tokens_seconds_bucket" in page
    with urllib.request.urlopen(f"{server.url}/health", timeout=10) as answer:
        assert json.load(answer) == {"status": "ok"}
