"""Several ranks (gloo, on this machine) train as one process does, and any number of them goes on from a checkpoint."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ranks
import tiny

from agenttuning.errors import BadInput
from agenttuning.training.deal import deal, packs_of_rank
from agenttuning.training.distributed import size
from agenttuning.training.pack import Pack

torch = pytest.importorskip("torch")
SETTINGS = {"epochs": 2, "batch_rows": 8, "learning_rate": 1e-2, "pack_length": 128, "checkpoint_every": 2}


def test_packs_of_about_one_size_share_a_pass_and_ranks_work_alike():
    sizes = [300, 1000, 900, 200, 250, 980, 40, 880]
    passes = deal(sizes, 2)
    assert sorted(i for taken in passes for i in taken if i is not None) == list(range(8))
    assert [{sizes[i] for i in taken if i is not None} for taken in passes] == [
        {1000, 980},
        {900, 880},
        {300, 250},
        {200, 40},
    ]
    totals = [sum(sizes[taken[rank]] for taken in passes if taken[rank] is not None) for rank in (0, 1)]
    assert max(totals) / min(totals) < 1.1


def test_a_rank_without_a_pack_computes_one_that_does_not_count():
    packs = [Pack(ids=[5] * 9, sources=["a"], row_ids=["x"])]
    assert packs_of_rank(packs, 0, 2) == [(packs[0], True)]
    [(idle, counts)] = packs_of_rank(packs, 1, 2)
    assert not counts
    assert len(idle.ids) == 2
    assert packs_of_rank(packs * 3, 0, 1) == [(packs[0], True)] * 3


def test_half_of_torchruns_variables_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(BadInput, match="start with torchrun"):
        size()


def torchrun(*arguments: object, launch: tuple[object, ...] = ("--standalone",)) -> list[str]:
    """The command that starts two ranks on this machine; `launch` are torchrun's own options."""
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", 2)
    return [str(word) for word in (*launcher, *launch, *arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def on_two_ranks(jobs: list[dict], folder: Path) -> None:
    """Perform the jobs of `ranks.py` on two ranks."""
    file = folder / "jobs.json"
    file.write_text(json.dumps(jobs))
    command = torchrun(Path(ranks.__file__), file)
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_curve(one: Path, other: Path) -> None:
    """Loss of each source and divergence to 1e-5; the norm, a sum of squares in float32, to 1e-4."""
    assert len(rows(one)) == len(rows(other)) > 1
    for a, b in zip(rows(one), rows(other), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["losses"] == pytest.approx(b["losses"], rel=1e-5)
        assert ("divergence" in a) == ("divergence" in b)
        assert a.get("divergence", 0.0) == pytest.approx(b.get("divergence", 0.0), rel=1e-4, abs=1e-7)
        assert a["gradient_norm"] == pytest.approx(b["gradient_norm"], rel=1e-4)
        for key in ("step", "learning_rate", "tokens", "computed_tokens", "trained_tokens"):
            assert a[key] == b[key]


def weights(file: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(file)


def assert_same_model(one: Path, other: Path) -> None:
    """The same files; the same bytes in those that hold no weights."""
    names = {p.relative_to(one) for part in ("adapter", "merged") for p in (one / part).rglob("*") if p.is_file()}
    assert names == {p.relative_to(other) for d in ("adapter", "merged") for p in (other / d).rglob("*") if p.is_file()}
    assert Path("merged/model.safetensors") in names
    for name in names:
        if name.suffix != ".safetensors":
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
            continue
        a, b = weights(one / name), weights(other / name)
        assert a.keys() == b.keys()
        for key in a:
            assert a[key].dtype == b[key].dtype
            assert torch.allclose(a[key], b[key], rtol=1e-3, atol=1e-4), key


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Runs by one process and by two ranks, and such that one began and the other went on with."""
    folder = tmp_path_factory.mktemp("trained")
    model, corpus = tiny.write_model(folder / "model"), tiny.write_mixed_corpus(folder / "corpus.jsonl", 16)

    def job(method: str, ranks: str, stop: int | None = None) -> dict:
        config = {**SETTINGS, "method": method}
        out = folder / f"{method}-{ranks}"
        return {"config": config, "corpus": str(corpus), "model": str(model), "out": str(out), "stop": stop}

    ranks.perform(job("lora", "1"))
    ranks.perform(job("full", "1"))
    with pytest.raises(ranks.Stopped):
        ranks.perform(job("lora", "1-to-2", stop=3))
    on_two_ranks([job("lora", "2"), job("full", "2"), job("lora", "1-to-2"), job("full", "2-to-1", stop=3)], folder)
    state = json.loads((folder / "full-2-to-1" / "checkpoint" / "state.json").read_text())
    assert state["step"] == 2
    ranks.perform(job("full", "2-to-1"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("method", "by"), [("lora", "2"), ("full", "2"), ("lora", "1-to-2"), ("full", "2-to-1")])
def test_two_ranks_train_as_one_process_does(trained, method, by):
    assert_same_curve(trained / f"{method}-1", trained / f"{method}-{by}")
    assert_same_model(trained / f"{method}-1", trained / f"{method}-{by}")


def command(model: Path, corpus: Path, out: Path, *options: object) -> list[object]:
    settings = ["--batch-rows", "4", "--checkpoint-every", "3", "--precision", "float32"]
    return ["-m", "agenttuning", "train", corpus, "--model", model, "--out", out, *settings, *options]


def ranks_of(launcher: subprocess.Popen) -> list[int]:
    """The process ids of the ranks that a torchrun has started."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    return [int(child) for child in children if b"agenttuning" in Path(f"/proc/{child}/cmdline").read_bytes()]


def logged(folder: Path) -> int:
    file = folder / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.is_file() else 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the ranks in /proc")
def test_a_killed_rank_ends_the_others_and_the_training_goes_on(tmp_path):
    """First by torchrun's own restart, then by the same command."""
    model, corpus = tiny.write_model(tmp_path / "model"), tiny.write_corpus(tmp_path / "corpus.jsonl", 400)
    out, partial = tmp_path / "killed", tmp_path / "killed.partial"
    arguments = torchrun(*command(model, corpus, out), launch=("--standalone", "--max-restarts", 1))
    launcher = subprocess.Popen(
        arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for steps, victim in ((8, 0), (16, 1)):
        while logged(partial) < steps:
            assert launcher.poll() is None, "the run ended by itself"
            time.sleep(0.002)
        os.kill(ranks_of(launcher)[victim], signal.SIGKILL)
    said, _ = launcher.communicate(timeout=300)
    assert launcher.returncode != 0
    assert said.count("goes on where it was stopped") == 1
    assert "this is a bug" not in said
    assert 15 <= logged(partial) < 100
    again = subprocess.run(arguments, env=environment(), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("goes on where it was stopped") == again.stdout.count("killed written in") == 1
    whole = [sys.executable, *map(str, command(model, corpus, tmp_path / "whole"))]
    subprocess.run(whole, env=environment(), check=True, capture_output=True)
    assert_same_curve(tmp_path / "whole", out)


@pytest.mark.slow
def test_what_is_wrong_is_said_once(tmp_path):
    """Before rank 0 has called the others to work, and in the middle of it."""
    model, corpus = tiny.write_model(tmp_path / "model"), tiny.write_corpus(tmp_path / "corpus.jsonl", 8)
    missing = command(model, tmp_path / "none.jsonl", tmp_path / "out")
    explodes = command(model, corpus, tmp_path / "out", "--learning-rate", "1e30")
    for arguments, expected in ((missing, "none.jsonl: no such file"), (explodes, "step 2: the loss is nan")):
        ended = subprocess.run(torchrun(*arguments), env=environment(), capture_output=True, text=True)
        assert ended.returncode != 0
        [error] = [line for line in ended.stderr.splitlines() if line.startswith("error:")]
        assert expected in error


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.slow
def test_two_nodes_with_a_copy_each(tmp_path):
    """Four ranks: shards inside a node, gradients averaged over both."""
    model, corpus = tiny.write_model(tmp_path / "model"), tiny.write_corpus(tmp_path / "corpus.jsonl", 24)
    options = ["--method", "full", "--pack-length", "64"]
    whole = [sys.executable, *map(str, command(model, corpus, tmp_path / "one", *options))]
    subprocess.run(whole, env=environment(), check=True, capture_output=True)
    port = free_port()
    four = command(model, corpus, tmp_path / "four", *options, "--shard", "node")
    nodes = []
    for i in range(2):
        launch = ("--nnodes", 2, "--node-rank", i, "--master-addr", "127.0.0.1", "--master-port", port)
        arguments = torchrun(*four, launch=launch)
        nodes.append(
            subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    said = [node.communicate(timeout=600)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    assert_same_curve(tmp_path / "one", tmp_path / "four")
    assert_same_model(tmp_path / "one", tmp_path / "four")
