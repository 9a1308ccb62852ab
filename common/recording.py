"""Recordings of the upstream: a msgpack stream of `[connection, wall_ns, what]`, readable by the msgpack package's `Unpacker`.

`what` is bytes as they went over the wire, or a marker: the text `connected`, or `closed: ` and why. The relay writes what it sent, the
reference reducer what came. Whoever writes may be killed, or find the disk full, in the middle of an entry, and another life may go
on behind that: `entries` says what is lost and resumes at the next whole entry.
"""

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from common.errors import UsageError

CONNECTED: Final = "connected"
"""The marker of a connection's beginning: its number may have been another's before, in another life of the process."""

WATCHER: Final = "connected: a watcher"
"""The marker of the beginning of a watcher's life, which publishes what follows."""

WATCHER_HASHED: Final = "connected: a watcher, hashed"
"""The same, where names are hashed in what follows."""

Data = bytes | memoryview
Recorded = bytes | mmap.mmap

_HEAD: Final = re.compile(
    rb"\x93(?:[\x00-\x7f]|\xcc.|\xcd..|\xce.{4})(?P<time>\xcf)[\x17-\x1f].{7}"
    rb"(?:\xc4(.)|\xc5(..)|\xc6(.{4})|(?P<fixed>[\xa8-\xbf])(?=connected|closed: )|\xd9(.)(?=closed: )|\xda(..)(?=closed: ))",
    re.DOTALL,
)
"""An entry up to what `what` holds, with its length in the one group that takes part. Times of the years 2022 to 2042 begin so."""

_LONGEST_HEAD_BYTES: Final = 32


class Entry(NamedTuple):
    """What went over one connection at one time, or a marker."""

    connection: int
    wall_ns: int
    """Wall-clock time, ns since the Unix epoch."""
    what: bytes | str


class Lost(NamedTuple):
    """Bytes of the file that are no whole entry."""

    at: int
    size: int


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


def encode_entry(*, connection: int, wall_ns: int, what: Data | str) -> bytes:
    """The bytes of an entry."""
    return _encode([connection, wall_ns, what])


class Recording:
    """A file that is being written; each entry is in it at once, so a process that is killed leaves a readable recording."""

    def __init__(self, path: Path, *, begins: str = "anew") -> None:
        """`begins` it `anew`, or goes on `behind` what is there. Only its owner may read it.

        Raises UsageError where it cannot be written.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if begins == "anew" else 0)
        try:
            self._file = os.open(path, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"cannot record to {path}: {error.strerror}") from error

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self._file).st_size

    def write(self, *, connection: int, wall_ns: int, what: Data | str) -> None:
        """Adds an entry. Raises OSError where it is not in the file as a whole."""
        self.append(encode_entry(connection=connection, wall_ns=wall_ns, what=what))

    def append(self, data: bytes) -> None:
        """Adds bytes. Raises OSError where they are not in the file as a whole."""
        left = memoryview(data)
        while left:  # a disk that has become full takes a part, and says why at the next
            left = left[os.write(self._file, left) :]

    def close(self) -> None:
        """Ends the recording."""
        os.close(self._file)


def entries(data: Recorded) -> Iterator[Entry | Lost]:
    """All of a recording in its order. What should be an entry and has the beginning of another within it was torn before that."""
    at = 0
    while at < len(data):
        found = _entry(data, at)
        entry, within, stop = found or (None, at + 1, len(data))
        resumed = _next(data, within, stop)
        if entry is not None and resumed is None:
            yield entry
        else:
            stop = len(data) if resumed is None else resumed
            yield Lost(at=at, size=stop - at)
        at = stop


def _entry(data: Recorded, at: int) -> tuple[Entry, int, int] | None:
    """The entry that begins there, where its time stands, and where it ends; None where there is no whole one.

    Before its time there is nothing but the connection's number, whose bytes may look like the beginning of another.
    """
    head = _HEAD.match(data, at)
    if head is None:
        return None
    stop = head.end() + _length(head)
    if stop > len(data):
        return None
    try:
        return Entry(*_decode(data[at:stop])), head.start("time"), stop  # the head says that there are these three
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _length(head: re.Match[bytes]) -> int:
    if fixed := head["fixed"]:
        return fixed[0] & 0x1F
    return int.from_bytes(next(group for group in head.groups()[1:] if group is not None))


def _next(data: Recorded, start: int, stop: int) -> int | None:
    """Where in these bytes an entry begins. It takes more than the look of a head: compressed bytes have that once in 300 MB."""
    for head in _HEAD.finditer(data, start, min(len(data), stop + _LONGEST_HEAD_BYTES)):
        if head.start() >= stop:
            return None
        found = _entry(data, head.start())
        if found is not None and (isinstance(found[0].what, str) or _goes_on(data, found[2])):
            return head.start()
    return None


def _goes_on(data: Recorded, at: int) -> bool:
    return len(data) - at < _LONGEST_HEAD_BYTES or _HEAD.match(data, at) is not None
