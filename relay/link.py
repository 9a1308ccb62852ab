"""The link's state as the matcher hears it, and when it is published.

At each change of what the matcher acts on, and once a second. The number of the last emission taken is no such change: it grows with
every batch, and the matcher looks only whether it stays behind.
"""

from typing import assert_never

import msgspec

from common.clock import next_beat
from common.messages import Incarnation, Link
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


class Publisher:
    """Remembers what was said last, and when."""

    def __init__(self) -> None:
        self._said: Link | None = None
        self._again_at = float("-inf")

    def due_at(self, link: Link) -> float:
        """The moment from which the link, as it is now, is to be published: in the past when it has changed."""
        return self._again_at if self._said is not None and _same(self._said, link) else float("-inf")

    def published(self, link: Link, now: float) -> None:
        """It has been said."""
        self._said = link
        self._again_at = next_beat(now)


def _same(said: Link, link: Link) -> bool:
    return said == msgspec.structs.replace(link, taken=said.taken)
