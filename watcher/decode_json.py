"""Lists and watch events in JSON.

A page is decoded in one go; only when that fails is it taken apart, so that one bad object costs the page nothing but itself.
"""

from typing import Final, Generic, TypeVar

import msgspec

from common.records import UID, ResourceVersion
from watcher.decode import (
    INITIAL_EVENTS_END,
    LARGEST_EVENT_BYTES,
    BadObject,
    BadStream,
    Bookmark,
    Changed,
    Deleted,
    Failure,
    Item,
    Page,
    WatchEvent,
)
from watcher.objects import ListMeta, PartialObject, Pod, Status

T = TypeVar("T")


class _List(msgspec.Struct, Generic[T]):
    metadata: ListMeta
    items: list[T] | None = None


class _Line(msgspec.Struct, Generic[T]):
    type: str
    object: T


class _GoneMeta(msgspec.Struct):
    uid: str | None = None
    resourceVersion: str | None = None


class _GoneObject(msgspec.Struct):
    metadata: _GoneMeta


class _BookmarkMeta(msgspec.Struct):
    resourceVersion: str
    annotations: dict[str, str] | None = None


class _BookmarkObject(msgspec.Struct):
    metadata: _BookmarkMeta


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what is looked for."""


class JsonDecoder:
    """Reads `item` (Pod or PartialObject) lists and watches."""

    def __init__(self, item: type[Pod] | type[PartialObject]) -> None:
        self._item = msgspec.json.Decoder(item)
        self._list = msgspec.json.Decoder(_List[item])  # type: ignore[valid-type]  # built for the kind at hand
        self._raw_list = msgspec.json.Decoder(_List[msgspec.Raw])
        self._line = msgspec.json.Decoder(_Line[item])  # type: ignore[valid-type]  # built for the kind at hand
        self._raw_line = msgspec.json.Decoder(_Line[msgspec.Raw])
        self._gone = msgspec.json.Decoder(_GoneObject)
        self._bookmark = msgspec.json.Decoder(_BookmarkObject)
        self._status = msgspec.json.Decoder(Status)

    def page(self, body: bytes) -> Page:
        unreadable = 0
        try:
            found = self._list.decode(body)
            items = found.items or []
        except _UNREADABLE:
            found = self._taken_apart(body)
            items, unreadable = self._readable(found.items or [])
        meta = found.metadata
        if not meta.resourceVersion:  # no list: a Status has a `metadata` too
            raise BadStream("the list has no resource version")
        version = ResourceVersion(meta.resourceVersion)
        return Page(items, unreadable, version, meta.continue_ or None, meta.remainingItemCount or None)

    def event(self, data: bytes) -> WatchEvent:
        try:
            line = self._line.decode(data)
        except _UNREADABLE:
            return self._unusual(data)
        return Changed(line.object) if line.type in ("ADDED", "MODIFIED") else self._unusual(data)

    def splitter(self) -> "Lines":
        return Lines()

    def failure(self, body: bytes) -> Failure | None:
        try:
            status = self._status.decode(body)
        except _UNREADABLE:
            return None
        return Failure(status.code or 0, status.message or status.reason or "")

    def _taken_apart(self, body: bytes) -> _List[msgspec.Raw]:
        try:
            return self._raw_list.decode(body)
        except _UNREADABLE as error:
            raise BadStream("the list is not the JSON of a list") from error

    def _readable(self, items: list[msgspec.Raw]) -> tuple[list[Item], int]:
        good: list[Item] = []
        for raw in items:
            try:
                good.append(self._lenient(bytes(raw)))
            except BadObject:
                continue
        return good, len(items) - len(good)

    def _lenient(self, data: bytes) -> Item:
        """An object, with U+FFFD for bytes that are no UTF-8."""
        try:
            return self._item.decode(data.decode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadObject("an object does not have the fields of its kind") from error

    def _unusual(self, data: bytes) -> WatchEvent:
        """An event that brings no readable object: a deletion, a bookmark, an error, or something bad."""
        try:
            line = self._raw_line.decode(data)
        except _UNREADABLE as error:
            raise BadStream("a watch line is not the JSON of an event") from error
        raw = bytes(line.object)
        match line.type:
            case "ADDED" | "MODIFIED":
                return Changed(self._lenient(raw))
            case "DELETED":
                return self._read_gone(raw)
            case "BOOKMARK":
                return self._read_bookmark(raw)
            case "ERROR":
                return self.failure(raw) or Failure(0, "")
            case _:
                raise BadObject("a watch event is of a type that is not known")

    def _read_gone(self, raw: bytes) -> Deleted:
        try:
            meta = self._gone.decode(raw.decode("utf-8", "replace")).metadata
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadObject("an object that is gone has no metadata") from error
        return Deleted(UID(meta.uid or ""), ResourceVersion(meta.resourceVersion or ""))

    def _read_bookmark(self, raw: bytes) -> Bookmark:
        try:
            meta = self._bookmark.decode(raw).metadata
        except _UNREADABLE as error:
            raise BadObject("a bookmark cannot be read") from error
        if not meta.resourceVersion:
            raise BadObject("a bookmark has no resource version")
        return Bookmark(
            ResourceVersion(meta.resourceVersion), (meta.annotations or {}).get(INITIAL_EVENTS_END) == "true"
        )


class Lines:
    """Cuts at line feeds."""

    def __init__(self) -> None:
        self._tail: list[bytes] = []
        self._held = 0

    def feed(self, parts: list[bytes]) -> list[bytes]:
        first, *rest = b"".join(parts).split(b"\n")
        self._tail.append(first)
        self._held += len(first)
        if self._held > LARGEST_EVENT_BYTES:
            raise BadStream("a watch line is longer than any object can be")
        if not rest:
            return []
        lines = [b"".join(self._tail), *rest[:-1]]
        self._tail, self._held = [rest[-1]], len(rest[-1])
        return [line for line in lines if line.strip()]
