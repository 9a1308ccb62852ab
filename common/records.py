"""The normalized records: what podwire keeps of a Kubernetes object, and the names of its parts.

A record is encoded once, by the watcher that normalized the object, and travels as those bytes through the matcher to the relay:
nobody on the way decodes more of it than it needs. Fields that the matcher decides by come first, so `PodHead` decodes the
beginning of a `PodRecord` and skips the rest. All are msgpack arrays; a later field may be appended, never inserted.
"""

from binascii import unhexlify
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
"""A `containerID`, packed: see `pack_container_id`."""


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


class PodHead(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The beginning of a `PodRecord`: what decides whether and how a pod is emitted."""

    uid: UID
    ips: list[str]
    """`status.podIP` first, then those of `status.podIPs` that differ; empty while the pod has none."""
    controller: msgspec.Raw
    """Bytes of `Controller | None`. The pods of one controller have the same ones, so they are compared and not decoded."""


class PodRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All that podwire keeps of a pod."""

    uid: UID
    ips: list[str]
    controller: Controller | None
    host_network: bool
    namespace: str
    name: str
    containers: list[Container]


class OwnerRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All that podwire keeps of a ReplicaSet or a Job."""

    uid: UID
    controller: Controller | None


_DIGITS: Final = 64
_RUNTIMES: Final = ("containerd://", "docker://", "cri-o://")
"""By the number that stands for them."""
_USUAL: Final = {len(scheme) + _DIGITS: (scheme, bytes((number,))) for number, scheme in enumerate(_RUNTIMES)}
"""Those of which an ID of so many characters can be."""
_VERBATIM: Final = b"\xff"
"""Stands before a text that would look packed. No UTF-8 begins so."""


def pack_container_id(text: str) -> ContainerId:
    """The usual ones, of 64 digits, in less than half the bytes: there are two a pod, in the records of two processes. Others verbatim."""
    usual = _USUAL.get(len(text))
    if usual is not None and text.startswith(usual[0]):
        digits = text[-_DIGITS:]
        try:
            packed = unhexlify(digits)
        except ValueError:
            packed = b""
        if packed.hex() == digits:  # capitals are digits too
            return ContainerId(usual[1] + packed)
    verbatim = text.encode()
    return ContainerId(_VERBATIM + verbatim if verbatim and verbatim[0] < len(_RUNTIMES) else verbatim)


def container_id(packed: ContainerId) -> str:
    """`containerID` verbatim, scheme included; of bytes that are none, some text."""
    if packed and packed[0] < len(_RUNTIMES):
        return _RUNTIMES[packed[0]] + packed[1:].hex()
    return packed.removeprefix(_VERBATIM).decode("utf-8", "replace")


BAD_RECORD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding any bytes may raise; nothing else."""

_encode_into = msgspec.msgpack.Encoder().encode_into
_room = bytearray()


def encode_record(record: PodRecord | OwnerRecord) -> bytes:
    """Its bytes; equal records give equal bytes. They take no more memory than they need: records are kept by the hundred thousand, and
    an encoder's own result is cut from a larger piece, whose rest is of little use (measured: 10 MB of 37 with 20,000 pods)."""
    _encode_into(record, _room)
    return bytes(_room)


decode_pod = msgspec.msgpack.Decoder(PodRecord).decode
"""A `PodRecord` of its bytes. Raises one of `BAD_RECORD`."""

decode_pod_head = msgspec.msgpack.Decoder(PodHead).decode
"""The `PodHead` of a `PodRecord`'s bytes. Raises as `decode_pod` does."""

decode_controller = msgspec.msgpack.Decoder(Controller | None).decode
"""What `PodHead.controller` says. Raises as `decode_pod` does."""

decode_owner = msgspec.msgpack.Decoder(OwnerRecord).decode
"""An `OwnerRecord` of its bytes. Raises as `decode_pod` does."""
