"""A reducer that closes too early, refuses, or is somewhere else than before. See docs/faults.md."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench import rig
from relay.connect import CUT_OFF, UNREACHED
from tests.e2e.networks import Names, resolver
from tests.e2e.sandboxed import Sandbox, between, sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

CUT_AFTER_BYTES = 3_333
"""Of the stream: behind the handshake, in the first block of pods. The frame of a connection stays open for its whole life."""

NAME = "reducer.podwire.test"

LOOSE = 1.0
"""Seconds that an attempt may come later than it was planned, on a busy machine."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox(tmp_path) as found:
        yield found


def connections(reducer: rig.Reducer) -> list[dict[str, Any]]:
    """All that ever came, the oldest first."""
    found: list[dict[str, Any]] = reducer.get("/state")["connections"]
    return found


def opened(reducer: rig.Reducer) -> list[float]:
    """When each connection came, in seconds."""
    return [one["opened_ns"] / 1e9 for one in connections(reducer)]


def assert_backs_off(attempts: Sequence[float], *, most_seconds: float) -> None:
    """At most three in any two seconds, ever later, and by chance: each wait is between half of its longest and that."""
    assert len(attempts) >= 3
    waits = [after - before for before, after in pairwise(attempts)]
    for number, wait in enumerate(waits):
        longest = min(2.0**number, most_seconds)
        assert longest / 2 - 0.05 <= wait <= longest + LOOSE, waits
    assert all(sum(0 <= one - first < 2 for one in attempts) <= 3 for first in attempts)


@pytest.mark.parametrize("farewell", ["rst", "fin"])
def test_closed_in_the_middle_of_a_frame(farewell: str, api: Sandbox, tmp_path: Path) -> None:
    """Again and again during the first pods: what had arrived is said again, in an epoch of its own each time."""
    with rig.reducer() as reducer:
        reducer.order(f"/cut?how={farewell}&after={CUT_AFTER_BYTES}&times=3")
        with between(api, reducer, tmp_path) as podwire:
            podwire.until(lambda: len(connections(reducer)) == 4, "a fourth connection")
            podwire.until_ready()
            cut = connections(reducer)[:3]
            assert [(one["ended"], one["bytes_wire"]) for one in cut] == [("cut by order", CUT_AFTER_BYTES)] * 3
            assert_backs_off(opened(reducer), most_seconds=CUT_OFF.most_seconds)
            podwire.assert_in_step()
            assert reducer.get("/state")["epoch"] == 4


def test_closed_at_once(api: Sandbox, tmp_path: Path) -> None:
    """A reducer that takes connections and drops them costs no more attempts than one that refuses."""
    with rig.reducer() as reducer:
        reducer.order("/cut?how=fin&after=0&times=3")
        with between(api, reducer, tmp_path) as podwire:
            podwire.until(lambda: len(connections(reducer)) == 4, "a fourth connection")
            assert_backs_off(opened(reducer), most_seconds=CUT_OFF.most_seconds)
            podwire.until_ready()
            podwire.assert_in_step()


def attempts(names: Names) -> list[float]:
    """When the relay looked the name up. What is asked within 0.3 s is one look-up: the C library asks again after a failure."""
    asked = list(names.asked_at)
    return asked[:1] + [after for before, after in pairwise(asked) if after - before > 0.3]


def port_of(reducer: rig.Reducer) -> str:
    return reducer.address.rpartition(":")[2]


def test_refused_for_a_while(api: Sandbox, tmp_path: Path) -> None:
    """From the start: then it connects, and all is there. Each attempt asks for the address, so attempts can be told from outside."""
    with rig.reducer() as reducer, resolver(tmp_path) as dns:
        dns.names.address = "127.0.0.1"
        reducer.order("/refuse?seconds=600")
        with between(api, reducer, tmp_path, intake=f"{NAME}:{port_of(reducer)}", within=dns.within) as podwire:
            podwire.until(lambda: len(dns.names.asked_at) >= 6, "six attempts")
            assert podwire.state("relay")["dials_failed"]["refused"] >= 5
            assert_backs_off(dns.names.asked_at[:6], most_seconds=UNREACHED.most_seconds)
            reducer.order("/refuse?seconds=0")
            podwire.until_ready()
            podwire.assert_in_step()


def test_the_name_cannot_be_resolved_and_then_means_another_address(api: Sandbox, tmp_path: Path) -> None:
    """Looked up anew at each attempt; while it cannot be, no oftener than a refused connection would be tried."""
    with (
        rig.reducer(host="127.0.0.2") as first,
        rig.reducer(host="127.0.0.3", port=int(port_of(first))) as second,
        resolver(tmp_path) as dns,
        between(api, first, tmp_path, intake=f"{NAME}:{port_of(first)}", within=dns.within) as podwire,
    ):
        podwire.until(lambda: len(attempts(dns.names)) >= 5, "five attempts")
        assert_backs_off(attempts(dns.names)[:5], most_seconds=UNREACHED.most_seconds)
        # No attempt hides among what counts as one look-up.
        assert podwire.state("relay")["dials_failed"]["name"] <= len(attempts(dns.names))
        assert f"cannot resolve {NAME}" in podwire.events("relay", "cannot connect")[0]["why"]

        dns.names.address = "127.0.0.2"
        podwire.until_ready()
        podwire.assert_in_step()

        api.order("resume")
        dns.names.address = "127.0.0.3"
        first.order("/refuse?seconds=600")
        first.order("/cut?how=rst")
        podwire.until(lambda: second.get("/state")["pods"], "pods in the second reducer")
        podwire.moved_to(second).assert_in_step()
        assert first.get("/breaches")["breaches"]["count"] == 0
