"""What the upstream connection wants of TCP: a peer that vanished is asked often enough, and little waits in the kernel.

Whether the peer answers is counted by the kernel and judged by `relay.answers`. Linux asks by itself: with data and its
retransmissions, with keepalive's probes on an idle connection, and with probes of a window that is shut. But it asks less and less
often, up to two minutes apart, so the pauses are bounded (TCP_RTO_MAX_MS, since Linux 6.15; before that, a peer that vanishes after it
kept its window shut for long is noticed at the next probe).
"""

import socket
import struct
from contextlib import suppress

from relay.answers import Segments

LONGEST_PAUSE_MS = 4_000
"""Between two questions to a peer that owes an answer, or whose window is shut."""

KEEPALIVE_IDLE_SECONDS = 10
KEEPALIVE_INTERVAL_SECONDS = 5
KEEPALIVE_PROBES = 3
LINGER_SECONDS = 1

LARGEST_UNSENT_BYTES = 64 * 1024
"""In the kernel, beside what is in flight: what waits there cannot be replaced by what is newer. By default it may be megabytes."""

_RTO_MAX_MS = 44
"""TCP_RTO_MAX_MS (linux/tcp.h), which Python's socket module does not name yet."""

_SEGMENTS = struct.Struct("=136xII")
"""`tcpi_segs_out` and `tcpi_segs_in` in `struct tcp_info` (linux/tcp.h)."""


def tune(connection: socket.socket) -> None:
    """Sets what holds for the connection's whole life. Small writes leave at once: the relay batches by itself."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, LARGEST_UNSENT_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    with suppress(OSError):  # an older kernel
        connection.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, LONGEST_PAUSE_MS)


def segments(connection: socket.socket) -> Segments:
    """What the kernel has counted so far. Raises OSError when the connection is broken."""
    return Segments._make(_SEGMENTS.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SEGMENTS.size)))


def linger(connection: socket.socket) -> None:
    """Makes `close` wait, for `LINGER_SECONDS` at most, until the peer has acknowledged all that was sent.

    Without it the kernel goes on sending when the process is gone, but not in a container: its network goes with its last process.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, LINGER_SECONDS))
