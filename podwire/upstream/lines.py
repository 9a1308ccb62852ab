"""A recording of the upstream as lines: one for each message, and for each thing that keeps one from being read.

The decoding is the reference reducer's. Where a connection's bytes cannot be followed (its beginning is not recorded, the file is broken,
a breach of the protocol), what can be read goes on with the next connection. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

import msgspec

from common.clock import written
from common.logs import word
from common.recording import CONNECTED, Entry, Lost
from sandbox.reducer.decode import Decoder, ProtocolBreach
from sandbox.reducer.layout import NAMES
from sandbox.reducer.messages import Message


class Sent(msgspec.Struct, frozen=True):
    """A message that went to the reducer."""

    time_ns: int
    """Wall-clock time at which the last of it went out (ns since the Unix epoch)."""
    connection: int
    message: str
    """protocol.md's name."""
    stamp_ns: int
    """The message's own timestamp."""
    fields: dict[str, Any]


class Marker(msgspec.Struct, frozen=True):
    """A connection began or ended."""

    time_ns: int
    connection: int
    event: str


class Unreadable(msgspec.Struct, frozen=True):
    """Bytes of a connection that mean nothing, and why."""

    time_ns: int
    connection: int
    unreadable: str


class Broken(msgspec.Struct, frozen=True):
    """Bytes of the file that are no entry of a recording."""

    broken_at: int
    bytes: int


Line = Sent | Marker | Unreadable | Broken


def sent(message: Message, *, time_ns: int, connection: int, stamp_ns: int) -> Sent:
    """The line of a message."""
    fields = msgspec.structs.asdict(message)
    return Sent(time_ns=time_ns, connection=connection, message=NAMES[type(message)], stamp_ns=stamp_ns, fields=fields)


def lines(recorded: Iterable[Entry | Lost]) -> Iterator[Line]:
    """All lines of a recording, in its order."""
    decoders: dict[int, Decoder] = {}
    told: set[int] = set()
    for entry in recorded:
        match entry:
            case Lost(at=at, size=size):
                decoders.clear()  # what follows of these connections lacks something before it
                told.clear()
                yield Broken(broken_at=at, bytes=size)
            case Entry(connection=connection, wall_ns=wall_ns, what=str(event)):
                told.discard(connection)
                decoders.pop(connection, None)
                if event == CONNECTED:
                    decoders[connection] = Decoder()
                yield Marker(time_ns=wall_ns, connection=connection, event=event)
            case Entry(connection=connection) if connection in decoders:
                yield from _decoded(entry, decoders)
                if connection not in decoders:
                    told.add(connection)
            case Entry(connection=connection, wall_ns=wall_ns) if connection not in told:
                told.add(connection)
                why = "what came before it on this connection is not recorded"
                yield Unreadable(time_ns=wall_ns, connection=connection, unreadable=why)
            case Entry():
                pass
            case _:
                assert_never(entry)


def _decoded(entry: Entry, decoders: dict[int, Decoder]) -> Iterator[Line]:
    assert isinstance(entry.what, bytes)
    try:
        for stamp_ns, message in decoders[entry.connection].feed(entry.what):
            yield sent(message, time_ns=entry.wall_ns, connection=entry.connection, stamp_ns=stamp_ns)
    except ProtocolBreach as breach:
        del decoders[entry.connection]
        yield Unreadable(time_ns=entry.wall_ns, connection=entry.connection, unreadable=str(breach))


def text(line: Line) -> str:
    """The line for people."""
    match line:
        case Sent():
            fields = " ".join(f"{key}={word(value)}" for key, value in line.fields.items())
            return f"{written(line.time_ns)} #{line.connection} {line.message} {fields}".rstrip()
        case Marker():
            return f"{written(line.time_ns)} #{line.connection} {line.event}"
        case Unreadable():
            return f"{written(line.time_ns)} #{line.connection} cannot be read: {line.unreadable}"
        case Broken():
            return f"broken: {line.bytes} bytes from byte {line.broken_at} on are no entry of a recording"
        case _:
            assert_never(line)
