"""What all tests share: hypothesis asserts no wall-clock time, since a busy machine is no fault of the code."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("podwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podwire")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of the simulation is played (docs/simulation.md)."""
    group = parser.getgroup("podwire")
    group.addoption("--schedules", type=int, default=2_000, help="schedules that tests/simulation plays")
    group.addoption("--first-seed", type=int, default=0, help="seed of the first of them")
