"""Training on a tiny real model: it learns, it stops at bad corpora, and a kill changes nothing."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest
import tiny

from agenttuning.errors import BadInput
from agenttuning.training.trainer import TrainConfig, train

torch = pytest.importorskip("torch")
COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "trained_tokens")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.write_model(tmp_path_factory.mktemp("tiny") / "model")


def curve(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [tuple(row[c] for c in COLUMNS) for row in rows]


# LoRA leaves the random embeddings as they are, so on this model it can learn only a little.
@pytest.mark.parametrize(("method", "fall"), [("lora", 0.1), ("full", 1.0)])
def test_loss_falls_and_the_checkpoint_loads(model, tmp_path, method, fall):
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 32)
    config = TrainConfig(method=method, epochs=6, batch_rows=8, learning_rate=1e-2, precision="float32")
    counts = train(config, corpus, str(model), tmp_path / "out", seed=0)
    points = curve(tmp_path / "out")
    assert counts["steps"] == len(points) == 24
    assert points[-1][1] < points[0][1] - fall
    from transformers import AutoModelForCausalLM

    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "merged")
    start = AutoModelForCausalLM.from_pretrained(model)
    assert any(not torch.equal(a, b) for a, b in zip(merged.parameters(), start.parameters(), strict=True))
    assert (tmp_path / "out" / "adapter").is_dir() == (method == "lora")


def test_same_seed_same_curve(model, tmp_path):
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 16)
    config = TrainConfig(batch_rows=4, precision="float32")
    for name in ("a", "b"):
        train(config, corpus, str(model), tmp_path / name, seed=1)
    assert curve(tmp_path / "a") == curve(tmp_path / "b")


def test_packing_changes_the_computation_not_the_curve(model, tmp_path):
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 16)
    for length in (64, 1024):
        config = TrainConfig(batch_rows=8, pack_length=length, precision="float32")
        train(config, corpus, str(model), tmp_path / str(length), seed=1)
    one, other = curve(tmp_path / "64"), curve(tmp_path / "1024")
    assert [row[1] for row in one] == pytest.approx([row[1] for row in other], rel=1e-4)


def test_a_corpus_without_a_trained_token_is_refused(model, tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"id": "x", "messages": [{"role": "user", "content": "Hello?"}]}\n')
    with pytest.raises(BadInput, match="no row has a trained token"):
        train(TrainConfig(), corpus, str(model), tmp_path / "out", seed=0)


def saved_step(folder):
    """The step a killed run can go on from; a run killed while it renames has two checkpoints or a finished model."""
    if not folder.exists() or (folder / "training.json").is_file():
        return 10**6
    states = [folder / name / "state.json" for name in ("checkpoint", "checkpoint.old")]
    return max((json.loads(s.read_text())["step"] for s in states if s.is_file()), default=0)


@pytest.mark.slow
def test_ten_kills_lose_and_repeat_nothing(model, tmp_path):
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 240)
    options = [
        "--model",
        str(model),
        "--batch-rows",
        "4",
        "--checkpoint-every",
        "3",
        "--precision",
        "float32",
    ]
    command = [sys.executable, "-m", "agenttuning", "train", str(corpus), *options, "--out"]
    began = time.monotonic()
    subprocess.run([*command, tmp_path / "whole"], check=True, capture_output=True)
    seconds = time.monotonic() - began
    moments = random.Random(11)
    kills = furthest = 0
    while kills < 10:
        process = subprocess.Popen(
            [*command, tmp_path / "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            # From before the first step to just before the end of an uninterrupted run.
            process.wait(moments.uniform(0.4, 0.85) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            step = saved_step(tmp_path / "killed.partial")
            assert step >= furthest, "a checkpoint was lost"
            furthest = step
            if step == 10**6:
                break
            continue
        break
    assert kills >= 3
    assert furthest > 0
    subprocess.run([*command, tmp_path / "killed"], check=True, capture_output=True)
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")
