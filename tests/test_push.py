"""Publishing: the exact folder, a card that hubs can read, what is refused, and the upload to a hub on loopback."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from example_run import write_run
from hub_server import KEY, hub

from agenttuning.atif import read_trajectories, write_trajectories
from agenttuning.cli import main
from agenttuning.conversation import Conversation, Segment, assistant, to_row, user
from agenttuning.files import write_json, write_jsonl
from agenttuning.licences import front_matter
from agenttuning.provenance import marked

# A safetensors file without tensors: eight bytes with the length of its header, and the header.
WEIGHTS = (2).to_bytes(8, "little") + b"{}"
HOME = "/home/someone/.cache/agenttuning/models/smollm2-135m-instruct"


def conversation(number: int, text: str = "Five.", **known: str) -> Conversation:
    messages = (user(f"What is 2 + {number}?"), assistant(Segment(text, train=True)))
    return marked(Conversation(messages, id=f"row-{number}"), "mix", **known)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with weights and rows of two licences."""
    folder = write_run(tmp_path / "run", tasks=12)
    for name, mark in (("merged", "config.json"), ("adapter", "adapter_config.json")):
        weights = folder / "model" / name
        weights.mkdir()
        (weights / ("model.safetensors" if name == "merged" else "adapter_model.safetensors")).write_bytes(WEIGHTS)
        key = "_name_or_path" if name == "merged" else "base_model_name_or_path"
        write_json(weights / mark, {"model_type": "llama", key: HOME})
        (weights / "tokenizer.json").write_text("{}")
        (weights / "LICENSE").write_text("Apache License\n")
        (weights / "optimizer.pt").write_bytes(b"state")
        (weights / "README.md").write_text("# Model Card for Model ID\n")
    rows = [conversation(i, source="ours", license="apache-2.0", teacher="expert") for i in range(3)]
    rows.append(conversation(9, source="chats", license="cc-by-4.0", teacher="gpt"))
    write_jsonl(folder / "corpus" / "corpus.jsonl", [to_row(row) for row in rows])
    episodes = [
        marked(t, license="apache-2.0")
        for t in read_trajectories(folder / "evaluation" / "tuned" / "trajectories" / "database.jsonl")
    ]
    write_trajectories(folder / "filtered" / "kept.jsonl", episodes)
    return folder


def push(capsys, *arguments: str | Path, status: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["push", *map(str, arguments)])
    shown = capsys.readouterr()
    assert ended.value.code == status, shown
    return shown.err if status else shown.out


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_dry_run_writes_the_exact_folder_of_a_model(run: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    shown = push(capsys, run, "--to", "hf:me/agent", "--what", "model", "--dry-run", "--out", out)
    assert files(out) == ["LICENSE", "README.md", "config.json", "model.safetensors", "scores.json", "tokenizer.json"]
    assert "left out: optimizer.pt" in shown
    assert "nothing was uploaded" in shown
    weights = run / "model" / "merged" / "model.safetensors"
    assert (out / "model.safetensors").samefile(weights)  # a hard link, no second copy
    assert json.loads((out / "scores.json").read_text())["model"] == "me/agent"
    assert json.loads((out / "config.json").read_text())["_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert json.loads((run / "model" / "merged" / "config.json").read_text())["_name_or_path"] == HOME  # not touched
    assert not [path for path in out.iterdir() if b"/home/someone" in path.read_bytes()]


def test_the_card_of_a_model_is_what_the_hub_reads(run: Path, tmp_path: Path, capsys):
    from huggingface_hub import ModelCard

    push(capsys, run, "--to", "hf:me/agent", "--what", "model", "--dry-run", "--out", tmp_path / "out")
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "transformers")
    assert card.data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    scores = json.loads((run / "evaluation" / "tuned" / "scores.json").read_text())["environments"]
    results = {result.dataset_type: result for result in card.data.eval_results}
    assert {name: result.metric_value for name, result in results.items()} == {
        name: round(100 * row["mean"], 2) for name, row in scores.items()
    }
    database = scores["database"]
    interval = f"{100 * database['mean']:.1f} [{100 * database['low']:.1f}, {100 * database['high']:.1f}]"
    line = next(line for line in card.text.splitlines() if line.startswith("| database, held in"))
    verdict = json.loads((run / "evaluation" / "comparison.json").read_text())["environments"]["database"]["verdict"]
    assert f"| {interval} | {verdict} |" in line
    assert "| 12 |" in line
    assert "| database | 200 | 181 | 11 reward below 1, 6 turn_limit, 2 duplicate |" in card.text
    perplexity = json.loads((run / "evaluation" / "tuned" / "scores.json").read_text())["general"]["perplexity"]
    line = next(line for line in card.text.splitlines() if line.startswith("| general: perplexity, less is better"))
    assert f"{perplexity['mean']:.2f} [{perplexity['low']:.2f}, {perplexity['high']:.2f}]" in line
    assert "| 3 | ours | apache-2.0 | expert |" in card.text
    assert "| 1 | chats | cc-by-4.0 | gpt |" in card.text
    assert "## Limits" in card.text


def test_an_adapter_names_its_start_model_by_its_id_on_each_hub(run: Path, tmp_path: Path, capsys):
    from huggingface_hub import ModelCard

    for hub_, out in (("hf", tmp_path / "hf"), ("ms", tmp_path / "ms")):
        push(capsys, run, "--to", f"{hub_}:me/agent-lora", "--what", "adapter", "--dry-run", "--out", out)
        assert "adapter_model.safetensors" in files(out)
        base = json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"]
        card = ModelCard.load(out / "README.md")
        assert base == card.data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
        assert (card.data.library_name, card.data.base_model_relation) == ("peft", "adapter")


def test_a_dataset_is_the_kept_episodes_and_the_corpus(run: Path, tmp_path: Path, capsys):
    from huggingface_hub import DatasetCard

    out = tmp_path / "out"
    push(
        capsys, run, "--to", "hf:me/rows", "--what", "dataset", "--dry-run", "--out", out, "--about", "Our own agents."
    )
    assert files(out) == ["README.md", "data/conversations.jsonl", "data/trajectories.jsonl"]
    assert read_trajectories(out / "data" / "trajectories.jsonl") is not None
    assert len((out / "data" / "conversations.jsonl").read_text().splitlines()) == 4
    card = DatasetCard.load(out / "README.md")
    assert card.data.license == ["apache-2.0", "cc-by-4.0"]
    assert [config["config_name"] for config in card.data.configs] == ["trajectories", "conversations"]
    for part in ("Our own agents.", "## Data funnel", "| database | 200 | 181 |", "## Limits"):
        assert part in card.text


@pytest.mark.parametrize("what", ["model", "dataset"])
def test_rows_whose_licence_forbids_it_are_refused(run: Path, tmp_path: Path, capsys, what: str):
    with (run / "corpus" / "corpus.jsonl").open("a") as stream:
        stream.write(json.dumps(to_row(conversation(11, source="x", license="CC-BY-ND-4.0"))) + "\n")
    options = [run, "--to", "hf:me/x", "--what", what, "--dry-run", "--out", tmp_path / "out"]
    error = push(capsys, *options, status=2)
    assert "1 under CC-BY-ND-4.0" in error
    assert "--allow-licenses CC-BY-ND-4.0" in error
    assert not (tmp_path / "out").exists()
    push(capsys, *options, "--allow-licenses", "cc-by-nd-4.0")
    assert "although that forbids training" in (tmp_path / "out" / "README.md").read_text()


def test_a_row_with_a_key_is_refused_and_the_key_not_shown(run: Path, tmp_path: Path, capsys):
    key = "ghp_" + "q7Zk2Lw9Rb4Tx8Vn3Mc6Yd1Hs5Jf0Ge2Pu7A"
    with (run / "corpus" / "corpus.jsonl").open("a") as stream:
        stream.write(json.dumps(to_row(conversation(12, f"It is {key}."))) + "\n")
    error = push(capsys, run, "--to", "hf:me/x", "--what", "dataset", "--dry-run", "--out", tmp_path / "o", status=2)
    assert "corpus.jsonl:5" in error
    assert key not in error


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (None, ["--to", "me/agent", "--what", "model"], "expected hf:USER/NAME"),
        (None, ["--to", "hf:me/../x", "--what", "model"], "expected hf:USER/NAME"),
        (None, ["--to", "hf:me/x", "--what", "model", "--base", "some/model"], "--license NAME"),
        (
            None,
            ["--to", "hf:me/x", "--what", "adapter", "--base", "/some/where", "--license", "mit"],
            "--base OWNER/NAME",
        ),
        (None, ["--to", "hf:me/x", "--what", "dataset", "--base", "some/model"], "leave them out"),
        ("model/merged/model.safetensors", ["--to", "hf:me/x", "--what", "model"], "no *.safetensors there"),
        ("model/merged/config.json", ["--to", "hf:me/x", "--what", "model"], "no model there"),
    ],
)
def test_what_cannot_be_published_is_said(run: Path, tmp_path: Path, capsys, change, options: list[str], said: str):
    if change:
        (run / change).unlink()
    assert said in push(capsys, run, *options, "--dry-run", "--out", tmp_path / "out", status=2)
    assert not (tmp_path / "out").exists()


def test_scores_of_another_form_are_refused(run: Path, tmp_path: Path, capsys):
    write_json(tmp_path / "scores.json", {"environments": {"database": {"mean": 0.5}}})
    options = [run, "--to", "hf:me/x", "--what", "model", "--dry-run", "--out", tmp_path / "out"]
    assert "run it again" in push(capsys, *options, "--scores", tmp_path, status=2)


def test_a_folder_that_is_there_is_left_alone(run: Path, tmp_path: Path, capsys):
    (tmp_path / "out").mkdir()
    assert "is there already" in push(
        capsys, run, "--to", "hf:me/x", "--what", "model", "--dry-run", "--out", tmp_path / "out", status=2
    )


def test_a_bare_checkpoint_says_what_is_not_known(run: Path, tmp_path: Path, capsys):
    bare = shutil.copytree(run / "model" / "merged", tmp_path / "bare")
    options = [bare, "--to", "hf:me/x", "--what", "model", "--base", "some/model", "--license", "My own Terms"]
    push(capsys, *options, "--dry-run", "--out", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "license: other\nlicense_name: my-own-terms\nbase_model: some/model\n" in card
    for part in ("It has not been measured", "their licences are not known"):
        assert part in card


def test_licences_are_spelled_as_the_hub_does():
    assert front_matter(["Apache-2.0"]) == {"license": "apache-2.0"}
    assert front_matter(["Llama 3.1 Community"]) == {"license": "llama3.1"}
    assert front_matter(["mit", "GPT terms"]) == {"license": ["mit", "other"], "license_name": "gpt-terms"}
    assert front_matter(["apache-2.0 AND cc-by-4.0"]) == {"license": ["apache-2.0", "cc-by-4.0"]}
    assert front_matter([]) == {"license": "unknown"}


def online(address: str, home: Path, *arguments: str | Path, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the hub's client reads its address and key when it is imported."""
    names = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE")
    env = {name: value for name, value in os.environ.items() if name not in names}
    env |= {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        **({"HF_TOKEN": key} if key else {}),
    }
    command = [sys.executable, "-m", "agenttuning", "push", *map(str, arguments)]
    return subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_what_is_uploaded_is_what_the_dry_run_wrote(run: Path, tmp_path: Path, capsys):
    push(capsys, run, "--to", "hf:me/agent", "--what", "model", "--dry-run", "--out", tmp_path / "out")
    options = [run, "--to", "hf:me/agent", "--what", "model"]
    with hub() as server:
        answer = online(server.address, tmp_path, *options)
        assert answer.returncode == 0, answer.stderr
        assert "uploaded, private" in answer.stdout
        assert server.files["me/agent"] == {
            name: (tmp_path / "out" / name).read_bytes() for name in files(tmp_path / "out")
        }
        assert (server.private["me/agent"], server.kinds["me/agent"]) == (True, "model")
        assert KEY not in answer.stdout + answer.stderr
        # A repository that everybody sees is written to only where that was said.
        server.private["me/agent"] = False
        server.files["me/agent"].clear()
        answer = online(server.address, tmp_path, *options)
        assert (answer.returncode, server.files["me/agent"]) == (2, {})
        assert "say --public" in answer.stderr
        answer = online(server.address, tmp_path, *options, key="hf_" + "Zz9Yy8Xx7Ww6" * 3)
        assert answer.returncode == 2
        assert "hf_Zz9" not in answer.stdout + answer.stderr
        asked = len(server.asked)
        answer = online(server.address, tmp_path, *options, key=None)
        assert (answer.returncode, len(server.asked)) == (2, asked)
        assert "hf auth login" in answer.stderr
    answer = online(server.address, tmp_path, *options)  # which is closed now
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: me/agent: not uploaded: ")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("agenttuning-")]


@pytest.mark.skipif(importlib.util.find_spec("modelscope_hub") is not None, reason="modelscope-hub is installed")
def test_a_missing_client_is_named_with_its_command(run: Path, capsys):
    assert "pip install modelscope-hub" in push(capsys, run, "--to", "ms:me/x", "--what", "model", status=2)
