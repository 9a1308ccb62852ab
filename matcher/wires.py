"""The matcher's sockets: it connects to all neighbours, so each of them may come and go.

An ask to a watcher that is not there is not queued (ZMQ_IMMEDIATE): a watcher that starts after an hour finds one ask, not a thousand.
Nor are emissions for a relay that is not there: they stay state.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import zmq

from common.records import KINDS, Kind
from common.sockets import (
    EMISSIONS_HIGH_WATER,
    UPDATES_HIGH_WATER,
    emissions_endpoint,
    link_endpoint,
    new_socket,
    snapshots_endpoint,
    updates_endpoint,
)

SNAPSHOTS_HIGH_WATER: Final = 8
"""One ask at a time is under way; some of the answers may be to asks given up."""

MOST_FRAMES: Final = 16
"""Taken from one socket in a turn, so that sending interleaves with a flood of updates."""

Origin = tuple[str, Kind | None]
"""Where a frame came from: `updates` or `snapshots` of a watcher, or `link`."""

ORIGINS: Final[tuple[Origin, ...]] = (
    *((channel, kind) for channel in ("updates", "snapshots") for kind in KINDS),
    ("link", None),
)


def origin_name(origin: Origin) -> str:
    """As logs and metrics say it."""
    return "-".join(part for part in origin if part)


class Wires:
    """All sockets of one matcher, and the descriptors that wake it up."""

    def __init__(self, run_dir: Path, *, wakers: Iterable[int]) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._origins: dict[zmq.Socket[bytes], Origin] = {}
        self._snapshots: dict[Kind, zmq.Socket[bytes]] = {}
        for kind in KINDS:
            self._subscribe(updates_endpoint(run_dir, kind), ("updates", kind))
            self._snapshots[kind] = self._ask_at(snapshots_endpoint(run_dir, kind), ("snapshots", kind))
        self._subscribe(link_endpoint(run_dir), ("link", None))
        self._emissions = self._open(zmq.PUSH, emissions_endpoint(run_dir), high_water=EMISSIONS_HIGH_WATER)
        for waker in wakers:
            self._poller.register(waker, zmq.POLLIN)

    def wait(self, seconds: float, *, to_send: bool, to_ask: Iterable[Kind]) -> None:
        """Until something can be read, or sent (if there is something to send), or asked (of these watchers), or the time is over."""
        self._poller.register(self._emissions, zmq.POLLOUT if to_send else 0)
        asked = set(to_ask)
        for kind, socket in self._snapshots.items():
            self._poller.register(socket, zmq.POLLIN | (zmq.POLLOUT if kind in asked else 0))
        self._poller.poll(max(0, math.ceil(seconds * 1_000)))

    def received(self) -> Iterator[tuple[Origin, bytes]]:
        """The messages that wait, some from each socket. One of several frames, which no neighbour sends, comes as their sum."""
        for socket, origin in self._origins.items():
            for _ in range(MOST_FRAMES):
                try:
                    frame = b"".join(socket.recv_multipart(zmq.NOBLOCK))
                except zmq.Again:
                    break
                yield origin, frame

    def ask(self, kind: Kind, frame: bytes) -> bool:
        """Asks the watcher; false when it is not there."""
        return _sent(self._snapshots[kind], frame)

    def can_emit(self) -> bool:
        """Whether the relay is there and the pipe to it has room."""
        return bool(self._emissions.poll(0, zmq.POLLOUT))

    def emit(self, frame: bytes) -> bool:
        """Sends to the relay; false when it is not there or the pipe is full."""
        return _sent(self._emissions, frame)

    def close(self) -> None:
        """Ends all sockets at once; what was not sent is gone."""
        self._context.destroy(linger=0)

    def _subscribe(self, endpoint: str, origin: Origin) -> None:
        socket = self._open(zmq.SUB, endpoint, high_water=UPDATES_HIGH_WATER)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._read(socket, origin)

    def _ask_at(self, endpoint: str, origin: Origin) -> zmq.Socket[bytes]:
        socket = self._open(zmq.DEALER, endpoint, high_water=SNAPSHOTS_HIGH_WATER)
        self._read(socket, origin)
        return socket

    def _open(self, type_: int, endpoint: str, *, high_water: int) -> zmq.Socket[bytes]:
        socket = new_socket(self._context, type_, high_water=high_water)
        # Only to those who are there; a subscription, on the other hand, may wait for its publisher.
        socket.setsockopt(zmq.IMMEDIATE, int(type_ != zmq.SUB))
        socket.connect(endpoint)
        return socket

    def _read(self, socket: zmq.Socket[bytes], origin: Origin) -> None:
        self._origins[socket] = origin
        self._poller.register(socket, zmq.POLLIN)


def _sent(socket: zmq.Socket[bytes], frame: bytes) -> bool:
    try:
        socket.send(frame, zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True
