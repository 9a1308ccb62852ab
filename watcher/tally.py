"""What a watcher has counted since its start, for metrics and for people. Every key is there from the start: a reader on another
thread never meets a dictionary that grows, and Prometheus never one that was not there before it counted.
"""

from collections.abc import Iterable

import msgspec

from watcher.states import Fault, Reason


class Counts(msgspec.Struct):
    """Of one scope, or of all."""

    changed: int = 0
    """Objects that were added, or modified in what podwire keeps."""
    unchanged: int = 0
    """Objects that came and were known already, as far as podwire keeps them."""
    deleted: int = 0
    bookmarks: int = 0
    without_uid: int = 0
    unreadable: int = 0
    pages: int = 0
    lists: dict[Reason, int] = msgspec.field(default_factory=lambda: dict.fromkeys(Reason, 0))
    """Lists begun."""
    faults: dict[Fault, int] = msgspec.field(default_factory=lambda: dict.fromkeys(Fault, 0))
    """Lists and watches that ended before all was said."""

    @property
    def events(self) -> dict[str, int]:
        """What lists and watches brought, by type."""
        return {
            "changed": self.changed,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "bookmark": self.bookmarks,
        }

    @property
    def decode_errors(self) -> dict[str, int]:
        """Objects left out, by what was wrong with them."""
        return {"unreadable": self.unreadable, "without_uid": self.without_uid}


def total(many: Iterable[Counts]) -> Counts:
    """The sum of the scopes' counts."""
    sum_ = Counts()
    for one in many:
        for name in ("changed", "unchanged", "deleted", "bookmarks", "without_uid", "unreadable", "pages"):
            setattr(sum_, name, getattr(sum_, name) + getattr(one, name))
        for reason, count in one.lists.items():
            sum_.lists[reason] += count
        for fault, count in one.faults.items():
            sum_.faults[fault] += count
    return sum_
