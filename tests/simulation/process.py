"""A process as the scheduler sees it: a loop that turns, blocks, is stopped, killed and started.

A process that blocks in poll is left until one of its sockets is poked or its time has come; then its loop turns again. `kill` is
kill -9: everything is gone but what the kernel and the neighbours have.
"""

import random
from collections.abc import Callable

from common.messages import Incarnation
from tests.simulation.edges import Edges
from tests.simulation.polling import WouldBlock


class Process:
    """A process that turns a loop. A mover of the scheduler."""

    def __init__(self, name: str, edges: Edges) -> None:
        self.name = name
        self.lives = 0
        self.alive = False
        self.stopped = False
        """By SIGSTOP."""
        self.edges = edges
        self._turn: Callable[[], None] = lambda: None
        self._wake_at = float("inf")
        """When its poll comes back, if it is in one."""
        self._poked = True

    @property
    def runs(self) -> bool:
        return self.alive and not self.stopped

    def poke(self) -> None:
        self._poked = True

    def ready(self) -> bool:
        return self.alive and not self.stopped and (self._poked or self.edges.clock.now >= self._wake_at)

    def next_at(self) -> float:
        """When its poll comes back by itself."""
        return self._wake_at if self.runs else float("inf")

    def move(self, _random: random.Random) -> None:
        """One turn of its loop, or as far as it gets before it blocks."""
        self.edges.owner = self
        self.edges.time_is_up = self.edges.clock.now >= self._wake_at
        self._poked, self._wake_at = True, float("inf")
        try:
            self._turn()
        except WouldBlock as blocked:
            self._poked = False
            self._wake_at = self.edges.clock.now + blocked.seconds

    def start(self) -> None:
        """A new life. Whoever is alive goes on."""
        if self.alive:
            return
        self.lives += 1
        self.alive, self.stopped = True, False
        self._poked, self._wake_at = True, float("inf")
        self.edges.owner = self
        self._turn = self.begin(Incarnation(f"{self.name}-{self.lives}"))

    def kill(self) -> None:
        """kill -9."""
        self.alive = False
        self.edges.network.close_all(self)

    def begin(self, incarnation: Incarnation) -> Callable[[], None]:
        """Wires a new life, and gives its loop's turn."""
        raise NotImplementedError
