"""A watcher of several namespaces: to its readers they are one list."""

import random

import msgspec

from common.clock import BEAT_SECONDS, next_beat
from common.logs import Log
from common.messages import Apply, Beat, Condition, Delete, Init, InitDone, SnapshotAsk, Updates
from tests.fakes.kube_channel import NotingChannel
from tests.fakes.kube_wire import PROTOBUF, pod
from watcher.core import Watcher
from watcher.publish import SNAPSHOT_IDLE_SECONDS, Publisher
from watcher.scope import Scope


class Bench:
    """A watcher of as many namespaces, its channels, and a clock."""

    def __init__(self, *namespaces: str) -> None:
        self.now = 100.25  # no beat
        self.channels = [NotingChannel() for _ in namespaces]
        self.scopes = [
            Scope(
                kind="pods",
                namespace=namespace,
                selectors={},
                encoding="protobuf",
                streaming="never",
                channel=channel,
                log=Log("watcher-test"),
                random_=random.Random(1),
            )
            for namespace, channel in zip(namespaces, self.channels, strict=True)
        ]
        publisher = Publisher(
            kind="pods", incarnation="life", records=lambda: (r for one in self.scopes for r in one.store.records())
        )
        self.watcher = Watcher(scopes=self.scopes, publisher=publisher)
        self.messages = self.watcher.tick(now=self.now, stamp_ns=1)

    def answer(self, at: int, body: bytes, *, status: int = 200) -> list[Updates | Beat]:
        happening = self.channels[at].answer(body, status=status)
        self.messages = self.watcher.take(self.scopes[at], [happening], now=self.now, stamp_ns=2)
        return self.messages

    def listed(self, at: int, *uids: str) -> list[Updates | Beat]:
        return self.answer(at, PROTOBUF.page([pod(uid) for uid in uids], version=7))

    def denied(self, at: int) -> list[Updates | Beat]:
        return self.answer(at, PROTOBUF.status(403, "no"), status=403)

    def after(self, seconds: float) -> list[Updates | Beat]:
        self.now += seconds
        self.messages = self.watcher.tick(now=self.now, stamp_ns=3)
        return self.messages

    def snapshot_condition(self, request: int = 1) -> Condition:
        return self.watcher.answer(b"c", SnapshotAsk(request=request, index=0), now=self.now).condition


def events(messages: list[Updates | Beat]) -> list[type]:
    return [type(event) for message in messages if isinstance(message, Updates) for event in message.events]


def beats(messages: list[Updates | Beat]) -> list[Condition]:
    return [message.condition for message in messages if isinstance(message, Beat)]


def test_the_first_tick_begins_every_list_in_one_message_and_beats():
    bench = Bench("a", "b")
    assert [type(message) for message in bench.messages] == [Updates, Beat]
    assert events(bench.messages) == [Init, Init]
    assert beats(bench.messages) == [Condition.LISTING]


def test_init_done_goes_out_when_the_last_namespace_is_listed_and_only_then():
    bench = Bench("a", "b", "c")
    assert events(bench.listed(1, "x")) == [Apply]
    assert events(bench.listed(0)) == []
    assert not bench.watcher.complete
    assert events(bench.listed(2, "y")) == [Apply, InitDone]
    assert bench.watcher.complete
    assert beats(bench.messages) == [Condition.FOLLOWING]


def test_a_namespace_that_is_denied_last_holds_up_no_other():
    """Its denial completes the list: without an InitDone then the readers would wait for one for ever."""
    bench = Bench("a", "b")
    bench.listed(0, "x")
    assert events(bench.denied(1)) == [InitDone]
    assert beats(bench.messages) == [Condition.FORBIDDEN]
    assert InitDone not in events(bench.after(60.0))


def test_a_namespace_that_is_denied_first_holds_up_no_other():
    bench = Bench("a", "b")
    assert events(bench.denied(1)) == []
    assert events(bench.listed(0, "x")) == [Apply, InitDone]


def test_where_every_namespace_is_denied_nothing_is_complete():
    bench = Bench("a", "b")
    bench.denied(0)
    assert events(bench.denied(1)) == []
    assert not bench.watcher.complete
    assert bench.snapshot_condition() is Condition.FORBIDDEN


def test_a_denial_that_ends_makes_the_list_incomplete_until_that_namespace_is_listed():
    bench = Bench("a", "b")
    bench.listed(0, "x")
    bench.denied(1)
    bench.after(60.0)
    assert events(bench.answer(1, PROTOBUF.page([pod("y")], version=7, token="t"))) == [Apply]
    assert bench.snapshot_condition() is Condition.LISTING
    assert events(bench.listed(1, "z")) == [Apply, InitDone]
    assert bench.snapshot_condition(2) is Condition.FOLLOWING


def test_a_snapshot_of_all_that_may_be_seen_is_whole_whatever_is_denied_beside_it():
    """A reader that starts now would wait for an InitDone that does not come."""
    bench = Bench("a", "b")
    bench.listed(0, "x")
    assert bench.snapshot_condition(1) is Condition.LISTING
    bench.denied(1)
    assert bench.watcher.condition is Condition.FORBIDDEN
    assert bench.snapshot_condition(2) is Condition.FOLLOWING


def test_a_watch_that_is_denied_after_the_list_leaves_the_snapshot_whole():
    bench = Bench("a")
    bench.listed(0, "x")
    bench.denied(0)
    assert bench.watcher.condition is Condition.FORBIDDEN
    assert bench.snapshot_condition() is Condition.FOLLOWING


def test_a_snapshot_holds_the_records_of_all_namespaces():
    bench = Bench("a", "b")
    bench.listed(0, "x")
    bench.listed(1, "y")
    chunk = bench.watcher.answer(b"c", SnapshotAsk(request=1, index=0), now=bench.now)
    assert sorted(record.uid for record in chunk.records) == ["x", "y"]
    assert chunk.sequence == bench.watcher.publisher.sequence


def test_a_relist_of_one_namespace_touches_no_other():
    bench = Bench("a", "b")
    bench.listed(0, "x")
    bench.listed(1, "y")
    bench.answer(0, PROTOBUF.status(410, "too old"), status=410)
    assert events(bench.after(60.0)) == [Init]
    bench.listed(0)
    assert events(bench.messages) == [Delete, InitDone]
    assert len(bench.scopes[1].store) == 1


def test_a_turn_in_which_nothing_is_new_publishes_nothing_but_the_beat_of_each_second():
    bench = Bench("a")
    assert bench.after(BEAT_SECONDS / 2) == []
    assert [type(message) for message in bench.after(BEAT_SECONDS / 2)] == [Beat]
    assert bench.after(BEAT_SECONDS / 2) == []


def test_a_change_of_condition_beats_at_once_behind_what_caused_it():
    bench = Bench("a")
    assert [type(message) for message in bench.listed(0, "x")] == [Updates, Beat]
    assert bench.messages[0].sequence == bench.messages[1].sequence == 2


def test_what_one_turn_brought_is_one_message_with_its_time():
    bench = Bench("a")
    bench.listed(0)
    channel = bench.channels[0]
    happenings = [channel.begin(PROTOBUF.event("ADDED", pod(uid))) for uid in "xyz"]
    (message,) = bench.watcher.take(bench.scopes[0], happenings, now=bench.now, stamp_ns=77)
    assert (message.stamp_ns, len(message.events)) == (77, 3)
    assert msgspec.msgpack.encode(message)


def test_it_is_calm_while_every_namespace_is_watched():
    """Else something other than a beat is due: a page's answer that does not come, or the end of a wait."""
    bench = Bench("a", "b")
    assert not bench.watcher.calm
    bench.listed(0, "x")
    assert not bench.watcher.calm
    bench.listed(1, "y")
    assert bench.watcher.calm
    assert bench.watcher.beat_at == next_beat(bench.now) != bench.now + BEAT_SECONDS
    bench.answer(0, PROTOBUF.status(410, "too old"), status=410)
    assert not bench.watcher.calm


def test_time_that_passes_forgets_idle_snapshots():
    bench = Bench("a")
    bench.listed(0, "x")
    bench.snapshot_condition()
    bench.after(SNAPSHOT_IDLE_SECONDS)
    answer = bench.watcher.answer(b"c", SnapshotAsk(request=1, index=0), now=bench.now)
    assert bench.watcher.publisher.snapshots_begun == 2
    assert answer.index == 0
