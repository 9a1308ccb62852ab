"""From emissions to bytes: what goes out, when, and how it is counted."""

import logging

import pytest

from common.clock import next_beat
from common.messages import Incarnation, PodDelete, Resync, SnapshotGone
from common.records import UID
from tests.fakes.pods import batch, pod_new, record
from tests.fakes.reducer_ear import stream_of
from tests.relay.delivery import HANDSHAKE, VITALS, Bench, connected


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def up() -> Bench:
    return connected()


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


def test_a_link_that_changed_between_beats_is_said_again_at_the_next(up: Bench) -> None:
    up.turn(after=0.3)
    up.fail()
    up.turn()
    said = len(up.links)
    assert up.links[-1].connected is False
    up.turn(after=next_beat(up.now) - up.now - 0.001)
    assert len(up.links) == said
    up.turn(after=0.001)
    assert len(up.links) == said + 1
