"""The five processes of podwire, each as its own loop on simulated edges.

`main.py` of each stage wires these same parts to the real edges.
"""

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import zmq

from common.door import Door
from common.logs import Log
from common.messages import Incarnation, Usage
from common.records import UID, Kind
from common.sockets import EMISSIONS_HIGH_WATER, emissions_endpoint, link_endpoint, new_publisher, new_socket
from matcher import settings as matcher_settings
from matcher.core import Core
from matcher.follow import Filling, Following
from matcher.loop import Loop as MatcherLoop
from matcher.peers import Peers
from matcher.wires import Wires
from relay.deliver import Relay
from relay.handshake import Identity
from relay.loop import Loop as RelayLoop
from relay.main import LINKS_HIGH_WATER
from tests.simulation.apiserver import ApiDialer, ApiServer
from tests.simulation.clock import Clock
from tests.simulation.edges import Edges
from tests.simulation.intake import Intake, IntakeDialer
from tests.simulation.process import Process
from watcher.channel import HttpChannel
from watcher.core import Watcher
from watcher.main import Loop as WatcherLoop
from watcher.publish import Publisher
from watcher.scope import Scope
from watcher.settings import Settings as WatcherSettings

RUN_DIR: Final = Path("/run/simulated")
WATCH_SILENCE_SECONDS: Final = 8.0
NEVER: Final[Any] = SimpleNamespace(fd=0, requested=False)
"""A StopSignal that nobody sends. Descriptor 0 is never readable."""


class WatcherProcess(Process):
    """`python -m watcher KIND`, for the whole cluster or for some namespaces."""

    def __init__(self, kind: Kind, edges: Edges, *, server: ApiServer, namespaces: tuple[str, ...]) -> None:
        super().__init__(f"watcher-{kind}", edges)
        self.dialers: list[ApiDialer] = []
        self._kind: Kind = kind
        self._server = server
        self._settings = WatcherSettings(
            kind=kind,
            run_dir=RUN_DIR,
            admin="off",
            listen=None,
            keys_dir=None,
            kubeconfig=None,
            context=None,
            namespaces=namespaces,
            label_selector=None,
            field_selector=None,
            encoding="json",
            streaming_lists="always" if server.streaming else "never",
            watch_silence_seconds=WATCH_SILENCE_SECONDS,
        )

    def begin(self, incarnation: Incarnation) -> Callable[[], None]:
        channels: dict[Scope, HttpChannel] = {}
        for namespace in self._settings.namespaces or (None,):
            dialer: Any = ApiDialer(self._server, self, self.edges.descriptors)
            self.dialers.append(dialer)
            channel = HttpChannel(dialer, silence_seconds=WATCH_SILENCE_SECONDS)
            channels[self._scope(namespace, channel)] = channel
        publisher = Publisher(
            kind=self._kind,
            incarnation=incarnation,
            records=lambda: (record for scope in channels for record in scope.store.records()),
        )
        context: Any = self.edges.context()
        view: Any = SimpleNamespace(bad_frames=0)
        loop = WatcherLoop(
            context=context,
            door=Door(context, listen=None, keys=None, refused={}, log=Log(self.name)),
            settings=self._settings,
            watcher=Watcher(scopes=list(channels), publisher=publisher),
            channels=channels,
            stop=NEVER,
            log=Log(self.name),
            view=view,
        )
        return loop.turn

    def _scope(self, namespace: str | None, channel: HttpChannel) -> Scope:
        return Scope(
            kind=self._kind,
            namespace=namespace,
            selectors={},
            encoding=self._settings.encoding,
            streaming=self._settings.streaming_lists,
            channel=channel,
            log=Log(self.name),
            random_=random.Random(self.lives),
        )

    def kill(self) -> None:
        super().kill()
        self._server.forget(self)
        self.dialers.clear()


class Repeated(Exception):
    """The matcher takes updates that it had taken."""


class Forgotten(Exception):
    """The matcher no longer knows a pod that is there."""


class MatcherProcess(Process):
    """`python -m matcher`."""

    def __init__(
        self, edges: Edges, settings: matcher_settings.Settings, *, exists: Callable[[UID], bool | None]
    ) -> None:
        """`exists` is as in `promises.Promises`."""
        super().__init__("matcher", edges)
        self._exists = exists
        self._known: set[UID] = set()
        self.core: Core | None = None
        self._settings = settings
        self._followed: dict[tuple[Kind, Incarnation], int] = {}
        """How far this life has followed each life of each watcher."""

    def begin(self, incarnation: Incarnation) -> Callable[[], None]:
        clock: Clock = self.edges.clock
        log = Log(self.name)
        self._followed.clear()
        self._known.clear()
        self.core = Core(self._settings, incarnation=incarnation, log=log)
        loop = MatcherLoop(
            self.core,
            Wires(RUN_DIR, peers=Peers({}, keys_dir=None), wakers=(), log=log),
            clock=clock.monotonic,
            log=log,
        )
        self.core.start(clock.now)
        return loop.turn

    def move(self, random_: random.Random) -> None:
        """A turn, after which it must not have taken updates twice, nor forgotten a pod. Raises Repeated, Forgotten."""
        super().move(random_)
        if self.core is not None:
            self._check_sequences(self.core)
            self._check_pods(self.core)

    def _check_sequences(self, core: Core) -> None:
        for kind, follower in core.followers.items():
            if isinstance(follower.state, Filling | Following):
                life, sequence = (kind, follower.state.incarnation), follower.state.sequence
                if sequence < self._followed.get(life, 0):
                    raise Repeated(f"{life} is followed from {sequence} on, and was up to {self._followed[life]}")
                self._followed[life] = sequence

    def _check_pods(self, core: Core) -> None:
        known = core.matcher.pods.keys()
        for uid in self._known - known:
            if self._exists(uid):
                raise Forgotten(uid)
        self._known = set(known)

    def ask_for_epoch(self) -> None:
        """An operator's SIGUSR1."""
        if self.core is not None:
            self.core.resync()
            self.poke()

    def kill(self) -> None:
        super().kill()
        self.core = None


class RelayProcess(Process):
    """`python -m relay`."""

    def __init__(self, edges: Edges, intake: Intake) -> None:
        super().__init__("relay", edges)
        self.dialer: IntakeDialer | None = None
        self._intake = intake

    def begin(self, incarnation: Incarnation) -> Callable[[], None]:
        relay = Relay(
            incarnation=incarnation,
            identity=Identity(hostname="sim", cores=1, labels=(("cluster", "sim"),)),
            random_=random.Random(self.lives),
            measure=lambda: (Usage(), None),
            log=Log(self.name),
            now=self.edges.clock.now,
            wall_ns=self.edges.clock.wall_ns(),
        )
        self.dialer = IntakeDialer(self._intake, self, self.edges.descriptors, relay=incarnation)
        context: Any = self.edges.context()
        emissions = new_socket(context, zmq.PULL, high_water=EMISSIONS_HIGH_WATER)
        link = new_publisher(context, high_water=LINKS_HIGH_WATER)
        emissions.bind(emissions_endpoint(RUN_DIR))
        link.bind(link_endpoint(RUN_DIR))
        dialer: Any = self.dialer
        admin: Any = SimpleNamespace(turned=lambda: None)
        door = Door(context, listen=None, keys=None, refused={}, log=Log(self.name))
        loop = RelayLoop(relay, emissions=emissions, link=link, door=door, dialer=dialer, stop=NEVER, admin=admin)
        return loop._turn

    def kill(self) -> None:
        super().kill()
        self._intake.forget(self)
        self.dialer = None
