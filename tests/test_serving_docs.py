"""What README.md and docs/serving.md show of a running server is run against one, on a tiny model."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tiny
from served import serving, write_adapter

from agenttuning.serving.config import ServeConfig

ROOT = Path(__file__).parent.parent
ADDRESS = "127.0.0.1:8000"
PAGES = {page: (ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/serving.md")}


def blocks(language: str) -> list[str]:
    return [block for text in PAGES.values() for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)]


CURLS = [f"curl {rest}" for block in blocks("bash") for rest in re.split(r"^curl ", block, flags=re.MULTILINE)[1:]]
SCRIPTS = [block for block in blocks("python") if ADDRESS in block]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    room = tmp_path_factory.mktemp("docs")
    model = tiny.write_model(room / "model")
    adapters = {"tuned": str(write_adapter(model, room / "adapter"))}
    config = ServeConfig(engine="transformers", name="smollm2-135m-instruct", adapters=adapters, reply_tokens=8)
    with serving(model, config) as running:
        yield running


def test_there_are_some():
    assert len(CURLS) >= 4
    assert len(SCRIPTS) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", CURLS)
def test_the_curl_lines_are_answered(server, command):
    line = command.replace(ADDRESS, f"127.0.0.1:{server.port}")
    answer = subprocess.run(
        ["bash", "-c", f"curl() {{ command curl -sS --fail-with-body --noproxy '*' \"$@\"; }}\n{line}"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    if '"stream": true' in command:
        events = [row.removeprefix("data: ") for row in answer.stdout.splitlines() if row]
        assert events.pop() == "[DONE]"
        assert json.loads(events[-1])["choices"][0]["finish_reason"]
    else:
        reply = json.loads(answer.stdout)
        assert reply["generated_text"] if "/generate" in command else reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_python_lines_are_answered(server, script, capsys):
    exec(script.replace(ADDRESS, f"127.0.0.1:{server.port}"), {})  # noqa: S102 (this repository's own page)
    assert capsys.readouterr().out.strip()
