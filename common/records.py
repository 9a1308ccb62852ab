"""The normalized records: what podwire keeps of a Kubernetes object, and the names of its parts.

A record is packed once, by the watcher that normalized the object, and travels packed through the matcher to the relay: nobody on the way
unpacks more of it than it needs. Packed, it is a `Record` of three parts: its **shape**, which it shares with others (for the pods of one
template: controller, namespace, the names and images of containers), its UID, and what is its **own**. Whoever keeps records keeps a shape
once. Shape and own part are msgpack; those of a pod are arrays, and a later field may be appended to either, never inserted.
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


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A packed record. An owner's shape is its controller; it has nothing of its own."""

    shape: bytes
    uid: UID
    own: bytes

    @property
    def size(self) -> int:
        """Bytes that its parts take, as long as its UID is ASCII, as those of Kubernetes are."""
        return len(self.shape) + len(self.uid) + len(self.own)


NOT_ONE_ID_EACH: Final = "not one ID for each container"
"""What is wrong with a shape and an own part that do not belong together."""

NOTHING: Final = b"\xc0"
"""The own part of an owner's record: msgpack's nil."""

_pack_into = msgspec.msgpack.Encoder().encode_into
_room = bytearray()


def pack(part: PodShape | PodOwn | Controller | None) -> bytes:
    """A part's bytes; equal ones give equal bytes. They take no more memory than they need: parts are kept by the hundred thousand, and
    an encoder's own result is cut from a larger piece, whose rest is of little use (measured: 10 MB of 37 with 20,000 pods)."""
    _pack_into(part, _room)
    return bytes(_room)


def pack_record(record: PodRecord | OwnerRecord) -> Record:
    """It, packed; equal records give equal parts."""
    if isinstance(record, OwnerRecord):
        return Record(pack(record.controller), record.uid, NOTHING)
    shapes = [ContainerShape(one.kind, one.name, one.image) for one in record.containers]
    shape = PodShape(record.controller, record.host_network, record.namespace, shapes)
    own = PodOwn(record.ips, record.name, [one.id for one in record.containers])
    return Record(pack(shape), record.uid, pack(own))


def unpack_pod(record: Record) -> PodRecord:
    """The `PodRecord` that was packed. Raises one of `BAD_RECORD`."""
    shape, own = decode_pod_shape(record.shape), decode_pod_own(record.own)
    if len(shape.containers) != len(own.container_ids):
        raise msgspec.ValidationError(NOT_ONE_ID_EACH)
    containers = [
        Container(one.kind, id_, one.name, one.image)
        for one, id_ in zip(shape.containers, own.container_ids, strict=True)
    ]
    return PodRecord(
        uid=record.uid,
        ips=own.ips,
        controller=shape.controller,
        host_network=shape.host_network,
        namespace=shape.namespace,
        name=own.name,
        containers=containers,
    )


def unpack_owner(record: Record) -> OwnerRecord:
    """The `OwnerRecord` that was packed. Raises one of `BAD_RECORD`."""
    return OwnerRecord(record.uid, decode_controller(record.shape))


decode_pod_shape = msgspec.msgpack.Decoder(PodShape).decode
"""A `PodShape` of its bytes. Raises one of `BAD_RECORD`."""

decode_pod_own = msgspec.msgpack.Decoder(PodOwn).decode
"""A `PodOwn` of its bytes. Raises one of `BAD_RECORD`."""

decode_pod_shape_head = msgspec.msgpack.Decoder(PodShapeHead).decode
"""The `PodShapeHead` of a shape's bytes. Raises one of `BAD_RECORD`."""

decode_pod_own_head = msgspec.msgpack.Decoder(PodOwnHead).decode
"""The `PodOwnHead` of an own part's bytes. Raises one of `BAD_RECORD`."""

decode_controller = msgspec.msgpack.Decoder(Controller | None).decode
"""What an owner's shape, or `PodShapeHead.controller`, says. Raises one of `BAD_RECORD`."""
