"""Numbers what the watcher publishes, and answers snapshots. Pure: it makes messages, sockets send them.

A snapshot is frozen when its first chunk is asked for: a list of references to the records as they are, which costs 8 bytes an object,
because records are never changed but replaced. Chunks are handed out one at a time as they are asked for, all with the sequence
number of the freeze. A client has one snapshot at a time; one that is not asked for any more is dropped.
"""

from collections.abc import Callable, Iterable

import msgspec

from common.messages import (
    Beat,
    Condition,
    Event,
    Incarnation,
    Sequence,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
)
from common.records import Kind, Record
from common.usage import own_usage

CHUNK_BYTES = 256 * 1024
"""Records in a chunk, at least one: large enough that asking costs nothing, small enough to hold."""

SNAPSHOT_IDLE_SECONDS = 30.0
"""A snapshot that nobody asked a chunk of for so long belongs to a client that is gone."""

MOST_SNAPSHOTS = 8
"""Clients served at a time. A ninth takes the place of the one idle for longest."""


class _Snapshot(msgspec.Struct):
    request: int
    sequence: Sequence
    condition: Condition
    records: list[Record]
    objects: int
    at: int
    """Index of the first record that is not in a chunk yet."""
    index: int
    """Of the chunk handed out last."""
    chunk: SnapshotChunk | None
    """That chunk, for a client whose answer got lost."""
    asked_at: float


class Publisher:
    """One life of a watcher, as its readers see it."""

    def __init__(self, *, kind: Kind, incarnation: Incarnation, records: Callable[[], Iterable[Record]]) -> None:
        self.kind: Kind = kind
        self.incarnation = incarnation
        self.sequence = Sequence(0)
        self.snapshots_begun = 0
        self._records = records
        self._snapshots: dict[bytes, _Snapshot] = {}

    def updates(self, events: list[Event], stamp_ns: int) -> Updates:
        """The next numbered message."""
        self.sequence = Sequence(self.sequence + 1)
        return Updates(
            kind=self.kind, incarnation=self.incarnation, sequence=self.sequence, stamp_ns=stamp_ns, events=events
        )

    def beat(self, condition: Condition) -> Beat:
        """The newest sequence number, alone."""
        return Beat(
            kind=self.kind, incarnation=self.incarnation, sequence=self.sequence, condition=condition, usage=own_usage()
        )

    def answer(self, client: bytes, ask: SnapshotAsk, condition: Condition, now: float) -> SnapshotChunk | SnapshotGone:
        """The chunk asked for. A repeated question gets the same chunk; one out of order, or for a snapshot not kept, gets SnapshotGone."""
        snapshot = self._snapshots.get(client)
        if ask.index == 0 and (snapshot is None or snapshot.request != ask.request):
            snapshot = self._freeze(client, ask.request, condition, now)
        if snapshot is None or snapshot.request != ask.request:
            return SnapshotGone(request=ask.request, incarnation=self.incarnation)
        snapshot.asked_at = now
        if ask.index == snapshot.index + 1 and not (snapshot.chunk and snapshot.chunk.last):
            snapshot.index, snapshot.chunk = ask.index, self._cut(snapshot, ask)
        if ask.index != snapshot.index or snapshot.chunk is None:
            return SnapshotGone(request=ask.request, incarnation=self.incarnation)
        return snapshot.chunk

    def forget_idle(self, now: float) -> None:
        """Drops snapshots that nobody asks for any more."""
        for client in [c for c, one in self._snapshots.items() if now - one.asked_at >= SNAPSHOT_IDLE_SECONDS]:
            del self._snapshots[client]

    def _freeze(self, client: bytes, request: int, condition: Condition, now: float) -> _Snapshot:
        self._snapshots.pop(client, None)
        if len(self._snapshots) >= MOST_SNAPSHOTS:
            del self._snapshots[min(self._snapshots, key=lambda one: self._snapshots[one].asked_at)]
        records = list(self._records())
        snapshot = _Snapshot(request, self.sequence, condition, records, len(records), 0, -1, None, now)
        self._snapshots[client] = snapshot
        self.snapshots_begun += 1
        return snapshot

    def _cut(self, snapshot: _Snapshot, ask: SnapshotAsk) -> SnapshotChunk:
        size, records = 0, []
        while snapshot.at < len(snapshot.records) and size < CHUNK_BYTES:
            record = snapshot.records[snapshot.at]
            records.append(record)
            size += record.size
            snapshot.at += 1
        last = snapshot.at >= len(snapshot.records)
        if last:
            snapshot.records = []
            snapshot.at = 0
        return SnapshotChunk(
            request=ask.request,
            index=ask.index,
            kind=self.kind,
            incarnation=self.incarnation,
            sequence=snapshot.sequence,
            condition=snapshot.condition,
            records=records,
            last=last,
            objects=snapshot.objects,
        )
