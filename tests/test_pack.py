"""Packing with a shared prefix changes what is computed, not the loss and not its gradient."""

import pytest

from agenttuning.conversation import Conversation, Segment, assistant, system, user
from agenttuning.models import BUILT_IN, load_model, load_tokenizer, resolve
from agenttuning.training.encode import encode
from agenttuning.training.pack import make_packs

torch = pytest.importorskip("torch")

PREFIX = "You answer questions about towns. Say what you think, then answer in one word, please, every time."


@pytest.fixture(scope="module")
def rows():
    tokenizer = load_tokenizer(resolve(BUILT_IN))
    talks = [
        Conversation((system(PREFIX), user(f"Town {i}?"), assistant(Segment(f"Answer {'no ' * i}{i}.", True))))
        for i in range(5)
    ]
    talks.append(Conversation((user("Hello there."), assistant(Segment("Hello.", True)))))
    return [encode(talk, tokenizer, source="agent" if i < 5 else "general") for i, talk in enumerate(talks)]


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


def _loss_and_gradient(net, packs):
    net.zero_grad()
    total = sum(sum(pack.weights) for pack in packs)
    loss = 0.0
    for pack in packs:
        logits = net(
            input_ids=torch.tensor([pack.ids]),
            position_ids=torch.tensor([pack.positions]),
            attention_mask=pack.allowed()[None, None],
        ).logits[0]
        each = torch.nn.functional.cross_entropy(logits, torch.tensor(pack.targets), reduction="none")
        part = (each * torch.tensor(pack.weights)).sum() / total
        part.backward()
        loss += part.item()
    return loss, torch.cat([p.grad.flatten() for p in net.model.layers[0].parameters()])


@pytest.mark.slow
def test_loss_and_gradient_are_those_of_the_rows_one_by_one(rows):
    net = load_model(resolve(BUILT_IN))
    loss_packed, gradient_packed = _loss_and_gradient(net, make_packs(rows, 4096))
    loss_alone, gradient_alone = _loss_and_gradient(net, make_packs(rows, 1, share_from=None))
    assert loss_packed == pytest.approx(loss_alone, rel=1e-5)
    assert float((gradient_packed - gradient_alone).norm() / gradient_alone.norm()) < 1e-4
