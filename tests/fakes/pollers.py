"""A poller that notes what it is told and gives, for tests of those who use it."""

from typing import Any

import zmq

from common.poller import POLLIN, Poller, Ready


class NotingPoller(Poller):
    """Never sleeps longer than `longest` milliseconds."""

    def __init__(self, *, longest: int = 0) -> None:
        super().__init__()
        self.longest = longest
        self.sleeps: list[int] = []
        """What `poll` was told, in milliseconds."""
        self.given: Ready = {}
        """By the last `poll`."""
        self.flags: dict[Any, int] = {}
        self.told: list[zmq.Socket[bytes]] = []
        """Used, each time."""

    def register(self, what: Any, flags: int = POLLIN) -> None:
        self.flags[what] = flags
        super().register(what, flags)

    def used(self, socket: zmq.Socket[bytes]) -> None:
        self.told.append(socket)
        super().used(socket)

    def poll(self, milliseconds: int) -> Ready:
        self.sleeps.append(milliseconds)
        self.given = super().poll(min(milliseconds, self.longest))
        return self.given
