"""The pure half of a watch: which lines it sends, from which change to which. The edge that writes them is `watching`."""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from sandbox.objects import Store
from sandbox.queries import After, FromNow, FromScratch, WatchQuery
from sandbox.render import BLOCK_OBJECTS, Renderer, error_event
from sandbox.resources import Resource
from sandbox.selectors import Selection
from sandbox.statuses import expired_watch
from sandbox.tables import Change, ChangeType, Stored


class Line(msgspec.Struct, frozen=True):
    """One line of a watch; `uid` and `version` name the object whose change it tells."""

    type: ChangeType
    uid: str
    version: int
    text: bytes


class Follower:
    """One watch's place in the history of a table. Ask for `opening` first, to its end, then for `lines` again and again."""

    def __init__(
        self,
        store: Store,
        resource: Resource,
        *,
        query: WatchQuery,
        selection: Selection,
        renderer: Renderer,
        progress: bool,
    ) -> None:
        """`progress`: bookmarks come up with what happens to other resources too, as etcd's progress notifications make them do in
        newer Kubernetes (1.36 does, 1.20 does not)."""
        self._store = store
        self._progress = progress
        self._table = store.table(resource)
        self._query = query
        self._selection = selection
        self._renderer = renderer
        self._from = self._first_version()
        self._position = 0
        self._opened_at = 0

    def _first_version(self) -> int:
        match self._query.start:
            case After(version):
                return version
            case FromScratch() | FromNow():
                return self._store.version
            case _ as never:
                assert_never(never)

    def opening(self) -> Iterator[bytes]:
        """Blocks of lines: what is there, where the watch begins with that, closed by its bookmark. Raises Expired."""
        self._position = self._table.position_after(self._from)
        self._opened_at = max(self._from, self._latest())
        match self._query.start:
            case FromScratch(_, closed):
                yield from self._initial()
                if closed:
                    yield self._renderer.bookmark(self._from, ends_initial_events=True)
            case After() | FromNow():
                pass
            case _ as never:
                assert_never(never)

    def _initial(self) -> Iterator[bytes]:
        picked = [stored for stored in self._table.view(self._from).objects if self._selection.picks(stored)]
        for at in range(0, len(picked), BLOCK_OBJECTS):
            yield b"".join(self._renderer.event("ADDED", stored) for stored in picked[at : at + BLOCK_OBJECTS])

    def lines(self) -> list[Line]:
        """What has happened since the last call. Raises Expired where the watch has fallen behind the history that is kept."""
        changes = self._table.changes_from(self._position)
        if not changes:
            return []
        self._position += len(changes)
        # A watch may start at a version that is not reached yet; real servers send nothing until it is.
        newer = (change for change in changes if change.new.version > self._from)
        return [line for change in newer if (line := self._line(change))]

    def _line(self, change: Change) -> Line | None:
        seen = seen_through(self._selection, change)
        if seen is None:
            return None
        type_, stored = seen
        return Line(type_, stored.uid, stored.version, self._renderer.event(type_, stored))

    def bookmark(self) -> bytes | None:
        """The line that says how far `lines` has come; ask for it when `lines` gave nothing. None where nothing has happened since
        the watch was opened: then real servers send no bookmark either, however long the silence."""
        latest = self._latest()
        return self._renderer.bookmark(latest, ends_initial_events=False) if latest > self._opened_at else None

    def _latest(self) -> int:
        return self._store.version if self._progress else self._table.latest

    def expired(self) -> bytes:
        """The line that ends a watch from a forgotten version."""
        return error_event(expired_watch(self._from, self._table.floor).body())


def seen_through(selection: Selection, change: Change) -> tuple[ChangeType, Stored] | None:
    """A change as a selective watch sees it: an object that enters the selection is added, one that leaves it is deleted, with
    its last selected state under the new version (apiserver, storage/cacher)."""
    was = change.old is not None and selection.picks(change.old)
    if change.type == "DELETED":
        return ("DELETED", change.new) if was else None
    match was, selection.picks(change.new):
        case False, False:
            return None
        case True, True:
            return "MODIFIED", change.new
        case False, True:
            return "ADDED", change.new
        case _:
            assert change.old is not None
            return "DELETED", msgspec.structs.replace(change.old, version=change.new.version)
