"""Snapshot-and-follow against a model watcher: frames are lost, doubled and late, lives end at any point, and what is known stays right.

Each queue keeps its order, as ZeroMQ does within one connection; the queues of updates and answers race, and so do two lives' frames.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common.messages import Apply, Beat, SnapshotAsk, Updates
from common.records import UID, Record
from matcher.follow import (
    ANSWER_SECONDS,
    Action,
    Changes,
    FillBegin,
    FillEnd,
    Follower,
    Following,
    Records,
    Relisted,
    Tick,
)
from tests.fakes.model_watcher import ModelWatcher
from tests.fakes.workloads import pod

uids = st.sampled_from([UID(f"p{n}") for n in range(5)])


class Reader:
    """Keeps what the actions say, as the matcher does."""

    def __init__(self) -> None:
        self.known: dict[UID, Record] = {}
        self.asks: list[SnapshotAsk] = []
        self._unmentioned: set[UID] = set()

    def act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case FillBegin():
                    self._unmentioned = set(self.known)
                case Records(records=records):
                    for record in records:
                        self._keep(record)
                case Changes(events=events):
                    for event in events:
                        if isinstance(event, Apply):
                            self._keep(event.record)
                        else:
                            self.known.pop(event.uid, None)
                case FillEnd():
                    for uid in self._unmentioned:
                        self.known.pop(uid, None)
                    self._unmentioned = set()
                case Relisted():
                    pass
                case SnapshotAsk():
                    self.asks.append(action)

    def _keep(self, record: Record) -> None:
        self.known[record.uid] = record
        self._unmentioned.discard(record.uid)


class FollowingMachine(RuleBasedStateMachine):
    """Any interleaving; `quiet` lets everything arrive and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.truth: dict[UID, Record] = {}
        self.watcher = ModelWatcher("pods", self.truth)
        self.late: list[Updates | Beat] = []
        """Frames of lives that are over, still in some socket."""
        self.follower = Follower()
        self.reader = Reader()
        self.now = 0.0
        self.reader.act(self.follower.take_snapshot(self.now))

    @rule(uid=uids, ip=st.integers(1, 3))
    def object_changes(self, uid: UID, ip: int) -> None:
        self.truth[uid] = pod(uid, ips=(f"10.0.0.{ip}",))
        self.watcher.notice(uid)

    @rule(uid=uids)
    def object_goes(self, uid: UID) -> None:
        self.truth.pop(uid, None)
        self.watcher.notice(uid)

    @rule(uid=uids, ip=st.integers(1, 3))
    def object_changes_unseen(self, uid: UID, ip: int) -> None:
        self.truth[uid] = pod(uid, ips=(f"10.0.0.{ip}",))

    @rule()
    def lists(self) -> None:
        self.watcher.finish_list()

    @rule()
    def lists_some(self) -> None:
        self.watcher.list_some()

    @rule()
    def beats(self) -> None:
        self.watcher.beat()

    @rule()
    def is_forbidden(self) -> None:
        self.watcher.forbid()

    @rule()
    def starts_anew(self) -> None:
        self.late += self.watcher.published
        self.watcher.published.clear()
        self.watcher.start()

    @rule(number=st.integers(1, 4))
    def updates_arrive(self, number: int) -> None:
        for _ in range(min(number, len(self.watcher.published))):
            self._step(self.watcher.published.popleft())

    @rule()
    def update_arrives_twice(self) -> None:
        if self.watcher.published:
            self._step(self.watcher.published[0])

    @rule()
    def update_is_lost(self) -> None:
        if self.watcher.published:
            self.watcher.published.popleft()

    @rule()
    def late_frame_arrives(self) -> None:
        if self.late:
            self._step(self.late.pop(0))

    @rule()
    def ask_arrives(self) -> None:
        if self.reader.asks:
            self.watcher.ask(self.reader.asks.pop(0))

    @rule()
    def ask_is_lost(self) -> None:
        if self.reader.asks:
            self.reader.asks.pop(0)

    @rule()
    def answer_arrives(self) -> None:
        if self.watcher.answers:
            self._step(self.watcher.answers.popleft())

    @rule()
    def answer_is_lost(self) -> None:
        if self.watcher.answers:
            self.watcher.answers.popleft()

    @rule(seconds=st.sampled_from([0.5, ANSWER_SECONDS]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self._step(Tick())

    @rule()
    def quiet(self) -> None:
        self.watcher.finish_list()
        for _ in range(20):
            self.time_passes(ANSWER_SECONDS)
            self.watcher.beat()
            while self.late or self.watcher.published or self.watcher.answers or self.reader.asks:
                self.late_frame_arrives()
                self.updates_arrive(1)
                self.ask_arrives()
                self.answer_arrives()
        assert self.follower.state == Following(self.watcher.incarnation, self.watcher.sequence)
        assert self.reader.known == self.truth

    @invariant()
    def what_is_followed_is_what_the_watcher_had_at_that_number(self) -> None:
        state = self.follower.state
        if isinstance(state, Following):
            assert self.reader.known == self.watcher.history[state.incarnation, state.sequence]

    def teardown(self) -> None:
        self.quiet()

    def _step(self, event: Updates | Beat | Tick) -> None:
        self.reader.act(self.follower.step(event, self.now))


TestFollowing = FollowingMachine.TestCase
TestFollowing.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
