"""A shuffled order is a permutation, and an interleaving holds every proportion in every window."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.corpus.permutation import key, permuted
from agenttuning.corpus.proportions import Interleaving, Known, Part, grouped
from agenttuning.errors import BadInput


@given(st.integers(1, 400), st.integers(0, 2**64 - 1))
def test_every_row_stands_at_one_place(count, number):
    assert sorted(permuted(place, count, number) for place in range(count)) == list(range(count))


def test_orders_are_as_shuffled_as_random_ones():
    """Of 2,000 keys each of the 24 orders of four rows comes up about as often (chi-square below its 99.9 % point,
    49.7), and neighbours of a long order are no neighbours."""
    orders = Counter(tuple(permuted(i, 4, key("test", n)) for i in range(4)) for n in range(2000))
    assert len(orders) == 24
    assert sum((seen - 2000 / 24) ** 2 / (2000 / 24) for seen in orders.values()) < 49.7
    places = [permuted(i, 10_000, key("test")) for i in range(10_000)]
    assert sum(abs(a - b) < 10 for a, b in pairwise(places)) < 40


def test_a_place_of_a_billion_rows_costs_nothing():
    assert len({permuted(i, 10**9, 7) for i in range(1000)}) == 1000


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.integers(1, 40))
def test_every_window_holds_the_proportion(agent, general, seed, width):
    total = agent + general
    order = Interleaving(Part("", total, (Part("agent", agent), Part("general", general))), seed=seed)
    names = [order.locate(i)[0] == "agent" for i in range(total)]
    assert sum(names) == agent
    for start in range(max(0, total - width + 1)):
        assert abs(sum(names[start : start + width]) - width * agent / total) < 1


@given(st.lists(st.integers(0, 20), min_size=1, max_size=5).filter(any), st.integers(0, 3), st.integers(1, 3))
def test_rows_of_a_source_come_one_after_another(rows, seed, rounds):
    parts = tuple(Part(f"s{i}", n) for i, n in enumerate(rows))
    order = Interleaving(Part("", sum(rows), parts), seed=seed)
    seen: Counter[str] = Counter()
    for place in range(rounds * sum(rows)):
        name, number = order.locate(place)
        assert number == seen[name]
        seen[name] += 1
    assert seen == Counter({part.name: rounds * part.rows for part in parts if part.rows})


def test_groups_share_by_weight_and_without_weights_by_rows():
    known = {"general/a/x": Known(10), "general/a/y": Known(30), "general/b": Known(60)}
    part = grouped("general", known, {"general/a": 3, "general/b": 1}).split(400)
    assert part.leaves() == {"general/a/x": 75, "general/a/y": 225, "general/b": 100}
    assert grouped("general", known, {}).split(100).leaves() == {name: one.rows for name, one in known.items()}
    by_tokens = {"general/a": Known(10, 200.0), "general/b": Known(10, 50.0)}
    group = grouped("general", by_tokens, {"general/a": 1, "general/b": 1})
    assert group.split(500).leaves() == {"general/a": 100, "general/b": 400}
    assert group.tokens == pytest.approx(80)
    with pytest.raises(BadInput, match="no part of general has a weight above 0"):
        grouped("general", by_tokens, {"general/a": 0, "general/b": 0})
