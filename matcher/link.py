"""What the relay's `Link` says about what it has of ours: whether anything got lost on the way to it."""

from typing import Final

import msgspec

from common.messages import Epoch, Incarnation, Link
from matcher.epochs import Cause
from matcher.outbox import Closed, Open

BEHIND_SECONDS: Final = 1.5
"""An idle link takes what is sent within milliseconds; what it has not taken two beats later is lost. Half a beat less than these, since
`Link`s come at beats, a little sooner or later."""


class Level(msgspec.Struct, frozen=True):
    """The relay has taken all that was sent, or is busy: nothing can be told."""


class Behind(msgspec.Struct, frozen=True):
    """The relay could take more, and has taken less than what was sent. `since` when, in monotonic seconds."""

    epoch: Epoch
    taken: int
    sent: int
    since: float


class LinkWatch:
    """The newest `Link`, and how long it has told the same."""

    def __init__(self, matcher: Incarnation) -> None:
        self.latest: Link | None = None
        self._matcher = matcher
        self._progress: Level | Behind = Level()

    def hear(self, link: Link, *, outbox: Closed | Open, sent: int, now: float) -> Cause | None:
        """Takes a `Link` of the outbox's connection; `sent` is the number of the last emission handed out. Says why a new epoch is due."""
        self.latest = link
        before, self._progress = self._progress, Level()
        if isinstance(outbox, Closed):
            return None
        ours = (link.epoch, link.matcher) == (outbox.epoch, self._matcher)
        if not ours and link.epoch >= outbox.epoch:
            return Cause.FOREIGN
        if ours and link.broken:
            return Cause.BROKEN
        taken = link.taken if ours else 0
        if not link.accepting or taken >= sent:
            return None
        return self._compare(before, Behind(outbox.epoch, taken, sent, now))

    def is_fresh(self) -> bool:
        """Whether a connection stands on which nothing has been taken from anybody: its reducer has nothing that it could lose."""
        link = self.latest
        return link is not None and link.connected and not link.taken and not link.broken

    def _compare(self, before: Level | Behind, after: Behind) -> Cause | None:
        if not isinstance(before, Behind) or msgspec.structs.replace(after, since=before.since) != before:
            self._progress = after
            return None
        self._progress = before
        return Cause.BEHIND if after.since - before.since >= BEHIND_SECONDS else None
