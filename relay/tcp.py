"""TCP's own means against a peer that has vanished: it is noticed within 30 s, whether the connection is busy or idle.

Idle connections are probed by keepalive. Busy ones end when data stays unacknowledged for `TCP_USER_TIMEOUT` (tcp(7)). But Linux
counts that time also while a living peer keeps its window shut, so a reducer that reads nothing for a while would be cut off and
synchronized anew, just when it has too much to do. So the timeout is on only while something is in flight: a peer with a shut
window has acknowledged all that it was sent.
"""

import socket
import struct

UNACKNOWLEDGED_MS = 20_000
KEEPALIVE_IDLE_SECONDS = 10
KEEPALIVE_INTERVAL_SECONDS = 5
KEEPALIVE_PROBES = 3

_UNACKED = struct.Struct("=24xI")
"""`tcpi_unacked` in `struct tcp_info` (linux/tcp.h): segments in flight."""


def tune(connection: socket.socket) -> None:
    """Sets what holds for the connection's whole life. Small writes leave at once: the relay batches by itself."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def adapt(connection: socket.socket) -> None:
    """To be called once a second: the timeout is on while data is in flight, off otherwise."""
    (in_flight,) = _UNACKED.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED.size))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS if in_flight else 0)
