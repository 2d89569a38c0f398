"""The shares of capabilities that keep their loss, and the count of what is trained."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.conversation import Conversation, Message, Segment, assistant, user
from agenttuning.corpus.balance import CAPABILITIES, Balance, Tally, is_trained, shares
from agenttuning.trajectory import ToolCall


def talk(turns=4):
    messages = [user("Go.")]
    for _ in range(turns):
        for capability in CAPABILITIES:
            messages += [assistant(Segment(f"{capability}!", True, capability)), user("On.")]
    return Conversation(tuple(messages[:-1]))


def tally(*talks):
    out = Tally()
    for one in talks:
        out.add(one)
    return out.table()


@settings(max_examples=50)
@given(keep=st.fixed_dictionaries({name: st.floats(0, 1) for name in CAPABILITIES}), seed=st.integers(0, 99))
def test_over_many_turns_the_shares_are_what_was_asked_for(keep, seed):
    balance = Balance(keep, seed)
    talks = [talk() for _ in range(300)]
    kept = shares(tally(*talks), tally(*map(balance, talks)))
    for name, share in keep.items():
        assert kept[name] == pytest.approx(share, abs=0.01)


def test_text_stays_and_only_loss_goes():
    before, after = talk(), Balance({"retrieval": 0.0}, 0)(talk())
    assert [m.text for m in after.messages] == [m.text for m in before.messages]
    for message in after.messages:
        assert bool(message.train) == any(s.train for s in message.segments)
        assert all(bool(s.train) == (s.capability != "retrieval") for s in message.segments if message.train)
    assert "retrieval" not in tally(after)


def test_the_same_seed_draws_the_same_turns_and_another_does_not():
    talks = [talk() for _ in range(20)]
    first, again, other = ([*map(Balance({"reasoning": 0.5}, seed), talks)] for seed in (1, 1, 2))
    assert first == again != other


def test_which_turn_of_a_talk_keeps_its_loss_varies():
    balance = Balance({"reasoning": 0.25}, 0)
    talks = [balance(talk(4)) for _ in range(200)]
    trained = [tuple(bool(m.train) for m in one.messages if m.segments[0].capability == "reasoning") for one in talks]
    assert len(set(trained)) > 8


def test_weights_stay_as_they_are():
    row = Conversation((user("a"), assistant(Segment("b", 0.5, "reasoning"))))
    assert Balance({"reasoning": 1.0}, 0)(row) == row


def test_a_stop_token_goes_with_the_last_words():
    row = Conversation((user("a"), assistant(Segment("b", True, "reasoning"), Segment("c", True, "understanding"))))
    [_, message] = Balance({"understanding": 0.0}, 0)(row).messages
    assert [bool(s.train) for s in message.segments] == [True, False]
    assert not message.train


def test_structured_calls_are_understanding():
    call = Message("assistant", (Segment("So.", True, "reasoning"),), (ToolCall("look", {}),), True)
    row = Conversation((user("a"), call))
    assert tally(row) == {
        "reasoning": {"segments": 1, "characters": 3},
        "understanding": {"segments": 1, "characters": 2},
    }
    assert not Balance({"understanding": 0.0}, 0)(row).messages[1].train


def test_nothing_left():
    row = talk()
    assert is_trained(row)
    assert not is_trained(Balance(dict.fromkeys(CAPABILITIES, 0.0), 0)(row))
