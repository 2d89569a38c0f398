"""Packing with a shared prefix changes what is computed, not the loss and not its gradient."""

import numpy as np
import pytest
from packs import FAMILIES, PREFIX, assert_same, loss_and_gradient, talks, tiny_model

from agenttuning.models import BUILT_IN, load_model, load_tokenizer, resolve
from agenttuning.training.attention import make_packs_for, use_row_attention
from agenttuning.training.encode import Encoded
from agenttuning.training.pack import make_packs

pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def rows():
    return talks()


@pytest.mark.parametrize("length", [10, 90, 4096])
def test_every_row_is_packed_once(rows, length):
    packs = make_packs(rows, length)
    assert sum(len(pack.sources) for pack in packs) == len(rows)
    assert sum(sum(pack.weights) for pack in packs) == sum(row.trained for row in rows)
    assert sum(pack.tokens for pack in packs) == sum(len(row.ids) for row in rows)


def test_the_shared_prefix_stands_once(rows):
    shared = sum(len(p.ids) for p in make_packs(rows, 4096))
    alone = sum(len(p.ids) for p in make_packs(rows, 4096, share_from=None))
    assert alone == sum(len(row.ids) for row in rows)
    prefix = len(load_tokenizer(resolve(BUILT_IN))(PREFIX)["input_ids"])
    assert alone - shared >= 4 * prefix


def _row(number, length, prefix=0, source=""):
    """`prefix` tokens that all rows of the source begin with, then its own, the last of which is trained."""
    ids = np.concatenate((np.arange(prefix), 1000 + number * 10_000 + np.arange(length - prefix))).astype(np.int32)
    weights = (np.arange(length) == length - 1).astype(np.float32)
    return Encoded(str(number), source, ids, weights, np.zeros(length, np.int8), (length,))


@pytest.mark.parametrize("prefix", [0, 60])
@pytest.mark.parametrize("seed", range(5))
def test_packs_of_a_corpus_are_full(prefix, seed):
    """Lengths as trajectories have them: most short, some long."""
    lengths = np.random.default_rng(seed).lognormal(5.3, 0.6, 1000).astype(int).clip(70, 2048)
    rows = [_row(i, int(n), prefix, f"agent/{i % 3}") for i, n in enumerate(lengths)]
    packs = make_packs(rows, 2048)
    used = [len(pack.ids) for pack in packs]
    assert max(used) <= 2048
    assert sum(used) / (len(packs) * 2048) >= 0.98
    assert sorted(id for pack in packs for id in pack.row_ids) == sorted(row.id for row in rows)


def test_a_row_goes_where_it_leaves_the_least_room():
    rows = [_row(i, n) for i, n in enumerate((60, 50, 45, 40, 5))]
    found = [sorted(len(r) for r in _rows_of(pack)) for pack in make_packs(rows, 100, share_from=None)]
    assert found == [[40, 60], [5, 45, 50]]


def _rows_of(pack):
    return [[i for i in pack.rows if i == number] for number in range(len(pack.sources))]


@pytest.mark.slow
def test_loss_and_gradient_are_those_of_the_rows_one_by_one(rows):
    net = load_model(resolve(BUILT_IN))
    alone = loss_and_gradient(net, make_packs_for(net, rows, 4096))
    assert use_row_attention(net)
    [together] = make_packs_for(net, rows, 4096)
    assert [len(group.rows) for group in together.groups] == [5, 1]
    # Over thirty layers float32 adds up to 2.5e-5 of the norm; the tiny models stay under 1e-5.
    assert_same(loss_and_gradient(net, [together]), alone, gradient=1e-4)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_row_attention_is_the_attention_of_the_architecture(rows, family, config):
    net = tiny_model(family, **config)
    alone = loss_and_gradient(net, make_packs_for(net, rows, 4096))
    assert use_row_attention(net)
    assert_same(loss_and_gradient(net, make_packs_for(net, rows, 4096)), alone)


def test_a_model_whose_attention_has_sinks_keeps_its_own(rows):
    net = tiny_model("gpt_oss", num_local_experts=2, num_experts_per_tok=1)
    assert not use_row_attention(net)
    assert len(make_packs_for(net, rows, 4096)) == len(rows)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("lfm2", {"layer_types": ["conv", "full_attention"]}),
        ("llama4_text", {"num_local_experts": 2, "layer_types": ["chunked_attention", "full_attention"]}),
    ],
)
def test_a_model_whose_other_layers_would_mix_rows_keeps_its_own(rows, family, config):
    net = tiny_model(family, **config)
    assert not use_row_attention(net)
    assert len(make_packs_for(net, rows, 4096)) == len(rows)


def test_a_model_whose_layers_keep_the_pack_to_themselves_keeps_its_own(rows):
    net = tiny_model("stablelm")
    assert not use_row_attention(net)
    assert len(make_packs_for(net, rows, 4096)) == len(rows)
