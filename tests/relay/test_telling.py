"""What the relay's log says of its connection, to somebody on call."""

import logging
import random
from typing import Any

import pytest

from common.logs import Log
from common.messages import Incarnation, Resync, Usage
from relay.connect import Trouble
from relay.deliver import Relay
from relay.handshake import Identity
from relay.outbox import Gate
from tests.fakes.pods import batch, pod_new, record


class Bench:
    """A relay on virtual time, and what it has told since it was asked last."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self.now = 0.0
        self._caplog = caplog
        self.relay = Relay(
            incarnation=Incarnation("relay-1"),
            identity=Identity(hostname="h", cores=1, labels=()),
            random_=random.Random(1),
            measure=lambda: (Usage(), None),
            log=Log("relay"),
            now=0.0,
            wall_ns=1,
        )

    def turn(self, *, after: float = 0.0) -> None:
        self.now += after
        self.relay.turn(now=self.now, wall_ns=1, more_coming=False)

    def dialed(self) -> None:
        self.relay.dialed(peer="10.0.0.1:8000", now=self.now, wall_ns=1)

    def failed(self, trouble: Trouble, text: str) -> None:
        self.relay.failed(trouble, text, now=self.now, wall_ns=1)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        told = [(one.getMessage(), vars(one)["fields"]) for one in self._caplog.records]
        self._caplog.clear()
        return told


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Bench:
    return Bench(caplog)


def test_a_connection_is_told_from_dialing_to_its_loss_with_reason_and_next_wait(bench: Bench) -> None:
    bench.turn()
    bench.dialed()
    bench.turn(after=50.0)
    bench.failed(Trouble.RESET, "Connection reset by peer")
    (dialing, connected, (lost, fields)) = bench.told()
    assert dialing[0] == "dialing"
    assert connected == ("connected", {"peer": "10.0.0.1:8000", "connection": 1})
    assert lost == "connection lost"
    assert 0 < fields.pop("retry_in_seconds") <= 1.0
    assert fields == {
        "connection": 1,
        "lasted_seconds": 50.0,
        "reason": "reset",
        "why": "Connection reset by peer",
    }


def test_a_reducer_that_refuses_is_told_once_a_minute(bench: Bench) -> None:
    while bench.now < 59.0:
        bench.turn(after=1.0)
        bench.failed(Trouble.REFUSED, "10.0.0.1:8000: Connection refused")
    assert [event for event, _ in bench.told()] == ["dialing", "cannot connect"]


def test_a_slow_reducer_is_told_when_it_holds_emissions_and_when_it_reads_again(bench: Bench) -> None:
    bench.turn()
    bench.dialed()
    noise, number = random.Random(2), 1
    bench.relay.take(batch(Resync(), first=1), now=bench.now, wall_ns=1)
    while bench.relay.gate is Gate.OPEN:
        pods = [pod_new(record(noise.randbytes(16).hex(), name=noise.randbytes(500).hex())) for _ in range(100)]
        bench.relay.take(batch(*pods, first=number + 1), now=bench.now, wall_ns=1)
        number += 100
    bench.turn()
    bench.told()
    bench.turn(after=60.0)
    assert bench.told() == []
    outbox = bench.relay.outbox
    assert outbox is not None
    while head := outbox.head():
        outbox.sent(len(head))
    bench.turn()
    assert bench.told() == [("the reducer reads again", {"held_seconds": 60.0, "held_back": 0})]


def test_emissions_that_are_dropped_are_told_once_a_minute_for_each_reason(bench: Bench) -> None:
    bench.turn()
    for _ in range(5):
        bench.relay.take(batch(Resync(), first=1), now=bench.now, wall_ns=1)
    dropped = [fields for event, fields in bench.told() if event == "emissions dropped"]
    assert [fields["reason"] for fields in dropped] == ["other_connection"]
    assert bench.relay.tally.emissions_dropped["other_connection"] == 5
