"""Lists and watch events in the API's protobuf form.

The schema names only the fields that podwire needs, with the numbers of Kubernetes' generated.proto files and the attribute names of
`objects`; it is built here, so no compiler is needed. A body is `k8s\\0` and a runtime.Unknown that wraps the object; a watch is a
series of frames of a 4-byte big-endian length and a metav1.WatchEvent (k8s.io/apimachinery, runtime/serializer/protobuf).
"""

import struct
from functools import lru_cache, partial
from typing import Any, Final, cast

from google.protobuf import message

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
from watcher.objects import PartialObject, Pod

MAGIC: Final = b"k8s\x00"
_LENGTH: Final = struct.Struct(">I")
_LONGEST_ENVELOPE: Final = 32
_ADDED: Final = b"\n\x05ADDED"
"""How an event of that type begins."""
_NO_EVENT: Final = "a watch frame is not the protobuf form of an event"

_SCHEMA: Final[dict[str, dict[str, tuple[int, str]]]] = {
    "Unknown": {"raw": (2, "bytes")},
    "RawExtension": {"raw": (1, "bytes")},
    "WatchEvent": {"type": (1, "string"), "object": (2, "RawExtension")},
    "Status": {"message": (3, "string"), "reason": (4, "string"), "code": (6, "int32")},
    "ListMeta": {"resourceVersion": (2, "string"), "continue_": (3, "string"), "remainingItemCount": (4, "int64")},
    "OwnerReference": {
        "kind": (1, "string"),
        "name": (3, "string"),
        "uid": (4, "string"),
        "apiVersion": (5, "string"),
        "controller": (6, "bool"),
    },
    "ObjectMeta": {
        "name": (1, "string"),
        "namespace": (3, "string"),
        "uid": (5, "string"),
        "resourceVersion": (6, "string"),
        "ownerReferences": (13, "OwnerReference*"),
    },
    "PodSpec": {"hostNetwork": (11, "bool")},
    "PodIP": {"ip": (1, "string")},
    "ContainerStatus": {"name": (1, "string"), "image": (6, "string"), "containerID": (8, "string")},
    "PodStatus": {
        "podIP": (6, "string"),
        "containerStatuses": (8, "ContainerStatus*"),
        "initContainerStatuses": (10, "ContainerStatus*"),
        "podIPs": (12, "PodIP*"),
        "ephemeralContainerStatuses": (13, "ContainerStatus*"),
    },
    "Pod": {"metadata": (1, "ObjectMeta"), "spec": (2, "PodSpec"), "status": (3, "PodStatus")},
    "PodList": {"metadata": (1, "ListMeta"), "items": (2, "bytes*")},
    "PartialObject": {"metadata": (1, "ObjectMeta")},
    "UnknownPod": {"raw": (2, "Pod")},
    "UnknownPartialObject": {"raw": (2, "PartialObject")},
    "GoneMeta": {"uid": (5, "string"), "resourceVersion": (6, "string")},
    "GoneObject": {"metadata": (1, "GoneMeta")},
    "Annotation": {"key": (1, "string"), "value": (2, "string")},
    "BookmarkMeta": {"resourceVersion": (6, "string"), "annotations": (12, "Annotation*")},
    "BookmarkObject": {"metadata": (1, "BookmarkMeta")},
}
"""Message → field → number and type; `*` marks a repeated field. All lists have the shape of `PodList`. A map is its entries. Of an
Unknown, `raw` is bytes; where the kind of what they hold is known, they are read as that with it, in one go."""


_SCALARS: Final = {"int64": 3, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
_MESSAGE: Final = 11
_OPTIONAL: Final = 1
_REPEATED: Final = 3
"""Numbers of google/protobuf/descriptor.proto, as those below."""


def _build() -> dict[str, type[message.Message]]:
    messages = b"".join(
        _bytes(4, _bytes(1, name.encode()) + b"".join(_field(*one) for one in fields.items()))
        for name, fields in _SCHEMA.items()
    )
    # proto3: strings that are no UTF-8 fail the message that holds them; proto2 would give them out as bytes.
    file = _bytes(1, b"podwire.proto") + _bytes(2, b"podwire") + messages + _bytes(12, b"proto3")
    pool: Any
    try:
        # What `message_factory` gives out too, after importing a second implementation and a text format: 20 ms and a megabyte for nothing.
        from google._upb import _message
    except ImportError:
        from google.protobuf import descriptor_pool, message_factory

        pool, class_of = descriptor_pool.DescriptorPool(), message_factory.GetMessageClass
    else:
        pool, class_of = _message.DescriptorPool(None), partial(_new_class, _message.MessageMeta)
    pool.AddSerializedFile(file)
    return {name: class_of(pool.FindMessageTypeByName(f"podwire.{name}")) for name in _SCHEMA}


def _new_class(meta: type, descriptor: Any) -> Any:  # noqa: ANN401 (private, without types)
    return meta(descriptor.name, (message.Message,), {"DESCRIPTOR": descriptor, "__module__": __name__})


def _field(name: str, told: tuple[int, str]) -> bytes:
    """A FieldDescriptorProto."""
    number, kind = told
    scalar = _SCALARS.get(kind.rstrip("*"))
    label = _REPEATED if kind.endswith("*") else _OPTIONAL
    type_name = b"" if scalar else _bytes(6, f".podwire.{kind.rstrip('*')}".encode())
    field = _bytes(1, name.encode()) + bytes((3 << 3, number, 4 << 3, label, 5 << 3, scalar or _MESSAGE)) + type_name
    return _bytes(2, field)


def _bytes(number: int, data: bytes) -> bytes:
    """A field of bytes, with a length of up to 2^14."""
    length = len(data)
    return bytes((number << 3 | 2, length & 0x7F | 0x80, length >> 7)) + data


_TYPES: Final[dict[str, Any]] = _build()
_unknown = _TYPES["Unknown"].FromString
_watch_event = _TYPES["WatchEvent"].FromString
_list = _TYPES["PodList"].FromString
_status = _TYPES["Status"].FromString
_gone = _TYPES["GoneObject"].FromString
_bookmark = _TYPES["BookmarkObject"].FromString


class ProtobufDecoder:
    """Reads `item` (Pod or PartialObject) lists and watches."""

    def __init__(self, item: type[Pod] | type[PartialObject]) -> None:
        self._item = _TYPES[item.__name__].FromString
        self._wrapped = _TYPES[f"Unknown{item.__name__}"].FromString

    def page(self, body: bytes) -> Page:
        try:
            found = _list(_unwrap(body))
        except (message.DecodeError, BadObject) as error:
            raise BadStream("the list is not the protobuf form of a list") from error
        good: list[Item] = []
        for raw in found.items:
            try:
                good.append(self._read(raw))
            except BadObject:
                continue
        meta = found.metadata
        if not meta.resourceVersion:  # no list: of most bytes protobuf makes some message
            raise BadStream("the list has no resource version")
        version = ResourceVersion(meta.resourceVersion)
        return Page(
            good, len(found.items) - len(good), version, meta.continue_ or None, meta.remainingItemCount or None
        )

    def event(self, data: bytes) -> WatchEvent:
        begin = data.find(MAGIC, 0, _LONGEST_ENVELOPE)
        if begin > 0:
            # What stands before the object, when it is as the API server writes it, is known from its length: no need to read it.
            kind = "ADDED" if data.startswith(_ADDED) else "MODIFIED"
            if data[:begin] == _envelope(kind, len(data) - begin):
                return Changed(self._read_wrapped(data, begin))
        kind, wrapped = _open(data)
        if kind in ("ADDED", "MODIFIED"):
            return Changed(self._read_wrapped(wrapped, 0))
        raw = _unwrap_of_event(wrapped)
        match kind:
            case "DELETED":
                return _read_gone(raw)
            case "BOOKMARK":
                return _read_bookmark(raw)
            case "ERROR":
                return _read_status(raw) or Failure(0, "")
            case _:
                raise BadObject("a watch event is of a type that is not known")

    def splitter(self) -> "Frames":
        return Frames()

    def failure(self, body: bytes) -> Failure | None:
        try:
            return _read_status(_unwrap(body))
        except BadObject:
            return None

    def _read_wrapped(self, data: bytes, begin: int) -> Item:
        """The object whose wrapping begins there, and goes on to the end."""
        if data.startswith(MAGIC, begin):
            try:
                item: Item = self._wrapped(data[begin + len(MAGIC) :]).raw
                return item
            except message.DecodeError:
                pass
        return self._read(_unwrap_of_event(data[begin:]))  # says which of the two is bad

    def _read(self, raw: bytes) -> Item:
        try:
            return cast(Item, self._item(raw))
        except message.DecodeError as error:
            raise BadObject("an object is not the protobuf form of its kind") from error


def _open(frame: bytes) -> tuple[str, bytes]:
    """Type and object of a WatchEvent. Raises BadStream."""
    try:
        outer = _watch_event(frame)
    except message.DecodeError as error:
        raise BadStream(_NO_EVENT) from error
    return outer.type, outer.object.raw


@lru_cache(4_096)
def _envelope(kind: str, length: int) -> bytes:
    """The bytes of a WatchEvent of this type up to its object of so many bytes, which is the last of them."""
    return bytes(_TYPES["WatchEvent"](type=kind, object={"raw": bytes(length)}).SerializeToString()[:-length])


def _unwrap_of_event(wrapped: bytes) -> bytes:
    try:
        return _unwrap(wrapped)
    except BadObject as error:
        raise BadStream(_NO_EVENT) from error


def _unwrap(body: bytes) -> bytes:
    if not body.startswith(MAGIC):
        raise BadObject("an object does not begin with the protobuf form's magic number")
    try:
        return cast(bytes, _unknown(body[len(MAGIC) :]).raw)
    except message.DecodeError as error:
        raise BadObject("an object's wrapping is not protobuf") from error


def _read_status(raw: bytes) -> Failure | None:
    try:
        status = _status(raw)
        return Failure(status.code, status.message or status.reason)
    except message.DecodeError:
        return None


def _read_gone(raw: bytes) -> Deleted:
    try:
        meta = _gone(raw).metadata
    except message.DecodeError as error:
        raise BadObject("an object that is gone is not the protobuf form of one") from error
    return Deleted(UID(meta.uid), ResourceVersion(meta.resourceVersion))


def _read_bookmark(raw: bytes) -> Bookmark:
    try:
        meta = _bookmark(raw).metadata
        ends = any(one.key == INITIAL_EVENTS_END and one.value == "true" for one in meta.annotations)
    except message.DecodeError as error:
        raise BadObject("a bookmark cannot be read") from error
    if not meta.resourceVersion:
        raise BadObject("a bookmark has no resource version")
    return Bookmark(ResourceVersion(meta.resourceVersion), ends)


class Frames:
    """Cuts at the frames' lengths."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        """The beginning of a frame."""
        self._held_bytes = 0
        self._next_bytes = _LENGTH.size
        """How many there must be to go on."""

    def feed(self, parts: list[bytes]) -> list[bytes]:
        self._held += parts
        self._held_bytes += sum(map(len, parts))
        if self._held_bytes < self._next_bytes:
            return []
        data = b"".join(self._held)
        frames: list[bytes] = []
        at, self._next_bytes = 0, _LENGTH.size
        while (begin := at + _LENGTH.size) <= len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            if length > LARGEST_EVENT_BYTES:
                raise BadStream("a watch frame is longer than any object can be")
            if begin + length > len(data):
                self._next_bytes += length
                break
            at = begin + length
            frames.append(data[begin:at])
        self._held, self._held_bytes = [data[at:]], len(data) - at
        return frames
