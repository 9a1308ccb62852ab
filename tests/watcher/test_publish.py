"""Numbered updates, and snapshots that stand still while the store goes on."""

import msgspec
import pytest

from common.messages import Apply, Condition, Sequence, SnapshotAsk, SnapshotChunk, SnapshotGone, decode, encode
from common.records import UID, Record
from watcher.publish import CHUNK_BYTES, MOST_SNAPSHOTS, SNAPSHOT_IDLE_SECONDS, Publisher

CLIENT = b"client"


class Bench:
    """A publisher of a list of records, and its clients."""

    def __init__(self, *sizes: int) -> None:
        self.records = [record(str(at), size) for at, size in enumerate(sizes)]
        self.publisher = Publisher(kind="pods", incarnation="life", records=lambda: self.records)
        self.now = 0.0

    def ask(self, request: int, index: int, *, client: bytes = CLIENT) -> SnapshotChunk | SnapshotGone:
        ask = SnapshotAsk(request=request, index=index)
        return self.publisher.answer(client, ask, Condition.FOLLOWING, self.now)

    def publish(self) -> None:
        self.publisher.updates([Apply(record("new"))], 0)


def record(uid: str, size: int = 1) -> Record:
    """One of about so many bytes."""
    return Record(b"\xc0", UID(uid), msgspec.msgpack.encode(bytes(size)))


def of_chunks(*chunks: SnapshotChunk) -> list[Record]:
    """The records in them."""
    return [one for chunk in chunks for one in chunk.records]


def gone(request: int) -> SnapshotGone:
    return SnapshotGone(request=request, incarnation="life")


def test_updates_are_numbered_from_one_without_gaps():
    bench = Bench()
    assert [bench.publisher.updates([], 5).sequence for _ in range(3)] == [1, 2, 3]
    assert bench.publisher.updates([], 5).incarnation == "life"


def test_a_beat_tells_the_newest_number_and_takes_none():
    bench = Bench()
    bench.publish()
    beat = bench.publisher.beat(Condition.FORBIDDEN)
    assert (beat.sequence, beat.condition, beat.kind) == (1, Condition.FORBIDDEN, "pods")
    assert beat.usage.user_us > 0
    assert bench.publisher.updates([], 0).sequence == 2


def test_a_small_store_is_one_chunk():
    chunk = Bench(10, 20).ask(1, 0)
    assert of_chunks(chunk) == [record("0", 10), record("1", 20)]
    assert (chunk.request, chunk.index, chunk.last, chunk.sequence) == (1, 0, True, 0)
    assert (chunk.kind, chunk.incarnation, chunk.condition) == ("pods", "life", Condition.FOLLOWING)


def test_an_empty_store_is_one_empty_chunk():
    chunk = Bench().ask(1, 0)
    assert (chunk.records, chunk.last) == ([], True)


def test_a_large_store_is_cut_into_chunks_of_at_least_the_size():
    bench = Bench(*[CHUNK_BYTES // 2] * 5)
    chunks = [bench.ask(1, index) for index in range(3)]
    assert [len(chunk.records) for chunk in chunks] == [2, 2, 1]
    assert [chunk.last for chunk in chunks] == [False, False, True]
    assert of_chunks(*chunks) == bench.records


def test_a_shape_counts_for_each_record_that_has_it():
    bench = Bench(1, 1, 1)
    bench.records = [Record(bytes(CHUNK_BYTES // 2), one.uid, one.own) for one in bench.records]
    assert [len(bench.ask(1, index).records) for index in range(2)] == [2, 1]


def test_a_record_larger_than_a_chunk_goes_out_alone():
    bench = Bench(3 * CHUNK_BYTES, 1)
    assert [len(bench.ask(1, index).records) for index in range(2)] == [1, 1]


def test_a_repeated_question_gets_the_same_chunk():
    bench = Bench(*[CHUNK_BYTES] * 3)
    for index in range(3):
        first = bench.ask(1, index)
        bench.publish()
        assert bench.ask(1, index) == first
    assert bench.publisher.snapshots_begun == 1


def test_a_snapshot_shows_the_store_and_the_number_of_its_first_chunk():
    bench = Bench(*[CHUNK_BYTES] * 3)
    before = list(bench.records)
    first = bench.ask(1, 0)
    bench.records[:] = [record("new")]
    bench.publish()
    rest = [bench.ask(1, index) for index in (1, 2)]
    assert of_chunks(first, *rest) == before
    assert {chunk.sequence for chunk in [first, *rest]} == {0}
    fresh = bench.ask(2, 0)
    assert (of_chunks(fresh), fresh.sequence) == ([record("new")], 1)


@pytest.mark.parametrize("index", [1, 2, 7, -1])
def test_a_question_out_of_order_gets_nothing(index):
    bench = Bench(*[CHUNK_BYTES] * 9)
    assert bench.ask(1, index) == gone(1)
    bench.ask(2, 0)
    if index != 1:
        assert bench.ask(2, index) == gone(2)
    assert bench.ask(2, 1).index == 1


def test_there_is_nothing_behind_the_last_chunk():
    bench = Bench(10)
    last = bench.ask(1, 0)
    assert bench.ask(1, 1) == gone(1)
    assert bench.ask(1, 0) == last


def test_a_chunk_that_was_handed_out_before_the_one_before_is_not_kept():
    bench = Bench(*[CHUNK_BYTES] * 3)
    bench.ask(1, 0), bench.ask(1, 1)
    assert bench.ask(1, 0) == gone(1)
    assert bench.ask(1, 2).last


def test_a_new_request_takes_the_place_of_the_clients_old_one():
    bench = Bench(*[CHUNK_BYTES] * 3)
    bench.ask(1, 0)
    assert bench.ask(2, 0).request == 2
    assert bench.ask(1, 1) == gone(1)
    assert bench.ask(2, 1).index == 1


def test_clients_have_their_own_snapshots():
    bench = Bench(*[CHUNK_BYTES] * 2)
    bench.ask(1, 0, client=b"one")
    bench.publish()
    assert bench.ask(1, 0, client=b"two").sequence == 1
    assert bench.ask(1, 1, client=b"one").sequence == Sequence(0)


def test_a_snapshot_that_nobody_asks_for_any_more_is_forgotten():
    bench = Bench(*[CHUNK_BYTES] * 9)
    bench.ask(1, 0)
    bench.now += SNAPSHOT_IDLE_SECONDS - 1.0
    bench.publisher.forget_idle(bench.now)
    assert bench.ask(1, 1).index == 1
    bench.now += SNAPSHOT_IDLE_SECONDS
    bench.publisher.forget_idle(bench.now)
    assert bench.ask(1, 2) == gone(1)


def test_a_ninth_client_takes_the_place_of_the_one_idle_for_longest():
    bench = Bench(*[CHUNK_BYTES] * 3)
    for number in range(MOST_SNAPSHOTS):
        bench.now += 1.0
        bench.ask(1, 0, client=b"%d" % number)
    bench.now += 1.0
    bench.ask(1, 1, client=b"0")
    bench.ask(1, 0, client=b"ninth")
    assert bench.ask(1, 1, client=b"1") == gone(1)
    assert bench.ask(1, 2, client=b"0").last
    assert bench.ask(1, 1, client=b"ninth").index == 1


def test_a_chunk_survives_the_wire():
    chunk = Bench(*[5] * 3).ask(1, 0)
    assert decode(encode(chunk)) == chunk
