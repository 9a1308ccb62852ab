"""The matcher's sockets: it connects to all neighbours, so each of them may come and go.

An ask to a watcher that is not there is not queued (ZMQ_IMMEDIATE): a watcher that starts after an hour finds one ask, not a thousand.
Nor are emissions for a relay that is not there: they stay state.
"""

import math
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import zmq

from common.clock import monotonic
from common.logs import Log, Seldom
from common.poller import POLLIN, POLLOUT, Poller, Ready
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
from matcher.neighbour import Neighbour
from matcher.peers import Peers

SNAPSHOTS_HIGH_WATER: Final = 8
"""One ask at a time is under way; some of the answers may be to asks given up."""

MOST_FRAMES: Final = 16
"""Taken from one socket in a turn, so that sending interleaves with a flood of updates."""

CLOSE_SECONDS: Final = 1.0
"""How long the end of the matcher waits for libzmq's."""

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

    def __init__(self, run_dir: Path, *, peers: Peers, wakers: Iterable[int], log: Log) -> None:
        self._run_dir = run_dir
        self._peers = peers
        self._log = log
        self._seldom = Seldom()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        peers.prepare(self._context)
        self._poller = Poller()
        self._ready: Ready = {}
        """What the last `wait` has found."""
        self._watchers = {kind: self._neighbour(f"watcher-{kind}", partial(self._to_watcher, kind)) for kind in KINDS}
        self._relay = self._neighbour("relay", self._to_relay)
        self.neighbours = (*self._watchers.values(), self._relay)
        """Read by the admin's threads."""
        self._origins: dict[zmq.Socket[bytes], tuple[Neighbour, Origin]] = {}
        """Of what comes on these sockets."""
        self._listen()
        for waker in wakers:
            self._poller.register(waker)

    def wait(self, seconds: float, *, to_send: bool, to_ask: Collection[Kind]) -> None:
        """Until something can be read, or sent (if there is something to send), or asked (of these watchers), or the time is over."""
        self._poller.register(self._relay.tells, POLLOUT if to_send else 0)
        for kind, watcher in self._watchers.items():
            self._poller.register(watcher.tells, POLLIN | (POLLOUT if kind in to_ask else 0))
        self._ready = self._poller.poll(max(0, math.ceil(seconds * 1_000)))

    def received(self) -> Iterator[tuple[Origin, bytes]]:
        """The messages that `wait` found, some from each socket. One of several frames, which no neighbour sends, comes as their sum."""
        ready, self._ready = self._ready, {}
        for socket, flags in ready.items():
            if flags & POLLIN and not isinstance(socket, int):
                yield from self._taken(socket)

    def ask(self, kind: Kind, frame: bytes) -> bool:
        """Asks the watcher; false when it is not there."""
        return self._sent(self._watchers[kind].tells, frame)

    def can_emit(self) -> bool:
        """Whether the relay is there and the pipe to it has room."""
        return self._poller.has(self._relay.tells, POLLOUT)

    def emit(self, frame: bytes) -> bool:
        """Sends to the relay; false when it is not there or the pipe is full."""
        return self._sent(self._relay.tells, frame)

    def close(self) -> None:
        """Ends all sockets at once; what was not sent is gone."""
        for neighbour in self.neighbours:
            neighbour.close()
        # libzmq's threads end last, and one of them may be in a resolver that does not answer. Nobody needs to wait for that.
        ending = threading.Thread(target=self._context.term, daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)

    def look_after_neighbours(self, now: float) -> None:
        """To be called now and then: tells of handshakes that failed, and connects anew to neighbours that are silent."""
        for neighbour in self.neighbours:
            if neighbour.listen():
                self._warn("cannot talk to a neighbour", neighbour, str(neighbour.trouble), now)
            if neighbour.is_silent(now):
                for socket in (neighbour.hears, neighbour.tells):
                    self._poller.register(socket, 0)
                    self._origins.pop(socket, None)
                neighbour.reopen(now)
                self._listen()

    def _listen(self) -> None:
        """Sees that all who say something are heard."""
        for kind, watcher in self._watchers.items():
            self._origins[watcher.hears] = (watcher, ("updates", kind))
            self._origins[watcher.tells] = (watcher, ("snapshots", kind))
        self._origins[self._relay.hears] = (self._relay, ("link", None))
        for socket in self._origins:
            self._poller.register(socket)

    def _taken(self, socket: "zmq.Socket[bytes]") -> Iterator[tuple[Origin, bytes]]:
        if socket not in self._origins:  # made anew since
            return
        neighbour, origin = self._origins[socket]
        neighbour.said_something(monotonic())
        for _ in range(MOST_FRAMES):
            yield origin, b"".join(socket.recv_multipart(zmq.NOBLOCK))
            if not self._poller.has(socket):
                return

    def _neighbour(self, stage: str, open_: Callable[[], "tuple[zmq.Socket[bytes], zmq.Socket[bytes]]"]) -> Neighbour:
        return Neighbour(stage, open_, address=self._peers.address(stage), now=monotonic())

    def _to_watcher(self, kind: Kind) -> "tuple[zmq.Socket[bytes], zmq.Socket[bytes]]":
        stage = f"watcher-{kind}"
        updates = self._subscriber(UPDATES_HIGH_WATER)
        self._peers.connect(updates, stage, ipc=partial(updates_endpoint, self._run_dir, kind), offset=0)
        snapshots = self._teller(zmq.DEALER, SNAPSHOTS_HIGH_WATER)
        self._peers.connect(snapshots, stage, ipc=partial(snapshots_endpoint, self._run_dir, kind), offset=1)
        return updates, snapshots

    def _to_relay(self) -> "tuple[zmq.Socket[bytes], zmq.Socket[bytes]]":
        emissions = self._teller(zmq.PUSH, EMISSIONS_HIGH_WATER)
        self._peers.connect(emissions, "relay", ipc=partial(emissions_endpoint, self._run_dir), offset=0)
        link = self._subscriber(UPDATES_HIGH_WATER)
        self._peers.connect(link, "relay", ipc=partial(link_endpoint, self._run_dir), offset=1)
        return link, emissions

    def _subscriber(self, high_water: int) -> "zmq.Socket[bytes]":
        socket = new_socket(self._context, zmq.SUB, high_water=high_water)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        return socket

    def _teller(self, type_: int, high_water: int) -> "zmq.Socket[bytes]":
        socket = new_socket(self._context, type_, high_water=high_water)
        # Only to those who are there; a subscription, on the other hand, may wait for its publisher.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        return socket

    def _sent(self, socket: "zmq.Socket[bytes]", frame: bytes) -> bool:
        try:
            socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        finally:
            self._poller.used(socket)
        return True

    def _warn(self, event: str, neighbour: Neighbour, why: str, now: float) -> None:
        held_back = self._seldom.held_back(neighbour.stage, now)
        if held_back is not None:
            self._log.warning(event, neighbour=neighbour.stage, where=neighbour.where, why=why, held_back=held_back)
