"""A watcher as small as its promises: numbered updates, snapshots in chunks, lives that end. A test moves its frames."""

from collections import deque
from itertools import count

from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Event,
    Incarnation,
    Init,
    InitDone,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
    Usage,
)
from common.records import UID, Kind, Record

_lives = count(1)


class ModelWatcher:
    """Watches `truth`, which the test changes; `notice` and `relist` bring it up to date."""

    def __init__(self, kind: Kind, truth: dict[UID, Record], *, chunk: int = 2) -> None:
        self.kind: Kind = kind
        self.truth = truth
        self.published: deque[Updates | Beat] = deque()
        self.answers: deque[SnapshotChunk | SnapshotGone] = deque()
        self.history: dict[tuple[Incarnation, int], dict[UID, Record]] = {}
        self._chunk = chunk
        self.start()

    def start(self) -> None:
        """A new life, which knows nothing. What the one before had sent may still arrive."""
        self.incarnation = Incarnation(f"{self.kind}-{next(_lives)}")
        self.sequence = 0
        self.condition = Condition.LISTING
        self.store: dict[UID, Record] = {}
        self._frozen: tuple[int, int, Condition, list[Record]] | None = None
        self.history[self.incarnation, 0] = {}

    def publish(self, *events: Event, stamp_ns: int = 0) -> None:
        """One numbered message."""
        self.sequence += 1
        self.history[self.incarnation, self.sequence] = dict(self.store)
        self.published.append(
            Updates(
                kind=self.kind,
                incarnation=self.incarnation,
                sequence=self.sequence,
                stamp_ns=stamp_ns,
                events=list(events),
            )
        )

    def notice(self, uid: UID, *, stamp_ns: int = 0) -> None:
        """Sees one object as it is now; tells of it if that is news."""
        record = self.truth.get(uid)
        if record == self.store.get(uid):
            return
        if record is None:
            del self.store[uid]
            self.publish(Delete(uid), stamp_ns=stamp_ns)
        else:
            self.store[uid] = record
            self.publish(Apply(record), stamp_ns=stamp_ns)

    def list_some(self, share: int = 2) -> None:
        """In the middle of a list: every `share`th object was seen."""
        for uid in sorted(self.truth)[::share]:
            self.notice(uid)

    def finish_list(self) -> None:
        """A list from begin to end, or the rest of one."""
        gone = [Delete(uid) for uid in self.store if uid not in self.truth]
        new = [Apply(record) for uid, record in self.truth.items() if self.store.get(uid) != record]
        self.store = dict(self.truth)
        self.condition = Condition.FOLLOWING
        self.publish(Init(), *new, *gone, InitDone())

    def forbid(self) -> None:
        """The API server refuses it from now on."""
        self.condition = Condition.FORBIDDEN

    def beat(self) -> None:
        """The sequence number alone."""
        self.published.append(
            Beat(
                kind=self.kind,
                incarnation=self.incarnation,
                sequence=self.sequence,
                condition=self.condition,
                usage=Usage(user_us=1),
            )
        )

    def ask(self, ask: SnapshotAsk) -> None:
        """Answers as a watcher does."""
        if ask.index == 0:
            self._frozen = (ask.request, self.sequence, self.condition, list(self.store.values()))
        if self._frozen is None or self._frozen[0] != ask.request:
            self.answers.append(SnapshotGone(request=ask.request, incarnation=self.incarnation))
            return
        _, sequence, condition, records = self._frozen
        begin = ask.index * self._chunk
        self.answers.append(
            SnapshotChunk(
                request=ask.request,
                index=ask.index,
                kind=self.kind,
                incarnation=self.incarnation,
                sequence=sequence,
                condition=condition,
                records=records[begin : begin + self._chunk],
                last=begin + self._chunk >= len(records),
            )
        )
