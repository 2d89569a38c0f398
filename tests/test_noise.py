"""Noise on the embeddings: as large as the paper says, the same for the same seed and step, gone after the context."""

import pytest
from architectures import WIDTH, pack_for, rows, tiny

from agenttuning.training.attention import logits
from agenttuning.training.head import predictions
from agenttuning.training.loss import pack_loss
from agenttuning.training.noise import embedding_noise, pack_noise
from agenttuning.training.pack import make_packs

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


def noisy_loss(net, pack, **settings):
    with embedding_noise(net, pack, **{"alpha": 5.0, "seed": 0, "step": 3} | settings):
        return pack_loss(net, pack).total.item()


def test_the_same_seed_and_step_give_the_same_loss_and_no_others():
    net = tiny("llama")
    pack = pack_for(net)
    loss = noisy_loss(net, pack)
    torch.manual_seed(1234)
    assert noisy_loss(net, pack) == loss
    others = [noisy_loss(net, pack, step=4), noisy_loss(net, pack, seed=1), noisy_loss(net, pack, alpha=0.0)]
    assert len({loss, *others}) == 4


def test_no_alpha_and_no_context_mean_no_noise():
    net = tiny("llama")
    pack = pack_for(net)
    clean = logits(net, pack)
    with embedding_noise(net, pack, alpha=0.0, seed=0, step=0):
        assert torch.equal(logits(net, pack), clean)
    with embedding_noise(net, pack, alpha=5.0, seed=0, step=0):
        assert not torch.equal(logits(net, pack), clean)
    assert torch.equal(logits(net, pack), clean)


def test_noise_is_uniform_around_zero_and_smaller_on_longer_rows():
    [pack] = make_packs(rows(lengths=(200, 800)), 4096, share_from=None)
    noise = pack_noise(pack, WIDTH, alpha=5.0, seed=0, step=0)
    lengths = [length for group in pack.groups for length in group.rows]
    assert sorted(lengths) == [224, 824]
    assert noise.shape == (sum(lengths), WIDTH)
    for part, length in zip(noise.split(lengths), lengths, strict=True):
        most = 5.0 / (length * WIDTH) ** 0.5
        assert 0.99 * most < part.abs().max() <= most
        assert part.abs().mean() == pytest.approx(most / 2, rel=0.02)
        assert abs(part.mean()) < 0.02 * most


def test_rows_keep_their_noise_in_another_pack_with_the_same_prefix():
    [together] = make_packs(rows(), 4096)
    apart = make_packs(rows(), 48)
    [group] = together.groups
    assert group.prefix == 20
    assert len(apart) > 1
    whole = pack_noise(together, WIDTH, alpha=5.0, seed=0, step=0)
    for pack in apart:
        part = pack_noise(pack, WIDTH, alpha=5.0, seed=0, step=0)
        for number, row in enumerate(pack.row_ids):
            there = together.row_ids.index(row)
            own = [i for i, n in enumerate(pack.rows) if n == number]
            same = [i for i, n in enumerate(together.rows) if n == there]
            assert torch.equal(part[own], whole[same])


def test_the_start_model_sees_no_noise():
    net = tiny("qwen2")
    pack = pack_for(net)
    clean = predictions(net, pack)
    with embedding_noise(net, pack, alpha=5.0, seed=0, step=0):
        assert torch.equal(predictions(net, pack).hidden, clean.hidden)
        loss = pack_loss(net, pack, start=clean, kind="start_model")
    assert loss.divergence.max() > 1e-3
    loss.total.backward()
    assert net.get_input_embeddings().weight.grad.abs().max() > 0
