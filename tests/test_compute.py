"""Recomputing and compiling change time and memory, not the loss and not its gradient."""

import os
import subprocess
import sys

import pytest
from packs import assert_same, loss_and_gradient, random_rows, tiny_model

from agenttuning.errors import BadInput
from agenttuning.training.attention import logits, make_packs_for, use_row_attention
from agenttuning.training.compute import allow_tf32, checkpoint_layers, compile_layers, decoder_layers

torch = pytest.importorskip("torch")


def model_and_packs(adapters, **config):
    """A tiny Llama in training mode and packs of several lengths whose rows share a prefix."""
    net = tiny_model("llama", vocab_size=512, num_hidden_layers=4, max_position_embeddings=2048, **config).train()
    assert use_row_attention(net)
    if adapters:
        peft = pytest.importorskip("peft")
        lora = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
        net = peft.get_peft_model(net, lora)
    packs = make_packs_for(net, random_rows(0, 24, 60), 300)
    assert len(packs) > 2
    assert any(len(group.rows) > 1 and group.prefix for pack in packs for group in pack.groups)
    return net, packs


@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize(("every", "layers"), [(1, 4), (2, 2), (3, 2)])
def test_recomputed_layers_give_the_same_gradient(adapters, every, layers):
    net, packs = model_and_packs(adapters)
    plain = loss_and_gradient(net, packs)
    assert checkpoint_layers(net, every) == layers
    calls = []
    hooks = [layer.input_layernorm.register_forward_hook(lambda *_: calls.append(1)) for layer in decoder_layers(net)]
    assert_same(loss_and_gradient(net, packs), plain, loss=1e-6, gradient=1e-6)
    assert len(calls) == len(packs) * (4 + layers)
    for hook in hooks:
        hook.remove()
    assert checkpoint_layers(net, 0) == 0
    assert_same(loss_and_gradient(net, packs), plain, loss=1e-6, gradient=1e-6)


@pytest.mark.slow
def test_compiled_layers_that_are_recomputed_give_the_same_gradient():
    net, packs = model_and_packs(adapters=True)
    plain = loss_and_gradient(net, packs)
    checkpoint_layers(net, 2)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compile_layers(net)
    assert_same(loss_and_gradient(net, packs), plain, loss=1e-5, gradient=1e-4)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert 4 <= graphs <= 12, "each part is compiled, and once for all layers and lengths"


def test_what_was_measured_is_trained_in_the_same_process():
    net, packs = model_and_packs(False)
    with torch.inference_mode():
        logits(net, packs[0])
    loss_and_gradient(net, packs)


def test_a_model_without_layers_of_transformers_is_refused():
    with pytest.raises(BadInput, match="Linear has no decoder layers"):
        checkpoint_layers(torch.nn.Linear(2, 2), 1)


def test_tf32_is_allowed_and_forbidden():
    before = torch.get_float32_matmul_precision()
    try:
        allow_tf32(True)
        assert torch.get_float32_matmul_precision() == "high"
        allow_tf32(False)
        assert torch.get_float32_matmul_precision() == "highest"
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("own", ["PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", None])
def test_a_users_own_memory_setting_stays(own):
    code = (
        "from agenttuning.training.compute import expandable_segments as e; e(); import os; print(os.environ.get({!r}))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("ALLOC_CONF")}
    if own:
        environment[own] = "backend:native"
    name = own or "PYTORCH_CUDA_ALLOC_CONF"
    done = subprocess.run([sys.executable, "-c", code.format(name)], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == ("backend:native" if own else "expandable_segments:True")
