"""File descriptors and a `common.poller.Poller` for processes that must not sleep: a poll that would comes back as an exception.

`poll` raises `WouldBlock` where a real one would sleep: the scheduler runs the process again when there is a reason to.
"""

from collections.abc import Callable
from typing import Any, Protocol

import zmq

POLLIN, POLLOUT = int(zmq.POLLIN), int(zmq.POLLOUT)
"""Plain numbers: the enumerations of pyzmq cost more than all else here."""


class Owner(Protocol):
    """The process that has a socket or a descriptor."""

    name: str
    runs: bool
    """Neither dead nor stopped."""

    def poke(self) -> None:
        """Something has happened to one of its sockets."""
        ...


class WouldBlock(Exception):
    """Nothing is ready."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__(f"for {milliseconds} ms")
        self.seconds = milliseconds / 1_000


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
    """What the processes use of a `Poller`. It takes none for settled: what sockets tell is not among what schedules vary."""

    def __init__(self, descriptors: Descriptors, *, may_block: Callable[[], bool]) -> None:
        """`may_block`: whether time is still to pass before the process runs on."""
        self._descriptors = descriptors
        self._may_block = may_block
        self._registered: dict[Any, int] = {}

    def register(self, what: Any, flags: int = POLLIN) -> None:
        if flags:
            self._registered[what] = flags
        else:
            self._registered.pop(what, None)

    def unregister(self, what: Any) -> None:
        del self._registered[what]

    def used(self, what: Any) -> None:
        pass

    def has(self, what: Any, flag: int = POLLIN) -> bool:
        return bool(what.poll(0, flag))

    def poll(self, milliseconds: float) -> dict[Any, int]:
        ready = {}
        for what, flags in self._registered.items():
            events = self._descriptors.events(what) & flags if isinstance(what, int) else what.poll(0, flags)
            if events:
                ready[what] = events
        if not ready and milliseconds > 0 and self._may_block():
            raise WouldBlock(milliseconds)
        return ready
