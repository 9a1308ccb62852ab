"""Deliveries in any order of epochs, losses and connections."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from common.messages import Emissions, PodContainers, PodDelete, Resync
from common.records import UID
from tests.fakes.pods import batch, container, pod_new, record
from tests.relay.delivery import HANDSHAKE, Bench


class AnyLife(RuleBasedStateMachine):
    """A matcher that follows the link, a pipe that may lose batches, and a connection that comes and goes.

    Whatever happens, what a reducer hears on each connection keeps the design's invariants, and with nothing lost since the last
    epoch began it is what the matcher said.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.up = False
        self.epoch = 0
        self.said: list[str] = []
        self.whole = False
        self.number = 0
        self.live: list[str] = []

    @precondition(lambda self: not self.up)
    @rule()
    def connect(self) -> None:
        self.bench.connect()
        self.up, self.whole = True, False

    @precondition(lambda self: self.up)
    @rule()
    def lose(self) -> None:
        self._check()
        self.bench.fail()
        self.up, self.whole = False, False

    @rule(pods=st.integers(0, 3), lost=st.booleans())
    def open_epoch(self, pods: int, lost: bool) -> None:
        self.epoch += 1
        self.number, self.said, self.live = 0, [], [f"u{at}" for at in range(pods)]
        self.whole = self.up
        self._send([Resync(), *(pod_new(record(uid, containers=[])) for uid in self.live)], lost=lost)
        self.said = ["pod_resync", *["pod_new_with_name"] * pods]

    @precondition(lambda self: self.live)
    @rule(lost=st.booleans())
    def add_container(self, lost: bool) -> None:
        self._send([PodContainers(UID(self.live[0]), [container()])], lost=lost)
        self.said.append("pod_container")

    @precondition(lambda self: self.live)
    @rule(lost=st.booleans())
    def delete(self, lost: bool) -> None:
        self._send([PodDelete(UID(self.live.pop()))], lost=lost)
        self.said.append("pod_delete")

    @rule(after=st.floats(0, 3))
    def turn(self, after: float) -> None:
        self.bench.turn(after=after)

    def _send(self, emissions: list[Any], *, lost: bool) -> None:
        one: Emissions = batch(
            *emissions, first=self.number + 1, epoch=self.epoch, connection=self.bench.relay.line.connections
        )
        self.number += len(emissions)
        if lost:
            self.whole = False
        else:
            self.bench.take(one)

    def _check(self) -> None:
        self.bench.turn(after=1.0)
        heard = self.bench.heard()
        assert [one["message"] for one in heard[: len(HANDSHAKE)]] == HANDSHAKE
        pods = [one for one in heard[len(HANDSHAKE) :] if one["message"] != "heartbeat"]
        assert not pods or pods[0]["message"] == "pod_resync"
        epochs = [one["resync_count"] for one in pods if one["message"] == "pod_resync"]
        assert epochs == sorted(set(epochs))
        known: set[bytes] = set()
        for one in pods:
            match one["message"]:
                case "pod_resync":
                    known.clear()
                case "pod_new_with_name":
                    known.add(one["uid"])
                case "pod_container":
                    assert one["uid"] in known
                case "pod_delete":
                    known.remove(one["uid"])
        if self.whole:
            begin = max(at for at, one in enumerate(pods) if one["message"] == "pod_resync")
            assert [one["message"] for one in pods[begin:]] == self.said
            assert known == {uid.encode() for uid in self.live}

    def teardown(self) -> None:
        if self.up:
            self._check()


AnyLife.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestAnyLife = AnyLife.TestCase
