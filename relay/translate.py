"""Emissions to messages: what goes on the wire for each, whatever it holds.

The usual pod takes one straight path. What does not fit the wire raises there and takes a second, careful one that repairs it
(cuts, replaces, sends 0.0.0.0) or leaves it out, and says so through `note`. Nothing that an emission holds ends the process.

A pod that was left out is remembered until the epoch ends, so that its containers and its delete are left out as well: upstream, a
container or a delete only ever follows its pod.
"""

import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum, auto
from functools import lru_cache
from typing import Self, assert_never

import msgspec

from common.container_ids import container_id
from common.messages import Emission, Epoch, OwnerKind, PodContainers, PodDelete, PodNew, Resync
from common.records import (
    BAD_RECORD,
    NOT_ONE_ID_EACH,
    UID,
    Container,
    ContainerId,
    ContainerKind,
    ContainerShape,
    PodRecord,
    decode_pod_own,
    decode_pod_shape,
    unpack_pod,
)
from relay import encode
from relay.fit import DoesNotFit, fit

NO_ADDRESS = bytes(4)
_MAIN = int(ContainerKind.MAIN)
_KNOWN_OWNERS = frozenset(int(kind) for kind in OwnerKind)
_DOES_NOT_PACK = (struct.error, UnicodeEncodeError, OSError, ValueError)

# Positions in the payloads. A pod's fate hangs on its UID alone, so every PodNew of one pod is sent, or none is.
_POD_IDENTITIES = frozenset({0})
_CONTAINER_IDENTITIES = frozenset({0, 1})


class Fault(StrEnum):
    """What was wrong with an emission. The value is the word of logs and metrics."""

    RECORD_MALFORMED = auto()
    """The pod is left out."""
    IDENTITY_TOO_LONG = auto()
    """A UID or container ID that no message can hold: the pod or container is left out."""
    STRINGS_CUT = auto()
    ADDRESS_MALFORMED = auto()
    """Sent as 0.0.0.0."""
    NO_IPV4 = auto()
    """Sent as 0.0.0.0."""
    NOT_UTF8 = auto()
    """Characters that UTF-8 cannot say are replaced."""
    OWNER_KIND_UNKNOWN = auto()
    """Sent as other."""
    RESYNC_MISPLACED = auto()
    """Inside of an epoch: left out."""


Note = Callable[[Fault, UID], None]
"""Told of each fault, with the UID of the pod that has it (empty where there is none)."""


class _ContainerShape(msgspec.Struct, frozen=True, gc=False):
    """What is said of a container beside its ID and its pod."""

    name: str
    image: str
    texts: str
    """Both, as they follow each other in a payload."""

    @classmethod
    def of(cls, container: Container | ContainerShape) -> Self:
        return cls(container.name, container.image, container.name + container.image)


class _Shape(msgspec.Struct, frozen=True, gc=False):
    """What is said of all pods of a shape."""

    host_network: bool
    namespace_length: int
    texts: str
    """Namespace and version, as they follow each other in a payload."""
    containers: list[_ContainerShape]


@lru_cache(64)  # pods of one shape come one after the other
def _shape_of(packed: bytes) -> _Shape:
    """Raises one of `BAD_RECORD`."""
    shape = decode_pod_shape(packed)
    return _Shape(
        host_network=shape.host_network,
        namespace_length=len(shape.namespace),
        texts=shape.namespace + _version(shape.containers),
        containers=[*map(_ContainerShape.of, shape.containers)],
    )


class Translator:
    """Gives emissions' messages and counts them by their names in protocol.md."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._left_out: set[UID] = set()
        self.messages = {"pod_resync": 0, "pod_new_with_name": 0, "pod_container": 0, "pod_delete": 0}

    def translate(self, emissions: Sequence[Emission], *, epoch: Epoch, first: int, stamp_ns: int) -> list[bytes]:
        """The messages of a batch whose first emission has the number `first`, stamped with `stamp_ns`."""
        out: list[bytes] = []
        for emission in emissions:
            match emission:
                case PodNew():
                    self._pod(emission, stamp_ns=stamp_ns, out=out)
                case PodContainers():
                    self._new_containers(emission, stamp_ns=stamp_ns, out=out)
                case PodDelete():
                    self._delete(emission, stamp_ns=stamp_ns, out=out)
                case Resync():
                    # Only the epoch's very first emission may clear the reducer: any other would make it forget live pods.
                    if first == 1 and emission is emissions[0] and not out:
                        self._resync(epoch, stamp_ns=stamp_ns, out=out)
                    else:
                        self._note(Fault.RESYNC_MISPLACED, UID(""))
                case _:
                    assert_never(emission)
        return out

    def _resync(self, epoch: Epoch, *, stamp_ns: int, out: list[bytes]) -> None:
        self._left_out.clear()
        self.messages["pod_resync"] += 1
        out.append(encode.pod_resync(stamp_ns, resync_count=epoch))

    def _pod(self, emission: PodNew, *, stamp_ns: int, out: list[bytes]) -> None:
        record = emission.record
        uid = record.uid
        try:
            shape, own = _shape_of(record.shape), decode_pod_own(record.own)
            if len(own.container_ids) != len(shape.containers):
                raise msgspec.ValidationError(NOT_ONE_ID_EACH)
        except BAD_RECORD:
            self._leave_out(uid, Fault.RECORD_MALFORMED)
            return
        try:
            out.append(_pod_as_is(emission, shape, own.name, stamp_ns=stamp_ns))
        except _DOES_NOT_PACK:
            try:
                out.append(self._pod_repaired(emission, unpack_pod(record), stamp_ns=stamp_ns))
            except DoesNotFit:
                self._leave_out(uid, Fault.IDENTITY_TOO_LONG)
                return
        if self._left_out:
            self._left_out.discard(uid)
        self.messages["pod_new_with_name"] += 1
        if emission.containers:
            containers = zip(own.container_ids, shape.containers, strict=True)
            self._containers(uid, containers, stamp_ns=stamp_ns, out=out)

    def _new_containers(self, emission: PodContainers, *, stamp_ns: int, out: list[bytes]) -> None:
        if emission.uid not in self._left_out:
            containers = [(one.id, _ContainerShape.of(one)) for one in emission.containers]
            self._containers(emission.uid, containers, stamp_ns=stamp_ns, out=out)

    def _containers(
        self, uid: UID, containers: Iterable[tuple[ContainerId, _ContainerShape]], *, stamp_ns: int, out: list[bytes]
    ) -> None:
        for packed, shape in containers:
            if not packed:
                continue
            id_ = container_id(packed)
            try:
                out.append(_container_as_is(uid, id_, shape, stamp_ns=stamp_ns))
            except _DOES_NOT_PACK:
                try:
                    out.append(self._container_repaired(uid, id_, shape, stamp_ns=stamp_ns))
                except DoesNotFit:
                    self._note(Fault.IDENTITY_TOO_LONG, uid)
                    continue
            self.messages["pod_container"] += 1

    def _delete(self, emission: PodDelete, *, stamp_ns: int, out: list[bytes]) -> None:
        if emission.uid in self._left_out:
            self._left_out.discard(emission.uid)
            return
        try:
            out.append(encode.pod_delete(stamp_ns, uid=self._text(emission.uid, emission.uid)))
        except struct.error:
            self._note(Fault.IDENTITY_TOO_LONG, emission.uid)
            return
        self.messages["pod_delete"] += 1

    def _leave_out(self, uid: UID, fault: Fault) -> None:
        self._left_out.add(uid)
        self._note(fault, uid)

    # Repairs -------------------------------------------------------------------------------------------------------------------

    def _pod_repaired(self, emission: PodNew, record: PodRecord, *, stamp_ns: int) -> bytes:
        owner_name, owner_uid = _owner(emission, record.name)
        texts = (record.uid, owner_name, record.name, owner_uid, record.namespace, _version(record.containers))
        strings = self._fitted(texts, uid=record.uid, whole=_POD_IDENTITIES, struct_bytes=encode.POD_NEW_BYTES)
        return encode.pod_new_with_name(
            stamp_ns,
            ip=self._address(emission.ip, record.uid),
            owner_kind=self._owner_kind(emission.owner_kind, record.uid),
            is_host_network=record.host_network,
            uid=strings[0],
            owner_name=strings[1],
            pod_name=strings[2],
            owner_uid=strings[3],
            namespace=strings[4],
            version=strings[5],
        )

    def _container_repaired(self, uid: UID, id_: str, shape: _ContainerShape, *, stamp_ns: int) -> bytes:
        texts = (uid, id_, shape.name, shape.image)
        strings = self._fitted(texts, uid=uid, whole=_CONTAINER_IDENTITIES, struct_bytes=encode.POD_CONTAINER_BYTES)
        return encode.pod_container(
            stamp_ns, uid=strings[0], container_id=strings[1], name=strings[2], image=strings[3]
        )

    def _fitted(self, texts: tuple[str, ...], *, uid: UID, whole: frozenset[int], struct_bytes: int) -> list[bytes]:
        strings = [self._text(text, uid) for text in texts]
        fitted = fit(strings, whole=whole, room=encode.LONGEST_MESSAGE_BYTES - struct_bytes)
        if fitted != strings:
            self._note(Fault.STRINGS_CUT, uid)
        return fitted

    def _text(self, text: str, uid: UID) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            self._note(Fault.NOT_UTF8, uid)
            return text.encode("utf-8", "replace")

    def _address(self, text: str, uid: UID) -> bytes:
        try:
            return socket.inet_pton(socket.AF_INET, text)
        except (OSError, ValueError):
            self._note(Fault.NO_IPV4 if not text or _is_ipv6(text) else Fault.ADDRESS_MALFORMED, uid)
            return NO_ADDRESS

    def _owner_kind(self, kind: int, uid: UID) -> int:
        if kind in _KNOWN_OWNERS:
            return kind
        self._note(Fault.OWNER_KIND_UNKNOWN, uid)
        return OwnerKind.OTHER


def _pod_as_is(emission: PodNew, shape: _Shape, name: str, *, stamp_ns: int) -> bytes:
    """Raises one of `_DOES_NOT_PACK` for anything but ASCII that fits. In ASCII a text is as long as its bytes, so one encoding does for
    all of a payload: with a call and an encoding for each string, a pod takes twice the time."""
    if emission.owner_kind not in _KNOWN_OWNERS:
        raise struct.error("owner kind unknown")
    uid = emission.record.uid
    owner_name, owner_uid = _owner(emission, name)
    payload = f"{uid}{owner_name}{name}{owner_uid}{shape.texts}".encode("ascii")
    head = encode.pod_new_head(
        stamp_ns,
        515,
        encode.POD_NEW_BYTES + len(payload),
        socket.inet_pton(socket.AF_INET, emission.ip),
        len(uid),
        len(owner_name),
        len(name),
        len(owner_uid),
        shape.namespace_length,
        emission.owner_kind,
        shape.host_network,
    )
    return head + payload


def _container_as_is(uid: UID, id_: str, shape: _ContainerShape, *, stamp_ns: int) -> bytes:
    """As `_pod_as_is`."""
    payload = f"{uid}{id_}{shape.texts}".encode("ascii")
    length = encode.POD_CONTAINER_BYTES + len(payload)
    head = encode.pod_container_head(stamp_ns, 494, length, len(uid), len(id_), len(shape.name))
    return head + payload


def _owner(emission: PodNew, pod_name: str) -> tuple[str, str]:
    """Name and UID; a pod without an owner is sent as its own (protocol.md, `owner_kind`)."""
    return (pod_name, "") if emission.owner_kind == OwnerKind.NONE else (emission.owner_name, emission.owner_uid)


def _version(containers: Sequence[Container] | Sequence[ContainerShape]) -> str:
    """The images of the main containers, each in single quotes, sorted, joined by commas (protocol.md, `version`)."""
    images = [f"'{one.image}'" for one in containers if one.kind == _MAIN]
    images.sort()
    return ",".join(images)


def _is_ipv6(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return False
    return True
