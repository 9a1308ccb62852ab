"""When a new epoch is due, why, and which number it gets."""

from enum import StrEnum

from common.messages import Epoch


class Cause(StrEnum):
    """Why everything is to be said again."""

    CONNECTION = "connection"
    """The relay has a new upstream connection: its reducer knows nothing."""
    RELIST = "relist"
    """The pods were listed again: what is known was compared with the whole cluster."""
    GUARD = "guard"
    """Too many pods waited for their owners."""
    OPERATOR = "operator"
    BROKEN = "broken"
    """The relay missed a batch."""
    BEHIND = "behind"
    """What was sent last did not arrive."""
    FOREIGN = "foreign"
    """The relay follows an epoch of another life of the matcher."""


class Epochs:
    """Causes that come together make one epoch: they are gathered until it can be opened."""

    def __init__(self) -> None:
        self.number = Epoch(0)
        """The newest epoch opened here; 0 before the first."""
        self.reasons: tuple[Cause, ...] = ()
        """Why that one was opened."""
        self.opened_at = float("-inf")
        """When, in monotonic seconds."""
        self.opened: dict[Cause, int] = dict.fromkeys(Cause, 0)
        """How many epochs each cause has had a part in."""
        self._due: dict[Cause, None] = {}

    @property
    def due(self) -> tuple[Cause, ...]:
        """The causes for which an epoch has yet to be opened."""
        return tuple(self._due)

    def demand(self, cause: Cause) -> None:
        """An epoch is due."""
        self._due[cause] = None

    def next(self, *, beyond: Epoch, now: float) -> Epoch:
        """The number of the epoch that is opened now: greater than all before here, and than what the relay has seen."""
        self.number = Epoch(max(self.number, beyond) + 1)
        self.reasons = self.due
        self.opened_at = now
        for cause in self._due:
            self.opened[cause] += 1
        self._due.clear()
        return self.number
