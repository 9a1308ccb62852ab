"""Every message between podwire's processes, and its codec.

One ZeroMQ frame holds one message: a msgpack array that begins with the message's tag and the protocol's version. `decode` takes
any bytes and gives a message or raises `BadMessage` with a reason that is safe to log; it never raises anything else, so a hostile
or foreign frame can be dropped and counted where it arrives. The table of who sends what to whom is in docs/architecture.md.

Every message names the life it belongs to (`Incarnation`): whoever reads something of another life drops it.
"""

import os
from enum import IntEnum
from typing import Final, NewType

import msgspec

from common.records import UID, Container, Kind, Record

VERSION: Final = 4
"""The protocol's version. It changes with any change of a message that an older process would misread."""

Incarnation = NewType("Incarnation", str)
"""One life of a process: drawn at random at its start."""

Sequence = NewType("Sequence", int)
"""Numbers the `Updates` of one watcher's life, from 1, without gaps."""

Epoch = NewType("Epoch", int)
"""Numbers the matcher's resyncs, from 1, across restarts of the matcher: what the reducer is told in `pod_resync`."""


class BadMessage(Exception):
    """A frame that is not a message of this protocol version. Its text says why and quotes nothing of the frame."""


def new_incarnation() -> Incarnation:
    """A fresh life: 8 random bytes in hex."""
    return Incarnation(os.urandom(8).hex())


class Message(msgspec.Struct, array_like=True, frozen=True, gc=False, kw_only=True):
    """What all messages have. The version comes right behind the tag."""

    version: int = VERSION


# Watcher → matcher -------------------------------------------------------------------------------------------------------------


class Init(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=0):
    """A list has begun. The differences it finds follow as `Apply` and `Delete`, then `InitDone`."""


class Apply(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=1):
    """This is the newest record of an object. Sent only when it differs from the record before."""

    record: Record
    """Of a `PodRecord` or an `OwnerRecord`, by the watcher's kind."""


class Delete(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=2):
    """The object is gone."""

    uid: UID


class InitDone(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=3):
    """The list is complete: everything that the watcher has is what the cluster held at one moment, and it follows from there."""


Event = Init | Apply | Delete | InitDone


class Condition(IntEnum):
    """How a watcher stands to the API server."""

    LISTING = 0
    """No complete list yet in this life (its store is partial)."""
    FOLLOWING = 1
    """Listed once and watching, or about to watch again after a fault."""
    FORBIDDEN = 2
    """The API server refuses list or watch (403): what it has may be old or nothing."""


class Usage(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Resources that a process has used since its start (getrusage(2))."""

    user_us: int = 0
    system_us: int = 0
    max_rss_kib: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    blocks_in: int = 0
    blocks_out: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0


class Updates(Message, tag=10, frozen=True, kw_only=True):
    """PUB: what one read from the API server brought, in order. `sequence` is one more than that of the `Updates` before."""

    kind: Kind
    incarnation: Incarnation
    sequence: Sequence
    stamp_ns: int
    """Wall-clock time at which the read returned, in ns since the Unix epoch. For lag metrics only."""
    events: list[Event]


class Beat(Message, tag=11, frozen=True, kw_only=True):
    """PUB, once a second and at each change of condition: the newest sequence number, so that a lost last update is noticed."""

    kind: Kind
    incarnation: Incarnation
    sequence: Sequence
    condition: Condition
    usage: Usage


class SnapshotAsk(Message, tag=12, frozen=True, kw_only=True):
    """DEALER → ROUTER: asks for one chunk of a snapshot. Index 0 freezes a new snapshot for this request; each chunk is asked for
    when the one before has been taken, so the asker sets the pace and neither side holds more than a chunk."""

    request: int
    """Chosen by the asker, new for each snapshot; repeated in the chunks."""
    index: int


class SnapshotChunk(Message, tag=13, frozen=True, kw_only=True):
    """ROUTER → DEALER: one chunk. All chunks of a request show the store as it stood at `sequence`."""

    request: int
    index: int
    kind: Kind
    incarnation: Incarnation
    sequence: Sequence
    condition: Condition
    """At the moment of the snapshot. `LISTING`: the store was partial, the rest follows as `Updates` up to `InitDone`."""
    records: list[Record]
    last: bool
    objects: int = 0
    """Of the whole snapshot. For people: an older watcher does not tell."""


class SnapshotGone(Message, tag=14, frozen=True, kw_only=True):
    """ROUTER → DEALER: the snapshot of this request is not (or no longer) kept here; ask again from index 0 with a new request."""

    request: int
    incarnation: Incarnation


# Matcher → relay -----------------------------------------------------------------------------------------------------------------


class OwnerKind(IntEnum):
    """protocol.md's `owner_kind`."""

    REPLICA_SET = 0
    DEPLOYMENT = 1
    JOB = 2
    CRON_JOB = 3
    NONE = 254
    OTHER = 255


class Resync(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=0):
    """`pod_resync` with the batch's epoch: always the first emission of an epoch, and only there."""


class PodNew(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=1):
    """`pod_new_with_name`, and with `containers` a `pod_container` for each container of the record that has an ID."""

    record: Record
    """Of a `PodRecord`."""
    ip: str
    """The address to send; empty or not IPv4: 0.0.0.0 on the wire."""
    owner_kind: int
    """An `OwnerKind`."""
    owner_name: str
    """Of the owner; with kind NONE the relay sends the pod's name (protocol.md)."""
    owner_uid: str
    containers: bool


class PodContainers(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=2):
    """A `pod_container` for each: those that are new in a pod that was emitted before in this epoch."""

    uid: UID
    containers: list[Container]


class PodDelete(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=3):
    """`pod_delete`."""

    uid: UID


Emission = Resync | PodNew | PodContainers | PodDelete


class Emissions(Message, tag=20, frozen=True, kw_only=True):
    """PUSH: emissions in order. `first` numbers the first one within its epoch, from 1; the next batch's `first` goes on from there."""

    relay: Incarnation
    """With `connection`: the upstream connection that these are for. The relay drops what is for another."""
    connection: int
    matcher: Incarnation
    epoch: Epoch
    first: int
    stamp_ns: int
    """`stamp_ns` of the newest update in it; 0 where it comes from no update (a resync)."""
    emissions: list[Emission]


class Report(Message, tag=21, frozen=True, kw_only=True):
    """PUSH, once a second: the health and the sum of resources of the watchers and the matcher."""

    matcher: Incarnation
    healthy: bool
    """False while any watcher is silent, listing or forbidden."""
    usage: Usage


# Relay → matcher -----------------------------------------------------------------------------------------------------------------


class Link(Message, tag=30, frozen=True, kw_only=True):
    """PUB, at each change and once a second: the upstream connection's state and the last emission taken."""

    relay: Incarnation
    connection: int
    """Numbers this relay's connections from 1; 0 before the first."""
    connected: bool
    """The handshake is out: emissions for `connection` are taken."""
    since_ns: int
    """Wall-clock time of the last change of `connected`. For people."""
    epoch: Epoch
    """The newest epoch seen on this connection's or an earlier one's emissions; 0 at first."""
    matcher: Incarnation
    """Whose epoch that is; empty at first."""
    taken: int
    """Number of the last emission taken in that epoch on this connection; 0 before."""
    broken: bool
    """A gap was seen in that epoch: nothing more of it is taken, a new epoch has to come."""
    accepting: bool
    """False while a slow reducer has filled the buffer and emissions are left in the socket."""


AnyMessage = Updates | Beat | SnapshotAsk | SnapshotChunk | SnapshotGone | Emissions | Report | Link


class _Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    tag: int
    version: int


encode = msgspec.msgpack.Encoder().encode
"""The bytes of a message."""

_decode = msgspec.msgpack.Decoder(AnyMessage).decode
_decode_head = msgspec.msgpack.Decoder(_Head).decode


def decode(frame: bytes | memoryview) -> AnyMessage:
    """The message in a frame. Nothing of it refers to the frame's memory.

    Raises BadMessage for bytes that are no message, or one of another protocol version.
    """
    try:
        message: AnyMessage = _decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage(_fault(frame)) from error
    if message.version != VERSION:
        raise BadMessage(_foreign(message.version))
    return message


def is_of_watcher(frame: bytes | memoryview) -> bool:
    """Whether it is an `Updates` or a `Beat`, of any version."""
    try:
        return _decode_head(frame).tag in (Updates.__struct_config__.tag, Beat.__struct_config__.tag)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _fault(frame: bytes | memoryview) -> str:
    try:
        head = _decode_head(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not a podwire message"
    return _foreign(head.version) if head.version != VERSION else f"malformed message of tag {head.tag}"


def _foreign(version: int) -> str:
    return f"protocol version {version}, this process speaks {VERSION}"
