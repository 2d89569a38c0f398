"""Episodes against endpoints that fail at random; benchmarks/soak_endpoint.py does it for half an hour."""

import pytest
from soak_endpoint import soak


@pytest.mark.slow
def test_every_episode_is_accounted_for():
    result = soak(10, episodes=30, seed=3)
    assert result["episodes"] == 30 * result["rounds"]
    assert result["tokens"] == 110 * result["requests"]["good"]  # what was paid for is in a turn, and there once
    assert result["outcomes"].get("model_error", 0) <= result["episodes"] / 10
    assert sum(count for name, count in result["requests"].items() if name != "good") >= 5
