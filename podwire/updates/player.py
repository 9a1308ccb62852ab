"""The watcher of one kind, as it was recorded. Pure: it makes messages, sockets send them.

A recorded life of the watcher is a life here, so whoever follows sees it begin again where it did. Numbers and times are new ones.
"""

from typing import Final

from common.clock import next_beat
from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Event,
    Incarnation,
    InitDone,
    Sequence,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
    new_incarnation,
)
from common.records import BAD_RECORD, UID, Kind, Record, unpack_owner, unpack_pod
from watcher.publish import Publisher


class Player:
    """Its `play` takes the recorded messages in their order; what it gives is to be published."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Final[Kind] = kind
        self.missed = 0
        """Recorded `Updates` that are not in the file, and records that cannot be read."""
        self.beat_at = float("-inf")
        """When the next beat is due (monotonic seconds)."""
        self._at: tuple[Incarnation, Sequence] | None = None
        self._begin()

    def _begin(self) -> None:
        self.records: dict[UID, Record] = {}
        self._complete = False
        self._condition = Condition.LISTING
        self._publisher = Publisher(kind=self.kind, incarnation=new_incarnation(), records=self.records.values)

    def begins(self, message: Updates | Beat) -> bool:
        """Whether another life of the recorded watcher begins with it."""
        return self._at is not None and self._at[0] != message.incarnation

    def play(self, message: Updates | Beat, *, now: float, stamp_ns: int) -> list[Updates | Beat]:
        """What is published for a recorded message."""
        self._go_to(message)
        if isinstance(message, Beat):
            self._condition = message.condition
            return self.beat(now)
        events = [event for event in message.events if self._take(event)]
        return [self._publisher.updates(events, stamp_ns)] if events else []

    def tick(self, now: float) -> list[Updates | Beat]:
        """Lets time pass; call it when `beat_at` has come."""
        self._publisher.forget_idle(now)
        return self.beat(now) if now >= self.beat_at else []

    def beat(self, now: float) -> list[Updates | Beat]:
        """Tells how far it has come, as it is said once a second."""
        self.beat_at = next_beat(now)
        return [self._publisher.beat(self._condition)]

    def answer(self, client: bytes, ask: SnapshotAsk, *, now: float) -> SnapshotChunk | SnapshotGone:
        """The answer to a reader's question."""
        condition = Condition.FOLLOWING if self._complete else self._condition
        return self._publisher.answer(client, ask, condition, now)

    def _go_to(self, message: Updates | Beat) -> None:
        incarnation, before = self._at or (message.incarnation, Sequence(0))
        if incarnation != message.incarnation:
            before = Sequence(0)
            self._begin()
        self.missed += max(0, message.sequence - before - isinstance(message, Updates))
        self._at = message.incarnation, message.sequence

    def _take(self, event: Event) -> bool:
        match event:
            case Apply(record=record):
                try:
                    unpack_pod(record) if self.kind == "pods" else unpack_owner(record)
                except BAD_RECORD:
                    self.missed += 1
                    return False
                self.records[record.uid] = record
            case Delete(uid=uid):
                self.records.pop(uid, None)
            case InitDone():
                self._complete = True
            case _:
                pass
        return True
