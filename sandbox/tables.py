"""The objects of one resource, their recent history, and what the two give together: any recent moment's list.

A table keeps the newest state of every object, and the last changes in the order in which they were made. A list at an older version
is the newest state with the newer changes undone, which is what etcd's multi-version store answers; a version from before the oldest
kept change is `Expired`, as after etcd's compaction. Pure: whoever writes decides on versions, nobody waits in here.
"""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

VIEWS_KEPT: Final = 3
"""Views of old versions that are remembered: a few clients that page at a time need no more, and each holds old objects."""


class Expired(Exception):
    """The version is older than the history that is kept."""


class Stored(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of an object: its text in pieces, which many objects may share, and what selectors ask for.

    `metadata` holds what follows `{"resourceVersion":"…"`: the object's own fields (empty, or with a comma in front), then an end that
    closes the brace. So a version is written into the text without encoding it again.
    """

    key: str
    """`namespace/name`, or the name alone: the order of lists, as in etcd."""
    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    metadata: tuple[bytes, bytes]
    spec: tuple[bytes, ...]
    status: tuple[bytes, ...]
    node: str = ""
    phase: str = ""
    ip: str = ""
    version: int = 0


class Change(msgspec.Struct, frozen=True, gc=False):
    """What happened to an object. A deletion carries the last state under the deletion's version."""

    type: ChangeType
    new: Stored
    old: Stored | None


class View(msgspec.Struct, frozen=True):
    """All objects of one moment, by key."""

    keys: Sequence[str]
    objects: Sequence[Stored]


class Table:
    """The objects of one resource."""

    def __init__(self, *, changes_kept: int, floor: int) -> None:
        self.objects: dict[str, Stored] = {}
        self.floor = floor
        """The oldest version that a list or a watch may still start at."""
        self._keys: list[str] = []
        self._changes: list[Change] = []
        self._dropped = 0
        self._changes_kept = changes_kept
        self._views: OrderedDict[int, View] = OrderedDict()

    @property
    def latest(self) -> int:
        """The version of the last change, or the oldest that is known of where none is kept."""
        return self._changes[-1].new.version if self._changes else self.floor

    def load(self, objects: Iterable[Stored], version: int) -> None:
        """Adds objects as though they had been there before any history: nothing older than `version` can be asked for."""
        self.objects.update((stored.key, stored) for stored in objects)
        self._keys = sorted(self.objects)
        self.compact(version)

    def put(self, stored: Stored) -> Change:
        """Writes an object that carries its version, which is above all versions before."""
        old = self.objects.get(stored.key)
        if old is None:
            insort(self._keys, stored.key)
        self.objects[stored.key] = stored
        return self._note(Change("MODIFIED" if old else "ADDED", stored, old))

    def remove(self, key: str, version: int) -> Change:
        """Deletes an object that is there."""
        old = self.objects.pop(key)
        del self._keys[bisect_left(self._keys, key)]
        return self._note(Change("DELETED", msgspec.structs.replace(old, version=version), old))

    def _note(self, change: Change) -> Change:
        self._changes.append(change)
        # An eighth at a time: taking the head off a long list costs as much as the list is long.
        if len(self._changes) > self._changes_kept + self._changes_kept // 8:
            self._drop(len(self._changes) - self._changes_kept)
        return change

    def compact(self, version: int) -> None:
        """Forgets the history up to and including `version`."""
        self._drop(self._number_after(version))
        self.floor = max(self.floor, version)
        for known in [known for known in self._views if known < self.floor]:
            del self._views[known]

    def _drop(self, count: int) -> None:
        if count:
            self.floor = max(self.floor, self._changes[count - 1].new.version)
            self._dropped += count
            del self._changes[:count]

    def _number_after(self, version: int) -> int:
        return bisect_right(self._changes, version, key=lambda change: change.new.version)

    def position_after(self, version: int) -> int:
        """The position of the first change after `version`. Raises Expired."""
        if version < self.floor:
            raise Expired
        return self._dropped + self._number_after(version)

    def changes_from(self, position: int) -> Sequence[Change]:
        """All changes from a position on. Raises Expired where some of them are forgotten."""
        if position < self._dropped:
            raise Expired
        return self._changes[position - self._dropped :]

    def view(self, version: int) -> View:
        """All objects as they stood at `version`. Raises Expired."""
        if version < self.floor:
            raise Expired
        number = self._number_after(version)
        moment = self._changes[number - 1].new.version if number else self.floor
        known = self._views.get(moment)
        if known is None:
            known = self._views[moment] = self._view(self._changes[number:])
            if len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
        self._views.move_to_end(moment)
        return known

    def _view(self, newer: Sequence[Change]) -> View:
        if not newer:
            return View(self._keys.copy(), [self.objects[key] for key in self._keys])
        state = dict(self.objects)
        for change in reversed(newer):
            if change.old is None:
                del state[change.new.key]
            else:
                state[change.new.key] = change.old
        keys = sorted(state)
        return View(keys, [state[key] for key in keys])
