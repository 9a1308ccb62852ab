"""The connected socket, as the loop uses it: takes what the outbox holds, and notices that the reducer has closed or vanished."""

import select
import socket

from common.clock import monotonic
from relay import answers, tcp
from relay.answers import Answers
from relay.outbox import Outbox

VANISHED_SECONDS = 20.0
"""Without an answer. With the pauses of `relay.tcp` between questions a peer that vanished is noticed within 30 s."""

_READ_BYTES = 4_096


class ClosedByReducer(Exception):
    """A read of 0 bytes."""


class Vanished(Exception):
    """The reducer, or the way to it, is gone without a word. Its text says since when."""


class Wire:
    """Owns a non-blocking connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.fd = connection.fileno()
        self._answers: Answers = answers.FIRST

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
        self._connection.shutdown(socket.SHUT_WR)
        tcp.linger(self._connection)

    def close(self) -> None:
        self._connection.close()
