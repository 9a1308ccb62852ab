"""What tests order of the reference reducer: to read slowly or not at all, and to close connections at a given byte.

Pure: `now` is monotonic seconds. The server does what these say.
"""

from enum import StrEnum

import msgspec

LARGEST_READ_BYTES = 32 * 1024
"""Decoding so much takes a few milliseconds, between which the admin HTTP has its turn."""


class Farewell(StrEnum):
    """How a connection is closed."""

    FIN = "fin"
    """The peer reads an end of stream."""
    RST = "rst"
    """The peer's connection is reset; what it has sent and we have not read is lost."""


class Pace:
    """How fast to read."""

    def __init__(self) -> None:
        self.bytes_per_second = 0
        """0: as fast as it goes."""
        self.stalled_until = float("-inf")

    def stall(self, seconds: float, now: float) -> None:
        """Nothing is read for so long; 0 ends a stall."""
        self.stalled_until = now + seconds

    def largest_read(self) -> int:
        """Bytes to read at most at a time: a tenth of a second's worth, where the rate is limited."""
        return (
            min(LARGEST_READ_BYTES, max(1, self.bytes_per_second // 10))
            if self.bytes_per_second
            else LARGEST_READ_BYTES
        )

    def wait_seconds(self, now: float) -> float:
        """How long a stall goes on; 0 without one."""
        return max(0.0, self.stalled_until - now)

    def rest_seconds(self, bytes_read: int) -> float:
        """How long to rest after so many bytes to keep the rate."""
        return bytes_read / self.bytes_per_second if self.bytes_per_second else 0.0


class Cut(msgspec.Struct, frozen=True):
    """Close a connection after so many more bytes, those of the next connection where none is open; then `times - 1` more connections."""

    farewell: Farewell
    bytes_left: int
    every_bytes: int
    """`bytes_left` of each connection to come."""
    times: int = 1

    def after(self, bytes_read: int) -> "Cut":
        """The order when so many more bytes have been read; it is due at 0 bytes left."""
        return msgspec.structs.replace(self, bytes_left=self.bytes_left - bytes_read)

    def done(self) -> "Cut | None":
        """The order for the next connection when it has been carried out."""
        if self.times <= 1:
            return None
        return msgspec.structs.replace(self, bytes_left=self.every_bytes, times=self.times - 1)
