"""The normalized records: what podwire keeps of a Kubernetes object, and the names of its parts.

A record is packed once, by the watcher that normalized the object, and travels as those bytes through the matcher to the relay: nobody
on the way decodes more of it than it needs. Packed, it has three parts, each a msgpack value: its **shape**, which it shares with others
(for the pods of one template: controller, namespace, the names and images of containers), its UID, and what is its **own**. Whoever keeps
records keeps a shape once. Shape and own part are arrays; a later field may be appended to either, never inserted.
"""

from enum import IntEnum
from typing import Final, Literal, NewType

import msgspec

UID = NewType("UID", str)
"""`metadata.uid`: the only identity of an object. Names and addresses are used again by others."""

ResourceVersion = NewType("ResourceVersion", str)
"""`metadata.resourceVersion`: opaque, compared for equality only (Kubernetes API concepts)."""

Kind = Literal["pods", "replicasets", "jobs"]
"""A watched resource, by its plural name in the API."""

KINDS: tuple[Kind, ...] = ("pods", "replicasets", "jobs")
OWNER_KINDS: tuple[Kind, ...] = ("replicasets", "jobs")


ContainerId = NewType("ContainerId", bytes)
"""A `containerID`, packed: see `common.container_ids`."""


class ContainerKind(IntEnum):
    """Which list of the pod's status the container stands in."""

    MAIN = 0
    INIT = 1
    EPHEMERAL = 2


class Controller(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The owner reference with `controller: true`; there is at most one (metav1.OwnerReference)."""

    uid: UID
    kind: str
    """As written in the reference, for example `ReplicaSet`."""
    group: str
    """The API group of the reference's `apiVersion`: `apps` of `apps/v1`, empty for the core group."""
    name: str


class Container(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One container status."""

    kind: int
    """A `ContainerKind`."""
    id: ContainerId
    """Packed; empty while the runtime has not made the container."""
    name: str
    image: str


class PodRecord(msgspec.Struct, frozen=True, gc=False):
    """All that podwire keeps of a pod."""

    uid: UID
    ips: list[str]
    """`status.podIP` first, then those of `status.podIPs` that differ; empty while the pod has none."""
    controller: Controller | None
    host_network: bool
    namespace: str
    name: str
    containers: list[Container]


class OwnerRecord(msgspec.Struct, frozen=True, gc=False):
    """All that podwire keeps of a ReplicaSet or a Job."""

    uid: UID
    controller: Controller | None


BAD_RECORD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding any bytes may raise; nothing else."""


class ContainerShape(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a `Container` has in common with those of other pods."""

    kind: int
    name: str
    image: str


class PodShape(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a pod has in common with those of its template."""

    controller: Controller | None
    host_network: bool
    namespace: str
    containers: list[ContainerShape]


class PodShapeHead(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The beginning of a `PodShape`: who its pods are owned by."""

    controller: msgspec.Raw
    """Bytes of `Controller | None`."""


class PodOwn(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is a pod's own, beside its UID."""

    ips: list[str]
    name: str
    container_ids: list[ContainerId]
    """Those of the shape's containers, in their order."""


class PodOwnHead(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The beginning of a `PodOwn`: what decides whether a pod is emitted."""

    ips: list[str]


class Record(msgspec.Struct, frozen=True, gc=False):
    """A packed record in its parts. An owner's shape is its controller; it has nothing of its own."""

    shape: bytes
    uid: UID
    own: bytes

    def packed(self) -> bytes:
        """The record's bytes."""
        return join(self.shape, self.uid, self.own)


class PackedPod(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A packed `PodRecord`, its shape unread."""

    shape: msgspec.Raw
    uid: UID
    own: PodOwn


class _Parts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    shape: msgspec.Raw
    uid: UID
    own: msgspec.Raw


class _Pod(msgspec.Struct, array_like=True, frozen=True, gc=False):
    shape: PodShape
    uid: UID
    own: PodOwn


class _Owner(msgspec.Struct, array_like=True, frozen=True, gc=False):
    shape: Controller | None
    uid: UID


_THREE: Final = b"\x93"
"""A msgpack array of three begins so."""

NOTHING: Final = b"\xc0"
"""The own part of an owner's record: msgpack's nil."""

_pack = msgspec.msgpack.Encoder().encode
_pack_into = msgspec.msgpack.Encoder().encode_into
_room = bytearray()


def pack(part: PodShape | PodOwn | Controller | None) -> bytes:
    """A part's bytes; equal ones give equal bytes. They take no more memory than they need: parts are kept by the hundred thousand, and
    an encoder's own result is cut from a larger piece, whose rest is of little use (measured: 10 MB of 37 with 20,000 pods)."""
    _pack_into(part, _room)
    return bytes(_room)


def split_pod(record: PodRecord) -> Record:
    """It in its packed parts."""
    shapes = [ContainerShape(one.kind, one.name, one.image) for one in record.containers]
    shape = PodShape(record.controller, record.host_network, record.namespace, shapes)
    own = PodOwn(record.ips, record.name, [one.id for one in record.containers])
    return Record(pack(shape), record.uid, pack(own))


def split_owner(record: OwnerRecord) -> Record:
    """It in its packed parts."""
    return Record(pack(record.controller), record.uid, NOTHING)


def encode_record(record: PodRecord | OwnerRecord) -> bytes:
    """Its bytes; equal records give equal bytes."""
    parts = split_pod(record) if isinstance(record, PodRecord) else split_owner(record)
    return parts.packed()


def join(shape: bytes, uid: UID, own: bytes) -> bytes:
    """The bytes of the record with these parts."""
    return b"".join((_THREE, shape, _pack(uid), own))


def cut(packed: bytes | msgspec.Raw) -> Record:
    """A packed record's parts. Raises one of `BAD_RECORD` for bytes that have no such parts."""
    parts = _decode_parts(packed)
    return Record(bytes(parts.shape), parts.uid, bytes(parts.own))


def decode_pod(packed: bytes | msgspec.Raw) -> PodRecord:
    """A `PodRecord` of its bytes. Raises one of `BAD_RECORD`."""
    pod = _decode_pod(packed)
    shape, own = pod.shape, pod.own
    if len(shape.containers) != len(own.container_ids):
        raise msgspec.ValidationError("not one ID for each container")
    containers = [
        Container(one.kind, id_, one.name, one.image)
        for one, id_ in zip(shape.containers, own.container_ids, strict=True)
    ]
    return PodRecord(
        uid=pod.uid,
        ips=own.ips,
        controller=shape.controller,
        host_network=shape.host_network,
        namespace=shape.namespace,
        name=own.name,
        containers=containers,
    )


def decode_owner(packed: bytes | msgspec.Raw) -> OwnerRecord:
    """An `OwnerRecord` of its bytes. Raises as `decode_pod` does."""
    owner = _decode_owner(packed)
    return OwnerRecord(owner.uid, owner.shape)


def uid_of(packed: bytes | msgspec.Raw) -> UID:
    """The UID of the object that a record is of. Raises as `decode_pod` does."""
    return _decode_parts(packed).uid


_decode_parts = msgspec.msgpack.Decoder(_Parts).decode
_decode_pod = msgspec.msgpack.Decoder(_Pod).decode
_decode_owner = msgspec.msgpack.Decoder(_Owner).decode

decode_packed_pod = msgspec.msgpack.Decoder(PackedPod).decode
"""The `PackedPod` of a record's bytes. Raises as `decode_pod` does."""

decode_pod_shape = msgspec.msgpack.Decoder(PodShape).decode
"""A `PodShape` of its bytes. Raises as `decode_pod` does."""

decode_pod_shape_head = msgspec.msgpack.Decoder(PodShapeHead).decode
"""The `PodShapeHead` of a shape's bytes. Raises as `decode_pod` does."""

decode_pod_own_head = msgspec.msgpack.Decoder(PodOwnHead).decode
"""The `PodOwnHead` of an own part's bytes. Raises as `decode_pod` does."""

decode_controller = msgspec.msgpack.Decoder(Controller | None).decode
"""What `PodShapeHead.controller` says. Raises as `decode_pod` does."""
