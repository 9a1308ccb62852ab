"""A watcher against a small API server, through changes, faults and losses in any order: what its readers end up with is what there is."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from common.logs import Log
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
    decode,
    encode,
)
from common.records import Record
from tests.fakes.kube_server import KubeServer, ServedChannel
from tests.fakes.kube_wire import JSON, MEDIA
from watcher import publish, states
from watcher.channel import Happening
from watcher.core import Watcher
from watcher.decode_json import JsonDecoder
from watcher.normalize import pod as normalized
from watcher.objects import Pod
from watcher.publish import Publisher
from watcher.scope import Scope

uids = st.sampled_from("abcdefg")


class Reader:
    """Follows a watcher in the simplest way that there is."""

    def __init__(self, records: dict[str, Record], sequence: int, *, whole: bool) -> None:
        self.records = records
        self.sequence = sequence
        self.whole = whole
        """Has seen all that there is: a whole snapshot, or an InitDone."""

    def take(self, message: Updates | Beat) -> None:
        if isinstance(message, Beat):
            assert message.sequence == self.sequence
            return
        assert message.sequence == self.sequence + 1
        self.sequence = message.sequence
        for event in message.events:
            match event:
                case Apply(record=record):
                    self.records[record.uid] = record
                case Delete(uid=uid):
                    assert uid in self.records, "a deletion of what nobody was told of"
                    del self.records[uid]
                case InitDone():
                    self.whole = True
                case Init():
                    pass


class Converging(RuleBasedStateMachine):
    """Everything that can happen between an API server, its watcher and the watcher's readers."""

    @initialize(
        media=st.sampled_from(MEDIA),
        streaming=st.sampled_from(["auto", "always", "never"]),
        has=st.booleans(),
        seed=st.integers(0, 9),
    )
    def begin(self, media, streaming, has, seed):
        self.now = 0.0
        self.server = KubeServer(media, streaming=has)
        self.channel = ServedChannel(self.server)
        self.scope = Scope(
            kind="pods",
            namespace=None,
            selectors={},
            encoding="protobuf",
            streaming=streaming,
            channel=self.channel,
            log=Log("watcher-test"),
            random_=random.Random(seed),
        )
        publisher = Publisher(kind="pods", incarnation="life", records=self.scope.store.records)
        self.watcher = Watcher(scopes=[self.scope], publisher=publisher)
        self.readers = [Reader({}, 0, whole=False)]
        self.requests = 0
        self.chunks: list[SnapshotChunk] = []
        self.missed: list[Updates | Beat] = []

    # What happens in the cluster -------------------------------------------------------------------------------------------------

    @rule(uid=uids, ip=st.sampled_from(["", "10.0.0.1", "10.0.0.2"]))
    def a_pod_changes(self, uid, ip):
        self.server.apply(uid, ip)

    @rule(uid=uids)
    def a_pod_goes(self, uid):
        if uid in self.server.pods:
            self.server.delete(uid)

    @rule()
    def history_is_compacted(self):
        self.server.compact()

    @rule(codes=st.lists(st.sampled_from([401, 403, 410, 429, 500, 503]), min_size=1, max_size=3))
    def requests_are_refused(self, codes):
        self.server.refusals = list(codes)

    @rule(away=st.booleans())
    def the_server_goes_or_comes(self, away):
        self.server.away = away

    @rule()
    def the_server_sends_a_bookmark(self):
        response = self.channel.response
        if response is not None and not response.length:
            response.bookmark()

    # What arrives ----------------------------------------------------------------------------------------------------------------

    @rule(most=st.sampled_from([1, 30, 200, 10_000, 10_000]))
    def something_arrives(self, most):
        self.happen(self.channel.arrive(most))

    @rule()
    def the_connection_breaks(self):
        self.happen(self.channel.cut())

    @rule()
    def junk_arrives(self):
        self.happen(self.channel.garble())

    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0, 30.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.tick()

    def tick(self) -> None:
        self.publish(self.watcher.tick(now=self.now, stamp_ns=0))

    def happen(self, happening: Happening | None) -> None:
        if happening is not None:
            self.publish(self.watcher.take(self.scope, [happening], now=self.now, stamp_ns=0))

    def publish(self, messages: list[Updates | Beat]) -> None:
        for message in messages:
            sent = decode(encode(message))
            assert isinstance(sent, Updates | Beat)
            for reader in self.readers:
                reader.take(sent)
            self.missed.append(sent)

    # What a reader that comes later asks for ------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.chunks)
    @rule()
    def a_reader_asks_for_a_snapshot(self):
        self.requests += 1
        self.missed = []
        self.ask()

    @precondition(lambda self: bool(self.chunks))
    @rule(again=st.booleans())
    def a_reader_asks_for_the_next_chunk(self, again):
        if again:
            answer = self.answer(self.chunks[-1].index)
            assert answer == self.chunks[-1]
        self.ask()

    def ask(self) -> None:
        chunk = self.answer(len(self.chunks))
        if not isinstance(chunk, SnapshotChunk):  # it was away for too long
            self.chunks = []
            return
        self.chunks.append(chunk)
        if chunk.last:
            records = {record.uid: record for one in self.chunks for record in one.records}
            assert len({one.sequence for one in self.chunks}) == 1
            whole = chunk.condition is Condition.FOLLOWING
            reader = Reader(records, chunk.sequence, whole=whole)
            for message in self.missed:
                if message.sequence > chunk.sequence or (
                    isinstance(message, Beat) and message.sequence == reader.sequence
                ):
                    reader.take(message)
            self.readers, self.chunks = [self.readers[0], reader], []

    def answer(self, index: int):
        ask = SnapshotAsk(request=self.requests, index=index)
        return self.watcher.answer(b"reader", ask, now=self.now)

    # What holds ----------------------------------------------------------------------------------------------------------------------

    @invariant()
    def every_reader_knows_what_the_watcher_knows(self):
        if not hasattr(self, "readers"):
            return
        known = {one.uid: one for one in self.scope.store.records()}
        for reader in self.readers:
            assert reader.records == known
            assert reader.sequence == self.watcher.publisher.sequence

    def teardown(self):
        """When the cluster is quiet and the server behaves, everybody ends up with what there is, soon and without a storm."""
        if not hasattr(self, "readers"):
            return
        self.server.away, self.server.refusals = False, []
        asks = self.channel.asks
        for _ in range(60):
            self.now += 2.0
            self.tick()
            self.happen(self.channel.arrive(10_000))
        assert isinstance(self.scope.state.activity, states.Watch)
        assert self.watcher.condition is Condition.FOLLOWING
        assert self.channel.asks - asks <= 12
        expected = JsonDecoder(Pod).page(JSON.page(list(self.server.pods.values()), version=1)).items
        for reader in self.readers:
            assert reader.records == {one.uid: one for one in map(normalized, expected)}
            assert reader.whole


class TestConverging(Converging.TestCase):
    settings = settings(max_examples=60, stateful_step_count=40)

    def setup_method(self, _method):
        self.chunk_bytes = publish.CHUNK_BYTES
        publish.CHUNK_BYTES = 100

    def teardown_method(self, _method):
        publish.CHUNK_BYTES = self.chunk_bytes
