"""A watcher without its sockets: the scopes of one kind as one, and what its readers are sent.

With namespaces given there is one scope for each. To the readers they are one list: InitDone goes out when every scope has been listed
or is denied, and at least one was listed, so that a right that is missing in one namespace holds up no other.
"""

from common.clock import next_beat
from common.messages import Beat, Condition, Event, InitDone, SnapshotAsk, SnapshotChunk, SnapshotGone, Updates
from watcher.channel import Happening
from watcher.publish import Publisher
from watcher.scope import Scope


class Watcher:
    """One life of a watcher. Methods give the messages to publish, in order."""

    def __init__(self, *, scopes: list[Scope], publisher: Publisher) -> None:
        self.scopes = scopes
        self.publisher = publisher
        self.complete = False
        """The store holds all that may be seen."""
        self.condition = Condition.LISTING
        """The worst of the scopes'."""
        self.calm = False
        """Nothing but a beat is due for the time being."""
        self.beat_at = float("-inf")
        """When the next beat is due, if nothing happens till then (monotonic seconds)."""
        self._beat_condition: Condition | None = None

    def tick(self, *, now: float, stamp_ns: int) -> list[Updates | Beat]:
        """Lets time pass; call it when a beat is due, and now and then while it is not `calm`."""
        self.publisher.forget_idle(now)
        events = [event for scope in self.scopes for event in scope.tick(now)]
        return [*self._updates(events, stamp_ns), *self._beat(now)]

    def take(self, scope: Scope, happenings: list[Happening], *, now: float, stamp_ns: int) -> list[Updates | Beat]:
        """What came on a scope's channel in one turn: one message."""
        before = scope.standing
        events = [event for happening in happenings for event in scope.take(happening, now)]
        if scope.standing is before:  # objects, and nothing else: mostly so
            return [self.publisher.updates(events, stamp_ns)] if events else []
        return [*self._updates(events, stamp_ns), *self._beat(now)]

    def answer(self, client: bytes, ask: SnapshotAsk, *, now: float) -> SnapshotChunk | SnapshotGone:
        """The answer to a reader's question."""
        return self.publisher.answer(client, ask, self._snapshot_condition(), now)

    def _snapshot_condition(self) -> Condition:
        """A snapshot with all that may be seen is whole, whatever is denied beside it: no InitDone would ever follow it."""
        if self.complete:
            return Condition.FOLLOWING
        return Condition.FORBIDDEN if self.condition is Condition.FORBIDDEN else Condition.LISTING

    def _updates(self, events: list[Event], stamp_ns: int) -> list[Updates]:
        was_complete = self.complete
        self._weigh()
        if not self.complete:
            events = [event for event in events if not isinstance(event, InitDone)]
        elif not was_complete and not any(isinstance(event, InitDone) for event in events):
            events = [*events, InitDone()]  # what was still missing is denied
        return [self.publisher.updates(events, stamp_ns)] if events else []

    def _weigh(self) -> None:
        standings = [scope.standing for scope in self.scopes]
        conditions = {one.condition for one in standings}
        self.complete = any(one.listed for one in standings) and all(one.listed or one.denied for one in standings)
        self.calm = all(one.watches for one in standings)
        # The worst is told.
        ranked = (Condition.FORBIDDEN, Condition.LISTING, Condition.FOLLOWING)
        self.condition = next(one for one in ranked if one in conditions)

    def _beat(self, now: float) -> list[Beat]:
        if self.condition is self._beat_condition and now < self.beat_at:
            return []
        self._beat_condition, self.beat_at = self.condition, next_beat(now)
        return [self.publisher.beat(self.condition)]
