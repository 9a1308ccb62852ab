"""The object store: one table for each resource under one count of versions, as etcd has one revision for everything.

Pure and synchronous. Whoever wants to hear of changes hangs a listener in; it is called after the change stands in the table.
"""

from collections.abc import Callable, Iterable

import msgspec

from sandbox.resources import ALL, Resource
from sandbox.tables import Change, Stored, Table

Listener = Callable[[Resource, Change], None]


class Store:
    """All objects of the cluster."""

    def __init__(self, *, changes_kept: int = 20_000, version: int = 1) -> None:
        """`changes_kept` changes of each resource can be watched or listed again; `version` is where counting and history start."""
        self.version = version
        self.listeners: list[Listener] = []
        self._tables = {resource: Table(changes_kept=changes_kept, floor=version) for resource in ALL}

    def table(self, resource: Resource) -> Table:
        """The objects of one resource."""
        return self._tables[resource]

    def resources(self) -> Iterable[Resource]:
        """Every resource that has a table."""
        return self._tables.keys()

    def get(self, resource: Resource, key: str) -> Stored | None:
        """The newest version of an object."""
        return self._tables[resource].objects.get(key)

    def load(self, resource: Resource, objects: Iterable[Stored]) -> None:
        """Adds what was there before history began: each object gets a version, no watch hears of it."""
        self._tables[resource].load([self._versioned(stored) for stored in objects], self.version)

    def put(self, resource: Resource, stored: Stored) -> Stored:
        """Creates or replaces an object, under the next version; gives it back with that version."""
        written = self._versioned(stored)
        self._tell(resource, self._tables[resource].put(written))
        return written

    def remove(self, resource: Resource, key: str) -> Stored:
        """Deletes an object that is there; gives its last state under the deletion's version."""
        self.version += 1
        change = self._tables[resource].remove(key, self.version)
        self._tell(resource, change)
        return change.new

    def compact(self) -> None:
        """Forgets all history, as etcd's compaction and a watch cache's restart do: any version before this one is too old."""
        self.version += 1
        for table in self._tables.values():
            table.compact(self.version)

    def _versioned(self, stored: Stored) -> Stored:
        self.version += 1
        return msgspec.structs.replace(stored, version=self.version)

    def _tell(self, resource: Resource, change: Change) -> None:
        for listener in self.listeners:
            listener(resource, change)
