"""The reducer's ledger: connections, breaches, notes and arrivals, on a clock of its own."""

import msgspec
import pytest

from sandbox.reducer import summary
from sandbox.reducer.decode import ProtocolBreach
from sandbox.reducer.held import PodsAnswer
from sandbox.reducer.journal import KEPT_FINDINGS
from sandbox.reducer.ledger import KEPT_CONNECTIONS, Clock, Ledger
from tests.fakes import upstream as up


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, lambda: int(self.seconds * 1e9))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(time: Time) -> Ledger:
    return Ledger(clock=time.clock(), kept_arrivals=10)


def rules(ledger: Ledger) -> list[str]:
    return [finding.rule for finding in ledger.journal.breaches.first]


def test_a_breach_of_the_protocol_is_written_down_with_its_place_and_raised(ledger: Ledger) -> None:
    connection = ledger.open("peer")
    with pytest.raises(ProtocolBreach):
        ledger.receive(connection, up.stream(up.resync(1), up.connect()))
    (finding,) = ledger.journal.breaches.first
    assert (finding.connection, finding.message, finding.rule) == (1, 8, "the stream is protocol.md's")
    assert "connect where anything but" in finding.what
    assert connection.state.epoch == 1


def test_a_broken_invariant_is_written_down_and_the_message_taken(ledger: Ledger) -> None:
    connection = ledger.open("peer")
    ledger.receive(connection, up.stream(up.pod("u")))
    assert rules(ledger) == ["the first pod message is pod_resync"]
    assert ledger.journal.breaches.first[0].message == 7
    assert list(connection.state.pods) == ["u"]


def test_the_first_findings_are_kept_and_all_are_counted(ledger: Ledger) -> None:
    ledger.receive(ledger.open("peer"), up.stream(up.resync(1), up.delete("u") * (KEPT_FINDINGS + 5)))
    assert ledger.journal.breaches.count == KEPT_FINDINGS + 5
    assert len(ledger.journal.breaches.first) == KEPT_FINDINGS
    ledger.journal.forget_findings()
    assert (ledger.journal.breaches.count, ledger.journal.breaches.first) == (0, [])


def test_an_epoch_that_does_not_go_on_from_the_connection_before_is_a_note(ledger: Ledger) -> None:
    for epoch in (5, 6, 6):
        connection = ledger.open("peer")
        ledger.receive(connection, up.stream(up.resync(epoch)))
        ledger.close(connection, "done")
    assert ledger.journal.breaches.count == 0
    assert [(note.connection, note.rule) for note in ledger.journal.notes.first] == [(3, "resync_count grows")]


def test_silence_beyond_the_heartbeat_is_noted(ledger: Ledger, time: Time) -> None:
    connection = ledger.open("peer")
    ledger.receive(connection, up.stream())
    time.seconds += 3.0
    ledger.receive(connection, up.frame(up.heartbeat()))
    assert ledger.journal.notes.count == 0
    time.seconds += 3.1
    ledger.receive(connection, up.frame(up.heartbeat()))
    assert [note.what for note in ledger.journal.notes.first] == ["nothing came for 3.1 s"]
    time.seconds += 4
    ledger.close(connection, "done")
    assert ledger.journal.notes.count == 2


def test_silence_that_the_reducer_made_itself_is_not_noted(ledger: Ledger, time: Time) -> None:
    connection = ledger.open("peer")
    time.seconds += 60
    ledger.resumed()
    ledger.receive(connection, up.stream())
    assert ledger.journal.notes.count == 0


def test_the_newest_open_connection_is_the_one_that_counts(ledger: Ledger) -> None:
    first, second = ledger.open("a"), ledger.open("b")
    ledger.receive(first, up.stream(up.resync(1), up.pod("u")))
    ledger.receive(second, up.stream(up.resync(2), up.pod("v"), up.pod("w")))
    assert ledger.live is second
    assert summary.ledger_state(ledger)["pods"] == 2
    ledger.close(second, "done")
    assert ledger.live is first
    assert [pod.uid for pod in summary.pods(ledger).pods] == ["u"]
    ledger.close(first, "done")
    assert summary.pods(ledger) == PodsAnswer(None, None, [])


def test_a_closed_connection_gives_its_pods_back_and_keeps_its_counts(ledger: Ledger) -> None:
    connection = ledger.open("peer")
    data = up.stream(up.resync(1), up.pod("u"))
    ledger.receive(connection, data)
    plain = connection.decoder.plain_bytes
    assert ledger.volume() == (len(data), plain)
    ledger.close(connection, "closed by the collector")
    assert connection.state.pods == {}
    assert ledger.volume() == (len(data), plain)
    state = summary.ledger_state(ledger)
    assert (state["link"], state["counts"]["pod_new_with_name"], state["bytes_wire"]) == ("disconnected", 1, len(data))
    assert state["connections"][0]["ended"] == "closed by the collector"


def test_of_many_closed_connections_the_newest_are_kept_and_all_are_counted(ledger: Ledger) -> None:
    for _ in range(KEPT_CONNECTIONS + 3):
        connection = ledger.open("peer")
        ledger.receive(connection, up.version_info())
        ledger.close(connection, "done")
    assert next(iter(ledger.connections)) == 4
    assert ledger.opened == KEPT_CONNECTIONS + 3
    assert ledger.volume().wire == 24 * (KEPT_CONNECTIONS + 3)


def test_arrivals_are_a_ring_that_tells_when_which_pod_came(ledger: Ledger, time: Time) -> None:
    connection = ledger.open("peer")
    ledger.receive(connection, up.stream(up.resync(1), up.pod("u"), up.container("u", "c")))
    time.seconds += 1
    ledger.receive(connection, up.frame(up.delete("u")))
    ledger.close(connection, "done")
    early, late = 100_000_000_000, 101_000_000_000
    assert list(ledger.journal.arrivals) == [
        (early, "", "connected", 1),
        (early, "", "resync", 1),
        (early, "u", "new", 1),
        (early, "u", "container", 1),
        (late, "u", "delete", 1),
        (late, "", "closed", 1),
    ]
    assert summary.arrivals(ledger.journal, after_ns=early) == list(ledger.journal.arrivals)[4:]
    ledger.receive(ledger.open("peer"), up.stream(up.resync(2), up.pod("u") * 20))
    assert len(ledger.journal.arrivals) == 10


def test_what_is_shown_can_be_said_in_json(ledger: Ledger) -> None:
    ledger.receive(ledger.open("peer"), up.stream(up.delete("u"), up.pod("u"), up.container("u", "c")))
    assert msgspec.json.decode(msgspec.json.encode(summary.ledger_state(ledger)))["containers"] == 1
    assert msgspec.json.decode(msgspec.json.encode(summary.findings(ledger.journal)))["breaches"]["count"] == 4
    answer = msgspec.json.decode(msgspec.json.encode(summary.pods(ledger)), type=PodsAnswer)
    assert answer == summary.pods(ledger)
