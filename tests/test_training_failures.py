"""What goes wrong in training: damaged checkpoints, losses that are no number, rows that are too long."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import ranks
import tiny

from agenttuning.errors import BadInput, Diverged
from agenttuning.files import sha256
from agenttuning.training.config import TrainConfig
from agenttuning.training.trainer import train

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("tiny") / "model")


def job(model: Path, folder: Path, **more: object) -> dict:
    corpus = folder / "corpus.jsonl"
    if not corpus.exists():
        tiny.write_corpus(corpus, 16)
    config = {"batch_rows": 4, "checkpoint_every": 2, **more.pop("config", {})}
    return {"config": config, "corpus": str(corpus), "model": str(model), "out": str(folder / "out"), **more}


def steps(folder: Path) -> int:
    return len((folder / "metrics.jsonl").read_text().splitlines())


def stopped(model: Path, folder: Path) -> Path:
    """The checkpoint of a run that was stopped."""
    with pytest.raises(ranks.Stopped):
        ranks.perform(job(model, folder, stop=3))
    return folder / "out" / "checkpoint"


def halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGE = {
    "no state": lambda folder: (folder / "state.json").unlink(),
    "half a state": lambda folder: halve(folder / "state.json"),
    "another state": lambda folder: (folder / "state.json").write_text('["step"]'),
    "no index": lambda folder: (folder / ".metadata").unlink(),
    "half an index": lambda folder: halve(folder / ".metadata"),
    "half the weights": lambda folder: halve(next(folder.glob("*.distcp"))),
    "no weights": lambda folder: next(folder.glob("*.distcp")).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_is_refused_until_it_is_deleted(model, tmp_path, damage):
    folder = stopped(model, tmp_path)
    damage(folder)
    with pytest.raises(BadInput, match=r"the checkpoint is damaged \(.*\); delete it to start again") as refused:
        ranks.perform(job(model, tmp_path))
    command = str(refused.value).rpartition(": ")[2]
    assert command == f"rm -r {folder}"
    subprocess.run(command.split(), check=True)
    ranks.perform(job(model, tmp_path))
    assert steps(tmp_path / "out") == 4


def test_a_checkpoint_of_another_model_is_refused(model, tmp_path):
    from transformers import AutoModelForCausalLM

    stopped(model, tmp_path)
    other = tiny.write_model(tmp_path / "other")
    AutoModelForCausalLM.from_pretrained(other, num_hidden_layers=1).save_pretrained(other)
    with pytest.raises(BadInput, match="checkpoint of another model; delete it"):
        ranks.perform(job(other, tmp_path))


def test_other_settings_start_again(model, tmp_path):
    stopped(model, tmp_path)
    ranks.perform(job(model, tmp_path, config={"learning_rate": 1e-4}))
    first = json.loads((tmp_path / "out" / "metrics.jsonl").read_text().splitlines()[0])
    assert first["learning_rate"] == pytest.approx(1e-4)


def poisoned(model: Path, out: Path, word: str) -> Path:
    """The model with a word's embedding at infinity."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    net = AutoModelForCausalLM.from_pretrained(model, tie_word_embeddings=False)
    net.get_input_embeddings().weight.data[tokenizer(word)["input_ids"]] = float("inf")
    net.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def test_a_loss_that_is_no_number_names_its_rows(model, tmp_path):
    work = job(poisoned(model, tmp_path / "poisoned", " zebra"), tmp_path)
    lines = Path(work["corpus"]).read_text().splitlines()
    lines[9] = lines[9].replace("What follows 9?", "What follows a zebra?")
    Path(work["corpus"]).write_text("".join(line + "\n" for line in lines))
    expected = r"step 3: the loss is nan .*from 1 of its 4 rows: row-9; look at .*; the checkpoint of step 2 stays"
    for _ in range(2):  # nor does it get further the second time
        with pytest.raises(Diverged, match=expected):
            ranks.perform(work)
        assert steps(tmp_path / "out") == 2


def test_a_gradient_that_is_no_number_names_its_rows(model, tmp_path):
    from transformers import AutoModelForCausalLM

    large = tiny.write_model(tmp_path / "large")
    net = AutoModelForCausalLM.from_pretrained(large)
    mlp = net.model.layers[1].mlp
    mlp.up_proj.weight.data *= 1e25  # what it multiplies is zero: only the gradient shows it
    mlp.down_proj.weight.data.zero_()
    net.save_pretrained(large)
    work = job(large, tmp_path, config={"method": "full"})
    with pytest.raises(
        Diverged, match=r"step 1: the loss is 1\d\.\d and the gradient norm inf, from 4 of its 4 rows: row-"
    ):
        ranks.perform(work)


def test_a_rate_that_is_too_high_is_the_first_guess_where_every_row_is_bad(model, tmp_path):
    with pytest.raises(Diverged, match=r"step 2: .*from 4 of its 4 rows: .*; lower learning_rate"):
        ranks.perform(job(model, tmp_path, config={"learning_rate": 1e30}))


def test_rows_beyond_the_models_positions_are_cut_and_counted(model, tmp_path):
    """The tiny model has 512 positions."""
    turns = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "and on " * 30}] * 10
    rows = [{"id": "long", "messages": turns}, {"id": "short", "messages": turns[:2]}]
    rows.append({"id": "endless", "messages": [{"role": "user", "content": "on " * 600}, turns[1]]})
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))
    counts = train(TrainConfig(), corpus, str(model), tmp_path / "out", seed=0)
    assert counts["rows"] == 2
    assert counts["dropped"] == {
        "no trained token within the model's 512 positions": 1,
        "cut to the model's 512 positions": 1,
    }


@pytest.mark.slow
def test_the_same_seed_writes_the_same_bytes(model, tmp_path):
    """In processes of their own, for an order of sets that differs from process to process would show."""
    corpus = tiny.write_mixed_corpus(tmp_path / "corpus.jsonl", 16)
    hashes = []
    for name in ("one", "other"):
        command = ["-m", "agenttuning", "train", corpus, "--model", model, "--out", tmp_path / name, "--seed", "3"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        environment.pop("PYTHONHASHSEED", None)
        subprocess.run([sys.executable, *map(str, command)], env=environment, check=True, capture_output=True)
        hashes.append([sha256(tmp_path / name / part) for part in ("adapter", "merged")])
    assert hashes[0] == hashes[1]
