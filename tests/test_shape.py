"""A model's sizes without loading it: as many weights as transformers makes, whatever the architecture."""

import json

import pytest
from tiny import config_of

from agenttuning.errors import BadInput, UnknownShape
from agenttuning.training.shape import KNOWN, Shape, read_shape, shape_of

LLAMA_LIKE = ("llama", "mistral", "granite", "smollm3", "qwen2", "qwen3", "gemma", "gemma2")
CHOICES = (
    {},
    {"attention_bias": True, "mlp_bias": True},
    {"tie_word_embeddings": True},
    {"tie_word_embeddings": False},
)


def empty_model(config):
    """The model without its weights."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def count(net, *, trained=False):
    return sum(p.numel() for p in net.parameters() if p.requires_grad or not trained)


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_model_has_as_many_weights_as_transformers_makes(name):
    kind = {"gemma-2": "gemma2", "qwen2.5": "qwen2", "qwen3-4": "qwen3"}.get(name[:7], "llama")
    assert KNOWN[name].weights == count(empty_model(config_of(kind, KNOWN[name])))


@pytest.mark.parametrize(
    ("name", "weights"),  # as their owners publish them
    [
        ("meta-llama/Llama-2-7b-chat-hf", 6_738_415_616),
        ("NousResearch/Meta-Llama-3.1-8B-Instruct", 8_030_261_248),
        ("Qwen/Qwen3-4B-Instruct-2507", 4_022_468_096),
        ("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        ("google/gemma-2-9b-it", 9_241_705_984),
        ("smollm2-135m-instruct", 134_515_008),
    ],
)
def test_known_models_are_found_under_the_names_they_go_by(name, weights):
    assert shape_of(name).weights == weights


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize("kind", LLAMA_LIKE)
def test_a_folder_tells_its_shape(kind, choice, tmp_path):
    from transformers import AutoConfig

    config = AutoConfig.for_model(
        kind, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, intermediate_size=100,
        vocab_size=300, pad_token_id=0, bos_token_id=1, eos_token_id=2, **choice,
    )  # fmt: skip
    config.save_pretrained(tmp_path)
    assert shape_of(tmp_path).weights == count(empty_model(config))


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma2"])
def test_lora_has_as_many_weights_as_peft_makes(kind):
    import peft

    shape = Shape(48, 3, 4, 2, 16, 100, 300)
    lora = peft.LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    net = peft.get_peft_model(empty_model(config_of(kind, shape)), lora)
    assert shape.lora(8) == count(net, trained=True)


def test_an_adapter_has_the_shape_of_its_base(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "meta-llama/Llama-2-13b-chat-hf"}')
    assert shape_of(tmp_path) == KNOWN["llama-2-13b"]


@pytest.mark.parametrize(
    "name", ["nobody/no-such-model", "no-such-model", "./nowhere/at-all", "nobody/Llama-2-7b-GPTQ"]
)
def test_what_is_neither_here_nor_known_is_not_guessed(name):
    with pytest.raises(UnknownShape, match="not downloaded"):
        shape_of(name)


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ('{"model_type": "mamba"}', UnknownShape, "model_type 'mamba', known are gemma, "),
        ("[]", UnknownShape, "model_type None"),
        ('{"model_type": "llama", "hidden_size": 8, "num_attention_heads": 2}', UnknownShape, "num_hidden_layers"),
        ("{", BadInput, "not JSON"),
    ],
)
def test_a_config_that_does_not_tell_says_why(text, error, told, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(error, match=told):
        read_shape(tmp_path / "config.json")


def test_a_config_from_before_grouped_queries_is_read(tmp_path):
    old = {"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(old | {"intermediate_size": 96, "vocab_size": 500}))
    assert shape_of(tmp_path) == Shape(64, 2, 4, 4, 16, 96, 500)
