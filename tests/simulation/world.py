"""The whole pipeline in one place: cluster, API server, five processes, reducer, and the scheduler that decides what moves next.

Whatever can move is a mover: a process whose loop would turn, a pipe with messages under way, a connection with bytes. Each move of the
scheduler picks one of them by chance, or lets time pass while they wait. Nothing else decides, so that a schedule replays exactly.
"""

import random
from collections.abc import Callable
from typing import Final, Protocol

from common.records import KINDS
from matcher.groups import Provisional, Waiting
from matcher.outbox import Open
from matcher.settings import Settings as MatcherSettings
from relay.flush import LONGEST_GATHER_SECONDS
from sandbox.truth import differences
from tests.simulation.apiserver import ApiServer
from tests.simulation.clock import Clock
from tests.simulation.cluster import NAMESPACES, Cluster
from tests.simulation.edges import Edges
from tests.simulation.intake import Intake
from tests.simulation.polling import Descriptors
from tests.simulation.processes import RUN_DIR, MatcherProcess, Process, RelayProcess, WatcherProcess
from tests.simulation.promises import Promises
from tests.simulation.sockets import Network

QUIET_SECONDS: Final = 150.0
"""The longest way back: a backoff of 30 s, whose attempt meets another fault's rest, and all waits of the pipeline behind it."""

SLOW: Final = (
    *[""] * 4,
    "relay",
    "relay",
    "reducer",
    "matcher",
    *["matcher>relay.emissions"] * 3,
    "matcher>watcher-pods.updates",
)
"""Most of the time one mover is slow, so that much waits before it. Chance alone would keep all alike."""

NAMESPACED_SHARE: Final = 0.25
"""Of schedules whose watchers are given namespaces."""

LINGERING_SHARE: Final = 0.03
RESUMED_SHARE: Final = 0.3
"""Of schedules whose cluster changes once more after everything was equal."""

LINGER_SECONDS: Final = 20.0
MOST_LATE_EPOCHS: Final = 5
LATE_SECONDS: Final = 10.0

MOST_ROUNDS: Final = 500
"""Rounds of moves without time passing. More are a loop that spins."""

Trace = Callable[[str], None]


class Mover(Protocol):
    """Something that the scheduler can move on."""

    name: str

    def ready(self) -> bool:
        """Whether it can move now."""
        ...

    def next_at(self) -> float:
        """When it will be ready by itself; infinite where it will not."""
        ...

    def move(self, random_: random.Random) -> None:
        """Moves it on by one."""
        ...


class NotEqual(Exception):
    """The world was quiet for long enough, and the reducer does not hold what the cluster does."""


class Restless(Exception):
    """Nothing happens in the cluster, and epoch follows epoch."""


class Spinning(Exception):
    """Something moves on and on without time passing."""


WORKLOAD: Final[dict[str, Callable[[Cluster, random.Random], None]]] = {
    "add_pod": Cluster.add_pod,
    "remove_pod": Cluster.remove_pod,
    "change_status": Cluster.change_status,
    "hand_over_pod": Cluster.hand_over_pod,
    "add_owner": Cluster.add_owner,
    "hand_over_owner": Cluster.hand_over_owner,
}


class World:
    """One schedule's world. `trace` is told each move and step."""

    def __init__(self, edges: Edges, random_: random.Random, *, trace: Trace | None) -> None:
        self.edges = edges
        self.random = random_
        self._trace = trace
        self._slow = random_.choice(SLOW)
        clock = edges.clock = Clock()
        promises = Promises()
        edges.network = Network(clock, random_, on_push=promises.emit)
        edges.descriptors = Descriptors()
        edges.descriptors.new(_Never())
        self.cluster = Cluster()
        self.api = ApiServer(self.cluster.store, clock=clock, streaming=random_.random() < 0.4)
        chosen = random_.random() < NAMESPACED_SHARE
        self.namespaces = NAMESPACES if chosen else ("",)
        """What each watcher lists and watches: namespaces, or all of them at once."""
        self.intake = Intake(clock, promises)
        settings = MatcherSettings(
            run_dir=RUN_DIR,
            admin="off",
            owner_wait_seconds=random_.choice((2.0, 4.0)),
            max_waiting=random_.choice((2, 100)),
            ip_family="ipv4",
            climb=False,
        )
        self.watchers = [
            WatcherProcess(kind, edges, server=self.api, namespaces=NAMESPACES if chosen else ()) for kind in KINDS
        ]
        self.matcher = MatcherProcess(edges, settings)
        self.relay = RelayProcess(edges, self.intake)
        self.processes: list[Process] = [*self.watchers, self.matcher, self.relay]
        self.everybody = [*self.processes, self.intake]
        self.cluster.fill(random_, random_.randrange(8))
        for process in random_.sample(self.processes, len(self.processes)):
            process.start()

    def say(self, text: str) -> None:
        """To the trace."""
        if self._trace is not None:
            self._trace(f"{self.edges.clock.now - 1_000:9.3f}  {text}")

    def movers(self) -> list[Mover]:
        """All that may move, now or later."""
        dialers = [dialer for watcher in self.watchers for dialer in watcher.dialers]
        dialer = [] if self.relay.dialer is None else [self.relay.dialer]
        return [*self.processes, *self.edges.network.busy, *self.api.exchanges, *dialers, *dialer, self.intake]

    def run(self, moves: int) -> None:
        """So many moves, in any order; time may pass while others wait."""
        if self.random.random() < 0.3:
            self._slow = self.random.choice(SLOW)
        for _ in range(moves):
            self._step()

    def run_until(self, moment: Callable[[], bool], moves: int) -> None:
        """Up to so many moves, until the moment has come."""
        for _ in range(moves):
            if moment():
                return
            self._step()

    def _step(self) -> None:
        movers = self.movers()
        ready = [mover for mover in movers if mover.ready()]
        if ready and self.random.random() < 0.95:
            mover = self.random.choice(ready)
            if mover.name != self._slow or self.random.random() < 0.05:
                self._move(mover)
        else:
            self._pass(movers, self.random.choice((0.001, 0.1, 0.5)) if ready else 1.0)

    def settle(self) -> None:
        """Faults end, and time goes on until the reducer is equal to the cluster. Raises NotEqual, Spinning, or Breach."""
        self._heal()
        self.say("heal")
        self._wait_for_equality(self.edges.clock.now + QUIET_SECONDS)
        if self.random.random() < LINGERING_SHARE:
            self._linger()
        if self.random.random() < RESUMED_SHARE:
            self._resume()

    def _wait_for_equality(self, until: float) -> None:
        while True:
            self._move_all()
            # What the relay gathers goes out by itself.
            self._pass(self.movers(), LONGEST_GATHER_SECONDS)
            self._move_all()
            rests, found = self._at_rest(), self._differences()
            if rests and not found:
                self._check_counts()
                return
            if self.edges.clock.now >= until:
                raise NotEqual("; ".join(found or ["something is under way all the time"]))
            self._pass(self.movers(), 1.0)

    def _linger(self) -> None:
        """Quiet stays quiet: what is still to come of earlier faults may bring an epoch, but not one after the other."""
        until, epochs = self.edges.clock.now + LINGER_SECONDS, self._epochs()
        while self.edges.clock.now < until:
            self._pass(self.movers(), 1.0)
            self._move_all()
        if self._epochs() - epochs > MOST_LATE_EPOCHS:
            raise Restless(f"{self._epochs() - epochs} epochs in {LINGER_SECONDS} quiet seconds")
        self._wait_for_equality(self.edges.clock.now + LATE_SECONDS)

    def _resume(self) -> None:
        """What was in a bad way while nothing happened shows when something does."""
        for change in self.random.choices((*WORKLOAD.values(),), k=3):
            change(self.cluster, self.random)
        self._wait_for_equality(self.edges.clock.now + QUIET_SECONDS)

    def _epochs(self) -> int:
        assert self.matcher.core is not None
        return self.matcher.core.epochs.number

    def _heal(self) -> None:
        for process in self.everybody:
            process.stopped = False
            process.start()
        self.intake.refusing = self.intake.unreachable = False
        self.api.up = True
        self.api.denied.clear()
        self.api.refusals.clear()

    def _move_all(self) -> None:
        """Everything that can move does, until nothing can."""
        for _ in range(MOST_ROUNDS):
            ready = [mover for mover in self.movers() if mover.ready()]
            if not ready:
                return
            self.random.shuffle(ready)
            for mover in ready:
                if mover.ready():
                    self._move(mover)
        raise Spinning(", ".join(mover.name for mover in self.movers() if mover.ready()))

    def _move(self, mover: Mover) -> None:
        self.say(mover.name)
        mover.move(self.random)

    def _pass(self, movers: list[Mover], most_seconds: float) -> None:
        """Time passes up to the next moment at which something becomes ready by itself."""
        now = self.edges.clock.now
        due = min((at for mover in movers if (at := mover.next_at()) > now), default=now + most_seconds)
        self.edges.clock.now = min(due, now + most_seconds)
        self.api.sweep()

    def _at_rest(self) -> bool:
        """Nothing is under way that could change what the reducer holds."""
        core = self.matcher.core
        return core is not None and not core.has_news() and self.intake.idle() and self.edges.network.settled()

    def _check_counts(self) -> None:
        core = self.matcher.core
        assert core is not None
        standings = [pod.group.standing for pod in core.matcher.pods.values()]
        counts = core.matcher.groups.waiting, core.matcher.groups.provisional
        real = (
            sum(isinstance(one, Waiting) for one in standings),
            sum(isinstance(one, Provisional) for one in standings),
        )
        if counts != real:
            raise Miscounted(f"{counts} pods wait and are provisional, it says; {real} are")
        if isinstance(core.outbox.state, Open) and core.outbox.live != len(self.intake.pods()):
            raise Miscounted(f"{core.outbox.live} pods are live, it says; the reducer has {len(self.intake.pods())}")

    def _differences(self) -> list[str]:
        return differences(self.cluster.truth(), self.intake.pods())


class Miscounted(Exception):
    """What the matcher says of itself is not so."""


class _Never:
    """What stands behind the descriptor of a signal that never comes."""

    def events(self) -> int:
        return 0
