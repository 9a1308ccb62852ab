"""The newest record of each object of one scope (the cluster, or one namespace), by UID.

It says what a change changed, so that what changes nothing that podwire keeps goes no further, and compares a list with what was
there, so that what is gone is told. A list is not visible as such: objects are replaced one by one, and those that the list did not
mention are dropped at its end.

Objects of one shape hold one copy of it, which goes when the last of them does: of pods of two containers, more than half of a record's
bytes.
"""

from collections.abc import Iterator

import msgspec

from common.records import UID, Record


class _Shape(msgspec.Struct, gc=False):
    data: bytes
    objects: int
    """How many have it."""


class Store:
    """Records by UID. Not safe for threads."""

    def __init__(self) -> None:
        self._records: dict[UID, Record] = {}
        self._shapes: dict[bytes, _Shape] = {}
        self._unmentioned: set[UID] | None = None
        """During a list: the UIDs that it has not mentioned yet."""

    def __len__(self) -> int:
        return len(self._records)

    @property
    def shapes(self) -> int:
        """How many different shapes there are."""
        return len(self._shapes)

    def records(self) -> Iterator[Record]:
        """The records, oldest UID first."""
        return iter(self._records.values())

    def get(self, uid: UID) -> Record | None:
        """The object's record, if it is there. Any thread may ask."""
        return self._records.get(uid)

    def begin_list(self) -> None:
        """A list begins. One that was under way is forgotten."""
        self._unmentioned = set(self._records)

    def apply(self, record: Record) -> bool:
        """Keeps the record; false when it is the one that was there."""
        uid = record.uid
        if self._unmentioned:
            self._unmentioned.discard(uid)
        kept = self._records.get(uid)
        if kept is not None and kept.own == record.own and kept.shape == record.shape:
            return False
        shape = self._shapes.get(record.shape)
        if shape is None:
            shape = self._shapes[record.shape] = _Shape(record.shape, 0)
        shape.objects += 1
        self._records[uid] = Record(shape.data, uid, record.own)
        if kept is not None:
            self._leave_shape(kept.shape)
        return True

    def delete(self, uid: UID) -> bool:
        """Forgets the object; false when it was not there."""
        if self._unmentioned:
            self._unmentioned.discard(uid)
        record = self._records.pop(uid, None)
        if record is None:
            return False
        self._leave_shape(record.shape)
        return True

    def finish_list(self) -> list[UID]:
        """The list is complete: forgets what it did not mention, and gives those UIDs."""
        gone, self._unmentioned = list(self._unmentioned or ()), None
        for uid in gone:
            self.delete(uid)
        return gone

    def _leave_shape(self, data: bytes) -> None:
        shape = self._shapes[data]
        shape.objects -= 1
        if not shape.objects:
            del self._shapes[data]
