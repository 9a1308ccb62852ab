"""The whole stage without its sockets: three watchers followed, their news joined, epochs opened on the link that stands.

It decides in which order snapshots are taken (owners first, so that pods find their owners), what is taken for given up, when an
epoch may be opened, and what goes into the next message. Pure: `now` is handed in, messages come in and are asked for.

An epoch is opened when one is due, the link stands, and there is something to replace what Resync clears: the pods have been read
completely, or the link's reducer knows nothing yet, so that pods go out as their list brings them.
"""

from typing import Final, assert_never

import msgspec

from common.logs import Log
from common.messages import (
    Beat,
    Condition,
    Emissions,
    Incarnation,
    Link,
    Report,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
    Usage,
)
from common.records import KINDS, OWNER_KINDS, Kind
from common.usage import total
from matcher.addresses import choice_of
from matcher.epochs import Cause, Epochs
from matcher.follow import Action, Changes, FillBegin, FillEnd, Follower, Following, Input, Records, Relisted, Tick
from matcher.guard import Armed, Guard
from matcher.journal import Journal
from matcher.link import LinkWatch
from matcher.match import Matcher
from matcher.outbox import Closed, Open
from matcher.settings import Settings

MOST_EMISSIONS: Final = 256
MOST_BYTES: Final = 64 * 1024
"""Of one message to the relay: what it flushes at once."""


class OwnersFirst(msgspec.Struct, frozen=True):
    """The owners' snapshots are being taken, since this monotonic time."""

    since: float


class PodsNext(msgspec.Struct, frozen=True):
    """The owners' are taken, or are not to be expected; the pods' is being taken."""


class Read(msgspec.Struct, frozen=True):
    """Everything was read; each watcher is followed by itself."""


FromWatcher = Updates | Beat | SnapshotChunk | SnapshotGone


class Core:
    """One life of the matcher."""

    def __init__(self, settings: Settings, *, incarnation: Incarnation, log: Log) -> None:
        self.incarnation = incarnation
        self.matcher = Matcher(incarnation=incarnation, choose_ip=choice_of(settings.ip_family), climb=settings.climb)
        self.outbox = self.matcher.outbox
        self.followers: dict[Kind, Follower] = {kind: Follower() for kind in KINDS}
        self.link = LinkWatch(incarnation)
        self.epochs = Epochs()
        self.guard = Guard(settings.max_waiting)
        self.reading: OwnersFirst | PodsNext | Read = Read()
        self.asks: dict[Kind, SnapshotAsk] = {}
        """The newest ask of each watcher that has not been sent: whoever sends one takes it out."""
        self._owner_wait_seconds = settings.owner_wait_seconds
        self._late: set[Kind] = set()
        """Owners that never were read completely, and were waited for long enough."""
        self._now = float("-inf")
        self._journal = Journal(log)

    def start(self, now: float) -> None:
        """Reads everything, owners first. Call it once the updates are subscribed to."""
        self._now = now
        self.reading = OwnersFirst(now)
        for kind in OWNER_KINDS:
            self._act(kind, self.followers[kind].take_snapshot(now), now)

    def from_watcher(self, kind: Kind, message: FromWatcher, now: float) -> bool:
        """Takes a message that came from the watcher of this kind; false when it says that it is of another kind, and was dropped."""
        if not isinstance(message, SnapshotGone) and message.kind != kind:
            return False
        self._now = now
        only_objects = isinstance(message, Updates) and isinstance(self.followers[kind].state, Following)
        self._step(kind, message, now)
        if only_objects:  # they end no fill and change no condition: only the guard may have to act, `tick` tells of waits that are over
            self._look_at_guard(now)
        else:
            self._journal.watcher(kind, self.followers[kind].pulse.trouble(now))
            self._progress(now)
        return True

    def from_relay(self, link: Link, now: float) -> None:
        """Takes the link's state."""
        self._now = now
        state = self.outbox.state
        if isinstance(state, Open) and (
            not link.connected or (link.relay, link.connection) != (state.relay, state.connection)
        ):
            self.outbox.close()
        if link.connected and isinstance(self.outbox.state, Closed):
            self.epochs.demand(Cause.CONNECTION)
        cause = self.link.hear(link, outbox=self.outbox.state, sent=self.outbox.sent, now=now)
        if cause is not None:
            self.epochs.demand(cause)

    def resync(self) -> None:
        """An operator asks for a new epoch."""
        self.epochs.demand(Cause.OPERATOR)

    def tick(self, now: float) -> None:
        """Time has passed: call it several times a second."""
        self._now = now
        for kind, follower in self.followers.items():
            self._step(kind, Tick(), now)
            self._journal.watcher(kind, follower.pulse.trouble(now))
        if self._owner_wait_seconds:
            self.matcher.groups.expire(before=now - self._owner_wait_seconds)
        self._progress(now)
        self._tell_progress(now)

    @property
    def calm(self) -> bool:
        """No wait ends soon: everything is read and followed, no pod waits for its owner, and no epoch is due."""
        following = all(isinstance(follower.state, Following) for follower in self.followers.values())
        return following and isinstance(self.reading, Read) and not self.matcher.groups.waiting and not self.epochs.due

    def has_news(self) -> bool:
        """Whether `take` may have something to send."""
        return self.outbox.has_news() or self._may_open()

    def take(self, *, most: int = MOST_EMISSIONS, most_bytes: int = MOST_BYTES) -> Emissions | None:
        """The next message for the relay; None when there is nothing to say, or nobody to say it to."""
        if self._may_open():
            self._open_epoch()
        emissions = self.outbox.take(most=most, most_bytes=most_bytes, now=self._now)
        if emissions is not None:
            self._journal.sent(unswept=self.outbox.unswept, live=self.outbox.live, now=self._now)
        return emissions

    def heard_all_since(self, moment: float) -> bool:
        """Whether each watcher's beat has come since then (monotonic seconds)."""
        return all(follower.pulse.heard_at >= moment for follower in self.followers.values())

    def report(self, own: Usage, now: float) -> Report:
        """The health of the watchers, and what they and this process (`own`) have used."""
        pulses = [follower.pulse for follower in self.followers.values()]
        return Report(
            matcher=self.incarnation,
            healthy=not any(pulse.trouble(now) for pulse in pulses),
            usage=total([own, *(pulse.usage for pulse in pulses)]),
        )

    # Watchers --------------------------------------------------------------------------------------------------------------------

    def _step(self, kind: Kind, event: Input, now: float) -> None:
        follower = self.followers[kind]
        gaps, bad = follower.counts.gaps, self.matcher.bad_records[kind]
        self._act(kind, follower.step(event, now), now)
        if follower.counts.gaps != gaps:
            self._journal.gap(kind)
        if self.matcher.bad_records[kind] != bad:
            self._journal.left_out(kind, now)

    def _act(self, kind: Kind, actions: list[Action], now: float) -> None:
        for action in actions:
            match action:
                case Changes(stamp_ns=stamp_ns, events=events):
                    self.matcher.change(kind, events, stamp_ns=stamp_ns, now=now)
                case Records(records=records):
                    self.matcher.fill(kind, records, now=now)
                case SnapshotAsk():
                    self.asks[kind] = action
                    self._journal.snapshot_asked(kind, now)
                case FillBegin():
                    self.matcher.begin_fill(kind)
                case FillEnd():
                    self._filled(kind, now)
                case Relisted():
                    if kind == "pods":
                        self.epochs.demand(Cause.RELIST)
                case _:
                    assert_never(action)

    def _filled(self, kind: Kind, now: float) -> None:
        held_before = self.matcher.end_fill(kind)
        objects = len(self.matcher.pods if kind == "pods" else self.matcher.owners[kind])
        self._journal.snapshot_taken(kind, objects=objects, now=now)
        if kind != "pods":
            return
        if held_before:
            # Where nothing was known before, the list only adds: what of it has gone out needs no second epoch.
            self.epochs.demand(Cause.RELIST)
        if isinstance(self.reading, PodsNext):
            self._all_read(now)

    # Reading everything ------------------------------------------------------------------------------------------------------------

    def _progress(self, now: float) -> None:
        for kind in OWNER_KINDS:
            self._judge_owners(kind)
        if isinstance(self.reading, OwnersFirst):
            late = 0 < self._owner_wait_seconds <= now - self.reading.since
            if late or all(self._settled(kind) for kind in OWNER_KINDS):
                self._read_pods(now)
        self._look_at_guard(now)

    def _tell_progress(self, now: float) -> None:
        for kind, follower in self.followers.items():
            if follower.progress is not None:
                self._journal.snapshot_goes_on(kind, follower.progress, now)
        self._journal.epoch_goes_on(unswept=self.outbox.unswept, swept=self.outbox.swept, now=now)

    def _look_at_guard(self, now: float) -> None:
        waiting, before = self.matcher.groups.waiting, self.guard.state
        if self.guard.look(waiting):
            self._journal.guard_tripped(waiting)
            self.start(now)
        elif isinstance(self.guard.state, Armed) and not isinstance(before, Armed):
            self._journal.guard_armed(waiting)

    def _settled(self, kind: Kind) -> bool:
        follower = self.followers[kind]
        return isinstance(follower.state, Following) or follower.pulse.condition is Condition.FORBIDDEN

    def _read_pods(self, now: float) -> None:
        self._late = {kind for kind in OWNER_KINDS if not self.followers[kind].counts.fills}
        for kind in OWNER_KINDS:
            self._judge_owners(kind)
        self.reading = PodsNext()
        self._act("pods", self.followers["pods"].take_snapshot(now), now)

    def _judge_owners(self, kind: Kind) -> None:
        """Nobody waits for owners that the watcher may not see, or that were not to be had for long enough at the start."""
        follower, groups = self.followers[kind], self.matcher.groups
        forbidden = follower.pulse.condition is Condition.FORBIDDEN
        hopeless = forbidden or (kind in self._late and not follower.counts.fills)
        if hopeless == (kind in groups.hopeless):
            return
        if hopeless:
            groups.give_up(kind)
        else:
            groups.hope(kind)
        self._journal.owners(kind, given_up=hopeless, forbidden=forbidden)

    def _all_read(self, now: float) -> None:
        self.reading = Read()
        if self.guard.reread():
            self.matcher.groups.expire(before=now)
            self.epochs.demand(Cause.GUARD)

    # The link ----------------------------------------------------------------------------------------------------------------------

    def _may_open(self) -> bool:
        link = self.link.latest
        if link is None or not link.connected or not self.epochs.due:
            return False
        if self.followers["pods"].counts.fills:
            return True
        return bool(self.matcher.pods) and (isinstance(self.outbox.state, Open) or self.link.is_fresh())

    def _open_epoch(self) -> None:
        link = self.link.latest
        assert link is not None
        epoch = self.epochs.next(beyond=link.epoch, now=self._now)
        self.outbox.open(epoch, relay=link.relay, connection=link.connection)
        self._journal.epoch_opened(
            epoch,
            reasons=self.epochs.reasons,
            connection=link.connection,
            pods=len(self.matcher.pods),
            now=self._now,
        )
