"""Merging: an adapter's scaled update and interpolated checkpoints are the same weights, and bad input is refused."""

import json
import shutil
import subprocess
import sys

import pytest
import tiny

from agenttuning.errors import BadInput
from agenttuning.files import read_json, write_json
from agenttuning.training.interpolate import interpolate
from agenttuning.training.merge import merge

torch = pytest.importorskip("torch")
pytest.importorskip("peft")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.write_model(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory):
    return write_adapter(base, tmp_path_factory.mktemp("adapter") / "adapter")


@pytest.fixture(scope="module")
def tuned(adapter, tmp_path_factory):
    return merge(adapter, tmp_path_factory.mktemp("tuned") / "tuned")


def write_adapter(base, folder, **settings):
    """A LoRA adapter whose update is not zero."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    lora = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False, **settings)
    net = get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora)
    net.save_pretrained(folder, save_embedding_layers=False)
    return folder


def weights(folder):
    from safetensors.torch import load_file

    return {name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()}


def save(folder, change, like):
    """A checkpoint as `like` with its tensors changed."""
    from safetensors.torch import save_file

    shutil.copytree(like, folder)
    save_file(change(weights(folder)), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def distance(one, other):
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_a_scaled_adapter_is_the_interpolated_checkpoint(base, adapter, tuned, tmp_path, alpha):
    scaled = weights(merge(adapter, tmp_path / "scaled", alpha=alpha))
    between = weights(merge(tuned, tmp_path / "between", alpha=alpha, base=str(base)))
    assert distance(scaled, between) < 1e-6
    assert distance(weights(base), weights(tuned)) > 0.1
    start, end = weights(base), weights(tuned)
    expected = {name: start[name] + alpha * (end[name] - start[name]) for name in end}
    assert distance(between, expected) < 1e-6


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_ends_are_the_models_themselves_to_the_byte(base, tuned, tmp_path, alpha):
    out = merge(tuned, tmp_path / "out", alpha=alpha, base=str(base))
    like = tuned if alpha else base
    assert (out / "model.safetensors").read_bytes() == (like / "model.safetensors").read_bytes()


def test_the_result_loads_with_its_tokenizer_and_its_ties(base, tuned, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = merge(tuned, tmp_path / "out", alpha=0.5, base=str(base))
    net = AutoModelForCausalLM.from_pretrained(out)
    assert net.lm_head.weight is net.model.embed_tokens.weight
    assert AutoTokenizer.from_pretrained(out).chat_template == AutoTokenizer.from_pretrained(base).chat_template
    assert not (tmp_path / "out.partial").exists()


def test_many_shards_are_one_model(base, tuned, tmp_path):
    from transformers import AutoModelForCausalLM

    shutil.copytree(tuned, tmp_path / "shards")
    (tmp_path / "shards" / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(tuned).save_pretrained(tmp_path / "shards", max_shard_size="50KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    parts = merge(tmp_path / "shards", tmp_path / "parts", alpha=0.3, base=str(base))
    whole = merge(tuned, tmp_path / "whole", alpha=0.3, base=str(base))
    assert distance(weights(parts), weights(whole)) == 0
    assert [p.name for p in sorted(parts.iterdir())] == [p.name for p in sorted((tmp_path / "shards").iterdir())]
    AutoModelForCausalLM.from_pretrained(parts)


def test_number_formats_are_kept(base, tuned, adapter, tmp_path):
    half = save(tmp_path / "half", lambda all: {k: v.bfloat16() for k, v in all.items()}, tuned)
    out = weights(merge(half, tmp_path / "out", alpha=0.3, base=str(base)))
    assert {value.dtype for value in out.values()} == {torch.bfloat16}
    exact = weights(merge(tuned, tmp_path / "exact", alpha=0.3, base=str(base)))
    assert distance(out, exact) < 0.02
    low = save(tmp_path / "low", lambda all: {k: v.bfloat16() for k, v in all.items()}, base)
    write_json(low / "config.json", read_json(base / "config.json") | {"dtype": "bfloat16"})
    merged = weights(merge(adapter, tmp_path / "merged", base=str(low)))
    assert {value.dtype for value in merged.values()} == {torch.bfloat16}


def test_tied_weights_under_one_name_or_two(base, tuned, tmp_path):
    def twice(all):
        return all | {"lm_head.weight": all["model.embed_tokens.weight"].clone()}

    both = {name: save(tmp_path / name, twice, folder) for name, folder in (("base", base), ("tuned", tuned))}
    plain = weights(merge(tuned, tmp_path / "plain", alpha=0.3, base=str(base)))
    assert distance(weights(merge(tuned, tmp_path / "a", alpha=0.3, base=str(both["base"]))), plain) == 0
    out = weights(merge(both["tuned"], tmp_path / "b", alpha=0.3, base=str(base)))
    assert torch.equal(out["lm_head.weight"], plain["model.embed_tokens.weight"])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_model(base, tmp_path):
    """Two checkpoints of 512 MB: the peak stays far below one of them."""
    from safetensors.torch import save_file

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(base / "config.json", tmp_path / name)
        tensors = {f"w{i}": torch.full((8192, 4096), float(i)) for i in range(4)}
        save_file(tensors, tmp_path / name / "model.safetensors")
    code = f"""
import resource, torch
from pathlib import Path
from agenttuning.training.interpolate import interpolate
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
folder = Path({str(tmp_path)!r})
interpolate(folder / "one", folder / "two", folder / "out", 0.5)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def drop_shard(folder):
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def change_config(**values):
    return lambda folder: write_json(folder / "config.json", read_json(folder / "config.json") | values)


BROKEN = [
    (lambda folder: cut(folder / "model.safetensors"), "model.safetensors: cut short"),
    (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 40), "cut short or not a safetensors"),
    (lambda folder: (folder / "model.safetensors").write_bytes(b"\x02" + bytes(7) + b"[]"), "not a safetensors"),
    (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
    (drop_shard, "no model-00001-of-00002.safetensors"),
    (change_config(model_type="qwen3"), "a qwen3 model"),
    (change_config(quantization_config={"quant_method": "gptq"}), "a quantised checkpoint"),
    (lambda folder: (folder / "config.json").unlink(), "without config.json"),
]


@pytest.mark.parametrize(("harm", "told"), BROKEN, ids=[told for _, told in BROKEN])
@pytest.mark.parametrize("side", ["base", "tuned"])
def test_a_broken_checkpoint_is_refused_and_nothing_stays(base, tuned, tmp_path, harm, told, side):
    folders = {"base": base, "tuned": tuned}
    folders[side] = shutil.copytree(folders[side], tmp_path / side)
    harm(folders[side])
    with pytest.raises(BadInput, match=told):
        merge(folders["tuned"], tmp_path / "out", alpha=0.5, base=str(folders["base"]))
    assert not list(tmp_path.glob("out*"))


def test_checkpoints_that_do_not_fit_together_are_refused(base, tuned, tmp_path):
    def longer(all):
        return all | {"model.embed_tokens.weight": torch.zeros(49154, 32)}

    def without(all):
        return {name: value for name, value in all.items() if "layers.1." not in name}

    with pytest.raises(BadInput, match=r"model.embed_tokens.weight is \[49154, 32\] in .* and \[49152, 32\] in"):
        merge(save(tmp_path / "longer", longer, tuned), tmp_path / "out", base=str(base))
    shallow = save(tmp_path / "shallow", without, tuned)
    for one, other in ((shallow, base), (base, shallow)):
        with pytest.raises(BadInput, match=r"no model.layers.1.input_layernorm.weight and 8 more, which"):
            merge(one, tmp_path / "out", base=str(other))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"alpha": 1.5}, "alpha is 1.5, expected a share between 0"),
        ({"alpha": float("nan")}, "alpha is nan"),
        ({}, "say with --base what it was tuned from"),
        ({"base": "./nowhere"}, "no such folder"),
    ],
)
def test_options_that_cannot_be(tuned, tmp_path, options, told):
    with pytest.raises(BadInput, match=told):
        merge(tuned, tmp_path / "out", **options)


def test_an_adapter_that_is_not_whole_or_of_another_base(base, adapter, tmp_path):
    lost = shutil.copytree(adapter, tmp_path / "lost")
    write_json(lost / "adapter_config.json", read_json(lost / "adapter_config.json") | {"base_model_name_or_path": "x"})
    with pytest.raises(BadInput, match=r"its base cannot be found .*--base"):
        merge(lost, tmp_path / "out")
    merge(lost, tmp_path / "found", base=str(base))
    cut(lost / "adapter_model.safetensors")
    with pytest.raises(BadInput, match="does not load onto"):
        merge(lost, tmp_path / "out", base=str(base))
    (lost / "adapter_model.safetensors").unlink()
    with pytest.raises(BadInput, match="half-written"):
        merge(lost, tmp_path / "out", base=str(base))
    narrow = tmp_path / "narrow"
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig.from_pretrained(base, intermediate_size=48)
    LlamaForCausalLM(shape).save_pretrained(narrow)
    with pytest.raises(BadInput, match="does not load onto"):
        merge(adapter, tmp_path / "out", base=str(narrow))


def test_an_adapters_own_tokenizer_goes_with_it(base, adapter, tmp_path):
    from transformers import AutoTokenizer

    own = shutil.copytree(adapter, tmp_path / "own")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"
    tokenizer.save_pretrained(own)
    out = merge(own, tmp_path / "out")
    assert AutoTokenizer.from_pretrained(out).chat_template == tokenizer.chat_template


def test_an_adapter_whose_update_does_not_scale(base, tmp_path):
    adapter = write_adapter(base, tmp_path / "dora", use_dora=True)
    with pytest.raises(BadInput, match=r"use_dora is no multiple of its update; merge it whole"):
        merge(adapter, tmp_path / "out", alpha=0.5)
    whole = merge(adapter, tmp_path / "whole")
    merge(whole, tmp_path / "out", alpha=0.5, base=str(base))


def test_what_is_there_is_not_written_over(base, tuned, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(BadInput, match="not empty"):
        merge(tuned, tmp_path / "out", base=str(base))


def test_integers_are_the_tuned_ones(base, tuned, tmp_path):
    counts = {name: torch.tensor([number]) for name, number in (("base", 1), ("tuned", 2))}
    for name, folder in (("base", base), ("tuned", tuned)):
        save(tmp_path / name, lambda all, name=name: all | {"steps": counts[name]}, folder)
    interpolate(tmp_path / "base", tmp_path / "tuned", tmp_path / "out", 0.5)
    assert weights(tmp_path / "out")["steps"].tolist() == [2]
