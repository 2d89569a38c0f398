"""Tools and adapters through the official client: a tiny model that has learned to call."""

import json
from pathlib import Path

import openai
import pytest
import tiny
from served import serving, write_adapter
from test_serving_text import WEATHER

from agenttuning.models import load_model, load_tokenizer
from agenttuning.serving.config import ServeConfig
from agenttuning.serving.messages import conversation

ASKED = {"messages": [{"role": "user", "content": "How is the weather in Rome?"}], "tools": [WEATHER]}
WRITTEN = 'I look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A tiny model that answers ASKED with WRITTEN, by heart."""
    import torch

    from agenttuning.chat_template import prompt_ids

    folder = tiny.write_model(tmp_path_factory.mktemp("tools") / "model")
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(0)
    net = load_model(folder).train()
    prompt = prompt_ids(conversation(ASKED, shows_tools=False), tokenizer)
    reply = [*tokenizer(WRITTEN, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    inputs, targets = torch.tensor([prompt + reply]), torch.tensor(reply)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(80):
        logits = net(inputs, logits_to_keep=len(reply) + 1).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < 0.02:
            break
    net.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(model: Path, tmp_path_factory) -> Path:
    return write_adapter(model, tmp_path_factory.mktemp("tools") / "adapter")


@pytest.fixture(scope="module")
def client(model: Path, adapter: Path):
    config = ServeConfig(engine="transformers", name="base", adapters={"other": str(adapter)})
    with serving(model, config) as server, \
         openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60) as one:  # fmt: skip
        yield one


def test_a_call_comes_back_as_a_call(client):
    answer = client.chat.completions.create(model="base", temperature=0, max_tokens=60, **ASKED)
    (choice,) = answer.choices
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content.strip() == "I look."
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Rome"})
    assert call.type == "function"
    assert call.id


def test_a_streamed_call_is_put_together_by_the_client(client):
    with client.chat.completions.stream(model="base", temperature=0, max_tokens=60, **ASKED) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    (call,) = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Rome"})
    assert choice.finish_reason == "tool_calls"
    assert "<tool_call>" not in (choice.message.content or "")


def test_a_choice_of_tool_begins_the_reply_and_none_hides_them(client):
    named = {"type": "function", "function": {"name": "weather"}}
    for choice in (named, "required"):
        answer = client.chat.completions.create(model="base", temperature=0, max_tokens=60, tool_choice=choice, **ASKED)
        message = answer.choices[0].message
        assert message.tool_calls or message.content.startswith("<tool_call>"), message
    answer = client.chat.completions.create(model="base", temperature=0, max_tokens=5, tool_choice="none", **ASKED)
    assert answer.choices[0].message.tool_calls is None


def test_adapters_answer_beside_their_base_each_as_if_alone(client, model, adapter):
    """In one batch; the reference is peft's own merge."""
    from concurrent.futures import ThreadPoolExecutor

    import torch

    tokenizer = load_tokenizer(model)
    prompts = [f"Number {place} is" for place in range(4)]

    def reference(folder: Path, prompt: str) -> tuple[str, list[float]]:
        net = nets[folder]
        ids = tokenizer(prompt)["input_ids"]
        with torch.inference_mode():
            out = net.generate(torch.tensor([ids]), max_new_tokens=8, do_sample=False, pad_token_id=2)
            scores = net(out).logits[0, :-1].log_softmax(-1)
        own = [scores[place, out[0, place + 1]].item() for place in range(len(ids) - 1, out.shape[1] - 1)]
        return tokenizer.decode(out[0][len(ids) :], skip_special_tokens=True), own

    nets = {folder: load_model(folder).eval() for folder in (model, adapter)}
    names = {"base": model, "other": adapter}

    def ask(row):
        name, prompt = row
        one = client.completions.create(model=name, prompt=prompt, max_tokens=8, temperature=0, logprobs=0)
        return one.choices[0]

    rows = [(name, prompt) for prompt in prompts for name in names]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, rows))
    for (name, prompt), answer in zip(rows, answers, strict=True):
        text, scores = reference(names[name], prompt)
        assert answer.text.strip() == text.strip()
        assert answer.logprobs.token_logprobs == pytest.approx(scores, abs=1e-3)
    assert answers[0].text != answers[1].text
    assert [one.id for one in client.models.list()] == ["base", "other"]
