"""The kernel's picture of a pack is the pack: who sees whom, block by block, and the same loss and gradient."""

import pytest
from packs import FAMILIES, assert_same, loss_and_gradient, random_rows, talks, tiny_model

from agenttuning.training import flex
from agenttuning.training.attention import logits, make_packs_for, use_row_attention
from agenttuning.training.pack import make_packs

torch = pytest.importorskip("torch")


def one_pack(seed, count, longest):
    [pack] = make_packs(random_rows(seed, count, longest), 10**9)
    return pack


def seen_by_definition(pack, length, window):
    """Boolean (length, length): each pair of tokens asked by itself."""
    group_of, row_of = [], []
    for number, group in enumerate(pack.groups):
        group_of += [number] * (group.prefix + sum(group.rows))
    row_of = pack.rows
    seen = torch.eye(length, dtype=torch.bool)
    for i in range(len(pack.ids)):
        for j in range(i):
            together = group_of[i] == group_of[j] and row_of[j] in (row_of[i], -1)
            near = window is None or pack.positions[i] - pack.positions[j] < window
            seen[i, j] = together and near
    return seen


@pytest.mark.parametrize("window", [None, 1, 7, 30])
@pytest.mark.parametrize("seed", range(3))
def test_a_token_sees_its_row_and_its_prefix(seed, window):
    pack = one_pack(seed, 9, 40)
    assert any(group.prefix for group in pack.groups)
    length = flex.padded(len(pack.ids))
    assert length % flex.BLOCK == 0
    assert length >= max(len(pack.ids), 2 * flex.BLOCK)
    mask = flex.block_mask(pack.groups, length, window, "cpu")
    at = torch.arange(length)
    assert torch.equal(mask.mask_mod(0, 0, at[:, None], at[None, :]), seen_by_definition(pack, length, window))


@pytest.mark.parametrize("window", [None, 300])
def test_blocks_are_those_that_torch_finds_pair_by_pair(window):
    from torch.nn.attention.flex_attention import create_block_mask

    pack = one_pack(5, 12, 600)
    length = flex.padded(len(pack.ids))
    ours = flex.block_mask(pack.groups, length, window, "cpu")
    theirs = create_block_mask(ours.mask_mod, None, None, length, length, device="cpu")
    for kind in ("kv_num_blocks", "full_kv_num_blocks", "q_num_blocks", "full_q_num_blocks"):
        assert torch.equal(getattr(ours, kind), getattr(theirs, kind)), kind
    assert torch.equal(ours.to_dense(), theirs.to_dense())
    assert int(ours.full_kv_num_blocks.sum()) > 0  # some are computed without a look at the mask
    assert float(ours.to_dense().float().mean()) < 0.5  # and most not at all


def test_a_mask_is_made_once_a_window():
    pack = one_pack(1, 4, 20)
    masks = flex.Masks(pack.groups, flex.padded(len(pack.ids)), "cpu")
    assert masks.of(None) is masks.of(None)
    assert masks.of(16) is masks.of(16)
    assert masks.of(16) is not masks.of(None)


def test_packs_of_many_lengths_are_one_graph_to_the_compiler():
    from torch._dynamo.testing import CompileCounterWithBackend
    from torch.nn.attention.flex_attention import flex_attention

    torch._dynamo.reset()
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(flex_attention, backend=counter)
    lengths = set()
    with torch.no_grad():
        for seed in range(6):
            pack = one_pack(seed, 3 + 2 * seed, 200)
            length = flex.padded(len(pack.ids))
            lengths.add(length)
            query, key = torch.randn(1, 4, length, 8), torch.randn(1, 2, length, 8)
            for window in (None, 20):
                mask = flex.block_mask(pack.groups, length, window, "cpu")
                compiled(query, key, key, block_mask=mask, scale=0.3, enable_gqa=True)
    assert len(lengths) > 3
    assert counter.frame_count == 2  # for the first length, and for any


@pytest.mark.filterwarnings("ignore:flex_attention called without")
@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_loss_and_gradient_are_those_of_the_products_row_by_row(family, config, monkeypatch):
    # torch computes this gradient on a CPU but refuses to, for its compiled kernel there has none.
    monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *_: None)
    net = tiny_model(family, **config)
    assert use_row_attention(net)
    [pack] = make_packs_for(net, talks(), 4096)
    assert len(pack.ids) % flex.BLOCK  # some padding is computed
    by_rows = loss_and_gradient(net, [pack], kernel=False)
    assert_same(loss_and_gradient(net, [pack], kernel=True), by_rows)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_autocast_gives_the_kernel_one_dtype():
    """Rotated queries and keys of a float32 model are float32, its values bfloat16."""
    net = tiny_model("llama")
    assert use_row_attention(net)
    [pack] = make_packs_for(net, talks(), 4096)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        by_kernel, by_rows = (logits(net, pack, kernel=kernel).float() for kernel in (True, False))
    assert float((by_kernel - by_rows).norm() / by_rows.norm()) < 0.02


def test_the_kernel_is_for_gpus_and_heads_that_it_can():
    config = tiny_model("llama", head_dim=64).config
    assert flex.suits(config, torch.device("cuda"))
    assert not flex.suits(config, torch.device("cpu"))
    config.head_dim = 512
    assert not flex.suits(config, torch.device("cuda"))
