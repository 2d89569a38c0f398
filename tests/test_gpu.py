"""What only a GPU can show: the compiled kernel is exact, small in memory, and compiled for few shapes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from packs import FAMILIES, assert_same, loss_and_gradient, random_rows, tiny_model

from agenttuning.training.attention import logits, make_packs_for, use_row_attention
from agenttuning.training.compute import allow_tf32, checkpoint_layers, compile_layers

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


def on_gpu(family="llama", **config):
    sizes = {"hidden_size": 64, "head_dim": 16, "vocab_size": 512, "max_position_embeddings": 4096}
    net = tiny_model(family, **sizes | config).to("cuda").train()
    assert use_row_attention(net)
    return net


@pytest.fixture(autouse=True)
def _exact_products():
    allow_tf32(False)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_kernel_gives_the_loss_and_gradient_of_the_rows(family, config):
    net = on_gpu(family, **config)
    packs = make_packs_for(net, random_rows(0, 40, 200), 1000)
    assert len(packs) > 2
    by_rows = loss_and_gradient(net, packs, kernel=False)
    assert_same(loss_and_gradient(net, packs, kernel=True), by_rows)


@pytest.mark.parametrize("heads", [4, 7])  # 7 queries a key is no power of two
def test_kernel_in_bfloat16(heads):
    net = on_gpu(num_attention_heads=heads, num_key_value_heads=1)
    packs = make_packs_for(net, random_rows(1, 20, 200), 1000)
    with torch.autocast("cuda", torch.bfloat16):
        by_rows, by_kernel = (loss_and_gradient(net, packs, kernel=kernel) for kernel in (False, True))
    assert_same(by_kernel, by_rows, loss=5e-3, gradient=5e-2)


def test_kernel_is_compiled_for_few_shapes():
    net = on_gpu()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    lengths = set()
    for seed in range(12):
        for pack in make_packs_for(net, random_rows(seed, 4 + 4 * seed, 100), 4000):
            logits(net, pack).sum().backward()
            lengths.add(-(-len(pack.ids) // 128))
    assert len(lengths) > 6
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 4


def test_no_square_of_the_pack_is_ever_in_memory():
    net = on_gpu(max_position_embeddings=65536)
    [pack] = make_packs_for(net, random_rows(0, 300, 200), 10**6)
    logits(net, pack).sum().backward()  # compiles
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    logits(net, pack).sum().backward()
    assert torch.cuda.max_memory_allocated() - before < len(pack.ids) ** 2  # one byte a pair


@pytest.mark.parametrize("every", [0, 1, 2])
def test_compiled_and_recomputed_layers_give_the_same_gradient(every):
    net = on_gpu(num_hidden_layers=4)
    packs = make_packs_for(net, random_rows(0, 40, 100), 1000)
    plain = loss_and_gradient(net, packs)
    checkpoint_layers(net, every)
    assert_same(loss_and_gradient(net, packs), plain, loss=1e-6, gradient=1e-5)
    torch._dynamo.reset()
    compile_layers(net)
    assert_same(loss_and_gradient(net, packs), plain)


def test_recomputing_saves_memory():
    peaks = []
    for every in (0, 2, 1):
        net = on_gpu(num_hidden_layers=8, hidden_size=256, intermediate_size=1024)
        checkpoint_layers(net, every)
        [pack] = make_packs_for(net, random_rows(0, 60, 200), 10**6)
        logits(net, pack).sum().backward()
        torch.cuda.reset_peak_memory_stats()
        logits(net, pack).sum().backward()
        peaks.append(torch.cuda.max_memory_allocated())
        del net
    assert peaks[0] > peaks[1] > peaks[2]


def test_segments_expand():
    code = (
        "from agenttuning.training.compute import expandable_segments as e; e(); import torch;"
        "torch.ones(9, device='cuda'); print(torch.cuda.memory._snapshot()['segments'][0]['is_expandable'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_learns_in_bfloat16(tmp_path, method):
    from agenttuning.training.trainer import TrainConfig, train

    model, corpus = tiny.write_model(tmp_path / "model"), tiny.write_corpus(tmp_path / "corpus.jsonl", 32)
    config = TrainConfig(method=method, epochs=6, learning_rate=1e-2, precision="bfloat16")
    train(config, corpus, str(model), tmp_path / "out", seed=0)
    lines = (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["loss"] < json.loads(lines[0])["loss"] - (0.1 if method == "lora" else 1.0)


@pytest.mark.slow
def test_benchmark_smoke_compiled():
    script = Path(__file__).parent.parent / "benchmarks" / "gpu_training.py"
    command = [sys.executable, script, "--smoke", "--compile", "--precision", "bfloat16"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert line["card"] == torch.cuda.get_device_name()
    assert all("failed" not in result for result in line["results"])
