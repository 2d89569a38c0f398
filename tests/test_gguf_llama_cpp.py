"""llama.cpp's own server on an exported model: the same tokens, and the greedy replies of the weights in the file."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from agenttuning.engines.gguf import export_gguf
from agenttuning.models import BUILT_IN, load_model, load_tokenizer, resolve

PROGRAM = shutil.which("llama-server")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="llama-server is not on the PATH: benchmarks/README.md builds it"),
]
TEXTS = (
    "Grüße: 12345 words, 你好 😀\n\n  code()  {x: 1}",
    "<|im_start|>user\nHello 2026!<|im_end|>\n",
    "  leading and trailing  ",
    "1234567 don't I'M naïve\t\ttabs",
)
QUESTIONS = ("Say hello.", "Why does the sky look blue at noon but orange at sunset?", "Count to ten.")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    file = export_gguf(resolve(BUILT_IN), tmp_path_factory.mktemp("llama") / "model.gguf")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [str(PROGRAM), "-m", str(file), "--port", str(port), "--ctx-size", "1024", "--parallel", "1"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(health: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, "llama-server did not start"
        assert time.monotonic() < deadline
        try:
            with urllib.request.urlopen(health, timeout=5):
                return
        except OSError:
            time.sleep(0.2)


def ask(url: str, body: dict) -> dict:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(Path(resolve(BUILT_IN)))


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_the_tokenizers(url, tokenizer, text):
    found = ask(f"{url}/tokenize", {"content": text, "add_special": False, "parse_special": True})
    assert found["tokens"] == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_greedy_replies_are_transformers(url, tokenizer):
    import torch

    net = load_model(resolve(BUILT_IN)).eval()
    for weight in net.parameters():
        if weight.ndim == 2:
            weight.data = weight.data.half().float()  # as in the file
    for question in QUESTIONS:
        row = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(row, add_generation_prompt=True, return_dict=False)
        asked = {"prompt": ids, "n_predict": 16, "temperature": 0, "return_tokens": True, "cache_prompt": False}
        with torch.inference_mode():
            out = net.generate(torch.tensor([ids]), max_new_tokens=16, do_sample=False, pad_token_id=2)[0]
        expected = [index for index in out[len(ids) :].tolist() if index != tokenizer.eos_token_id]
        found = ask(f"{url}/completion", asked)["tokens"]
        assert [index for index in found if index != tokenizer.eos_token_id] == expected
