"""TCP connections whose near end is a process of podwire and whose far end is a server: bytes in order, cut anywhere, late or never.

The far end's bytes reach the near end when the scheduler says so, in pieces of any length. The near end's bytes wait in a window until
the far end reads them. A connection may be closed, reset, or go silent (half open: nothing gets through, nobody is told for a while).
"""

import errno

from tests.simulation.clock import Clock
from tests.simulation.polling import POLLIN, POLLOUT, Descriptors, Owner

NOTICED_SECONDS = 25.0
"""When a process is told that a silent connection is dead: the relay notices within 30 s."""


class Connection:
    """Both ends. The near one is what podwire uses of a socket.socket."""

    def __init__(self, owner: Owner, descriptors: Descriptors, *, clock: Clock, window: int) -> None:
        self.owner = owner
        self.sent = bytearray()
        """What the near end has sent and the far end has not read."""
        self.flying = bytearray()
        """What the far end has sent and has not arrived."""
        self.near_open = True
        self.far_open = True
        self._clock = clock
        self._window = window
        self._arrived = bytearray()
        self._error: OSError | None = None
        self._silent_since = float("inf")
        self._descriptor = descriptors.new(self)

    # The near end ----------------------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._descriptor

    def send(self, data: bytes | memoryview) -> int:
        self._fail()
        if not self.far_open:
            # What is sent to a closed socket is taken, and answered with RST.
            self._error = ConnectionResetError(errno.ECONNRESET, "reset")
            return len(data)
        taken = bytes(data[: self._window - len(self.sent)])
        if not taken:
            raise BlockingIOError
        self.sent += taken
        return len(taken)

    def recv(self, most: int) -> bytes:
        if self._arrived:
            data = bytes(self._arrived[:most])
            del self._arrived[:most]
            return data
        self._fail()
        if self._ended():
            return b""
        raise BlockingIOError

    def recv_into(self, room: memoryview) -> int:
        data = self.recv(len(room))
        room[: len(data)] = data
        return len(data)

    def setblocking(self, _flag: bool) -> None:
        """It never blocks."""

    def events(self) -> int:
        failed = self._failure() is not None
        readable = POLLIN if failed or self._arrived or self._ended() else 0
        return readable | (POLLOUT if failed or len(self.sent) < self._window else 0)

    def shutdown(self, _how: int) -> None:
        self.near_open = False

    def close(self) -> None:
        self.near_open = False

    def setsockopt(self, *_: object) -> None:
        """Keepalive and timeouts are `NOTICED_SECONDS` here."""

    def getsockopt(self, _level: int, _option: int, size: int) -> bytes:
        """tcp_info: nothing is in flight."""
        return bytes(size)

    def _ended(self) -> bool:
        return not self.far_open and not self.flying

    def _failure(self) -> OSError | None:
        if self._clock.now - self._silent_since >= NOTICED_SECONDS:
            return TimeoutError(errno.ETIMEDOUT, "timed out")
        return self._error

    def _fail(self) -> None:
        failure = self._failure()
        if failure is not None:
            raise failure

    # The network and the far end ----------------------------------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """It is half open."""
        return self._silent_since < float("inf")

    def next_at(self) -> float:
        """When the near end is told that it has been silent for too long."""
        due = self._silent_since + NOTICED_SECONDS
        return due if self.near_open and due > self._clock.now else float("inf")

    def fall_silent(self) -> None:
        """From now on nothing gets through."""
        self._silent_since = self._clock.now

    def write(self, data: bytes) -> None:
        """The far end sends."""
        self.flying += data

    def arrive(self, most: int) -> None:
        """So many of the far end's bytes reach the near end."""
        self._arrived += self.flying[:most]
        del self.flying[:most]
        self.owner.poke()

    def read(self, most: int) -> bytes:
        """The far end reads."""
        was_full = len(self.sent) >= self._window
        data = bytes(self.sent[:most])
        del self.sent[:most]
        if was_full:
            self.owner.poke()
        return data

    def end(self) -> None:
        """The far end closes: the near end reads what was sent, then nothing."""
        self.far_open = False
        self.owner.poke()

    def reset(self) -> None:
        """The far end resets: what has not arrived is gone."""
        self.far_open = False
        self.flying.clear()
        self._error = ConnectionResetError(errno.ECONNRESET, "reset")
        self.owner.poke()
