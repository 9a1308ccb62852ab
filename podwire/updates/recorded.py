"""The messages of a recording of updates. Pure."""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import chain
from typing import NamedTuple

from common.messages import BadMessage, Beat, Updates, decode, is_of_watcher
from common.recording import WATCHER, WATCHER_HASHED, Entry, Lost


class Published(NamedTuple):
    """A message that a watcher published."""

    wall_ns: int
    message: Updates | Beat


class Unread(NamedTuple):
    """Bytes that are no message, and why."""

    wall_ns: int | None
    """None where not even the time can be read."""
    size: int
    why: str


def published(recorded: Iterable[Entry | Lost]) -> Iterator[Published | Unread]:
    """All of it, in its order. The markers of lives are left out: each message names its own."""
    for entry in recorded:
        match entry:
            case Lost(at=at, size=size):
                yield Unread(None, size, f"from byte {at} on they are no entry of a recording")
            case Entry(wall_ns=wall_ns, what=bytes(frame)):
                yield _message(wall_ns, frame)
            case Entry():
                pass


def _message(wall_ns: int, frame: bytes) -> Published | Unread:
    try:
        message = decode(frame)
    except BadMessage as error:
        return Unread(wall_ns, len(frame), str(error))
    if isinstance(message, Updates | Beat):
        return Published(wall_ns, message)
    return Unread(wall_ns, len(frame), "no message of a watcher")


class Sort(Enum):
    """What a recording is of."""

    UPDATES = auto()
    UPSTREAM = auto()
    NOTHING = auto()
    """It has no entry."""


def told_apart(recorded: Iterable[Entry | Lost]) -> tuple[Sort, Iterator[Entry | Lost]]:
    """What it is of, by its first entries, and all of it. What a relay sent are bytes of protocol.md, which are no message of podwire's."""
    rest = iter(recorded)
    seen: list[Entry | Lost] = []
    for entry in rest:
        seen.append(entry)
        if isinstance(entry, Entry):
            return _sort(entry.what), chain(seen, rest)
    return Sort.NOTHING, iter(seen)


def _sort(what: bytes | str) -> Sort:
    of_updates = what in (WATCHER, WATCHER_HASHED) if isinstance(what, str) else is_of_watcher(what)
    return Sort.UPDATES if of_updates else Sort.UPSTREAM
