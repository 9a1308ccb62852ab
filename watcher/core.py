"""A watcher without its sockets: the scopes of one kind as one, and what its readers are sent.

With namespaces given there is one scope for each. To the readers they are one list: InitDone goes out when every scope has been listed
or is denied, and at least one was listed, so that a right that is missing in one namespace holds up no other.
"""

from common.messages import Beat, Condition, Event, InitDone, SnapshotAsk, SnapshotChunk, SnapshotGone, Updates
from watcher.channel import Happening
from watcher.publish import Publisher
from watcher.scope import Scope
from watcher.states import Watch

BEAT_SECONDS = 1.0


class Watcher:
    """One life of a watcher. Methods give the messages to publish, in order."""

    def __init__(self, *, scopes: list[Scope], publisher: Publisher) -> None:
        self.scopes = scopes
        self.publisher = publisher
        self._was_complete = False
        self._beat_at = float("-inf")
        self._beat_condition: Condition | None = None

    @property
    def condition(self) -> Condition:
        """The worst of the scopes'."""
        conditions = {scope.state.condition for scope in self.scopes}
        if Condition.FORBIDDEN in conditions:
            return Condition.FORBIDDEN
        return Condition.LISTING if Condition.LISTING in conditions else Condition.FOLLOWING

    @property
    def complete(self) -> bool:
        """The store holds all that may be seen."""
        states = [scope.state for scope in self.scopes]
        return any(state.listed for state in states) and all(
            state.listed or state.denied is not None for state in states
        )

    @property
    def beat_at(self) -> float:
        """When the next beat is due, if nothing happens till then (monotonic seconds)."""
        return self._beat_at + BEAT_SECONDS

    @property
    def calm(self) -> bool:
        """Nothing but a beat is due for the time being."""
        return all(isinstance(scope.state.activity, Watch) for scope in self.scopes)

    def tick(self, *, now: float, stamp_ns: int) -> list[Updates | Beat]:
        """Lets time pass; call it at least once a second."""
        self.publisher.forget_idle(now)
        events = [event for scope in self.scopes for event in scope.tick(now)]
        return [*self._updates(events, stamp_ns), *self._beat(now)]

    def take(self, scope: Scope, happenings: list[Happening], *, now: float, stamp_ns: int) -> list[Updates | Beat]:
        """What came on a scope's channel in one turn: one message."""
        events = [event for happening in happenings for event in scope.take(happening, now)]
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
        was_complete, self._was_complete = self._was_complete, self.complete
        if not self.complete:
            events = [event for event in events if not isinstance(event, InitDone)]
        elif not was_complete and not any(isinstance(event, InitDone) for event in events):
            events = [*events, InitDone()]  # what was still missing is denied
        return [self.publisher.updates(events, stamp_ns)] if events else []

    def _beat(self, now: float) -> list[Beat]:
        condition = self.condition
        if condition is self._beat_condition and now < self.beat_at:
            return []
        self._beat_condition, self._beat_at = condition, now
        return [self.publisher.beat(condition)]
