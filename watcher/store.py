"""The newest record of each object of one scope (the cluster, or one namespace): UID → the record's bytes.

It says what a change changed, so that what changes nothing that podwire keeps goes no further, and compares a list with what was
there, so that what is gone is told. A list is not visible as such: objects are replaced one by one, and those that the list did not
mention are dropped at its end.
"""

from collections.abc import Iterator

from common.records import UID


class Store:
    """Records by UID. Not safe for threads."""

    def __init__(self) -> None:
        self._records: dict[UID, bytes] = {}
        self._unmentioned: set[UID] | None = None
        """During a list: the UIDs that it has not mentioned yet."""

    def __len__(self) -> int:
        return len(self._records)

    def records(self) -> Iterator[bytes]:
        """The records, oldest UID first."""
        return iter(self._records.values())

    def get(self, uid: UID) -> bytes | None:
        """The object's record, if it is there. Any thread may ask."""
        return self._records.get(uid)

    def begin_list(self) -> None:
        """A list begins. One that was under way is forgotten."""
        self._unmentioned = set(self._records)

    def apply(self, uid: UID, record: bytes) -> bool:
        """Keeps the record; false when it is the one that was there."""
        if self._unmentioned:
            self._unmentioned.discard(uid)
        if self._records.get(uid) == record:
            return False
        self._records[uid] = record
        return True

    def delete(self, uid: UID) -> bool:
        """Forgets the object; false when it was not there."""
        if self._unmentioned:
            self._unmentioned.discard(uid)
        return self._records.pop(uid, None) is not None

    def finish_list(self) -> list[UID]:
        """The list is complete: forgets what it did not mention, and gives those UIDs."""
        gone, self._unmentioned = list(self._unmentioned or ()), None
        for uid in gone:
            del self._records[uid]
        return gone
