"""Connections of ZeroMQ sockets: what becomes of messages between two sockets, at moments that the scheduler chooses.

What is kept of libzmq, from its documentation (zmq_socket(3), zmq_setsockopt(3)) and its source (pipe.cpp, session_base.cpp):

- a message stays whole, and messages of one connection stay in order;
- a pipe that is full has room again when half of it has been taken away (the low-water mark);
- a connection that breaks loses what was under way to either side, but for what the kernel had taken already; a peer that comes back
  is found within the reconnect interval, and ROUTER knows it by another name;
- what has reached a socket stays readable when its sender is gone; what a stopped process had sent may still arrive.
"""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Final

import zmq

if TYPE_CHECKING:
    from tests.simulation.sockets import Network, Socket

XPUB: Final = int(zmq.XPUB)
SUBSCRIBED: Final = b"\x01"
"""What an XPUB reads when a subscriber to everything has come (zmq_socket(3))."""

FIRST_RECONNECT_SECONDS: Final = 0.02
RECONNECT_SECONDS: Final = 1.0
"""A listener that is there is found after the first interval; a busy machine, or one that has just come back, may take longer."""


class Pipe:
    """One direction of a connection: messages under way, and those that have reached the receiving socket."""

    def __init__(self, link: Link, *, sender: Socket, receiver: Socket, identity: bytes) -> None:
        self.link = link
        self.sender = sender
        self.receiver = receiver
        self.identity = identity
        self.flying: deque[bytes] = deque()
        self.landed: deque[bytes] = deque()
        self._held = 0
        """Messages that the sender counts as under way."""
        self._gone = 0
        """Those of them that are not, and of which the sender has not been told."""
        receiver.inbound.append(self)

    @property
    def has_room(self) -> bool:
        return self._held < self.sender.high_water

    @property
    def can_land(self) -> bool:
        """Whether a message can reach the receiver. Its own I/O thread has to run for that, not the sender's."""
        receiver = self.receiver
        return bool(self.flying) and receiver.owner.runs and len(self.landed) < receiver.high_water

    def take(self, frame: bytes) -> None:
        """A message sets out."""
        self._held += 1
        self.flying.append(frame)
        self.link.stir()

    def land(self, most: int) -> None:
        """So many messages reach the receiver, as far as it has room."""
        was_full = not self.has_room
        while most > 0 and self.flying and len(self.landed) < self.receiver.high_water:
            self.landed.append(self.flying.popleft())
            self._gone += 1
            most -= 1
        if self._gone >= (self.sender.high_water + 1) // 2:
            self._held -= self._gone
            self._gone = 0
        self.receiver.owner.poke()
        if was_full and self.has_room:
            self.sender.owner.poke()

    def break_off(self, kept: int) -> None:
        """The connection is gone: of what was under way the receiver gets the first `kept`."""
        self.land(kept)
        self.flying.clear()


class Link:
    """A connecting socket's connection to an endpoint, whether it stands or not. A mover of the scheduler."""

    def __init__(self, network: Network, connecter: Socket, endpoint: str) -> None:
        self.name = f"{connecter.owner.name}>{endpoint.rpartition('/')[2]}"
        self._network = network
        self.connecter = connecter
        self._endpoint = endpoint
        self._retry_at = 0.0
        self.binder: Socket | None = None
        self.out: Pipe | None = None
        self.back: Pipe | None = None

    def ready(self) -> bool:
        """Whether there is something to move. To connect, both ends' I/O threads have to run."""
        if self.out is not None and self.back is not None:
            return self.out.can_land or self.back.can_land
        binder = self._network.bound.get(self._endpoint)
        due = self._network.clock.now >= self._retry_at
        return due and binder is not None and binder.owner.runs and self.connecter.owner.runs

    @property
    def loaded(self) -> bool:
        """Messages are under way on it."""
        return any(pipe is not None and pipe.flying for pipe in (self.out, self.back))

    def next_at(self) -> float:
        """When it will be ready by itself."""
        waits = self.out is None and self._endpoint in self._network.bound and self._retry_at > self._network.clock.now
        return self._retry_at if waits else float("inf")

    def move(self, random_: random.Random) -> None:
        """Connects, or lets some messages arrive."""
        if self.out is None or self.back is None:
            self._connect(self._network.bound[self._endpoint])
            return
        pipes = [pipe for pipe in (self.out, self.back) if pipe.can_land]
        pipe = pipes[0] if len(pipes) == 1 else random_.choice(pipes)
        pipe.land(1 if random_.random() < 0.5 else self._network.high_water)
        if not (self.out.flying or self.back.flying):
            self._network.busy.pop(self, None)

    def carries(self, pipe: Pipe) -> bool:
        """The pipe is one of the connection that stands."""
        return pipe is self.out or pipe is self.back

    def stir(self) -> None:
        """It may have something to move from now on."""
        self._network.busy[self] = None

    def _connect(self, binder: Socket) -> None:
        self._network.connections += 1
        identity = self._network.connections.to_bytes(5, "big")
        self._network.busy.pop(self)
        self.binder = binder
        self.out = Pipe(self, sender=self.connecter, receiver=binder, identity=identity)
        self.back = Pipe(self, sender=binder, receiver=self.connecter, identity=identity)
        if binder.kind == XPUB:
            self.out.landed.append(SUBSCRIBED)
            binder.owner.poke()
        binder.links.append(self)
        self.connecter.owner.poke()

    def break_off(self, random_: random.Random) -> None:
        """The connection is lost, if it stands; it will be made again."""
        if self.out is None or self.back is None or self.binder is None:
            return
        for pipe in (self.out, self.back):
            pipe.break_off(random_.randint(0, len(pipe.flying)))
        self.binder.links.remove(self)
        self.binder = self.out = self.back = None
        self._retry_at = self._network.clock.now + random_.choice((FIRST_RECONNECT_SECONDS, RECONNECT_SECONDS))
        self.stir()
        self.connecter.owner.poke()
