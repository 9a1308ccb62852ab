"""One stage as the matcher is connected to it: a socket that hears it, and one that asks it or tells it something.

Watchers beat and the relay publishes its link once a second, so a stage that has said nothing for `SILENT_SECONDS` is gone, or the
connection is. libzmq mends only a part of that: after an error of the protocol (a key refused, a frame over the bound) it never connects
again, and on a connection whose peer has vanished while something was under way it waits for a quarter of an hour. So both sockets
are then made anew. What they held is lost, as in any reconnect; the design's numbers notice that.
"""

from collections.abc import Callable
from typing import Final

import zmq

from common.address import Address
from common.knocks import read_event
from common.transport import written

SILENT_SECONDS: Final = 15.0
"""Longer than a stage that is busy, or stopped for a moment, is silent."""

WATCHED: Final = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)

_Socket = zmq.Socket[bytes]


class Neighbour:
    """`open_` makes the two sockets: the one that hears, and the one that tells."""

    def __init__(
        self, stage: str, open_: Callable[[], tuple[_Socket, _Socket]], *, address: Address | None, now: float
    ) -> None:
        """`address` is where it is on TCP: handshakes may fail there, and `trouble` says why."""
        self.stage = stage
        self.where = written(address)
        self.trouble: str | None = None
        """Why the last handshake failed, in words; None when it succeeded, or none has ended yet."""
        self.failures = 0
        """Handshakes that failed."""
        self.reopened = 0
        """Times that it was silent and connected to anew."""
        self._open = open_
        self._watched = address is not None
        self._connect(now)

    def said_something(self, now: float) -> None:
        """A frame of it has come."""
        self._heard_at = now

    def is_silent(self, now: float) -> bool:
        """Whether it is time for `reopen`."""
        return now - self._heard_at >= SILENT_SECONDS

    def reopen(self, now: float) -> None:
        """Both sockets are made anew."""
        self.close()
        self.reopened += 1
        self._connect(now)

    def listen(self) -> bool:
        """Takes what libzmq tells of handshakes; true when one has failed."""
        before = self.failures
        while self._monitor is not None and self._monitor.poll(0):
            self._take(read_event(self._monitor.recv_multipart(zmq.NOBLOCK))[0])
        return self.failures > before

    def close(self) -> None:
        """Ends both sockets; what was not sent is gone."""
        if self._monitor is not None:
            self.hears.disable_monitor()
            self._monitor.close()
        self.hears.close()
        self.tells.close()

    def _connect(self, now: float) -> None:
        self._heard_at = now
        self.hears, self.tells = self._open()
        self._monitor = self.hears.get_monitor_socket(WATCHED) if self._watched else None

    def _take(self, event: int) -> None:
        match event:
            case zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.trouble = None
                return
            case zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self.trouble = (
                    f"it refuses this matcher's key: its --keys have another matcher.pub (the {self.stage}'s Secret)"
                )
            case zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                self.trouble = "one side has --keys and the other has not, or no podwire listens there"
            case _:
                self.trouble = f"it hangs up in the handshake: {self.stage}.pub in --keys is not its key, or no podwire listens there"
        self.failures += 1
