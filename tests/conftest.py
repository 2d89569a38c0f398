"""What holds for all tests.

A test file shares two processors with another one and with browsers, servers and a simulator. How long an example of a
property test takes says nothing there, so Hypothesis does not judge it.
"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("agenttuning", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agenttuning")

LONG = ("slow", "browser", "java", "root")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the most long tests first, so that at the end of a run no process waits for another's long file."""
    long = Counter(item.path for item in items if any(item.get_closest_marker(name) for name in LONG))
    items.sort(key=lambda item: -long[item.path])
