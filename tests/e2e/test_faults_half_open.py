"""A half-open connection: packets vanish between relay and reducer, nobody is told. See docs/faults.md."""

from pathlib import Path

import pytest

from bench import rig
from common.clock import monotonic
from tests.e2e.networks import Island, island
from tests.e2e.sandboxed import Running, between, sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

NOTICED_SECONDS = 30.0
SMALL_BUFFER = ("--receive-buffer", "8192")
"""A reducer that does not read shuts its window at once."""


def link(podwire: Running) -> dict[str, object]:
    found: dict[str, object] = podwire.state("relay").get("link", {})
    return found


def fill_what_lies_between(podwire: Running) -> None:
    """The reducer reads nothing, until the relay holds back what it cannot get rid of, and for some time more."""
    podwire.reducer.order("/stall?seconds=600")
    podwire.until(lambda: link(podwire).get("accepting") is False, "a relay that is held")
    held_at = monotonic()
    connection = link(podwire)["connection"]
    # The kernel's own probes of a shut window are 13 s and more apart by then, and ever further.
    podwire.until(lambda: monotonic() - held_at > 20, "a window that is shut for long")
    assert link(podwire)["connection"] == connection, "a living reducer was cut off"


@pytest.mark.parametrize("window", ["open", "shut"])
def test_packets_that_vanish_are_noticed_within_30_seconds(window: str, tmp_path: Path) -> None:
    """Whether the connection is in use, or its window shut by a reducer that was slow: then a new connection and a new epoch."""
    with (
        island() as far,
        rig.reducer(*SMALL_BUFFER, host=far.host, within=far.within) as reducer,
        sandbox(tmp_path, rate=300 if window == "shut" else 50) as api,
        between(api, reducer, tmp_path) as podwire,
    ):
        podwire.until_ready()
        if window == "shut":
            fill_what_lies_between(podwire)
        assert_noticed(podwire, far)
        reducer.order("/stall?seconds=0")
        far.restore()
        podwire.until(lambda: link(podwire).get("connected"), "a new connection")
        podwire.until_ready()
        podwire.assert_in_step()


def assert_noticed(podwire: Running, far: Island) -> None:
    """The packets are dropped; the relay says so in time, once, and the epoch that was open is over."""
    before = link(podwire)["connection"]
    far.drop(podwire.reducer.address)
    dropped_at = monotonic()
    podwire.until(lambda: link(podwire).get("connected") is False, "the loss to be noticed")
    assert monotonic() - dropped_at < NOTICED_SECONDS
    (told,) = podwire.events("relay", "connection lost")
    assert "no answer for" in told["why"]
    assert told["connection"] == before
    assert podwire.state("matcher")["epoch"]["open"] is False
