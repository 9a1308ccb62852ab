"""The relay's core: takes emissions while a connection stands, delivers them as the reducer's messages, and says how the link stands.

It owns the order of things between its parts (connection, fence, translation, stream, vitals, link) and none of their rules. It does
no I/O: the loop tells it what happened (`take`, `dialed`, `failed`, `turn`), does the actions that `turn` gives, sends what
`outbox` holds, and comes back no later than `deadline`. `now` is monotonic seconds, `wall_ns` the wall clock for stamps.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import assert_never

import msgspec

from common.logs import Log
from common.messages import (
    AnyMessage,
    Beat,
    Emissions,
    Incarnation,
    Link,
    Report,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
)
from common.records import UID
from relay import accept, connect
from relay.accept import Broken, Fence
from relay.connect import Dialed, Dialing, Down, Elapsed, Failed, Trouble, Up
from relay.handshake import Identity
from relay.journal import Journal
from relay.link import Publisher, Standing, link_of, standing_of
from relay.outbox import Gate, Outbox
from relay.tally import Tally
from relay.translate import Fault, Translator
from relay.upstream import Upstream
from relay.vitals import Measure, Vitals


class Dial(msgspec.Struct, frozen=True):
    """Open a connection; `dialed` or `failed` says how that ended."""


class Publish(msgspec.Struct, frozen=True):
    """Tell the matcher."""

    link: Link


Action = Dial | Publish

LookOn = Callable[[int, bytes], None]
"""Told of all messages to the reducer as they go to be compressed: the connection's number, and whole messages."""


class Relay:
    """One life of a relay."""

    def __init__(
        self,
        *,
        incarnation: Incarnation,
        identity: Identity,
        random_: random.Random,
        measure: Measure,
        log: Log,
        now: float,
        wall_ns: int,
    ) -> None:
        self.tally = Tally()
        self.translator = Translator(self._note)
        self.incarnation = incarnation
        self.line: connect.State = connect.first(now)
        self.fence: Fence = accept.FIRST
        self.since_ns = wall_ns
        """Wall-clock time at which the connection began to stand, or ceased to."""
        self.last_trouble = ""
        """Text of the last failure; empty before the first."""
        self._identity = identity
        self._random = random_
        self._passed: LookOn | None = None
        self._journal = Journal(log)
        self._upstream: Upstream | None = None
        self._vitals = Vitals(measure, tally=self.tally, now=now)
        self._publisher = Publisher()
        self._now = now

    def look_on(self, passed: LookOn) -> None:
        """From the next connection on, `passed` is told."""
        self._passed = passed

    # What happened -------------------------------------------------------------------------------------------------------------

    def take(self, message: AnyMessage, *, now: float, wall_ns: int) -> None:
        """A message has come from the matcher."""
        self._now = now
        match message:
            case Emissions():
                self._emissions(message, now=now, wall_ns=wall_ns)
            case Report():
                self._vitals.report(message, now)
            case Updates() | Beat() | SnapshotAsk() | SnapshotChunk() | SnapshotGone() | Link():
                self.bad_frame("a message that is not for a relay", now=now)
            case _:
                assert_never(message)

    def bad_frame(self, reason: str, *, now: float) -> None:
        """A frame has come that is no message for the relay."""
        self.tally.bad_frames += 1
        self._journal.bad_frame(reason, now)

    def dialed(self, *, peer: str, now: float, wall_ns: int) -> None:
        """The connection stands; its handshake waits in the outbox."""
        self.line = connect.step(self.line, Dialed(), now, random_=self._random)
        if isinstance(self.line, Up):
            self.since_ns = wall_ns
            self.fence = accept.opened(self.fence, self.line.connections)
            passed = partial(self._passed, self.line.connections) if self._passed else None
            self._upstream = Upstream(self._identity, stamp_ns=wall_ns, tally=self.tally, passed=passed)
            self._vitals.connected(now)
            self._journal.connected(peer=peer, connection=self.line.connections)

    def failed(self, trouble: Trouble, text: str, *, now: float, wall_ns: int) -> None:
        """The attempt to connect has failed, or the connection is lost; `text` says more of it."""
        self.last_trouble = text
        before = self.line
        match before:
            case Up():
                self.tally.connections_lost[trouble] += 1
                self.since_ns = wall_ns
                self.fence = accept.closed(self.fence)
                self._upstream = None
            case Dialing():
                self.tally.dials_failed[trouble] += 1
            case Down():
                return
            case _:
                assert_never(before)
        self.line = connect.step(before, Failed(), now, random_=self._random)
        wait = self.line.until - now if isinstance(self.line, Down) else 0.0
        self._journal.failed(before, trouble, text, wait_seconds=wait, now=now)

    def turn(self, *, now: float, wall_ns: int, more_coming: bool) -> list[Action]:
        """Does what time has made due. `more_coming` says that emissions wait in their socket."""
        self._now = now
        actions: list[Action] = []
        if isinstance(self.line, Down):
            self.line = connect.step(self.line, Elapsed(), now, random_=self._random)
            if isinstance(self.line, Dialing):
                actions.append(Dial())
                self._journal.dialing(now)
        if self._upstream is not None:
            self._say_vitals(self._upstream, now=now, wall_ns=wall_ns)
            if now >= self._upstream.due_at(more_coming=more_coming):
                self._flush(self._upstream, now=now, wall_ns=wall_ns)
            outbox = self._upstream.outbox
            self._journal.gate(outbox.gate, waiting_bytes=outbox.size, now=now)
        standing = self._standing()
        if now >= self._publisher.due_at(standing):
            self._publisher.published(standing, now)
            actions.append(Publish(self.link))
        return actions

    def end(self, *, now: float, wall_ns: int) -> None:
        """The relay stops: what was gathered goes to the outbox, and the stream is closed behind it."""
        if self._upstream is not None:
            self._upstream.end(now=now, wall_ns=wall_ns)

    # How it stands -------------------------------------------------------------------------------------------------------------

    @property
    def outbox(self) -> Outbox | None:
        """What waits for the connection's socket; None without a connection."""
        return None if self._upstream is None else self._upstream.outbox

    @property
    def gate(self) -> Gate:
        """Whether emissions are to be read from their socket."""
        return Gate.OPEN if self._upstream is None else self._upstream.outbox.gate

    @property
    def link(self) -> Link:
        """The link's state now."""
        return link_of(self.fence, self.line, relay=self.incarnation, since_ns=self.since_ns, gate=self.gate)

    def deadline(self) -> float:
        """The moment at which `turn` has something to do, if nothing happens before."""
        moments = [self._publisher.due_at(self._standing())]
        if isinstance(self.line, Down):
            moments.append(self.line.until)
        if self._upstream is not None:
            moments.append(self._upstream.due_at(more_coming=False))
            if self.gate is Gate.OPEN:
                moments.append(self._vitals.due_at)
        return min(moments)

    def _standing(self) -> Standing:
        return standing_of(self.fence, self.line, self.gate)

    # Parts of the above --------------------------------------------------------------------------------------------------------

    def _emissions(self, batch: Emissions, *, now: float, wall_ns: int) -> None:
        before = self.fence
        self.fence, drop = accept.offered(before, batch, relay=self.incarnation)
        if isinstance(self.fence, Broken) and self.fence is not before:
            self.tally.epochs_broken += 1
            self._journal.epoch_broken(batch, taken=self.fence.taken)
        elif self.fence.epoch != before.epoch:
            self._journal.epoch_opened(batch)
        if drop is not None:
            self.tally.emissions_dropped[drop] += len(batch.emissions)
            self._journal.dropped(drop, batch, now)
        elif self._upstream is not None:
            self._deliver(self._upstream, batch, now=now, wall_ns=wall_ns)

    def _deliver(self, upstream: Upstream, batch: Emissions, *, now: float, wall_ns: int) -> None:
        messages = self.translator.translate(batch.emissions, epoch=batch.epoch, first=batch.first, stamp_ns=wall_ns)
        upstream.add(messages, update_stamp_ns=batch.stamp_ns, now=now)
        self.tally.emissions_taken += len(batch.emissions)
        self._vitals.pods_sent(now)
        # The socket may hold more: only what may wait no longer goes out before that is read.
        if now >= upstream.due_at(more_coming=True):
            self._flush(upstream, now=now, wall_ns=wall_ns)

    def _flush(self, upstream: Upstream, *, now: float, wall_ns: int) -> None:
        before = upstream.outbox.gate
        upstream.flush(now=now, wall_ns=wall_ns)
        if before is Gate.OPEN and upstream.outbox.gate is Gate.HELD:
            self.tally.holds += 1

    def _say_vitals(self, upstream: Upstream, *, now: float, wall_ns: int) -> None:
        if upstream.outbox.gate is Gate.HELD:
            # Nothing is added to what a slow reducer has not taken, and reports are not read meanwhile.
            self._vitals.resumed(now)
        elif now >= self._vitals.due_at:
            upstream.add(self._vitals.messages(now=now, stamp_ns=wall_ns), update_stamp_ns=0, now=now)

    def _note(self, fault: Fault, uid: UID) -> None:
        self.tally.faults[fault] += 1
        self._journal.faulty(fault, uid, self._now)
