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
from agenttuning.training.config import TrainConfig
from agenttuning.training.trainer import train

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


def divergence(start, tuned, text):
    """KL(start ‖ tuned) in nats a token."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(start)(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        ours, theirs = (
            AutoModelForCausalLM.from_pretrained(folder)(ids).logits[0].log_softmax(-1) for folder in (tuned, start)
        )
    return float((theirs.exp() * (theirs - ours)).sum(-1).mean())


def general_curve(model, corpus, out, **config):
    train(TrainConfig(epochs=6, learning_rate=1e-2, precision="float32", **config), corpus, str(model), out, seed=0)
    return [json.loads(line)["losses"]["general"] for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_general_rows_are_compared_with_the_start_model(model, tmp_path, method):
    config = {"method": method, "general_loss": "start_model"}
    curve = general_curve(model, tiny.write_mixed_corpus(tmp_path / "corpus.jsonl", 16), tmp_path / "out", **config)
    assert curve[0] == pytest.approx(0.0, abs=1e-5)  # nothing has moved yet
    assert 1e-3 < max(curve) < 1  # the start model has stayed what it was; as text the rows would cost over 10


def test_general_rows_hold_the_start_model_better_than_their_text_does(model, tmp_path):
    corpus, apart = tiny.write_mixed_corpus(tmp_path / "corpus.jsonl", 16), {}
    for loss in ("start_model", "text"):
        general_curve(model, corpus, tmp_path / loss, method="full", general_loss=loss)
        apart[loss] = divergence(model, tmp_path / loss / "merged", "It is a number like any other number.")
    assert apart["start_model"] < 0.8 * apart["text"]


def test_both_general_losses_are_their_mean(model, tmp_path):
    corpus, first = tiny.write_mixed_corpus(tmp_path / "corpus.jsonl", 16), {}
    for loss in ("start_model", "text", "both"):
        first[loss] = general_curve(model, corpus, tmp_path / loss, general_loss=loss, max_steps=1)[0]
    assert first["both"] == pytest.approx((first["text"] + first["start_model"]) / 2, rel=1e-4)


def test_a_corpus_without_a_trained_token_is_refused(model, tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"id": "x", "messages": [{"role": "user", "content": "Hello?"}]}\n')
    with pytest.raises(BadInput, match="no row has a trained token"):
        train(TrainConfig(), corpus, str(model), tmp_path / "out", seed=0)


def saved_step(folder):
    """The step a killed run goes on from; one killed while it renamed has its checkpoint under the old name."""
    states = [folder / name / "state.json" for name in ("checkpoint", "checkpoint.old")]
    return max((json.loads(s.read_text())["step"] for s in states if s.is_file()), default=0)


def logged(folder):
    file = folder / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.is_file() else 0


@pytest.mark.slow
def test_ten_kills_lose_and_repeat_nothing(model, tmp_path):
    """Each kill comes at a random moment of the steps that follow the last checkpoint."""
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 320)
    options = ["--model", str(model), "--batch-rows", "4", "--checkpoint-every", "3", "--precision", "float32"]
    command = [sys.executable, "-m", "agenttuning", "train", str(corpus), *options, "--out"]
    partial = tmp_path / "killed.partial"
    moments = random.Random(11)
    furthest = 0
    for _ in range(10):
        process = subprocess.Popen(
            [*command, tmp_path / "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        target = furthest + moments.randint(1, 6)
        while logged(partial) < target:
            assert process.poll() is None, "the run ended by itself"
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert saved_step(partial) >= furthest, "a checkpoint was lost"
        furthest = saved_step(partial)
    assert furthest > 10
    for name in ("killed", "whole"):
        subprocess.run([*command, tmp_path / name], check=True, capture_output=True)
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")


def test_a_run_killed_after_its_last_write_is_not_repeated(model, tmp_path):
    corpus = tiny.write_corpus(tmp_path / "corpus.jsonl", 8)
    config = TrainConfig(precision="float32")
    counts = train(config, corpus, str(model), tmp_path / "out", seed=0)
    written = (tmp_path / "out" / "metrics.jsonl").stat().st_mtime_ns
    assert train(config, corpus, str(model), tmp_path / "out", seed=0) == counts
    assert (tmp_path / "out" / "metrics.jsonl").stat().st_mtime_ns == written
