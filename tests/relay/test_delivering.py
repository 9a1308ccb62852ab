"""The relay's core from emissions to bytes, on virtual time and without a socket."""

import logging
import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from common.logs import Log
from common.messages import (
    Emissions,
    Epoch,
    Incarnation,
    Link,
    PodContainers,
    PodDelete,
    Report,
    Resync,
    SnapshotGone,
    Usage,
)
from common.records import UID
from relay.connect import Trouble
from relay.deliver import Dial, Publish, Relay
from relay.handshake import Identity
from relay.outbox import LARGEST_BYTES, Gate
from tests.fakes.pods import batch, container, pod_new, record
from tests.fakes.reducer_ear import stream_of

HANDSHAKE = ["version_info", "connect", "report_cpu_cores", "cloud_platform", "set_node_info", "metadata_complete"]
VITALS = ["collector_health", "agent_resource_usage"]
WALL_NS = 1_700_000_000_000_000_000


class Bench:
    """A relay on virtual time, with a reducer that takes all or nothing."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.wire = b""
        self.dials = 0
        self.links: list[Link] = []
        self.relay = Relay(
            incarnation=Incarnation("relay-1"),
            identity=Identity(hostname="h", cores=2, labels=()),
            random_=random.Random(1),
            measure=lambda: (Usage(user_us=5), None),
            log=Log("relay"),
            now=self.now,
            wall_ns=self.wall_ns,
        )

    @property
    def wall_ns(self) -> int:
        return WALL_NS + round((self.now - 1_000.0) * 1e9)

    def take(self, message: Any) -> None:
        self.relay.take(message, now=self.now, wall_ns=self.wall_ns)

    def turn(self, *, after: float = 0.0, more_coming: bool = False) -> None:
        self.now += after
        for action in self.relay.turn(now=self.now, wall_ns=self.wall_ns, more_coming=more_coming):
            match action:
                case Dial():
                    self.dials += 1
                case Publish(link):
                    self.links.append(link)

    def connect(self) -> None:
        """Dials when it is time, and stands."""
        self.turn(after=30.0)
        self.relay.dialed(peer="reducer", now=self.now, wall_ns=self.wall_ns)
        self.wire = b""

    def fail(self, trouble: Trouble = Trouble.CLOSED) -> None:
        self.relay.failed(trouble, trouble, now=self.now, wall_ns=self.wall_ns)

    def read(self) -> None:
        """The reducer reads all that waits."""
        outbox = self.relay.outbox
        while outbox is not None and (head := outbox.head()) is not None:
            self.wire += head
            outbox.sent(len(head))

    def heard(self, *, vitals: bool = False) -> list[dict[str, Any]]:
        """Everything heard on this connection, without vitals unless wanted."""
        self.read()
        return [one for one in stream_of(self.wire) if vitals or one["message"] not in VITALS]

    def names(self, *, vitals: bool = False) -> list[str]:
        return [one["message"] for one in self.heard(vitals=vitals)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def up(bench: Bench) -> Bench:
    bench.connect()
    bench.turn()
    return bench


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


def test_a_connection_begins_with_the_handshake_and_vitals(up: Bench) -> None:
    assert up.names(vitals=True) == HANDSHAKE + VITALS
    assert (up.links[-1].connection, up.links[-1].connected, up.links[-1].since_ns) == (1, True, up.wall_ns)


def test_version_info_is_a_chunk_of_its_own(bench: Bench) -> None:
    bench.connect()
    outbox = bench.relay.outbox
    assert outbox is not None
    assert [one["message"] for one in stream_of(bytes(outbox.head() or b""))] == ["version_info"]


def test_a_lone_emission_goes_out_in_the_same_turn(up: Bench) -> None:
    up.take(batch(Resync(), pod_new(), first=1))
    up.turn(after=0.5)
    assert up.names() == [*HANDSHAKE, "pod_resync", "pod_new_with_name", "pod_container"]


def test_a_storm_is_gathered_for_20_ms(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    up.turn(after=0.019, more_coming=True)
    assert up.names() == HANDSHAKE
    up.turn(after=0.0011, more_coming=True)
    assert up.names() == [*HANDSHAKE, "pod_resync"]


def test_64_kib_go_out_without_waiting_for_the_turn(up: Bench) -> None:
    up.take(batch(Resync(), *[pod_new(record(f"u{at}", name="n" * 1_000)) for at in range(64)], first=1))
    assert up.names().count("pod_new_with_name") == 64


def test_emissions_for_nobody_are_counted_and_go_nowhere(up: Bench) -> None:
    up.take(batch(Resync(), pod_new(), first=1, connection=7))
    up.turn(after=0.1)
    assert up.names() == HANDSHAKE
    assert up.relay.tally.emissions_dropped["other_connection"] == 2
    assert up.relay.tally.emissions_taken == 0


def test_emissions_that_come_while_disconnected_are_dropped(bench: Bench) -> None:
    bench.turn()
    bench.take(batch(Resync(), first=1, connection=1))
    assert bench.relay.tally.emissions_dropped["other_connection"] == 1
    assert bench.relay.gate is Gate.OPEN


def test_the_link_says_what_was_taken_once_a_second(up: Bench) -> None:
    up.take(batch(Resync(), pod_new(), first=1, epoch=4, matcher="m"))
    up.turn(after=0.1)
    up.take(batch(pod_new(record("u2")), first=3, epoch=4, matcher="m"))
    said = len(up.links)
    up.turn(after=0.1)
    assert len(up.links) == said
    up.turn(after=1.0)
    assert [(link.epoch, link.matcher, link.taken) for link in up.links[said - 1 :]] == [(4, "m", 2), (4, "m", 3)]


def test_a_gap_is_published_in_the_same_turn(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    up.turn(after=0.1)
    up.take(batch(pod_new(), first=3))
    up.turn()
    assert (up.links[-1].broken, up.links[-1].taken) == (True, 1)
    assert up.relay.tally.epochs_broken == 1
    assert up.names() == [*HANDSHAKE, "pod_resync"]


def test_an_emission_that_cannot_be_encoded_is_taken_all_the_same(up: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    up.take(batch(Resync(), PodDelete(UID("u" * 70_000)), PodDelete(UID("v" * 70_000)), PodDelete(UID("w")), first=1))
    up.turn(after=1.1)
    assert up.names()[-2:] == ["pod_resync", "pod_delete"]
    assert up.links[-1].taken == 4
    assert up.relay.tally.faults["identity_too_long"] == 2
    assert [record.getMessage() for record in caplog.records].count("emission faulty") == 1


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


def test_a_slow_reducer_shuts_the_gate_and_vitals_stop_until_it_reads(up: Bench) -> None:
    """The last report does not age meanwhile, because reports are in the socket that is not read."""
    noise = random.Random(2)
    number = 1
    up.take(Report(matcher=Incarnation("m"), healthy=True, usage=Usage()))
    up.take(batch(Resync(), first=1))
    while up.relay.gate is Gate.OPEN:
        pods = [pod_new(record(noise.randbytes(16).hex(), name=noise.randbytes(500).hex())) for _ in range(100)]
        up.take(batch(*pods, first=number + 1))
        number += 100
    up.turn()
    assert up.links[-1].accepting is False
    assert up.relay.tally.holds == 1
    waiting = up.relay.outbox.size if up.relay.outbox else 0
    assert LARGEST_BYTES <= waiting < LARGEST_BYTES + 200_000
    up.turn(after=60.0)
    assert up.relay.outbox is not None
    assert up.relay.outbox.size == waiting
    assert up.relay.deadline() > up.now
    up.read()
    assert up.relay.deadline() < up.now
    up.turn()
    assert up.links[-1].accepting is True
    assert [(one["message"], one.get("status")) for one in up.heard(vitals=True)[-3:]] == [
        ("collector_health", 0),
        ("agent_resource_usage", None),
        ("heartbeat", None),
    ]


def test_heartbeats_go_out_while_no_pods_do(up: Bench) -> None:
    for _ in range(5):
        up.turn(after=1.0)
    assert up.names() == [*HANDSHAKE, "heartbeat", "heartbeat"]


def test_pods_hold_heartbeats_back(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    for number in range(2, 6):
        up.turn(after=1.5)
        up.take(batch(PodDelete(UID("u")), first=number))
    assert "heartbeat" not in up.names()


def test_vitals_tell_the_health_and_resources_of_the_whole_pipeline(up: Bench) -> None:
    report = Report(matcher=Incarnation("m"), healthy=True, usage=Usage(user_us=100))
    up.take(report)
    up.turn(after=1.0)
    up.turn(after=5.0)
    told = [one for one in up.heard(vitals=True) if one["message"] in VITALS]
    assert [one["status"] for one in told if "status" in one] == [1, 0, 1]
    assert [one["user_us"] for one in told if "user_us" in one] == [5, 105, 105]


def test_a_message_that_is_for_others_is_a_bad_frame(up: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    up.take(SnapshotGone(request=1, incarnation=Incarnation("w")))
    up.relay.bad_frame("not a podwire message", now=up.now)
    assert up.relay.tally.bad_frames == 2
    assert [record.getMessage() for record in caplog.records] == ["frame dropped"]


def test_lag_is_from_the_update_to_its_flush_and_a_resync_has_none(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    up.take(batch(pod_new(), first=2, stamp_ns=up.wall_ns))
    up.take(batch(PodDelete(UID("uid-1")), first=3, stamp_ns=up.wall_ns + 10**12))
    up.turn(after=0.25)
    lag = up.relay.tally.lag_seconds
    assert (lag.count, lag.quantile(0.0), lag.quantile(1.0)) == (2, 0.0, pytest.approx(0.25))
    assert up.relay.tally.gather_seconds.quantile(1.0) == pytest.approx(0.25)
    up.take(batch(PodDelete(UID("uid-2")), first=4, stamp_ns=up.wall_ns))
    up.turn(after=0.25)
    assert lag.count == 3


def test_at_its_end_what_was_gathered_goes_out_and_the_frame_is_closed(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    up.relay.end(now=up.now, wall_ns=up.wall_ns)
    assert up.names() == [*HANDSHAKE, "pod_resync"]
    assert up.wire.endswith(bytes(4))


def test_bytes_are_counted_plain_and_compressed(up: Bench) -> None:
    up.take(batch(Resync(), *[pod_new(record(f"u{at}")) for at in range(500)], first=1))
    up.turn(after=0.1)
    up.read()
    assert up.relay.tally.compressed_bytes == len(up.wire)
    assert up.relay.tally.plain_bytes > 5 * len(up.wire)


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
