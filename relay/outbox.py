"""Bytes that wait for the socket, and the gate that they keep shut while there are too many.

The bound is what keeps a slow reducer from growing the relay: past `LARGEST_BYTES` the gate is held, the relay leaves emissions in
their socket, the matcher's pipe fills, and changes gather there as state. What is over the bound is at most the batch that crossed it.

The bound is small because what waits here is history: it goes out even when something newer has replaced it. A reducer that reads
10 kB/s takes 13 s for it, where a mebibyte would take 105 s.
"""

from collections import deque
from enum import Enum

LARGEST_BYTES = 128 * 1024
RESUME_BELOW_BYTES = LARGEST_BYTES // 2


class Gate(Enum):
    """Whether emissions are read."""

    OPEN = "open"
    HELD = "held"


class Outbox:
    """A queue of chunks. Each chunk is offered to the socket by itself, so `version_info` leaves alone (protocol.md, "Stream")."""

    def __init__(self) -> None:
        self._chunks: deque[memoryview] = deque()
        self.size = 0
        """Bytes waiting."""
        self.gate = Gate.OPEN

    def put(self, chunk: bytes) -> None:
        """Adds bytes behind all others."""
        if chunk:
            self._chunks.append(memoryview(chunk))
            self.size += len(chunk)
        if self.size >= LARGEST_BYTES:
            self.gate = Gate.HELD

    def head(self) -> memoryview | None:
        """What to offer to the socket next, None when nothing waits."""
        return self._chunks[0] if self._chunks else None

    def sent(self, count: int) -> None:
        """The socket took `count` bytes of `head`."""
        rest = self._chunks.popleft()[count:]
        if rest:
            self._chunks.appendleft(rest)
        self.size -= count
        if self.size < RESUME_BELOW_BYTES:
            self.gate = Gate.OPEN
