"""All connections of a reference reducer: decodes what comes, keeps each connection's state, and writes down what was found.

The reducer's core, without a socket; clocks are handed in. A connection that closes gives its pods back, as a reducer's does; its facts
and counts stay for the last `KEPT_CONNECTIONS`.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from sandbox.reducer import messages
from sandbox.reducer.decode import Decoder, ProtocolBreach
from sandbox.reducer.invariants import Rule, faults
from sandbox.reducer.journal import Finding, Journal, Kind
from sandbox.reducer.messages import Message
from sandbox.reducer.state import ConnectionState

KEPT_CONNECTIONS: Final = 1_000

HEARTBEAT_SECONDS: Final = 2.0
"""The interval of heartbeats on an idle connection (protocol.md)."""

HEARTBEAT_MARGIN_SECONDS: Final = 1.0
"""A busy machine may be this late before it is noted."""


class Clock(NamedTuple):
    """Where the ledger reads time."""

    monotonic: Callable[[], float]
    """Seconds."""
    wall_ns: Callable[[], int]
    """Nanoseconds since the Unix epoch."""


class Volume(NamedTuple):
    """Bytes."""

    wire: int
    """As they came."""
    plain: int
    """Of the messages in them."""


class Connection:
    """One connection, open or closed."""

    def __init__(self, *, number: int, peer: str, opened_ns: int, heard_at: float) -> None:
        self.number = number
        """From 1, in the order in which they came."""
        self.peer = peer
        self.opened_ns = opened_ns
        self.closed_ns: int | None = None
        self.ended = ""
        """Why it closed; empty while it is open."""
        self.decoder = Decoder()
        self.state = ConnectionState()
        self.messages = 0
        self.heard_at = heard_at
        """Monotonic time of the last bytes, or of the opening."""


class Ledger:
    """The reference reducer, less its sockets."""

    def __init__(self, *, clock: Clock, kept_arrivals: int = 100_000) -> None:
        self.journal = Journal(kept_arrivals=kept_arrivals)
        self.connections: dict[int, Connection] = {}
        """By number: those that are open, and the newest of those that are closed."""
        self.newest_epoch: int | None = None
        """The last `resync_count` on any connection."""
        self.opened = 0
        """Connections that ever came."""
        self._clock = clock
        self._closed_counts: Counter[type[Message]] = Counter()
        self._closed_volume = Volume(0, 0)

    @property
    def live(self) -> Connection | None:
        """The newest open connection: what it tells counts."""
        return next((one for one in reversed(self.connections.values()) if one.closed_ns is None), None)

    def counts(self) -> Counter[type[Message]]:
        """Messages of all connections, those that are forgotten included."""
        return sum((one.state.messages for one in self._open()), start=Counter(self._closed_counts))

    def volume(self) -> Volume:
        """Bytes of all connections, those that are forgotten included."""
        volume = self._closed_volume
        for connection in self._open():
            volume = _more(volume, connection.decoder)
        return volume

    def open(self, peer: str) -> Connection:
        """A connection has come."""
        self.opened += 1
        connection = Connection(
            number=self.opened, peer=peer, opened_ns=self._clock.wall_ns(), heard_at=self._clock.monotonic()
        )
        self.connections[connection.number] = connection
        self._arrived(connection, "", "connected")
        return connection

    def receive(self, connection: Connection, data: bytes) -> None:
        """Takes the next bytes of an open connection. Raises ProtocolBreach, written down: the connection is to be closed then."""
        self._note_silence(connection)
        connection.heard_at = self._clock.monotonic()
        try:
            for timestamp_ns, message in connection.decoder.feed(data):
                self._take(connection, timestamp_ns, message)
        except ProtocolBreach as breach:
            self._write(connection, Rule.PROTOCOL, str(breach), number=connection.messages + 1)
            raise

    def close(self, connection: Connection, why: str) -> None:
        """An open connection is gone: its pods go with it."""
        self._note_silence(connection)
        connection.closed_ns = self._clock.wall_ns()
        connection.ended = why
        self._closed_volume = _more(self._closed_volume, connection.decoder)
        self._closed_counts += connection.state.messages
        connection.state.forget_pods()
        self._arrived(connection, "", "closed")
        self._forget_oldest()

    def resumed(self) -> None:
        """The reducer itself had stopped reading: silence until now is not the collector's."""
        for connection in self._open():
            connection.heard_at = self._clock.monotonic()

    def _open(self) -> list[Connection]:
        return [one for one in self.connections.values() if one.closed_ns is None]

    def _take(self, connection: Connection, timestamp_ns: int, message: Message) -> None:
        connection.messages += 1
        for fault in faults(connection.state, message):
            self._write(connection, fault.rule, fault.what, number=connection.messages)
        connection.state.apply(timestamp_ns, message)
        match message:
            case messages.PodNewWithName():
                self._arrived(connection, message.uid, "new")
            case messages.PodContainer():
                self._arrived(connection, message.uid, "container")
            case messages.PodDelete():
                self._arrived(connection, message.uid, "delete")
            case messages.PodResync():
                self._resynced(connection, message.resync_count)
                self._arrived(connection, "", "resync")
            case _:
                pass

    def _resynced(self, connection: Connection, epoch: int) -> None:
        if len(connection.state.resyncs) == 1 and self.newest_epoch is not None and epoch <= self.newest_epoch:
            # Right when relay and matcher both began anew, which nobody tells a reducer: a note, no breach.
            what = f"resync_count {epoch} on a new connection does not go on from {self.newest_epoch}"
            self._note(connection, Rule.RESYNC_GROWS, what)
        self.newest_epoch = epoch

    def _note_silence(self, connection: Connection) -> None:
        silent = self._clock.monotonic() - connection.heard_at
        if silent > HEARTBEAT_SECONDS + HEARTBEAT_MARGIN_SECONDS:
            self._note(connection, "heartbeats come every 2 s", f"nothing came for {silent:.1f} s")

    def _write(self, connection: Connection, rule: Rule, what: str, *, number: int) -> None:
        self.journal.breaches.add(
            Finding(wall_ns=self._clock.wall_ns(), connection=connection.number, message=number, rule=rule, what=what)
        )

    def _note(self, connection: Connection, rule: str, what: str) -> None:
        self.journal.notes.add(
            Finding(
                wall_ns=self._clock.wall_ns(),
                connection=connection.number,
                message=connection.messages,
                rule=rule,
                what=what,
            )
        )

    def _arrived(self, connection: Connection, uid: str, kind: Kind) -> None:
        self.journal.arrivals.append((self._clock.wall_ns(), uid, kind, connection.number))

    def _forget_oldest(self) -> None:
        closed = [one.number for one in self.connections.values() if one.closed_ns is not None]
        for number in closed[:-KEPT_CONNECTIONS]:
            del self.connections[number]


def _more(volume: Volume, decoder: Decoder) -> Volume:
    return Volume(volume.wire + decoder.wire_bytes, volume.plain + decoder.plain_bytes)
