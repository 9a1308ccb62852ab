"""A pod as the matcher keeps it, and what changed between two records of it.

Of 100,000 pods each byte counts: a pod is its UID, its record's own part as the watcher packed it (the shape it shares with the
pods of its template), and what decides its emission.
Containers are decoded only when a pod that the reducer knows changes. The structs are outside the garbage collector's sight
(`gc=False`); the one cycle, pod ↔ group, is undone by hand when the pod goes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from common.messages import Epoch, OwnerKind
from common.records import UID, Container, Record, decode_pod_own_head, unpack_pod

if TYPE_CHECKING:
    from matcher.addresses import Choice
    from matcher.groups import Group


class Sending(msgspec.Struct, frozen=True, gc=False):
    """What went out in one epoch within `outbox.SHARED_SECONDS`. All pods of it share it: when a pod was sent costs it no byte."""

    epoch: Epoch
    since: float
    """Monotonic seconds of the first of it."""


MOVING: Final = b"moving"
"""Known by its identity."""

NEVER: Final = Sending(Epoch(0), float("-inf"))
"""The sending of a pod that has not gone out."""


class Owner(msgspec.Struct, frozen=True, gc=False):
    """The workload that the reducer is told for a pod."""

    kind: OwnerKind
    uid: str
    name: str


class Shape(msgspec.Struct, gc=False, eq=False):
    """What pods of one template have in common."""

    data: bytes
    """Their records' shape (`common.records`)."""
    group: Group
    pods: int = 0
    """How many have it."""


class Pod(msgspec.Struct, gc=False, eq=False):
    """The newest that is known of a pod, and in which epoch the reducer was told of it."""

    uid: UID
    shape: Shape
    own: bytes
    """Its record's own part (`common.records`); `MOVING` while the pod gets another shape."""
    place: int = 0
    """Its index in the group's list of pods."""
    owner: Owner | None = None
    """Who its group led to last. It stays while a new reference waits for its owner's record."""
    sent: Sending = NEVER
    """When something of it went out last. The reducer knows it in the epoch of that, and in no other."""
    last_ip: str = ""
    """The address that it had, while its record has none: the pod stays as it is."""

    def ip(self, choose: Choice) -> str:
        """The address to send; empty while it never had one. Read out of the record when it is wanted: kept, it would be 64 bytes."""
        return self.last_ip or choose(decode_pod_own_head(self.parts()[1]).ips)

    def parts(self) -> tuple[bytes, bytes]:
        """The shape and the own part of one record. Any thread may ask, here and by what is read out of them."""
        while True:
            own, shape = self.own, self.shape
            if own is not MOVING and own is self.own:
                return shape.data, own
            time.sleep(0)

    @property
    def group(self) -> Group:
        """The pods with the same controller reference, and who that leads to."""
        return self.shape.group

    @property
    def record(self) -> Record:
        """Its record. Any thread may ask."""
        shape, own = self.parts()
        return Record(shape, self.uid, own)


def new_containers(*, told: Record, record: Record) -> list[Container]:
    """The containers of a pod's record whose ID an earlier record of the pod, the one told, does not have.

    Raises one of `BAD_RECORD` for a record that cannot be decoded.
    """
    known = {container.id for container in unpack_pod(told).containers}
    return [container for container in unpack_pod(record).containers if container.id and container.id not in known]
