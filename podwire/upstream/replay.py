"""Sends a recording to a reducer: each connection of it as a connection of its own, with its bytes as they were."""

import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from common.address import Address
from common.clock import monotonic
from common.recording import CONNECTED, Entry, Lost

CONNECT_SECONDS: Final = 5.0
FAREWELL_SECONDS: Final = 5.0
"""How long the end of a connection waits for the reducer to have read it all."""


class CannotSend(Exception):
    """The reducer does not take it. Its text says why."""


@dataclass
class Replayed:
    """What has been sent."""

    connections: int = 0
    bytes: int = 0
    left_out: int = 0
    """Bytes of the file that are broken, or of connections whose beginning is not recorded."""


class Replay:
    """Sends to one reducer. `pace` is how many times as fast as it was recorded; 0 is as fast as possible."""

    def __init__(self, intake: Address, *, pace: float) -> None:
        self.done = Replayed()
        self._intake = intake
        self._pace = pace
        self._open: dict[int, socket.socket] = {}
        self._begin: tuple[int, float] | None = None

    def run(self, recorded: Iterable[Entry | Lost]) -> None:
        """To the recording's end. Raises CannotSend."""
        with ExitStack() as stack:
            stack.callback(self._close_all)
            for entry in recorded:
                match entry:
                    case Lost():
                        self.done.left_out += entry.size
                        self._close_all()  # what follows of these connections lacks something before it
                    case Entry():
                        self._wait(entry.wall_ns)
                        self._do(entry.connection, entry.what)

    def _wait(self, wall_ns: int) -> None:
        if not self._pace:
            return
        if self._begin is None:
            self._begin = wall_ns, monotonic()
        begin_ns, begin = self._begin
        # A clock that was set back while it was recorded makes no time to wait for.
        time.sleep(max(0.0, begin + (wall_ns - begin_ns) / 1e9 / self._pace - monotonic()))

    def _do(self, connection: int, what: bytes | str) -> None:
        match what:
            case str():
                self._close(connection)
                if what == CONNECTED:
                    self._open[connection] = self._connect()
            case bytes() if connection in self._open:
                self._send(self._open[connection], what)
            case bytes():
                self.done.left_out += len(what)

    def _connect(self) -> socket.socket:
        try:
            opened = socket.create_connection(self._intake, timeout=CONNECT_SECONDS)
        except OSError as error:
            raise CannotSend(f"cannot connect to {self._intake}: {error.strerror or error}") from error
        opened.settimeout(None)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.done.connections += 1
        return opened

    def _send(self, to: socket.socket, data: bytes) -> None:
        try:
            to.sendall(data)
        except OSError as error:
            raise CannotSend(f"{self._intake} has ended the connection: {error.strerror or error}") from error
        self.done.bytes += len(data)

    def _close(self, connection: int) -> None:
        closing = self._open.pop(connection, None)
        if closing is None:
            return
        with closing, suppress(OSError):
            closing.shutdown(socket.SHUT_WR)
            closing.settimeout(FAREWELL_SECONDS)
            while closing.recv(4_096):
                pass

    def _close_all(self) -> None:
        for connection in list(self._open):
            self._close(connection)
