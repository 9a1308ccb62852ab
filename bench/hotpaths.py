"""podwire's hot paths as functions of bytes, one for each process: what its loop does with what a socket brings, without the socket.

They run on the pure cores, so they hold whatever the cores hold: a change that makes one of them slower shows here.
"""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path as FilePath
from struct import Struct

from common import messages
from common.logs import Log
from common.messages import Emissions, Incarnation, Link, SnapshotAsk, SnapshotChunk, SnapshotGone, Updates
from common.records import OWNER_KINDS, Kind
from matcher.core import Core, FromWatcher
from matcher.settings import Settings
from relay.compress import Compressor
from relay.translate import Translator
from watcher.channel import Read, Request
from watcher.core import Watcher
from watcher.publish import Publisher
from watcher.scope import Scope

PODS = 1_000
OWNERS = 20
EVENTS = 1_000
USEFUL_EVERY = 5
"""One event of so many says something new."""

RECORD_BYTES = 16_384
"""A TLS record: what a read brings at most."""

_LENGTH = Struct(">I")
_MEDIA = {"content-type": "application/vnd.kubernetes.protobuf;stream=watch"}


@dataclass(frozen=True)
class Path:
    """A hot path: what its name says, how many units one run does, and the run."""

    name: str
    units: int
    run: Callable[[], object]


def paths() -> list[Path]:
    """All, with what they work on made already."""
    listed = _reads()
    moves = cycle([_moves(variant=1), _moves(variant=2)])
    full = _listed(listed)
    emissions = _emissions(full)
    followed = _listed(listed)
    return [
        Path("watcher: a list's pod, to the matcher's bytes", PODS, lambda: _listed(listed)),
        Path("watcher: an event by itself, one in five news", EVENTS, lambda: _moved(followed, next(moves))),
        Path("matcher: a snapshot's pod, to the relay's bytes", PODS, lambda: _emissions(full)),
        Path("relay: a pod's emission, to compressed bytes", PODS, lambda: _compressed(emissions)),
    ]


def events() -> list[Callable[[], object]]:
    """The watcher's work for single events, one in five news, of a watcher that has read its list."""
    followed = _listed(_reads())
    return [partial(_tell, followed, one) for one in _moves(variant=1) + _moves(variant=2)]


# The watcher's -------------------------------------------------------------------------------------------------------------------


class _Channel:
    """Asks nobody."""

    def ask(self, request: Request) -> None:
        """What is answered does not depend on it."""

    def hang_up(self) -> None:
        """There is nothing to close."""

    def forget_credentials(self) -> None:
        """There are none."""


def _watcher(kind: Kind = "pods") -> Watcher:
    scope = Scope(
        kind=kind,
        namespace=None,
        selectors={},
        encoding="protobuf",
        streaming="always",
        channel=_Channel(),
        log=Log("bench"),
        random_=random.Random(1),
    )
    publisher = Publisher(kind=kind, incarnation=Incarnation(f"bench-{kind}"), records=scope.store.records)
    return Watcher(scopes=[scope], publisher=publisher)


def _reads() -> list[bytes]:
    """A streaming list of `PODS` pods, as it is read."""
    stream = b"".join(frame("ADDED", pod(number)) for number in range(PODS)) + _bookmark()
    return [stream[at : at + RECORD_BYTES] for at in range(0, len(stream), RECORD_BYTES)]


def _listed(parts: list[bytes], kind: Kind = "pods") -> Watcher:
    """A watcher that has read a streaming list and encoded what it tells."""
    watcher = _watcher(kind)
    (scope,) = watcher.scopes
    watcher.tick(now=0.0, stamp_ns=1)
    watcher.take(scope, [Read(200, _MEDIA, began=True, parts=[], complete=False)], now=0.0, stamp_ns=1)
    for part in parts:
        _tell(watcher, part)
    return watcher


def _moved(watcher: Watcher, frames: list[bytes]) -> None:
    for one in frames:
        _tell(watcher, one)


def _tell(watcher: Watcher, part: bytes) -> None:
    read = Read(200, _MEDIA, began=False, parts=[part], complete=False)
    for message in watcher.take(watcher.scopes[0], [read], now=0.0, stamp_ns=1):
        messages.encode(message)


# The matcher's -------------------------------------------------------------------------------------------------------------------


_SETTINGS = Settings(
    run_dir=FilePath(),
    admin="off",
    peers={},
    keys_dir=None,
    owner_wait_seconds=60.0,
    max_waiting=10_000,
    ip_family="ipv4",
    climb=False,
)


def _emissions(pods: Watcher) -> list[bytes]:
    """All frames that a matcher that takes the watchers' snapshots has for the relay."""
    watchers = {kind: _listed([_owners(), _bookmark()], kind) for kind in OWNER_KINDS}
    watchers["pods"] = pods
    core = Core(_SETTINGS, incarnation=Incarnation("bench-matcher"), log=Log("bench"))
    core.from_relay(_link(), 0.0)
    core.start(0.0)
    while core.asks:
        kind, ask = core.asks.popitem()
        core.from_watcher(kind, _answer(watchers[kind], ask), 0.0)
    return list(_taken(core))


def _answer(watcher: Watcher, ask: SnapshotAsk) -> FromWatcher:
    """The answer, as it comes out of a socket."""
    found = messages.decode(messages.encode(watcher.answer(b"matcher", ask, now=0.0)))
    assert isinstance(found, SnapshotChunk | SnapshotGone | Updates)
    return found


def _taken(core: Core) -> Iterator[bytes]:
    while (emissions := core.take()) is not None:
        yield messages.encode(emissions)


def _link() -> Link:
    return Link(
        relay=Incarnation("bench-relay"),
        connection=1,
        connected=True,
        since_ns=1,
        epoch=messages.Epoch(0),
        matcher=Incarnation(""),
        taken=0,
        broken=False,
        accepting=True,
    )


# The relay's ---------------------------------------------------------------------------------------------------------------------


def _compressed(frames: list[bytes]) -> int:
    """Bytes that go to the reducer."""
    translator, compressor, size = Translator(lambda *_: None), Compressor(), 0
    for one in frames:
        batch = messages.decode(one)
        assert isinstance(batch, Emissions)
        plain = translator.translate(batch.emissions, epoch=batch.epoch, first=batch.first, stamp_ns=1)
        size += len(compressor.compress(b"".join(plain)))
    return size


# Objects as the API server writes them -----------------------------------------------------------------------------------------------


def _moves(*, variant: int) -> list[bytes]:
    """Events: the first pods are told anew, one in five, the others only seem to change."""
    news = EVENTS // USEFUL_EVERY
    return [
        frame(
            "MODIFIED",
            pod(at // USEFUL_EVERY, variant=variant) if at % USEFUL_EVERY == 0 else pod(news + at % (PODS - news)),
        )
        for at in range(EVENTS)
    ]


def _owners() -> bytes:
    """The ReplicaSets; Jobs need none of their own, so they take these too."""
    return b"".join(
        frame(
            "ADDED",
            field(1, field(1, f"service-{n}") + field(5, _owner_uid(n)) + field(13, _reference("Deployment", n))),
        )
        for n in range(OWNERS)
    )


def _owner_uid(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


def _reference(kind: str, number: int) -> bytes:
    """A metav1.OwnerReference to the controller."""
    uid = _owner_uid(number if kind == "ReplicaSet" else number + OWNERS)
    return field(1, kind) + field(3, f"service-{number}") + field(4, uid) + field(5, "apps/v1") + b"\x30\x01"


def pod(number: int, *, variant: int = 0) -> bytes:
    """A pod of two containers and 5 KB; each variant has others."""
    chance = random.Random(number)
    meta = [
        field(1, f"service-{number % 50}-{number}"),
        field(3, f"team-{number % 20}"),
        field(5, str(uuid.UUID(int=chance.getrandbits(128)))),
        field(6, str(1_000_000 + number)),
        *(field(12, field(1, f"note-{n}") + field(2, f"{chance.getrandbits(800):x}")) for n in range(8)),
        field(13, _reference("ReplicaSet", number % OWNERS)),
        *(field(17, field(1, "kubelet") + field(7, field(1, "f" * 900))) for _ in range(2)),
    ]
    ids = random.Random(number * 1_000_003 + variant)
    statuses = [
        field(
            8,
            field(1, name)
            + field(6, f"registry.example/{name}:1")
            + field(8, f"containerd://{ids.getrandbits(256):064x}"),
        )
        for name in ("app", "proxy")
    ]
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    status = b"".join([field(6, address), *statuses, field(12, field(1, address))])
    spec = b"".join(field(7, f"setting-{n}" * 8) for n in range(16))
    return field(1, b"".join(meta)) + field(2, spec) + field(3, status)


def frame(kind: str, item: bytes) -> bytes:
    """A watch event of an object, with its length."""
    wrapped = b"k8s\0" + field(1, field(1, "v1") + field(2, "Pod")) + field(2, item) + field(3, "") + field(4, "")
    event = field(1, kind) + field(2, field(1, wrapped))
    return _LENGTH.pack(len(event)) + event


def _bookmark() -> bytes:
    """What ends a streaming list."""
    ends = field(12, field(1, "k8s.io/initial-events-end") + field(2, "true"))
    return frame("BOOKMARK", field(1, field(6, "2000000") + ends))


def field(number: int, value: bytes | str) -> bytes:
    """A protobuf field of bytes, a string or a message."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
