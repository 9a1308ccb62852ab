"""The reducer: the reference reducer's ledger behind a listening socket, at its own pace, and what can go wrong with it.

Every message is checked by the ledger against the invariants of what goes upstream as it is decoded.
"""

import random
from dataclasses import dataclass

from relay.connect import Trouble
from relay.dial import Connected, NotConnected, Outcome
from sandbox.reducer.decode import ProtocolBreach
from sandbox.reducer.held import HeldPod
from sandbox.reducer.ledger import Clock as LedgerClock
from sandbox.reducer.ledger import Connection as Told
from sandbox.reducer.ledger import Ledger
from tests.simulation.clock import Clock
from tests.simulation.pace import Pace
from tests.simulation.polling import POLLIN, Descriptors, Owner
from tests.simulation.promises import Promises
from tests.simulation.tcp import Connection

WINDOW = 300
"""Bytes between relay and reducer."""

MOST_ARRIVALS = 10_000
"""More than any read of a window brings."""

DIAL_TIMEOUT_SECONDS = 10.0

MOST_DIALS = 3
"""In 2 s: what the relay's backoff promises."""


class Breach(Exception):
    """What went upstream broke an invariant."""


@dataclass
class Line:
    """A connection that the kernel has taken."""

    connection: Connection
    number: int
    """From 1, in the order in which they were made."""
    relay: str
    """The life that made it."""
    told: Told | None = None
    """What the reducer knows by it; None until it takes it up."""


class Intake:
    """The reducer's process and its listening socket. A mover of the scheduler."""

    def __init__(self, clock: Clock, promises: Promises) -> None:
        self.name = "reducer"
        self.alive = True
        self.stopped = False
        self.refusing = False
        """The process lives and does not listen."""
        self.unreachable = False
        """Nothing gets to it: connections in use fall silent, attempts time out."""
        self.clock = clock
        self._promises = promises
        self.ledger = self._new_ledger()
        self._open: list[Line] = []
        self._made = 0

    @property
    def runs(self) -> bool:
        return self.alive and not self.stopped

    def _new_ledger(self) -> Ledger:
        return Ledger(clock=LedgerClock(self.clock.monotonic, self.clock.wall_ns), kept_arrivals=MOST_ARRIVALS)

    def pods(self) -> dict[str, HeldPod]:
        """What the newest connection has told."""
        live = self.ledger.live
        return {} if live is None else live.state.pods

    def accept(self, owner: Owner, descriptors: Descriptors, *, relay: str) -> Connection:
        """The kernel takes a connection; the process takes it up when it runs."""
        connection = Connection(owner, descriptors, clock=self.clock, window=WINDOW)
        self._made += 1
        self._open.append(Line(connection, self._made, relay))
        return connection

    def forget(self, owner: Owner) -> None:
        """The relay is gone; the kernel sends what it has."""
        for line in self._open:
            if line.connection.owner is owner:
                line.connection.close()

    def kill(self) -> None:
        """kill -9."""
        for line in self._open:
            line.connection.reset()
        self.alive = False
        self._open.clear()
        self.ledger = self._new_ledger()

    def start(self) -> None:
        self.alive, self.stopped = True, False

    def fall_silent(self) -> None:
        """A half-open connection: packets are dropped, nobody is told."""
        for line in self._open:
            if not line.connection.silent:
                line.connection.fall_silent()

    def cut(self, *, reset: bool) -> None:
        """The reducer closes all its connections, wherever they are in the stream."""
        for line in self._open:
            if not line.connection.silent:
                line.connection.reset() if reset else line.connection.end()
                self._close(line)
        self._open = [line for line in self._open if line.connection.silent]

    def idle(self) -> bool:
        """Everything that was sent has been read, and no relay sends into a void."""
        lost = any(line.connection.silent and line.connection.near_open for line in self._open)
        return not (lost or self._has_work())

    def ready(self) -> bool:
        return self.runs and self._has_work()

    def next_at(self) -> float:
        """When a relay is told of a silent connection."""
        return min((line.connection.next_at() for line in self._open), default=float("inf"))

    def move(self, random_: random.Random) -> None:
        """Takes up a connection, or reads some of what has come on one, or its end."""
        line = random_.choice([line for line in self._open if _busy(line)])
        sent = len(line.connection.sent)
        if line.told is None:
            line.told = self.ledger.open(line.relay)
        elif sent:
            data = line.connection.read(sent if random_.random() < 0.6 else random_.randint(1, sent))
            self._read(line, line.told, data)
        else:
            self._close(line)
            self._open.remove(line)

    def _has_work(self) -> bool:
        return any(_busy(line) for line in self._open)

    def _read(self, line: Line, told: Told, data: bytes) -> None:
        epochs_before = len(told.state.resyncs)
        try:
            self.ledger.receive(told, data)
        except ProtocolBreach as breach:
            raise Breach(str(breach)) from breach
        if self.ledger.journal.breaches.count:
            finding = self.ledger.journal.breaches.first[0]
            raise Breach(f"{finding.rule}: {finding.what}")
        arrivals = self.ledger.journal.arrivals
        if arrivals:
            epochs = iter(list(told.state.resyncs)[epochs_before:])
            self._promises.hear(arrivals, epochs, connection=line.number, relay=line.relay)
            arrivals.clear()

    def _close(self, line: Line) -> None:
        if line.told is not None:
            self.ledger.close(line.told, "closed")


def _busy(line: Line) -> bool:
    """The reducer has something to do with it."""
    connection = line.connection
    if connection.silent:
        return False
    return line.told is None or bool(connection.sent) or not connection.near_open


class IntakeDialer:
    """The relay's `relay.dial.Dialer`. A mover of the scheduler."""

    def __init__(self, intake: Intake, owner: Owner, descriptors: Descriptors, *, relay: str) -> None:
        """`relay` names the life that dials."""
        self.name = "relay dials"
        self._relay = relay
        self._pace = Pace(self.name, intake.clock.monotonic, most=MOST_DIALS)
        self.fd = descriptors.new(self)
        self._intake = intake
        self._owner = owner
        self._descriptors = descriptors
        self._dialed_at: float | None = None
        self._outcome: Outcome | None = None

    def dial(self) -> None:
        assert self._dialed_at is None
        self._pace.attempt()
        self._dialed_at = self._intake.clock.now

    def outcome(self) -> Outcome:
        outcome, self._outcome = self._outcome, None
        assert outcome is not None
        return outcome

    def events(self) -> int:
        return POLLIN if self._outcome is not None else 0

    def ready(self) -> bool:
        return self._dialed_at is not None and self._owner.runs and self._intake.clock.now >= self._ends_at()

    def next_at(self) -> float:
        return float("inf") if self._dialed_at is None else self._ends_at()

    def move(self, _random: random.Random) -> None:
        """The attempt comes to its end."""
        self._dialed_at = None
        self._outcome = self._attempt()
        self._owner.poke()

    def _ends_at(self) -> float:
        assert self._dialed_at is not None
        return self._dialed_at + (DIAL_TIMEOUT_SECONDS if self._intake.unreachable else 0.0)

    def _attempt(self) -> Outcome:
        if self._intake.unreachable:
            return NotConnected(trouble=Trouble.TIMEOUT, text="timed out")
        if not self._intake.alive or self._intake.refusing:
            return NotConnected(trouble=Trouble.REFUSED, text="refused")
        connection: object = self._intake.accept(self._owner, self._descriptors, relay=self._relay)
        return Connected(connection=connection, peer="reducer:8000")  # type: ignore[arg-type]  # a simulated socket
