"""The whole pipeline in one place: cluster, API server, five processes, reducer, and the scheduler that decides what moves next.

Whatever can move is a mover: a process whose loop would turn, a pipe with messages under way, a connection with bytes. Each move of the
scheduler picks one of them by chance, or lets time pass while they wait. Nothing else decides, so that a schedule replays exactly.
"""

import random
from collections.abc import Callable
from typing import Final, Protocol

from common.records import KINDS
from matcher.settings import Settings as MatcherSettings
from sandbox.resources import PODS
from tests.simulation.apiserver import ApiServer
from tests.simulation.clock import Clock
from tests.simulation.cluster import NAMESPACES, Cluster
from tests.simulation.edges import Edges
from tests.simulation.intake import Intake
from tests.simulation.polling import Descriptors
from tests.simulation.process import Process
from tests.simulation.processes import RUN_DIR, MatcherProcess, RelayProcess, WatcherProcess
from tests.simulation.promises import Promises
from tests.simulation.sockets import Network

SLOW: Final = (
    *[""] * 4,
    "relay",
    "relay",
    "reducer",
    "matcher",
    *["matcher>relay.emissions"] * 3,
    *["matcher>watcher-pods.updates"] * 2,
)
"""Most of the time one mover is slow, so that much waits before it. Chance alone would keep all alike."""

NAMESPACED_SHARE: Final = 0.25
"""Of schedules whose watchers are given namespaces."""

OWNER_WAITS: Final = (2.0, 2.0, 4.0, 4.0, 0.0)
"""Seconds; 0 waits for ever, unless the guard trips or the owners are forbidden."""

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


class Spinning(Exception):
    """Something moves on and on without time passing."""


class World:
    """One schedule's world. `trace` is told each move and step."""

    def __init__(self, edges: Edges, random_: random.Random, *, trace: Trace | None) -> None:
        self.edges = edges
        self.random = random_
        self._trace = trace
        self.slow = random_.choice(SLOW)
        """The mover that hardly moves; empty for none."""
        clock = edges.clock = Clock()
        promises = Promises(exists=self._exists)
        edges.network = Network(clock, random_, on_push=promises.emit)
        edges.descriptors = Descriptors()
        edges.descriptors.new(_Never())
        self.cluster = Cluster()
        self.api = ApiServer(self.cluster.store, clock=clock, streaming=random_.random() < 0.4)
        chosen = random_.random() < NAMESPACED_SHARE
        self.namespaces = NAMESPACES if chosen else ("",)
        """What each watcher lists and watches: namespaces, or all of them at once."""
        self.intake = Intake(clock, promises)
        self.settings = MatcherSettings(
            run_dir=RUN_DIR,
            admin="off",
            peers={},
            keys_dir=None,
            owner_wait_seconds=random_.choice(OWNER_WAITS),
            max_waiting=random_.choice((2, 100)),
            ip_family="ipv4",
            climb=False,
        )
        self.watchers = [
            WatcherProcess(kind, edges, server=self.api, namespaces=NAMESPACES if chosen else ()) for kind in KINDS
        ]
        self.matcher = MatcherProcess(edges, self.settings, exists=self._exists)
        self.relay = RelayProcess(edges, self.intake)
        self.processes: list[Process] = [*self.watchers, self.matcher, self.relay]
        self.everybody = [*self.processes, self.intake]
        self.cluster.fill(random_, random_.randrange(10))
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
            self.slow = self.random.choice(SLOW)
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
            if mover.name != self.slow or self.random.random() < 0.05:
                self._move(mover)
        else:
            self.pass_time(self.random.choice((0.001, 0.1, 0.5)) if ready else 1.0)

    def heal(self) -> None:
        """All faults end, but for what is still to come of them. Whoever is dead starts."""
        self.say("heal")
        for process in self.everybody:
            process.stopped = False
            process.start()
        self.intake.refusing = self.intake.unreachable = False
        self.api.up = True
        self.api.denied.clear()
        self.api.refusals.clear()

    def move_all(self) -> None:
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

    def go_on(self, seconds: float) -> None:
        """Everything that can move does, for so long."""
        until = self.edges.clock.now + seconds
        self.move_all()
        while (left := until - self.edges.clock.now) > 0:
            self.pass_time(left)
            self.move_all()

    def _move(self, mover: Mover) -> None:
        self.say(mover.name)
        mover.move(self.random)

    def pass_time(self, most_seconds: float) -> None:
        """Time passes up to the next moment at which something becomes ready by itself."""
        now = self.edges.clock.now
        due = min((at for mover in self.movers() if (at := mover.next_at()) > now), default=now + most_seconds)
        self.edges.clock.now = min(due, now + most_seconds)
        self.api.sweep()

    def _exists(self, uid: str) -> bool | None:
        """Whether the cluster has this pod. None where nobody can tell by it what the reducer may hear: some pods were out of sight."""
        if self.api.has_denied and self.namespaces == NAMESPACES:
            return None
        return uid in self.cluster.uids(PODS)


class _Never:
    """What stands behind the descriptor of a signal that never comes."""

    def events(self) -> int:
        return 0
