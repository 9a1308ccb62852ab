"""Recorded updates, played: to whoever follows, the store comes to what the recorded watcher had."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Init,
    InitDone,
    SnapshotAsk,
    SnapshotChunk,
    Updates,
    Usage,
    encode,
)
from common.recording import WATCHER, WATCHER_HASHED, Entry, Lost
from common.records import UID, Record, pack_record
from podwire.updates.lines import is_whole, lines, text
from podwire.updates.player import Player
from podwire.updates.recorded import Published, Sort, Unread, published, told_apart
from tests.fakes.pods import record

requests = itertools.count()
uids = st.sampled_from([UID(one) for one in "abc"])
changes = st.one_of(
    st.tuples(uids, st.sampled_from(["x", "y"])).map(lambda told: Apply(pack_record(record(told[0], name=told[1])))),
    uids.map(Delete),
    st.just(Init()),
    st.just(InitDone()),
)


def updates(sequence: int, *events: object, life: str = "one") -> Updates:
    return Updates(kind="pods", incarnation=life, sequence=sequence, stamp_ns=1, events=list(events))


def beat(sequence: int, condition: Condition, life: str = "one") -> Beat:
    return Beat(kind="pods", incarnation=life, sequence=sequence, condition=condition, usage=Usage())


def apply(uid: str) -> Apply:
    return Apply(pack_record(record(uid)))


def snapshot(player: Player) -> SnapshotChunk:
    found = player.answer(b"reader", SnapshotAsk(request=next(requests), index=0), now=0.0)
    assert isinstance(found, SnapshotChunk)
    return found


@given(st.lists(st.lists(changes, max_size=4), max_size=6), st.integers(0, 6))
def test_a_reader_who_joins_at_any_time_comes_to_the_recorded_store(batches: list[list[object]], joins: int) -> None:
    player, held, recorded = Player("pods"), {}, {}
    for number, events in enumerate(batches):
        if number == joins:
            held = {one.uid: one for one in snapshot(player).records}
        for store in (recorded, *([held] if number >= joins else [])):
            replay(store, events)
        player.play(updates(number + 1, *events), now=0.0, stamp_ns=7)
    assert recorded == player.records
    if joins < len(batches):
        assert held == recorded
    assert player.missed == 0


def replay(store: dict[UID, Record], events: list[object]) -> None:
    for event in events:
        match event:
            case Apply(record=record):
                store[record.uid] = record
            case Delete(uid=uid):
                store.pop(uid, None)


def test_what_is_published_goes_on_from_one_with_times_of_now() -> None:
    player = Player("pods")
    first, second = (player.play(updates(at, apply("a")), now=0.0, stamp_ns=70 + at) for at in (1, 2))
    assert [(one.sequence, one.stamp_ns) for one in (*first, *second)] == [(1, 71), (2, 72)]
    assert first[0].incarnation == second[0].incarnation


def test_a_recorded_life_that_ends_is_a_life_that_ends() -> None:
    player = Player("pods")
    (before,) = player.play(updates(1, apply("a"), InitDone()), now=0.0, stamp_ns=1)
    (after,) = player.play(updates(1, Init(), life="two"), now=0.0, stamp_ns=1)
    assert (after.sequence, after.incarnation != before.incarnation) == (1, True)
    assert snapshot(player).records == []
    assert snapshot(player).condition is Condition.LISTING
    assert player.missed == 0


def test_a_snapshot_is_whole_once_a_list_was_complete_and_beats_say_what_was_recorded() -> None:
    player = Player("pods")
    assert snapshot(player).condition is Condition.LISTING
    (told,) = player.play(beat(0, Condition.FORBIDDEN), now=5.3, stamp_ns=1)
    assert player.beat_at == 6.0
    assert told.condition is snapshot(player).condition is Condition.FORBIDDEN
    player.play(updates(1, InitDone()), now=5.0, stamp_ns=1)
    assert snapshot(player).condition is Condition.FOLLOWING
    assert player.tick(5.9) == []
    (told,) = player.tick(6.0)
    assert (told.condition, told.sequence) == (Condition.FORBIDDEN, 1)


def test_what_the_file_lacks_is_counted() -> None:
    player = Player("pods")
    player.play(updates(3, apply("a")), now=0.0, stamp_ns=1)
    player.play(beat(4, Condition.FOLLOWING), now=0.0, stamp_ns=1)
    assert player.missed == 2 + 1
    whole = pack_record(record("a"))
    for number, unread in enumerate(
        (Record(b"\xc1", whole.uid, whole.own), Record(whole.shape, whole.uid, b"\xc1")), 5
    ):
        assert player.play(updates(number, Apply(unread)), now=0.0, stamp_ns=1) == []
    assert player.missed == 5


def test_entries_are_messages_markers_or_unread() -> None:
    message = updates(1, apply("a"))
    told = [
        Entry(0, 7, "connected"),
        Entry(0, 8, encode(message)),
        Lost(at=9, size=4),
        Entry(0, 9, b"\x04\x22"),
        Entry(0, 9, encode(SnapshotAsk(request=1, index=0))),
    ]
    found = list(published(told))
    assert [type(one) for one in found] == [Published, Unread, Unread, Unread]
    assert (found[0].wall_ns, encode(found[0].message)) == (8, encode(message))
    assert [one.size for one in found[1:3]] == [4, 2]


def test_what_a_recording_is_of_is_told_by_its_first_bytes_and_nothing_of_it_gets_lost() -> None:
    message = encode(beat(0, Condition.LISTING))
    newer = msgspec.msgpack.encode([10, 99, "of another version"])
    for first, sort in (
        (WATCHER, Sort.UPDATES),
        (WATCHER_HASHED, Sort.UPDATES),
        (message, Sort.UPDATES),
        (newer, Sort.UPDATES),
        ("connected", Sort.UPSTREAM),
        ("closed: reset", Sort.UPSTREAM),
        (b"{\0\0\0", Sort.UPSTREAM),
        (encode(SnapshotAsk(request=1, index=0)), Sort.UPSTREAM),
    ):
        for told in ([Entry(0, 7, first)], [Lost(0, 3), Entry(0, 7, first), Entry(0, 8, message)]):
            found, rest = told_apart(told)
            assert (found, list(rest)) == (sort, told)
    for told in ([], [Lost(0, 3)]):
        found, rest = told_apart(told)
        assert (found, list(rest)) == (Sort.NOTHING, told)


def test_in_a_file_a_life_begins_with_its_first_update() -> None:
    def shown(*messages: Updates | Beat) -> list[tuple[object, object]]:
        told = lines([Entry(0, 1, encode(message)) for message in messages])
        return [(one["event"], one.get("missed")) for one in told]

    assert shown(beat(0, Condition.LISTING), updates(1, Init())) == [("init", None)]
    assert shown(updates(3, Init())) == [("gap", 2), ("init", None)]
    assert shown(updates(1, Init()), updates(2, Init(), life="two")) == [
        ("init", None),
        ("restart", None),
        ("gap", 1),
        ("init", None),
    ]
    unread = Apply(Record(b"\x01", UID("a"), b"\x01"))
    assert [is_whole(one) for one in lines([Entry(0, 1, encode(updates(1, unread, Init())))])] == [False, True]


def test_lines_tell_what_the_tap_would_and_what_cannot_be_read() -> None:
    told = [
        Entry(0, 1_000, encode(updates(1, Init(), apply("a"), Delete("a")))),
        Entry(0, 2_000, b"\xc1"),
        Lost(at=40, size=3),
    ]
    found = list(lines(told))
    assert [one["event"] for one in found] == ["init", "apply", "delete", "unreadable", "unreadable"]
    assert [text(one) for one in found] == [
        "1970-01-01T00:00:00.000000Z pods #1 init",
        '1970-01-01T00:00:00.000000Z pods #1 apply uid=a ips=["10.0.0.1"] controller=None host_network=False namespace=shop name=web-1 '
        'containers=[{"kind":0,"id":"containerd://c1","name":"app","image":"app:1"}]',
        "1970-01-01T00:00:00.000000Z pods #1 delete uid=a namespace=shop name=web-1",
        '1970-01-01T00:00:00.000002Z unreadable bytes=1 why="not a podwire message"',
        'unreadable bytes=3 why="from byte 40 on they are no entry of a recording"',
    ]
