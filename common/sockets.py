"""Where the processes meet: endpoints in the run directory, and ZeroMQ sockets with the options that the design relies on.

Who binds stays put while neighbours come and go: a watcher binds its PUB and ROUTER, the relay its PULL and PUB; the matcher connects
to all of them. docs/architecture.md has the map.
"""

from pathlib import Path

import zmq

from common.errors import UsageError
from common.records import Kind

LONGEST_IPC_PATH = 107
"""Bytes of a Unix socket's path (unix(7): sun_path, less its terminator)."""

UPDATES_HIGH_WATER = 1_000
"""Messages that a PUB or SUB holds for a slow reader before it drops; the reader sees the gap and takes a snapshot."""

EMISSIONS_HIGH_WATER = 4
"""Batches in the pipe between matcher and relay: past that changes gather in the matcher's dirty set, as state."""

LARGEST_FRAME_BYTES = 64 * 1024 * 1024
"""A peer that sends a larger frame is disconnected (ZMQ_MAXMSGSIZE): a hostile length must not take all memory."""


def updates_endpoint(run_dir: Path, kind: Kind) -> str:
    """Where a watcher publishes `Updates` and `Beat`s (PUB)."""
    return _ipc(run_dir / f"watcher-{kind}.updates")


def snapshots_endpoint(run_dir: Path, kind: Kind) -> str:
    """Where a watcher answers `SnapshotAsk` (ROUTER)."""
    return _ipc(run_dir / f"watcher-{kind}.snapshots")


def emissions_endpoint(run_dir: Path) -> str:
    """Where the relay takes `Emissions` and `Report`s (PULL)."""
    return _ipc(run_dir / "relay.emissions")


def link_endpoint(run_dir: Path) -> str:
    """Where the relay publishes `Link` (PUB)."""
    return _ipc(run_dir / "relay.link")


def tap_endpoint(run_dir: Path) -> str:
    """Where the relay publishes what it takes, for who looks on (XPUB)."""
    return _ipc(run_dir / "relay.tap")


def _ipc(path: Path) -> str:
    full = str(path.absolute())
    if len(full.encode()) > LONGEST_IPC_PATH:
        raise UsageError(f"the run directory's path is too long for a Unix socket ({full}): choose a shorter --run-dir")
    return f"ipc://{full}"


def new_socket(context: zmq.Context[zmq.Socket[bytes]], kind: int, *, high_water: int) -> zmq.Socket[bytes]:
    """A socket that never delays a process's end, bounds what it holds, and reconnects within 0.1 s."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, high_water)
    socket.setsockopt(zmq.RCVHWM, high_water)
    socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 100)
    return socket


def bind_ipc(socket: zmq.Socket[bytes], endpoint: str) -> None:
    """Binds a socket to its path in the run directory and takes over what a dead process left there. Raises UsageError where it cannot."""
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        path = endpoint.removeprefix("ipc://")
        raise UsageError(
            f"cannot listen on {path}: {zmq.strerror(error.errno or 0)}; remove it, or choose another --run-dir"
        ) from error


def new_publisher(context: zmq.Context[zmq.Socket[bytes]], *, high_water: int) -> zmq.Socket[bytes]:
    """A PUB that can be asked with `joined` who listens: what is repeated once a second can then be said to a newcomer at once."""
    socket = new_socket(context, zmq.XPUB, high_water=high_water)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    return socket


def joined(publisher: zmq.Socket[bytes]) -> bool:
    """Whether a subscriber has come since the last call. What else subscribers send is thrown away: there is nothing to say to a PUB."""
    found = False
    while True:
        try:
            found |= publisher.recv(zmq.NOBLOCK).startswith(b"\x01")  # a subscription; 0 ends one (zmq_socket(3))
        except zmq.Again:
            return found
