"""ZeroMQ without ZeroMQ: sockets, pipes and poller that do what libzmq's do to messages, at moments that the scheduler chooses.

What is kept of libzmq, from its documentation (zmq_socket(3), zmq_setsockopt(3)) and its source:

- a message stays whole, and messages of one pipe stay in order; what several pipes bring to one socket comes in any order;
- PUB drops for a subscriber that is not there, whose subscription has not come, or whose pipe is full;
- PUSH and DEALER do not send (EAGAIN) without a peer (ZMQ_IMMEDIATE) or with a full pipe; ROUTER drops what cannot be routed;
- a connection that breaks loses what was under way to either side, but for what the kernel had taken already; a peer that comes back
  is found within the reconnect interval, and ROUTER knows it by another name;
- what a socket has received stays readable when its sender is gone.

`poll` raises `WouldBlock` where a real one would sleep: the scheduler runs the process again when there is a reason to.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import zmq

from tests.simulation.clock import Clock

PUB, PUSH, ROUTER, NOBLOCK = int(zmq.PUB), int(zmq.PUSH), int(zmq.ROUTER), int(zmq.NOBLOCK)
POLLIN, POLLOUT = int(zmq.POLLIN), int(zmq.POLLOUT)
"""Plain numbers: the enumerations of pyzmq cost more than all else here."""

FIRST_RECONNECT_SECONDS = 0.02
RECONNECT_SECONDS = 1.0
"""The bounds that common.sockets sets."""

HIGH_WATER = (1, 2, 6)
"""Messages that each end of a pipe holds, whatever the high-water mark: small, so that short schedules come to it."""


class Again(Exception):
    """EAGAIN. Not pyzmq's own, which asks libzmq for its text each time."""


class WouldBlock(Exception):
    """Nothing is ready."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__(f"for {milliseconds} ms")
        self.seconds = milliseconds / 1_000


class Owner(Protocol):
    """The process that has a socket."""

    name: str

    @property
    def runs(self) -> bool:
        """Neither dead nor stopped."""
        ...

    def poke(self) -> None:
        """Something has happened to one of its sockets."""
        ...


class Pipe:
    """One direction of a connection: messages under way, and those that have reached the receiving socket."""

    def __init__(self, link: "Link", *, sender: "Socket", receiver: "Socket", identity: bytes) -> None:
        self.link = link
        self.sender = sender
        self.receiver = receiver
        self.identity = identity
        self.flying: deque[bytes] = deque()
        self.landed: deque[bytes] = deque()
        receiver.inbound.append(self)

    @property
    def has_room(self) -> bool:
        return len(self.flying) < self.sender.high_water

    @property
    def can_land(self) -> bool:
        return bool(self.flying) and len(self.landed) < self.receiver.high_water

    def take(self, frame: bytes) -> None:
        """A message sets out."""
        self.flying.append(frame)
        self.link.stir()

    def land(self, most: int) -> None:
        """So many messages reach the receiver, as far as it has room."""
        while most > 0 and self.can_land:
            self.landed.append(self.flying.popleft())
            most -= 1
        self.receiver.owner.poke()
        self.sender.owner.poke()

    def break_off(self, kept: int) -> None:
        """The connection is gone: of what was under way the receiver gets the first `kept`."""
        self.land(kept)
        self.flying.clear()


class Link:
    """A connecting socket's connection to an endpoint, whether it stands or not. A mover of the scheduler."""

    def __init__(self, network: "Network", connecter: "Socket", endpoint: str) -> None:
        self.name = f"{connecter.owner.name}>{endpoint.rpartition('/')[2]}"
        self._network = network
        self.connecter = connecter
        self._endpoint = endpoint
        self._retry_at = 0.0
        self.binder: Socket | None = None
        self.out: Pipe | None = None
        self.back: Pipe | None = None

    def ready(self) -> bool:
        """Whether there is something to move. Both ends' I/O threads have to run for that."""
        if self.out is None or self.back is None:
            binder = self._network.bound.get(self._endpoint)
            moving = self._network.clock.now >= self._retry_at
        else:
            binder = self.binder
            moving = self.out.can_land or self.back.can_land
        return moving and binder is not None and binder.owner.runs and self.connecter.owner.runs

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

    def _connect(self, binder: "Socket") -> None:
        self._network.connections += 1
        identity = self._network.connections.to_bytes(5, "big")
        self._network.busy.pop(self)
        self.binder = binder
        self.out = Pipe(self, sender=self.connecter, receiver=binder, identity=identity)
        self.back = Pipe(self, sender=binder, receiver=self.connecter, identity=identity)
        binder.links.append(self)
        self.connecter.owner.poke()
        binder.owner.poke()

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


class Socket:
    """What the processes use of a zmq.Socket."""

    def __init__(self, network: "Network", owner: Owner, kind: int) -> None:
        self.owner = owner
        self.kind = kind
        self.high_water = network.high_water
        self.inbound: list[Pipe] = []
        self.links: list[Link] = []
        self._network = network

    def setsockopt(self, option: int, value: int | bytes) -> None:
        """High-water marks are kept; the other options are what this network does anyway."""
        if option in (zmq.SNDHWM, zmq.RCVHWM):
            self.high_water = min(self._network.high_water, int(value))

    def bind(self, endpoint: str) -> None:
        self._network.bound[endpoint] = self

    def connect(self, endpoint: str) -> None:
        self.links.append(self._network.link(self, endpoint))

    def send(self, frame: bytes, flags: int = 0) -> None:
        """PUB, PUSH, DEALER."""
        pipes = [pipe for link in self.links if (pipe := self._outbound(link)) is not None and pipe.has_room]
        if self.kind == PUB:
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
        pipe = pipes[0] if len(pipes) == 1 else self._network.random.choice(pipes)
        frame = pipe.landed.popleft()
        return [pipe.identity, frame] if self.kind == ROUTER else [frame]

    def poll(self, _timeout: float = 0, flags: int = POLLIN) -> int:
        """The events that are there now."""
        return (flags & POLLIN and self._readable()) | (flags & POLLOUT and self._writable())

    def close(self) -> None:
        self._network.close(self)

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

    def close(self, socket: Socket) -> None:
        """One socket is closed: processes close them all together."""
        self.close_all(socket.owner)

    def settled(self) -> bool:
        """No message is under way or waits in a socket."""
        ends = [pipe for link in self.links for pipe in (link.out, link.back) if pipe is not None]
        return not any(pipe.flying or pipe.landed for pipe in ends)


class Readable(Protocol):
    """What stands behind a file descriptor."""

    def events(self) -> int:
        """POLLIN and POLLOUT, as they are now."""
        ...


class Descriptors:
    """Numbers for what is no ZeroMQ socket."""

    def __init__(self) -> None:
        self._behind: list[Readable] = []

    def new(self, behind: Readable) -> int:
        """A descriptor for it. It is not given to anybody else later."""
        self._behind.append(behind)
        return len(self._behind) - 1

    def events(self, descriptor: int) -> int:
        return self._behind[descriptor].events()


class Poller:
    """A zmq.Poller."""

    def __init__(self, descriptors: Descriptors, *, may_block: Callable[[], bool]) -> None:
        """`may_block`: whether time is still to pass before the process runs on."""
        self._descriptors = descriptors
        self._may_block = may_block
        self._registered: dict[Any, int] = {}

    def register(self, what: Any, flags: int = POLLIN | POLLOUT) -> None:
        if flags:
            self._registered[what] = flags
        else:
            self._registered.pop(what, None)

    def unregister(self, what: Any) -> None:
        del self._registered[what]

    def poll(self, milliseconds: float = -1) -> Iterable[tuple[Any, int]]:
        ready = []
        for what, flags in self._registered.items():
            events = self._descriptors.events(what) & flags if isinstance(what, int) else what.poll(0, flags)
            if events:
                ready.append((what, events))
        if not ready and milliseconds > 0 and self._may_block():
            raise WouldBlock(milliseconds)
        return ready
