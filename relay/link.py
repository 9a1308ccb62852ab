"""The link's state as the matcher hears it, and when it is published.

At each change of what the matcher acts on, and once a second. The number of the last emission taken is no such change: it grows with
every batch, and the matcher looks only whether it stays behind.
"""

from typing import assert_never

from common.clock import next_beat
from common.messages import Epoch, Incarnation, Link
from relay.accept import Awaiting, Broken, Closed, Fence, Following
from relay.connect import State, Up
from relay.outbox import Gate


def link_of(fence: Fence, line: State, *, relay: Incarnation, since_ns: int, gate: Gate) -> Link:
    """The `Link` that says it."""
    return Link(
        relay=relay,
        connection=line.connections,
        connected=isinstance(line, Up),
        since_ns=since_ns,
        epoch=fence.epoch,
        matcher=fence.matcher,
        taken=_taken(fence),
        broken=isinstance(fence, Broken),
        accepting=gate is Gate.OPEN,
    )


def _taken(fence: Fence) -> int:
    match fence:
        case Following(taken=taken) | Broken(taken=taken):
            return taken
        case Awaiting() | Closed():
            return 0
        case _:
            assert_never(fence)


Standing = tuple[int, bool, Epoch, Incarnation, bool, Gate]
"""What of a link the matcher acts on, to be compared."""


def standing_of(fence: Fence, line: State, gate: Gate) -> Standing:
    """The link's, without a `Link`: it is looked at several times in each turn."""
    return line.connections, isinstance(line, Up), fence.epoch, fence.matcher, isinstance(fence, Broken), gate


class Publisher:
    """Remembers what was said last, and when."""

    def __init__(self) -> None:
        self._said: Standing | None = None
        self._again_at = float("-inf")

    def due_at(self, standing: Standing) -> float:
        """The moment from which the link, as it stands now, is to be published: in the past when that has changed."""
        return self._again_at if self._said == standing else float("-inf")

    def published(self, standing: Standing, now: float) -> None:
        """It has been said."""
        self._said = standing
        self._again_at = next_beat(now)
