"""The API server: the object store behind HTTP, rights and tokens, and what can go wrong with an API server."""

import random
from collections import deque
from types import SimpleNamespace
from typing import Any, Final

from sandbox.objects import Store
from sandbox.resources import Place
from sandbox.statuses import ApiError, forbidden, too_many_requests, unauthorized
from tests.simulation.clock import Clock
from tests.simulation.exchange import Exchange
from tests.simulation.pace import Pace
from tests.simulation.polling import POLLIN, Descriptors, Owner
from tests.simulation.tcp import Connection
from watcher.dial import Dialed, Undialed
from watcher.stream import PlainStream

WINDOW: Final = 64 * 1024
MOST_DIALS: Final = 12
"""In 2 s: some pages, each on a connection of its own, and the waits of a backoff that has just begun."""
SERVER: Final = SimpleNamespace(base_path="", authority="api")

Right = tuple[str, str, str]
"""Verb, plural of the resource, and namespace; empty for all namespaces."""


class ApiServer:
    """One API server, and what it has been told to do wrong."""

    def __init__(self, store: Store, *, clock: Clock, streaming: bool) -> None:
        self.store = store
        self.clock = clock
        self.streaming = streaming
        """Whether it has streaming lists."""
        self.up = True
        self.token = 1
        self.tokens_from = 0
        """Continue tokens of versions before this one have expired."""
        self.denied: set[Right] = set()
        self.has_denied = False
        """At any time so far."""
        self.refusals: deque[int] = deque()
        """Statuses of the next answers."""
        self.exchanges: list[Exchange] = []

    def accept(self, owner: Owner, descriptors: Descriptors) -> Connection:
        """A connection of a watcher."""
        connection = Connection(owner, descriptors, clock=self.clock, window=WINDOW)
        self.exchanges.append(Exchange(self, connection))
        return connection

    def forget(self, owner: Owner) -> None:
        """The process is gone."""
        for exchange in self.exchanges:
            if exchange.connection.owner is owner:
                exchange.connection.close()

    def sweep(self) -> None:
        """Connections that are closed at the near end are forgotten."""
        self.exchanges = [one for one in self.exchanges if one.connection.near_open]

    def crash(self) -> None:
        """The server is killed; the objects are in etcd and stay."""
        self.up = False
        for exchange in self.exchanges:
            exchange.reset()

    def open(self) -> list[Exchange]:
        """The connections that stand."""
        return [one for one in self.exchanges if one.connection.near_open and one.connection.far_open]

    def deny(self, rights: set[Right]) -> None:
        """What is denied of these is allowed again, the others are denied. A watch that is open stays so."""
        self.denied ^= rights
        self.has_denied = True

    def check(self, place: Place, verb: str, token: str) -> None:
        """Raises ApiError."""
        if token != f"Bearer {self.token}":
            raise unauthorized()
        if self.refusals:
            raise _refusal(self.refusals.popleft())
        if (verb, place.resource.plural, place.namespace) in self.denied:
            raise forbidden(user="sim", verb=verb, resource=place.resource, namespace=place.namespace, name="")


def _refusal(status: int) -> ApiError:
    if status == 429:
        return too_many_requests(2)
    return ApiError(code=status, reason="", message=f"told to answer {status}")


class ApiDialer:
    """A watcher's `watcher.dial.Dialer`. A mover of the scheduler."""

    def __init__(self, server: ApiServer, owner: Owner, descriptors: Descriptors) -> None:
        self.name = f"{owner.name} dials"
        self.fd = descriptors.new(self)
        self._server = server
        self._owner = owner
        self._descriptors = descriptors
        self._token: int | None = server.token
        self._pace = Pace(self.name, server.clock.monotonic, most=MOST_DIALS)
        self._dialing = False
        self._result: Dialed | Undialed | None = None

    def forget_credentials(self) -> None:
        self._token = None

    def start(self) -> None:
        assert not self._dialing
        assert self._result is None
        self._pace.attempt()
        self._dialing = True

    def result(self) -> Dialed | Undialed:
        result, self._result = self._result, None
        assert result is not None
        return result

    def events(self) -> int:
        return POLLIN if self._result is not None else 0

    def ready(self) -> bool:
        return self._dialing and self._owner.runs

    def next_at(self) -> float:
        return float("inf")

    def move(self, _random: random.Random) -> None:
        """The attempt comes to its end."""
        self._dialing = False
        if self._token is None:
            self._token = self._server.token
        if self._server.up:
            socket: Any = self._server.accept(self._owner, self._descriptors)
            server: Any = SERVER
            self._result = Dialed(PlainStream(socket), server, {"Authorization": f"Bearer {self._token}"})
        else:
            self._result = Undialed("refused")
        self._owner.poke()
