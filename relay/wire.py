"""The connected socket, as the loop uses it: takes what the outbox holds, and notices that the reducer has closed or vanished."""

import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from common.clock import monotonic
from relay import answers, tcp
from relay.answers import Answers
from relay.outbox import Outbox

VANISHED_SECONDS = 20.0
"""Without an answer. With the pauses of `relay.tcp` between questions a peer that vanished is noticed within 30 s."""

_READ_BYTES = 4_096

_TLS_WRITE_BYTES = 16 * 1024
"""A record's most (RFC 8446, 5.1). A write that has to be repeated must be given the same bytes: the head of the outbox stays the same."""

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""There is no room, or nothing to read. TLS may also need to read for a write, and to write for a read: whoever polls tries both again
at each turn, and without renegotiation neither waits for the other for long."""


class ClosedByReducer(Exception):
    """A read of 0 bytes."""


class Vanished(Exception):
    """The reducer, or the way to it, is gone without a word. Its text says since when."""


class Wire:
    """Owns a non-blocking connected socket."""

    def __init__(self, connection: socket.socket, *, sent: Callable[[memoryview], None] = lambda _data: None) -> None:
        """`sent` is told what the socket has taken."""
        self._connection = connection
        self._sent = sent
        self.fd = connection.fileno()
        self._secured = isinstance(connection, ssl.SSLSocket)
        self._answers: Answers = answers.FIRST

    def send(self, outbox: Outbox) -> None:
        """Sends until the outbox is empty or the socket is full. Raises OSError when the connection is broken."""
        while (head := outbox.head()) is not None:
            try:
                count = self._connection.send(head[:_TLS_WRITE_BYTES] if self._secured else head)
            except _LATER:
                return
            except OSError:
                # An alert that has come says why: TLS 1.3 refuses a client's certificate only after the handshake.
                with suppress(ClosedByReducer):
                    self.read()
                raise
            outbox.sent(count)
            self._sent(head[:count])

    def read(self) -> None:
        """Throws away what has come: a reducer says nothing that a collector must read. Raises ClosedByReducer, or OSError."""
        try:
            while self._connection.recv(_READ_BYTES):
                pass
        except _LATER:
            return
        raise ClosedByReducer

    def look(self, now: float) -> None:
        """To be called about once a second. Raises Vanished when the peer has owed an answer for too long, OSError when it is gone."""
        self._answers = answers.looked(self._answers, tcp.segments(self._connection), now)
        silent = answers.unanswered_seconds(self._answers, now)
        if silent >= VANISHED_SECONDS:
            raise Vanished(f"no answer for {silent:.0f} s")

    def finish(self, outbox: Outbox, *, within_seconds: float) -> None:
        """Sends what the outbox holds, as far as that is possible in this time, and makes `close` wait until the reducer has it.

        Raises OSError when the connection is broken.
        """
        until = monotonic() + within_seconds
        self.send(outbox)
        while outbox.size and (left := until - monotonic()) > 0:
            select.select([], [self.fd], [], left)
            self.send(outbox)
        self._end_tls(until)
        self._connection.shutdown(socket.SHUT_WR)
        tcp.linger(self._connection)

    def _end_tls(self, until: float) -> None:
        """Says close_notify, and reads what is there: closed with unread bytes, a connection is reset and may lose what was sent last."""
        while isinstance(self._connection, ssl.SSLSocket) and monotonic() < until:
            try:
                self._connection.unwrap()
            except ssl.SSLWantWriteError:
                select.select([], [self.fd], [], max(0.0, until - monotonic()))
            except (ssl.SSLWantReadError, ssl.SSLError, ConnectionResetError):
                return  # said; whether the reducer says it too is its own affair
            else:
                return

    def close(self) -> None:
        self._connection.close()
