"""Which pod a person means: by name, UID, address or container ID; and whether a packed record is that pod's.

There is no index, since nobody asks often enough to pay for one: records are looked through as they are kept, by the bytes that the own
part of the one that is meant must hold. That costs a hundredth of decoding, so only what may be it is decoded.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar, assert_never

import msgspec

from common.container_ids import container_id
from common.errors import UsageError
from common.records import BAD_RECORD, UID, Container, PodRecord, Record, unpack_pod

LEAST_PREFIX: Final = 12
"""Digits of a container's ID that are enough: what `docker ps` and `crictl ps` show of it."""

CHUNK: Final = 2_000
"""Records looked through without a pause: about a millisecond."""

REST_SECONDS: Final = 0.0001
"""Enough for a loop that waits for the interpreter's lock to wake up and take it."""

Held = TypeVar("Held")

_CONTAINER = re.compile(rf"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<digits>[0-9a-f]{{{LEAST_PREFIX},}})")


class ByName(msgspec.Struct, frozen=True):
    """The pods of this name, those that took it over included."""

    namespace: str
    name: str


class ByUid(msgspec.Struct, frozen=True):
    """The pod itself."""

    uid: UID


class ByAddress(msgspec.Struct, frozen=True):
    """The pods that have it: many, when they are on the host's network."""

    ip: str


class ByContainer(msgspec.Struct, frozen=True):
    """The pods with a container whose ID begins so."""

    scheme: str
    """`containerd`, as in `containerd://ID`; empty: whichever."""
    digits: str


Wanted = ByName | ByUid | ByAddress | ByContainer


def parse_wanted(text: str) -> Wanted:
    """What `NAMESPACE/POD`, a UID, an IP address or a container's ID (or 12 digits of it) means. Raises UsageError."""
    container = _CONTAINER.fullmatch(text)
    if container:
        return ByContainer(container["scheme"] or "", container["digits"])
    if "://" in text:
        raise UsageError(f"{text!r} is no container ID: at least {LEAST_PREFIX} hexadecimal digits belong behind ://")
    namespace, slash, name = text.partition("/")
    if slash:
        if not namespace or not name or "/" in name:
            raise UsageError(f"{text!r} is no NAMESPACE/POD")
        return ByName(namespace, name)
    try:
        return ByAddress(str(ipaddress.ip_address(text)))
    except ValueError:
        return ByUid(UID(text))


class Search:
    """Finds what is wanted among packed records."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._needles = _needles(wanted)

    def record(self, packed: Record) -> PodRecord | None:
        """The record, when it is of a pod that is meant."""
        if not any(needle in packed.own for needle in self._needles):
            return None
        try:
            record = unpack_pod(packed)
        except BAD_RECORD:
            return None
        return record if _is(record, self.wanted) else None


def rest() -> None:
    """Lets a loop have its turn."""
    time.sleep(REST_SECONDS)


def gently(held: Iterable[Held], rest: Callable[[], None]) -> Iterator[Held]:
    """The same, with a `rest` after each chunk: whoever looks through much must not keep the interpreter's lock from a loop."""
    left = iter(held)
    while chunk := list(islice(left, CHUNK)):
        yield from chunk
        rest()


def _needles(wanted: Wanted) -> tuple[bytes, ...]:
    """Bytes of which the own part of the record of each pod that is meant holds one."""
    pack = msgspec.msgpack.encode
    match wanted:
        case ByName(name=name):
            return (pack(name),)  # the namespace is in the shape
        case ByUid():
            return (b"",)  # it is in neither part: pods are kept by it
        case ByAddress(ip=ip):
            return (pack(ip),)
        case ByContainer(scheme=scheme, digits=digits):
            return (bytes.fromhex(digits[: len(digits) // 2 * 2]), f"{scheme}://{digits}".encode())
        case _:
            assert_never(wanted)


def _is(record: PodRecord, wanted: Wanted) -> bool:
    match wanted:
        case ByName(namespace=namespace, name=name):
            return (record.namespace, record.name) == (namespace, name)
        case ByUid(uid=uid):
            return record.uid == uid
        case ByAddress(ip=ip):
            return ip in record.ips
        case ByContainer():
            return any(_is_of(container, wanted) for container in record.containers)
        case _:
            assert_never(wanted)


def _is_of(container: Container, wanted: ByContainer) -> bool:
    scheme, _, digits = container_id(container.id).partition("://")
    return digits.startswith(wanted.digits) and wanted.scheme in ("", scheme)
