"""Follows one watcher: a snapshot, then its updates, each exactly once and in order; when one is missing, a new snapshot.

The client's side of the Clone pattern of the ZeroMQ guide, with what that leaves out: a sequence number that is not the next one is a
gap, and a watcher's life (incarnation) that is not the one followed is a new start. Subscribed first, asked then: updates that come
while a snapshot is being taken are kept, and those that it has already are dropped. A snapshot of a watcher that has not listed
everything is partial: the rest comes as updates, and the fill ends when the watcher says that it is complete.

Pure: messages and times in, actions out. The reader of the actions keeps what it knows until FillEnd, so a watcher that is away, or
starts anew, loses nothing. Every ask may get lost, as may every answer: what is not answered is asked anew.
"""

from typing import Final, assert_never, cast

import msgspec

from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Incarnation,
    Init,
    InitDone,
    Sequence,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
)
from common.records import Record
from matcher.pulse import Pulse

ANSWER_SECONDS: Final = 2.0
"""An ask without an answer for so long got lost, or nobody was there: a watcher answers within milliseconds."""

MOST_KEPT_EVENTS: Final = 50_000
"""Events kept while a snapshot is being taken. More than these cost more than asking anew."""

MARKS: Final = frozenset((Init, InitDone))
"""Events that tell of a list and not of an object."""

MOST_DEAD: Final = 16
"""Dead lives remembered: what a socket may still hold of them is at most seconds old."""


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


Input = Updates | Beat | SnapshotChunk | SnapshotGone | Tick


class FillBegin(msgspec.Struct, frozen=True):
    """A snapshot begins: what it and what follows up to `FillEnd` do not mention is gone then. Takes the place of one under way."""


class Records(msgspec.Struct, frozen=True):
    """Records of the snapshot."""

    records: list[Record]


class Changes(msgspec.Struct, frozen=True):
    """What the watcher told since, in order."""

    stamp_ns: int
    events: list[Apply | Delete]


class FillEnd(msgspec.Struct, frozen=True):
    """The snapshot, and what followed, is all that the cluster holds."""


class Relisted(msgspec.Struct, frozen=True):
    """The watcher listed again, and told what was different."""


Action = FillBegin | Records | Changes | FillEnd | Relisted | SnapshotAsk


class Kept(msgspec.Struct, frozen=True):
    """Updates that came while a snapshot is being taken."""

    updates: tuple[Updates, ...] = ()
    events: int = 0

    def with_one(self, updates: Updates) -> "Kept":
        """And one more."""
        return Kept((*self.updates, updates), self.events + len(updates.events))


class Idle(msgspec.Struct, frozen=True):
    """Nothing was asked for yet."""


class Asking(msgspec.Struct, frozen=True):
    """The first chunk has been asked for."""

    request: int
    asked_at: float
    seen: frozenset[Incarnation]
    """Lives heard of before the ask. Two lives never overlap, so those that do not answer it are dead."""
    kept: Kept = Kept()


class Taking(msgspec.Struct, frozen=True):
    """Some chunks were taken and the next has been asked for."""

    request: int
    asked_at: float
    index: int
    """Of the chunk asked for."""
    incarnation: Incarnation
    kept: Kept


class Filling(msgspec.Struct, frozen=True):
    """All of a partial snapshot was taken; the watcher has still to come to the end of its list."""

    incarnation: Incarnation
    sequence: Sequence


class Following(msgspec.Struct, frozen=True):
    """All that the watcher has is known up to this sequence number."""

    incarnation: Incarnation
    sequence: Sequence


State = Idle | Asking | Taking | Filling | Following


class Progress(msgspec.Struct, frozen=True):
    """How far a snapshot under way has come, for people."""

    objects: int
    """Records that have come, those that updates add to a partial snapshot included."""
    of_about: int | None
    """Of the whole snapshot; None where nobody can tell."""


class Counts(msgspec.Struct):
    """For people and metrics."""

    asked: int = 0
    """Snapshots asked for."""
    fills: int = 0
    """Fills that came to their end."""
    gaps: int = 0
    duplicates: int = 0
    of_the_dead: int = 0
    """Frames of lives that are over."""


class Follower:
    """The client of one watcher."""

    def __init__(self) -> None:
        self.state: State = Idle()
        self.pulse = Pulse()
        self.counts = Counts()
        self.event_at = float("-inf")
        """When updates came last, in monotonic seconds."""
        self._come = 0
        """Records of the newest snapshot that have come."""
        self._objects = 0
        """Records that it has, if the watcher tells."""
        self._dead: tuple[Incarnation, ...] = ()

    @property
    def progress(self) -> Progress | None:
        """Of the snapshot under way, once something of it has come."""
        match self.state:
            case Taking():
                return Progress(self._come, self._objects or None)
            case Filling():
                return Progress(self._come, None)
            case Idle() | Asking() | Following():
                return None
            case _:
                assert_never(self.state)

    def take_snapshot(self, now: float) -> list[Action]:
        """Asks for a snapshot, whatever the state."""
        seen = frozenset(self._lives())
        self.counts.asked += 1
        self.state = Asking(self.counts.asked, now, seen)
        return [SnapshotAsk(request=self.counts.asked, index=0)]

    def step(self, event: Input, now: float) -> list[Action]:
        """Takes one message, or that time has passed (`now`, monotonic seconds), and says what to do."""
        match event:
            case Updates() | Beat() if event.incarnation in self._dead:
                self.counts.of_the_dead += 1
                return []
            case Updates():
                self.event_at = now
                return self._updates(event, now)
            case Beat():
                self.pulse.beat(event, now)
                return self._beat(event, now)
            case SnapshotChunk():
                return self._chunk(event, now)
            case SnapshotGone():
                asked = isinstance(self.state, Asking | Taking) and event.request == self.state.request
                return self.take_snapshot(now) if asked else []
            case Tick():
                late = isinstance(self.state, Asking | Taking) and now - self.state.asked_at >= ANSWER_SECONDS
                return self.take_snapshot(now) if late else []
            case _:
                assert_never(event)

    def _updates(self, updates: Updates, now: float) -> list[Action]:
        match self.state:
            case Idle():
                return []
            case Asking() | Taking():
                return self._keep(self.state, updates, now)
            case Filling() | Following():
                return self._follow(self.state, updates, now)
            case _:
                assert_never(self.state)

    def _keep(self, state: Asking | Taking, updates: Updates, now: float) -> list[Action]:
        kept = state.kept.with_one(updates)
        if kept.events > MOST_KEPT_EVENTS:
            return self.take_snapshot(now)
        self.state = msgspec.structs.replace(state, kept=kept)
        return []

    def _follow(self, state: Filling | Following, updates: Updates, now: float) -> list[Action]:
        if updates.incarnation != state.incarnation:
            return self._ask_new_life(updates.incarnation, now)
        if updates.sequence <= state.sequence:
            self.counts.duplicates += 1
            return []
        if updates.sequence > state.sequence + 1:
            return self._ask_after_gap(now)
        self.state = msgspec.structs.replace(state, sequence=updates.sequence)
        if isinstance(state, Filling):
            self._come += len(updates.events)
        return self._actions_of(updates)

    def _actions_of(self, updates: Updates) -> list[Action]:
        if MARKS.isdisjoint(map(type, updates.events)):
            # Nearly always: nothing is to be taken out, so nothing is copied.
            return self._changes(updates, cast("list[Apply | Delete]", updates.events))
        actions: list[Action] = []
        events: list[Apply | Delete] = []
        for event in updates.events:
            if isinstance(event, InitDone):
                actions += self._changes(updates, events)
                actions.append(self._completed())
                events = []
            elif not isinstance(event, Init):
                events.append(event)
        return actions + self._changes(updates, events)

    def _changes(self, updates: Updates, events: list[Apply | Delete]) -> list[Action]:
        return [Changes(updates.stamp_ns, events)] if events else []

    def _completed(self) -> FillEnd | Relisted:
        if not isinstance(self.state, Filling):
            return Relisted()
        self.state = Following(self.state.incarnation, self.state.sequence)
        self.counts.fills += 1
        return FillEnd()

    def _beat(self, beat: Beat, now: float) -> list[Action]:
        if not isinstance(self.state, Filling | Following):
            return []
        if beat.incarnation != self.state.incarnation:
            return self._ask_new_life(beat.incarnation, now)
        if beat.sequence > self.state.sequence:
            return self._ask_after_gap(now)
        listed = beat.condition is Condition.FOLLOWING and beat.sequence == self.state.sequence
        # A watcher that was forbidden to list or watch, and no longer is, may go on without a list: no InitDone comes.
        return [self._completed()] if listed and isinstance(self.state, Filling) else []

    def _chunk(self, chunk: SnapshotChunk, now: float) -> list[Action]:
        match self.state:
            case Asking(request=request) if (chunk.request, chunk.index) == (request, 0):
                self._bury(self.state.seen - {chunk.incarnation})
                self._come = 0
                return [FillBegin(), *self._take(chunk, self.state.kept, now)]
            case Taking(request=request, index=index) if (chunk.request, chunk.index) == (request, index):
                if chunk.incarnation != self.state.incarnation:
                    return self.take_snapshot(now)
                return self._take(chunk, self.state.kept, now)
            case _:
                return []

    def _take(self, chunk: SnapshotChunk, kept: Kept, now: float) -> list[Action]:
        records: list[Action] = [Records(chunk.records)]
        self._come += len(chunk.records)
        self._objects = chunk.objects
        if chunk.last:
            return records + self._catch_up(chunk, kept, now)
        index = chunk.index + 1
        self.state = Taking(chunk.request, now, index, chunk.incarnation, kept)
        return [*records, SnapshotAsk(request=chunk.request, index=index)]

    def _catch_up(self, chunk: SnapshotChunk, kept: Kept, now: float) -> list[Action]:
        """The snapshot is taken: goes on with the updates that came meanwhile, up to one that asks for another snapshot."""
        actions: list[Action] = []
        self.state = Filling(chunk.incarnation, chunk.sequence)
        if chunk.condition is Condition.FOLLOWING:
            actions.append(self._completed())
        for updates in kept.updates:
            if not isinstance(self.state, Filling | Following):
                break
            known = updates.incarnation == chunk.incarnation and updates.sequence <= chunk.sequence
            if not known and updates.incarnation not in self._dead:
                actions += self._follow(self.state, updates, now)
        return actions

    def _ask_after_gap(self, now: float) -> list[Action]:
        self.counts.gaps += 1
        return self.take_snapshot(now)

    def _ask_new_life(self, incarnation: Incarnation, now: float) -> list[Action]:
        actions = self.take_snapshot(now)
        assert isinstance(self.state, Asking)
        self.state = msgspec.structs.replace(self.state, seen=self.state.seen | {incarnation})
        return actions

    def _lives(self) -> set[Incarnation]:
        match self.state:
            case Idle():
                return set()
            case Asking(seen=seen):
                return set(seen)
            case (
                Taking(incarnation=incarnation) | Filling(incarnation=incarnation) | Following(incarnation=incarnation)
            ):
                return {incarnation}
            case _:
                assert_never(self.state)

    def _bury(self, lives: frozenset[Incarnation]) -> None:
        self._dead = (*self._dead, *sorted(lives - set(self._dead)))[-MOST_DEAD:]
