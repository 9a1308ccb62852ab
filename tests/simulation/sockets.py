"""ZeroMQ without ZeroMQ: sockets and contexts that do to messages what libzmq's do.

What is kept of libzmq, beside what `pipes` has:

- what several connections bring to one socket comes in any order, but for SUB, whose pipe outlives a reconnect;
- PUB and XPUB drop for a subscriber that is not there or whose pipe is full; nobody is told;
- PUSH and DEALER do not send (EAGAIN) without a peer (ZMQ_IMMEDIATE) or with a full pipe; ROUTER drops what cannot be routed;
- anybody may connect to a socket and send it anything.
"""

import random
from collections.abc import Callable
from typing import Final

import zmq

from tests.simulation.clock import Clock
from tests.simulation.pipes import XPUB, Link, Pipe
from tests.simulation.polling import POLLIN, POLLOUT, Owner

PUB, SUB, PUSH, PULL, ROUTER = int(zmq.PUB), int(zmq.SUB), int(zmq.PUSH), int(zmq.PULL), int(zmq.ROUTER)
NOBLOCK = int(zmq.NOBLOCK)

HIGH_WATER: Final = (1, 2, 6)
"""Messages that each end of a pipe holds, whatever the high-water mark: small, so that short schedules come to it."""


class Again(Exception):
    """EAGAIN. Not pyzmq's own, which asks libzmq for its text each time."""


class Socket:
    """What the processes use of a zmq.Socket."""

    def __init__(self, network: "Network", owner: Owner, kind: int) -> None:
        self.owner = owner
        self.kind = kind
        self.high_water = network.high_water
        self.inbound: list[Pipe] = []
        self.links: list[Link] = []
        self._network = network
        network.sockets.append(self)

    def setsockopt(self, option: int, value: int | bytes) -> None:
        """High-water marks are kept; the other options are what this network does anyway."""
        if option in (zmq.SNDHWM, zmq.RCVHWM):
            self.high_water = min(self._network.high_water, int(value))

    def bind(self, endpoint: str) -> None:
        self._network.bound[endpoint] = self

    def connect(self, endpoint: str) -> None:
        self.links.append(self._network.link(self, endpoint))

    def send(self, frame: bytes, flags: int = 0) -> None:
        """PUB, XPUB, PUSH, DEALER."""
        pipes = [pipe for link in self.links if (pipe := self._outbound(link)) is not None and pipe.has_room]
        if self.kind in (PUB, XPUB):
            for pipe in pipes:
                pipe.take(frame)
        elif pipes:
            pipes[0].take(frame)
            if self.kind == PUSH:
                self._network.on_push(frame)
        else:
            assert flags & NOBLOCK, "a send that would block for ever"
            raise Again

    def send_multipart(self, frames: list[bytes]) -> None:
        """ROUTER: to the peer that the first frame names."""
        identity, frame = frames
        for link in self.links:
            if link.back is not None and link.back.identity == identity and link.back.has_room:
                link.back.take(frame)

    def recv(self, flags: int = 0) -> bytes:
        return self.recv_multipart(flags)[-1]

    def recv_multipart(self, _flags: int = 0) -> list[bytes]:
        pipes = [pipe for pipe in self.inbound if pipe.landed]
        if not pipes:
            raise Again
        # Pipes of dead senders are read out and forgotten.
        self.inbound = [pipe for pipe in self.inbound if pipe.landed or pipe.link.carries(pipe)]
        pipe = pipes[0] if len(pipes) == 1 or self.kind == SUB else self._network.random.choice(pipes)
        frame = pipe.landed.popleft()
        return [pipe.identity, frame] if self.kind == ROUTER else [frame]

    def poll(self, _timeout: float = 0, flags: int = POLLIN) -> int:
        """The events that are there now."""
        return (flags & POLLIN and self._readable()) | (flags & POLLOUT and self._writable())

    def close(self) -> None:
        self._network.close(self)

    def has_several(self) -> bool:
        """Messages of several connections wait here: any of them may be read next."""
        return sum(bool(pipe.landed) for pipe in self.inbound) > 1

    def litter(self, frame: bytes) -> None:
        """A stranger has connected, sent this, and gone."""
        if self.links:
            pipe = Pipe(self.links[0], sender=self, receiver=self, identity=b"stranger")
            pipe.landed.append(frame)
            self.owner.poke()

    def _readable(self) -> int:
        for pipe in self.inbound:
            if pipe.landed:
                return POLLIN
        return 0

    def _writable(self) -> int:
        for link in self.links:
            pipe = self._outbound(link)
            if pipe is not None and pipe.has_room:
                return POLLOUT
        return 0

    def _outbound(self, link: Link) -> Pipe | None:
        return link.back if link.binder is self else link.out


class Context:
    """What the processes use of a zmq.Context."""

    def __init__(self, network: "Network", owner: Owner) -> None:
        self._network = network
        self._owner = owner

    def socket(self, kind: int) -> Socket:
        return Socket(self._network, self._owner, kind)

    def destroy(self, linger: int = 0) -> None:
        assert not linger
        self._network.close_all(self._owner)


class Network:
    """All sockets of one machine."""

    def __init__(self, clock: Clock, random_: random.Random, *, on_push: Callable[[bytes], None]) -> None:
        """`on_push` is told each frame that a PUSH socket takes."""
        self.clock = clock
        self.on_push = on_push
        self.random = random_
        self.high_water = random_.choice(HIGH_WATER)
        self.bound: dict[str, Socket] = {}
        self.sockets: list[Socket] = []
        self.links: list[Link] = []
        self.busy: dict[Link, None] = {}
        """Those that may have something to move."""
        self.connections = 0

    def link(self, connecter: Socket, endpoint: str) -> Link:
        """A new link, down at first."""
        link = Link(self, connecter, endpoint)
        self.links.append(link)
        link.stir()
        return link

    def close_all(self, owner: Owner) -> None:
        """A process is gone, and with it its sockets and what they held."""
        for link in [link for link in self.links if link.connecter.owner is owner]:
            link.break_off(self.random)
            self.links.remove(link)
            self.busy.pop(link, None)
        for endpoint, socket in list(self.bound.items()):
            if socket.owner is owner:
                del self.bound[endpoint]
                for link in list(socket.links):
                    link.break_off(self.random)
        self.sockets = [socket for socket in self.sockets if socket.owner is not owner]

    def close(self, socket: Socket) -> None:
        """One socket is closed: processes close them all together."""
        self.close_all(socket.owner)

    def settled(self) -> bool:
        """No message is under way or waits in a socket."""
        ends = [pipe for link in self.links for pipe in (link.out, link.back) if pipe is not None]
        return not any(pipe.flying or pipe.landed for pipe in ends)
