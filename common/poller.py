"""Waits for ZeroMQ sockets and file descriptors, and asks libzmq no more than it has to.

libzmq's own poll asks each socket before it sleeps and again after it, at two system calls each: with eight sockets that is most of the
system calls that a message costs. A socket also has a descriptor that tells of news (ZMQ_FD, zmq_getsockopt(3)). It is edge-triggered:
it tells nothing of what a call on the socket has come upon. So there is one rule: a socket on which something was called has to be asked
before the next sleep, and one on which nothing was need not be. Sockets that `poll` gave are taken for read from; of other
calls it is told (`used`). Were one forgotten, its news would wait until a sleep comes to its end: then all are asked.
"""

import select
from collections.abc import Iterable
from typing import Any, Final

import zmq

_Socket = zmq.Socket[bytes]

Ready = dict[_Socket | int, int]
"""Sockets and descriptors, and what they are ready for."""

POLLIN: Final = int(zmq.POLLIN)
POLLOUT: Final = int(zmq.POLLOUT)
"""Plain numbers: an operation on pyzmq's enumerations takes as long as a system call."""

_POLLERR: Final = int(zmq.POLLERR)


class Poller:
    """Of one thread. `flags` are POLLIN, POLLOUT, both, or 0 for what is not to be waited for just now."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._flags: dict[_Socket | int, int] = {}
        self._sockets: dict[int, _Socket] = {}
        """By their descriptors."""
        self._unsure: dict[_Socket, None] = {}
        """Something may have been called on them since they were asked last."""

    def register(self, what: "_Socket | int", flags: int = POLLIN) -> None:
        """From now on `poll` waits for it, and for no more than these flags."""
        if self._flags.get(what, 0) == flags:
            return
        if not flags:
            self.unregister(what)
            return
        self._flags[what] = flags
        if isinstance(what, int):
            wanted = (select.POLLIN if flags & POLLIN else 0) | (select.POLLOUT if flags & POLLOUT else 0)
            self._poll.register(what, wanted)
        else:
            self._sockets[_descriptor(what)] = what
            self._unsure[what] = None
            self._poll.register(_descriptor(what), select.POLLIN)

    def unregister(self, what: "_Socket | int") -> None:
        """Not any more. A socket is unregistered before it is closed: pyzmq asks about a closed one without a word."""
        del self._flags[what]
        if isinstance(what, int):
            self._poll.unregister(what)
            return
        del self._sockets[_descriptor(what)]
        self._unsure.pop(what, None)
        self._poll.unregister(_descriptor(what))

    def used(self, socket: _Socket) -> None:
        """Something was called on a socket that the last `poll` has not given."""
        if socket in self._flags:
            self._unsure[socket] = None

    def has(self, socket: _Socket, flag: int = POLLIN) -> bool:
        """Whether the socket can be read from, or with POLLOUT written to, at this moment."""
        ready = bool(zmq.zmq_poll([(socket, flag)], 0))
        if ready or self._flags.get(socket) != flag:
            self.used(socket)  # the question itself is a call
        else:
            self._unsure.pop(socket, None)
        return ready

    def poll(self, milliseconds: int) -> Ready:
        """What is ready, and for what. Sleeps at most so long, and may come back early with nothing."""
        ready: Ready = self._ask(self._unsure) if self._unsure else {}
        found = self._poll.poll(0 if ready else milliseconds)
        if found:
            sockets = []
            for descriptor, events in found:
                socket = self._sockets.get(descriptor)
                if socket is None:
                    ready[descriptor] = _as_zmq(events)
                else:
                    sockets.append(socket)
            ready |= self._ask(sockets) if sockets else {}
        elif not ready:
            ready = self._ask(self._sockets.values())
        self._unsure = {what: None for what in ready if not isinstance(what, int)}
        return ready

    def _ask(self, sockets: Iterable[_Socket]) -> Ready:
        flags = self._flags
        found: Any = zmq.zmq_poll([(socket, flags[socket]) for socket in sockets], 0)  # pyzmq says: of its backend's
        return dict(found)


def _descriptor(socket: _Socket) -> int:
    descriptor = socket.getsockopt(zmq.FD)
    assert isinstance(descriptor, int)
    return descriptor


def _as_zmq(events: int) -> int:
    known = (POLLIN if events & select.POLLIN else 0) | (POLLOUT if events & select.POLLOUT else 0)
    return known | (_POLLERR if events & ~(select.POLLIN | select.POLLOUT) else 0)
