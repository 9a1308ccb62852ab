"""The connected socket, as the loop uses it: takes what the outbox holds, and notices that the reducer has closed."""

import select
import socket

from common.clock import monotonic
from relay import tcp
from relay.outbox import Outbox

_READ_BYTES = 4_096


class ClosedByReducer(Exception):
    """A read of 0 bytes."""


class Wire:
    """Owns a non-blocking connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.fd = connection.fileno()

    def send(self, outbox: Outbox) -> None:
        """Sends until the outbox is empty or the socket is full. Raises OSError when the connection is broken."""
        while (head := outbox.head()) is not None:
            try:
                outbox.sent(self._connection.send(head))
            except BlockingIOError:
                return

    def read(self) -> None:
        """Throws away what has come: a reducer says nothing that a collector must read. Raises ClosedByReducer, or OSError."""
        try:
            while self._connection.recv(_READ_BYTES):
                pass
        except BlockingIOError:
            return
        raise ClosedByReducer

    def adapt(self) -> None:
        """See `relay.tcp.adapt`. Raises OSError when the connection is broken."""
        tcp.adapt(self._connection)

    def finish(self, outbox: Outbox, *, within_seconds: float) -> None:
        """Sends what the outbox holds, as far as that is possible in this time. Raises OSError when the connection is broken."""
        until = monotonic() + within_seconds
        self.send(outbox)
        while outbox.size and (left := until - monotonic()) > 0:
            select.select([], [self.fd], [], left)
            self.send(outbox)
        self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._connection.close()
