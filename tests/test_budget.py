"""A budget is kept by whoever spends it: calls are held at their worst, and wait for what others really take."""

import asyncio
import random
import threading
import time

import pytest

from agenttuning.budget import Budget, Prices, Spent
from agenttuning.errors import BudgetSpent

FREE = Prices()


def test_prices_are_dollars_a_million():
    assert Prices(1.0, 2.0, 0.5).usd(1000, 10, 400) == pytest.approx((600 + 20 + 200) / 1e6)
    assert Prices(1.0, 2.0).usd(1000, 10, 400) == pytest.approx((1000 + 20) / 1e6)


def test_an_estimate_learns_how_long_tokens_are():
    budget = Budget(tokens=10_000)
    assert budget.estimate(3_000) == 1501
    cost = budget.settle(budget.hold(3_000, 10, FREE), prompt=500, completion=5)
    assert (cost, budget.spent.tokens) == (Spent(1, 500, 5), 505)
    assert budget.estimate(3_000) == 626  # a quarter more than found


def test_the_first_call_goes_alone_and_the_rest_wait_in_their_order():
    budget = Budget(tokens=1_000)
    calls = [budget.hold(100, 50, FREE) for _ in range(12)]
    assert [call.granted.done() for call in calls] == [True] + [False] * 11
    budget.settle(calls[0], prompt=100, completion=10)  # from here on 100 bytes may be 126 tokens
    assert [call.granted.done() for call in calls] == [True] * 6 + [False] * 6
    for call in calls[1:6]:
        budget.settle(call, prompt=100, completion=10)
    assert [call.granted.done() for call in calls] == [True] * 7 + [False] * 5
    budget.release(calls[6])  # it failed: its place is free
    assert calls[7].granted.done()


def test_what_does_not_fit_without_any_is_refused():
    budget = Budget(tokens=1_000, remedy="ask for more", spent=Spent(3, 500, 100))
    with pytest.raises(BudgetSpent, match=r"of 1,000 tokens is used up: 600 tokens spent, .* 477; ask for more"):
        budget.hold(750, 101, FREE).granted.result()
    held = budget.hold(100, 50, FREE)
    assert held.granted.result() is None
    money = Budget(usd=0.001)
    with pytest.raises(BudgetSpent, match=r"of \$0.001 is used up: 0 tokens \(\$0.0000\) spent, .*\(\$0.0011\)"):
        money.hold(200, 100, Prices(1.0, 10.0)).granted.result()


def test_a_budget_without_bounds_counts():
    budget = Budget()
    calls = [budget.hold(10**9, 10**9, Prices(1.0, 1.0)) for _ in range(5)]
    assert all(call.granted.done() for call in calls)
    for call in calls:
        budget.settle(call, prompt=10, completion=2, cached=4)
    assert budget.spent == Spent(5, 50, 10, 20, pytest.approx(60 / 1e6))


def test_tokens_that_nobody_tells_are_guessed_from_bytes():
    budget = Budget()
    assert budget.settle(budget.hold(600, 50, FREE), prompt=0, completion=0, written=80) == Spent(1, 300, 40)


def test_threads_and_loops_share_a_budget():
    """Twenty of each, every call taking up to its worst: never more than the bound, and all end."""
    budget, dice = Budget(tokens=20_000), random.Random(0)
    costs = [(dice.randrange(50, 100), dice.randrange(60)) for _ in range(400)]
    refused = []

    def settle(held, cost):
        budget.settle(held, prompt=cost[0], completion=cost[1])
        assert budget.spent.tokens <= 20_000

    def thread(mine):
        for cost in mine:
            held = budget.hold(200, 60, FREE)
            try:
                held.granted.result()
            except BudgetSpent:
                refused.append(cost)
                continue
            time.sleep(0.0005)
            settle(held, cost)

    async def task(mine):
        for cost in mine:
            held = budget.hold(200, 60, FREE)
            try:
                await asyncio.wrap_future(held.granted)
            except BudgetSpent:
                refused.append(cost)
                continue
            await asyncio.sleep(0.0005)
            settle(held, cost)

    async def tasks():
        await asyncio.gather(*(task(costs[i::40]) for i in range(20, 40)))

    threads = [threading.Thread(target=thread, args=(costs[i::40],)) for i in range(20)]
    for one in threads:
        one.start()
    asyncio.run(tasks())
    for one in threads:
        one.join(30)
    assert not any(one.is_alive() for one in threads)
    assert budget.spent.calls + len(refused) == 400
    assert 19_500 < budget.spent.tokens <= 20_000


def test_who_stops_waiting_leaves_its_place():
    async def play():
        budget = Budget(tokens=1_000)
        first, second, third = (budget.hold(100, 50, FREE) for _ in range(3))
        waiting = asyncio.ensure_future(asyncio.wrap_future(second.granted))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        budget.settle(first, prompt=100, completion=10)
        budget.release(second)
        assert third.granted.done()
        budget.settle(third, prompt=100, completion=10)
        return budget.spent.calls

    assert asyncio.run(play()) == 2
