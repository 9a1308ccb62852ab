"""Connections that come, fail and are lost: what is told of them, and what becomes of emissions meanwhile."""

import pytest

from common.messages import Epoch, Incarnation, Link, Resync
from relay.connect import Trouble
from relay.outbox import Gate
from tests.fakes.pods import batch, pod_new
from tests.relay.delivery import HANDSHAKE, WALL_NS, Bench, connected


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def up() -> Bench:
    return connected()


def test_it_dials_at_once_and_says_that_there_is_no_link(bench: Bench) -> None:
    bench.turn()
    assert bench.dials == 1
    assert bench.links == [
        Link(
            relay=Incarnation("relay-1"),
            connection=0,
            connected=False,
            since_ns=WALL_NS,
            epoch=Epoch(0),
            matcher=Incarnation(""),
            taken=0,
            broken=False,
            accepting=True,
        )
    ]
    bench.turn()
    assert bench.dials == 1


def test_emissions_that_come_while_disconnected_are_dropped(bench: Bench) -> None:
    bench.turn()
    bench.take(batch(Resync(), first=1, connection=1))
    assert bench.relay.tally.emissions_dropped["other_connection"] == 1
    assert bench.relay.gate is Gate.OPEN


def test_a_lost_connection_is_told_counted_and_dialed_again(up: Bench) -> None:
    up.fail(Trouble.RESET)
    assert up.relay.deadline() < up.now
    up.turn()
    assert (up.links[-1].connected, up.links[-1].since_ns) == (False, up.wall_ns)
    assert up.relay.tally.connections_lost["reset"] == 1
    assert up.relay.outbox is None
    up.turn(after=1.0)
    assert up.dials == 2


def test_what_comes_for_a_lost_connection_is_dropped_and_counted(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    up.fail()
    up.take(batch(pod_new(), first=2))
    assert up.relay.tally.emissions_dropped["other_connection"] == 1


def test_an_attempt_that_failed_is_counted_and_dialed_again(bench: Bench) -> None:
    bench.turn()
    bench.fail(Trouble.REFUSED)
    assert bench.relay.last_trouble == "refused"
    assert bench.relay.tally.dials_failed["refused"] == 1
    bench.turn(after=1.0)
    assert bench.dials == 2


def test_a_new_connection_begins_anew_and_takes_only_a_newer_epoch(up: Bench) -> None:
    up.take(batch(Resync(), pod_new(), first=1))
    up.fail()
    up.connect()
    up.take(batch(pod_new(), first=3, connection=2))
    up.take(batch(Resync(), first=1, epoch=2, connection=2))
    up.turn(after=0.1)
    assert up.names() == [*HANDSHAKE, "pod_resync"]
    assert up.heard()[-1]["resync_count"] == 2
    assert (up.links[-1].connection, up.links[-1].epoch) == (2, 2)
