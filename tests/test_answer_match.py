"""Short answers against gold ones: the official scorer's cases, and what holds for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.answer_match import exact_match, normalise, token_f1


@pytest.mark.parametrize(
    ("said", "gold", "f1", "exact"),
    [
        ("The Black Sea.", "black sea", 1.0, True),
        ("1,453,975", "1453975", 1.0, True),
        ("river Danube", "Danube", 2 / 3, False),
        ("Danube Danube", "Danube", 2 / 3, False),
        ("an apple a day", "apple day", 1.0, True),
        ("Rhine", "Danube", 0.0, False),
        ("yes", "no", 0.0, False),
        ("yes it is", "yes", 0.0, False),
        ("Yes.", "yes", 1.0, True),
        ("Anthem", "them", 0.0, False),
        ("", "Danube", 0.0, False),
        ("The", "a", 1.0, True),
    ],
)
def test_answers_score_as_in_the_official_scorer(said, gold, f1, exact):
    assert token_f1(said, gold) == pytest.approx(f1)
    assert exact_match(said, gold) is exact


@given(st.text(), st.text())
def test_f1_is_symmetric_bounded_and_one_for_a_match(first, second):
    score = token_f1(first, second)
    assert 0.0 <= score <= 1.0
    assert score == pytest.approx(token_f1(second, first))
    assert token_f1(first, first) == 1.0
    assert normalise(normalise(first)) == normalise(first) or not first.isascii()
