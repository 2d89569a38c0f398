"""The loop on transformers: what it computes is what the model computes, whatever runs beside it."""

import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from agenttuning.engines import on_transformers
from agenttuning.engines.base import Sampling
from agenttuning.engines.batching import Job
from agenttuning.engines.kept import Cache, Kept, common
from agenttuning.engines.loop import LoopEngine, draw
from agenttuning.engines.ragged import Part, Ragged
from agenttuning.engines.transformers import TransformersEngine
from agenttuning.errors import ContextFull
from agenttuning.models import load_model, load_tokenizer

GREEDY = Sampling(max_tokens=10)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("loop") / "model")


@pytest.fixture(scope="module")
def net(model):
    return load_model(model).eval()


@pytest.fixture(scope="module")
def engine(model):
    with on_transformers(model) as loaded:
        assert isinstance(loaded, LoopEngine)
        yield loaded


def start(engine, ids, sampling=GREEDY, **more) -> tuple[Job, list]:
    tokens: list = []
    job = Job(ids, sampling, tokens.extend, **more)
    engine.start(job)
    return job, tokens


def generated(net, ids, tokens=10) -> list[int]:
    import torch

    with torch.inference_mode():
        return net.generate(torch.tensor([ids]), max_new_tokens=tokens, do_sample=False, pad_token_id=2)[0].tolist()


def test_many_at_once_are_each_what_generate_gives(engine, net):
    draws = random.Random("loop")
    shared = [draws.randrange(3, 40_000) for _ in range(60)]
    prompts = [shared[: draws.randint(1, 60)] + [draws.randrange(3, 40_000) for _ in range(draws.randint(1, 300))]
               for _ in range(12)]  # fmt: skip
    running = [start(engine, ids) for ids in prompts]
    for ids, (job, tokens) in zip(prompts, running, strict=True):
        assert job.ended.result(60) == "length"
        assert ids + [token.id for token in tokens] == generated(net, ids)


def test_a_turn_costs_its_new_tokens(engine, net, monkeypatch):
    """The second turn computes what the first did not, and says the same as if it had computed all."""
    computed = []
    forward = engine._ragged.forward
    monkeypatch.setattr(
        engine._ragged, "forward",
        lambda parts, wanted: computed.append(sum(len(p.ids) for p in parts)) or forward(parts, wanted),
    )  # fmt: skip
    opening = list(range(1000, 1200))
    job, tokens = start(engine, opening)
    job.ended.result(60)
    assert computed[0] == 200
    computed.clear()
    ids = opening + [token.id for token in tokens] + [7, 8, 9]
    job, tokens = start(engine, ids)
    job.ended.result(60)
    assert computed[0] == 4  # three new ones, and the last of the reply, which nobody had computed
    assert ids + [token.id for token in tokens] == generated(net, ids)


def test_a_seed_draws_the_same_beside_others_and_alone(engine):
    ids = list(range(50, 90))

    def drawn(seed):
        return start(engine, ids, Sampling(max_tokens=8, temperature=1.0, top_p=0.9, top_k=50, seed=seed))

    first = [drawn(seed) for seed in (1, 2, 1)]
    for job, _ in first:
        job.ended.result(60)
    job, alone = drawn(1)
    job.ended.result(60)
    assert first[0][1] == first[2][1] == alone != first[1][1]


def test_top_k_and_top_p_keep_the_likeliest():
    import torch

    logits = torch.tensor([0.0, 3.0, 2.0, 1.0, -1.0])
    generator = torch.Generator().manual_seed(0)

    def seen(**settings):
        return {draw(logits, Sampling(temperature=1.0, **settings), generator) for _ in range(300)}

    assert seen() == {0, 1, 2, 3, 4}
    assert seen(top_k=2) == {1, 2}
    assert seen(top_p=0.5) == {1}
    assert seen(top_p=0.7) == {1, 2}
    assert draw(logits, Sampling(temperature=0.0), None) == 1


def test_who_leaves_is_dropped_and_the_others_go_on(engine, net):
    leaving, left = start(engine, list(range(300, 330)), replace(GREEDY, max_tokens=400))
    staying, tokens = start(engine, list(range(400, 430)), replace(GREEDY, max_tokens=40))
    while not left:
        threading.Event().wait(0.005)
    leaving.cancelled = True
    assert leaving.ended.result(60) == "stop"
    assert len(left) < 400
    staying.ended.result(60)
    assert list(range(400, 430)) + [token.id for token in tokens] == generated(net, list(range(400, 430)), 40)


def test_a_prompt_that_does_not_fit(engine):
    job, _ = start(engine, [5] * 505)
    with pytest.raises(ContextFull, match="512"):
        job.ended.result(1)


def test_a_sequence_that_fails_does_not_stop_the_engine(engine, net):
    job, _ = start(engine, [10**9, 5, 6])
    with pytest.raises(IndexError):
        job.ended.result(60)
    job, tokens = start(engine, [5, 6, 7])
    job.ended.result(60)
    assert [5, 6, 7] + [token.id for token in tokens] == generated(net, [5, 6, 7])


def test_the_fallback_says_the_same(model, net):
    with TransformersEngine(load_model(model).eval(), load_tokenizer(model)) as plain:
        job, tokens = start(plain, list(range(20, 50)))
        assert job.ended.result(60) == "length"
    assert list(range(20, 50)) + [token.id for token in tokens] == generated(net, list(range(20, 50)))


def test_a_sliding_window_and_capped_scores_are_computed():
    """Gemma 2 has both, in every second layer; a window shorter than the text has to matter."""
    import torch
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, sliding_window=8, attn_logit_softcapping=2.0, max_position_embeddings=128,
        attn_implementation="eager",
    )  # fmt: skip
    net = Gemma2ForCausalLM(config).eval()
    ids = [random.Random(1).randrange(100) for _ in range(40)]
    with torch.inference_mode():
        own = net(torch.tensor([ids])).logits[0]
    ragged = Ragged(net)
    assert ragged.fits
    cache = Cache()
    new = [ragged.forward([Part(cache, ids[:30], 0)], range(30))]
    new += [ragged.forward([Part(cache, [index], place)], [0]) for place, index in enumerate(ids[30:], start=30)]
    assert (torch.cat(new) - own).abs().max() < 1e-4


def test_a_model_that_is_no_plain_attention_is_left_as_it_is():
    """Recurrent layers would mix the sequences of a batch."""
    import torch
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    net = MambaForCausalLM(
        MambaConfig(vocab_size=100, hidden_size=16, state_size=4, num_hidden_layers=2, conv_kernel=2)
    ).eval()
    assert not Ragged(net).fits


def test_what_is_kept_is_bounded_and_found_again():
    import torch

    def cache(ids, adapter=None):
        one = Cache(adapter)
        one.ids = list(ids)
        one.extend(0, torch.ones(1, len(one.ids), 4), torch.ones(1, len(one.ids), 4), 0)
        return one

    size = cache(range(100)).beginning(100).size
    kept = Kept(limit=3 * size)
    kept.add(cache(range(100)))
    kept.add(cache([*range(50), *range(500, 550)]))
    assert kept.begin([*range(50), 9])[1] == 50
    assert kept.begin(list(range(100)))[1] == 99  # the last one's prediction is wanted
    assert kept.begin([1, 2, 3])[1] == 0
    assert kept.begin(list(range(100)), "adapter")[1] == 0
    kept.add(cache([*range(100), 100]))  # holds what the first one held
    assert len(kept) == 2
    for start_ in range(1000, 1010):
        kept.add(cache(range(start_, start_ + 100)))
        assert kept.size <= kept.limit
    assert len(kept) == 3
    running = cache(range(2000, 2060))
    assert kept.begin(list(range(2000, 2100)), running=[running])[1] == 60


@pytest.mark.parametrize(("one", "other", "shared"), [([], [1], 0), ([1, 2], [1, 2, 3], 2), ([1, 9], [1, 2], 1)])
def test_common_beginnings(one, other, shared):
    assert common(one, other) == shared
