"""The benchmark of GPU training: its count of FLOPs is right, and its smoke run ends with a result for each side."""

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from packs import loss_and_gradient, random_rows

torch = pytest.importorskip("torch")
SCRIPT = Path(__file__).parent.parent / "benchmarks" / "gpu_training.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("gpu_training", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_training"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["gpu_training"]


@pytest.mark.parametrize("frozen", [False, True])
def test_flops_are_those_that_torch_counts(benchmark, frozen):
    """Row by row torch multiplies a row's whole square, so that is what the formula is asked about."""
    from torch.utils.flop_counter import FlopCounterMode

    from agenttuning.training.attention import make_packs_for, use_row_attention

    args = argparse.Namespace(shape="tiny", seed=0, precision="float32", device="cpu")
    case = benchmark.Case("lora" if frozen else "full", shared=False)
    net = benchmark.make_net(args, case).train()
    assert use_row_attention(net)
    [pack] = make_packs_for(net, random_rows(2, 5, 60), 4096, share_from=10**6)
    if frozen:
        net.requires_grad_(False)
        net.get_input_embeddings().weight.requires_grad_(True)  # as adapters, it wants the gradient of all activations
        first = net.get_decoder().layers[0].input_layernorm
        first.weight.requires_grad_(True)
    with FlopCounterMode(display=False) as counter:
        loss_and_gradient(net, [pack])
    squares = sum(length**2 for group in pack.groups for length in group.rows)
    assert counter.get_total_flops() == benchmark.flops(args, case, len(pack.ids), len(pack.trained), squares)


def test_rows_are_as_long_as_asked_and_share_what_is_asked(benchmark):
    settings = {**benchmark.SMOKE, "seed": 0}
    shared, apart = (
        benchmark.make_rows(argparse.Namespace(**settings), benchmark.Case("lora", shared)) for shared in (True, False)
    )
    assert len({tuple(row.ids[: settings["prompt"]]) for row in shared}) == settings["prompts"]
    assert len({tuple(row.ids[: settings["prompt"]]) for row in apart}) == settings["rows"]
    assert all(row.prompt == settings["prompt"] and row.trained > settings["turn"] for row in shared)


@pytest.mark.slow
def test_smoke():
    done = subprocess.run([sys.executable, SCRIPT, "--smoke"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    table, line = done.stdout.splitlines()[:-1], json.loads(done.stdout.splitlines()[-1])
    sides = ["ours"]
    if all(map(importlib.util.find_spec, ("trl", "datasets", "peft"))):
        sides += ["trl", "trl-packed"]
    else:
        assert "TRL is left out" in done.stderr
    cases = ["lora, shared prompts", "full, shared prompts"]
    assert {(r["case"], r["side"]) for r in line["results"]} >= {(c, s) for c in cases for s in sides}
    assert len(table) == 2 + len(line["results"])
    for result in line["results"]:
        assert result["trajectory_tokens_per_s"] > 0
        assert result["share_of_peak"] == pytest.approx(result["flops_per_s"] / line["matmul_peak"])
        if result["side"] == "ours":  # prompts are computed once a pack
            assert result["trajectory_tokens_per_s"] > result["computed_tokens_per_s"]
