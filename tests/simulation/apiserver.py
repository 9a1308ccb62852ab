"""The API server: the sandbox's list and watch logic behind HTTP/1.1 bytes, and what can go wrong with an API server and with HTTP.

It renders real JSON from the object store. The watchers' own HTTP channel reads it, over a `tcp.Connection`.
"""

import random
from collections import deque
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qsl

from sandbox.following import Follower
from sandbox.listing import answer_list
from sandbox.negotiation import form_of
from sandbox.objects import Store
from sandbox.queries import is_watch, list_query, watch_query
from sandbox.render import Renderer
from sandbox.resources import Place, locate
from sandbox.selectors import Selection
from sandbox.statuses import ApiError, forbidden, too_many_requests, unauthorized
from sandbox.tables import Expired
from tests.simulation.clock import Clock
from tests.simulation.sockets import POLLIN, Descriptors, Owner
from tests.simulation.tcp import Connection
from watcher.dial import Dialed, Undialed

BOOKMARK_SECONDS: Final = 3.0
WINDOW: Final = 64 * 1024
SERVER: Final = SimpleNamespace(base_path="", authority="api")

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """A chunk of a body (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class ApiServer:
    """One API server, and what it has been told to do wrong."""

    def __init__(self, store: Store, *, clock: Clock, random_: random.Random, streaming: bool) -> None:
        self.store = store
        self.clock = clock
        self.random = random_
        self.streaming = streaming
        """Whether it has streaming lists."""
        self.up = True
        self.token = 1
        self.tokens_from = 0
        """Continue tokens of versions before this one have expired."""
        self.denied: set[str] = set()
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
        """Connections that are closed at either end are forgotten."""
        self.exchanges = [one for one in self.exchanges if one.connection.near_open]

    def crash(self) -> None:
        """The server is killed; the objects are in etcd and stay."""
        self.up = False
        for exchange in self.exchanges:
            exchange.connection.reset()

    def watches(self) -> list["Exchange"]:
        """The connections on which a watch is open."""
        return [one for one in self.exchanges if one.follower is not None and one.connection.near_open]

    def check(self, place: Place, verb: str, token: str) -> None:
        """Raises ApiError."""
        if token != f"Bearer {self.token}":
            raise unauthorized()
        if self.refusals:
            raise _refusal(self.refusals.popleft())
        if place.resource.plural in self.denied:
            raise forbidden(user="sim", verb=verb, resource=place.resource, namespace="", name="")


def _refusal(status: int) -> ApiError:
    return (
        too_many_requests(2) if status == 429 else ApiError(code=status, reason="", message=f"told to answer {status}")
    )


class Exchange:
    """One connection: its requests, one after the other. A mover of the scheduler."""

    def __init__(self, server: ApiServer, connection: Connection) -> None:
        self.connection = connection
        self.follower: Follower | None = None
        self.silent = False
        """The watch sends nothing any more."""
        self.name = f"api>{connection.owner.name}"
        self._server = server
        self._seen = 0
        self._bookmark_at = float("inf")

    def ready(self) -> bool:
        """Whether there is something to answer, to send or to deliver."""
        connection = self.connection
        if not connection.near_open:
            return False
        if connection.flying:
            return True
        return connection.far_open and (bool(connection.sent) or self._has_news())

    def next_at(self) -> float:
        """When it will be ready by itself."""
        return self._bookmark_at if self.follower is not None and not self.silent else float("inf")

    def move(self, random_: random.Random) -> None:
        """Delivers some bytes, answers a request, or writes what has happened to a watch."""
        connection = self.connection
        if connection.flying and random_.random() < 0.7:
            cut = len(connection.flying) if random_.random() < 0.6 else random_.randint(1, len(connection.flying))
            connection.arrive(cut)
        elif connection.far_open and connection.sent:
            self._answer(connection.read(WINDOW))
        elif connection.far_open and self._has_news():
            self._tell()
        else:
            connection.arrive(len(connection.flying))

    # Faults of a watch ---------------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """The server ends the watch in good order."""
        self.follower = None
        self.connection.write(LAST_CHUNK)

    def cut(self, *, torn: bool) -> None:
        """The connection breaks; `torn`: in the middle of a line that is under way."""
        self.follower = None
        if torn:
            self.connection.write(chunk(b'{"type":"MODIFIED","object":{"metadata":{"na'))
        self.connection.end()

    def expire(self) -> None:
        """410 as an ERROR event."""
        if self.follower is not None:
            self.connection.write(chunk(self.follower.expired()) + LAST_CHUNK)
            self.follower = None

    def garble(self) -> None:
        """A line that is no JSON."""
        self.connection.write(chunk(b"}{ garbage\n"))

    # Answers ---------------------------------------------------------------------------------------------------------------------

    def _has_news(self) -> bool:
        if self.follower is None or self.silent:
            return False
        return self._seen != self._server.store.version or self._server.clock.now >= self._bookmark_at

    def _tell(self) -> None:
        assert self.follower is not None
        self._seen = self._server.store.version
        try:
            lines = self.follower.lines()
        except Expired:  # it fell behind all history: real servers just end it
            self.end()
            return
        if lines:
            self.connection.write(chunk(b"".join(line.text for line in lines)))
        elif self._server.clock.now >= self._bookmark_at and (bookmark := self.follower.bookmark()):
            self.connection.write(chunk(bookmark))
        self._bookmark_at = self._server.clock.now + BOOKMARK_SECONDS

    def _answer(self, request: bytes) -> None:
        first, *lines = request.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        path, _, query = first.split(" ")[1].partition("?")
        place = locate(path)
        assert place is not None
        parameters = dict(parse_qsl(query))
        watching = is_watch(parameters)
        try:
            self._server.check(place, "watch" if watching else "list", headers.get("Authorization", ""))
            (self._watch if watching else self._list)(place, parameters, headers["Accept"])
        except ApiError as error:
            self._refuse(error)

    def _list(self, place: Place, parameters: dict[str, str], accept: str) -> None:
        server = self._server
        form = form_of(accept, is_list=True)
        page = answer_list(
            server.store, place.resource, list_query(parameters), Selection(), tokens_from=server.tokens_from
        )
        blocks = Renderer(place.resource, form).page(
            page.objects, version=page.version, continue_=page.continue_, remaining=page.remaining
        )
        self.connection.write(HEAD + b"".join(map(chunk, blocks)) + LAST_CHUNK)

    def _watch(self, place: Place, parameters: dict[str, str], accept: str) -> None:
        server = self._server
        follower = Follower(
            server.store,
            place.resource,
            query=watch_query(parameters, streaming=server.streaming),
            selection=Selection(),
            renderer=Renderer(place.resource, form_of(accept, is_list=False)),
            progress=server.streaming,
        )
        self.connection.write(HEAD)
        try:
            self.connection.write(b"".join(map(chunk, follower.opening())))
        except Expired:
            self.connection.write(chunk(follower.expired()) + LAST_CHUNK)
            return
        self.follower, self.silent, self._seen = follower, False, -1
        self._bookmark_at = server.clock.now + BOOKMARK_SECONDS

    def _refuse(self, error: ApiError) -> None:
        body = error.body() + b"\n"
        retry = f"Retry-After: {error.retry_after_seconds}\r\n" if error.retry_after_seconds is not None else ""
        head = (
            f"HTTP/1.1 {error.code} No\r\nContent-Type: application/json\r\n{retry}Content-Length: {len(body)}\r\n\r\n"
        )
        self.connection.write(head.encode() + body)


class ApiDialer:
    """A watcher's `watcher.dial.Dialer`. A mover of the scheduler."""

    def __init__(self, server: ApiServer, owner: Owner, descriptors: Descriptors) -> None:
        self.name = f"{owner.name} dials"
        self.fd = descriptors.new(self)
        self._server = server
        self._owner = owner
        self._descriptors = descriptors
        self._token: int | None = server.token
        self._dialing = False
        self._result: Dialed | Undialed | None = None

    def forget_credentials(self) -> None:
        self._token = None

    def start(self) -> None:
        assert not self._dialing
        assert self._result is None
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
            self._result = Dialed(socket, server, {"Authorization": f"Bearer {self._token}"})
        else:
            self._result = Undialed("refused")
        self._owner.poke()
