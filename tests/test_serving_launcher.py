"""The command lines of vLLM and SGLang, and what `agenttuning serve` says before it starts anything."""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import tiny

from agenttuning.errors import BadInput, MissingProgram
from agenttuning.serving.config import KEY_VARIABLE, ServeConfig
from agenttuning.serving.launcher import command_line, launch


def adapter(folder: Path, rank: int) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": rank}))
    return folder


def options(line: list[str]) -> dict[str, list[str]]:
    """The values behind each option."""
    out: dict[str, list[str]] = {}
    name = ""
    for word in line:
        if word.startswith("--"):
            name = word
            out[name] = []
        else:
            out.setdefault(name, []).append(word)
    return out


def test_vllm(tmp_path):
    first, second = adapter(tmp_path / "first", 16), adapter(tmp_path / "second", 40)
    config = ServeConfig(
        engine="vllm", name="base", host="0.0.0.0", port=9000, tensor_parallel=2, data_parallel=3, context=4096,
        chat_template="agentlm", adapters={"a": str(first), "b": str(second)},
    )  # fmt: skip
    line = command_line("THUDM/agentlm-7b", config)
    assert line[:3] == ["vllm", "serve", "THUDM/agentlm-7b"]
    found = options(line)
    assert found["--served-model-name"] == ["base"]
    assert (found["--host"], found["--port"]) == (["0.0.0.0"], ["9000"])
    assert (found["--tensor-parallel-size"], found["--data-parallel-size"]) == (["2"], ["3"])
    assert (found["--enable-prefix-caching"], found["--enable-lora"]) == ([], [])
    assert found["--max-model-len"] == ["4096"]
    assert found["--lora-modules"] == [f"a={first}", f"b={second}"]
    assert (found["--max-loras"], found["--max-lora-rank"]) == (["2"], ["64"])
    assert "<<SYS>>" in Path(found["--chat-template"][0]).read_text()


def test_sglang(tmp_path):
    one = adapter(tmp_path / "one", 8)
    config = ServeConfig(engine="sglang", tensor_parallel=4, data_parallel=2, context=8192, adapters={"a": str(one)})
    line = command_line("Qwen/Qwen3-4B", config)
    assert line[1:3] == ["-m", "sglang.launch_server"]
    found = options(line[3:])
    assert found["--model-path"] == found["--served-model-name"] == ["Qwen/Qwen3-4B"]
    assert (found["--tp-size"], found["--dp-size"], found["--context-length"]) == (["4"], ["2"], ["8192"])
    assert (found["--enable-lora"], found["--lora-paths"]) == ([], [f"a={one}"])
    assert "--disable-radix-cache" not in found


def test_a_folder_is_served_under_its_name(tmp_path):
    model = tiny.write_model(tmp_path / "merged")
    found = options(command_line(str(model), ServeConfig(engine="vllm")))
    assert found["--served-model-name"] == ["merged"]
    assert "--enable-lora" not in found
    assert "--chat-template" not in found


def test_a_known_model_brings_what_it_needs(monkeypatch):
    monkeypatch.delenv("AGENTTUNING_HUB", raising=False)
    line = command_line("agentlm-70b", ServeConfig(engine="vllm"))
    found = options(line)
    assert line[2] == "zai-org/agentlm-70b"
    assert (found["--served-model-name"], found["--tensor-parallel-size"]) == (["agentlm-70b"], ["4"])
    assert (found["--max-model-len"], Path(found["--chat-template"][0]).stem) == (["4096"], "agentlm")
    own = ServeConfig(engine="sglang", tensor_parallel=8, context=2048, chat_template="llama-2-chat")
    found = options(command_line("agentlm-70b", own)[3:])
    assert (found["--tp-size"], found["--context-length"]) == (["8"], ["2048"])
    assert Path(found["--chat-template"][0]).stem == "llama-2-chat"
    assert "--trust-remote-code" in command_line("agent-flan-7b", ServeConfig(engine="vllm"))
    assert "--trust-remote-code" not in line
    monkeypatch.setenv("AGENTTUNING_HUB", "modelscope")
    line = command_line("agentlm-7b", ServeConfig(engine="vllm"))
    assert line[:5] == ["env", "VLLM_USE_MODELSCOPE=true", "vllm", "serve", "ZhipuAI/agentlm-7b"]
    line = command_line("modelscope:Qwen/Qwen3-4B", ServeConfig(engine="sglang", name="qwen"))
    assert line[1] == "SGLANG_USE_MODELSCOPE=true"
    assert "Qwen/Qwen3-4B" in line
    with pytest.raises(BadInput, match="not published on ModelScope"):
        command_line("agent-flan-7b", ServeConfig(engine="vllm"))


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_what_is_wrong_is_said_before_anything_starts(tmp_path, monkeypatch, engine):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(MissingProgram, match=f"pip install {engine}"):
        launch("owner/model", ServeConfig(engine=engine))
    with pytest.raises(BadInput, match="adapter_config"):
        command_line("owner/model", ServeConfig(engine=engine, adapters={"a": str(tmp_path)}))
    with pytest.raises(BadInput, match="give a Jinja file"):
        command_line("owner/model", ServeConfig(engine=engine, chat_template="no-such-template"))
    with pytest.raises(BadInput, match="too large"):
        command_line("m/m", ServeConfig(engine="vllm", adapters={"a": str(adapter(tmp_path / "big", 4096))}))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "agenttuning", "serve", *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_command_prints_the_line_and_never_the_key():
    asked = ("owner/model", "--engine", "vllm", "--tensor-parallel", "8", "--dry-run")
    answer = run(*asked, "--host", "0.0.0.0", **{KEY_VARIABLE: "very-secret"})
    assert answer.stdout.startswith("vllm serve owner/model ")
    assert "very-secret" not in answer.stdout
    assert json.loads(run(*asked, "--json").stdout)[:2] == ["vllm", "serve"]


def test_the_command_says_what_it_cannot_do():
    answer = run("owner/model", "--host", "0.0.0.0", "--dry-run", **{KEY_VARIABLE: ""})
    assert (answer.returncode, KEY_VARIABLE in answer.stderr) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = run("owner/model", "--port", str(taken.getsockname()[1]), "--dry-run")
    assert (answer.returncode, "choose another --port" in answer.stderr) == (2, True)


def test_the_command_serves_until_it_is_stopped(tmp_path):
    model = tiny.write_model(tmp_path / "model")
    process = subprocess.Popen(
        [sys.executable, "-m", "agenttuning", "serve", str(model), "--engine", "transformers", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        url = re.search(r"serving model \(transformers, 512 tokens\) on (http://127\.0\.0\.1:\d+)/v1", line)
        assert url, (line, process.stderr.read() if process.poll() is not None else "")
        with urllib.request.urlopen(f"{url[1]}/v1/models", timeout=20) as answer:
            assert json.load(answer)["data"][0]["id"] == "model"
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
