"""The guard against owners that never come: too many pods waiting for them is taken for a fault on our side, once.

It trips, everything is read afresh, and who waits after that waits no longer. It is armed again when fewer than half of the cap wait.
"""

from typing import assert_never

import msgspec


class Armed(msgspec.Struct, frozen=True):
    """One pod too many trips it."""


class Rereading(msgspec.Struct, frozen=True):
    """It has tripped, and the fresh snapshots are being taken."""


class Spent(msgspec.Struct, frozen=True):
    """The fresh snapshots were taken; too many still wait, or wait again."""


class Guard:
    """Counts nothing itself: it is shown how many pods wait."""

    def __init__(self, most_waiting: int) -> None:
        self.state: Armed | Rereading | Spent = Armed()
        self.trips = 0
        self._most_waiting = most_waiting

    def look(self, waiting: int) -> bool:
        """Whether it trips now: then take fresh snapshots, and call `reread` after them."""
        match self.state:
            case Armed():
                if waiting > self._most_waiting:
                    self.state = Rereading()
                    self.trips += 1
                    return True
            case Spent():
                if waiting * 2 < self._most_waiting:
                    self.state = Armed()
            case Rereading():
                pass
            case _:
                assert_never(self.state)
        return False

    def reread(self) -> bool:
        """Fresh snapshots of everything were taken. Whether it was the guard that had asked for them."""
        if not isinstance(self.state, Rereading):
            return False
        self.state = Spent()
        return True
