"""What holds for all tests.

A test file shares two processors with another one and with browsers, servers and a simulator. How long an example of a
property test takes says nothing there, so Hypothesis does not judge it.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("agenttuning", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agenttuning")
