"""What all tests share: hypothesis asserts no wall-clock time (a busy machine is no fault of the code), and no test meets another's log."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from common.logs import configure

settings.register_profile("podwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podwire")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of the simulation is played (docs/simulation.md)."""
    group = parser.getgroup("podwire")
    group.addoption("--schedules", type=int, default=2_000, help="schedules that tests/simulation plays")
    group.addoption("--first-seed", type=int, default=0, help="seed of the first of them")


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command that a test runs in this process configures its logging, and what is then warned of is remembered for /state: the next
    test begins without either.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = []  # or it would close pytest's
    configure(format_="text", level="info")  # which forgets what was said
    root.handlers[:] = handlers
    root.setLevel(level)
