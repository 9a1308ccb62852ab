"""One connection to the API server: requests, their answers as HTTP/1.1 bytes, and what can go wrong with a connection.

Lists and watches are the sandbox's; the bytes are real, and a watcher's own HTTP channel reads them over a `tcp.Connection`.
"""

import random
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from sandbox.following import Follower
from sandbox.listing import answer_list
from sandbox.negotiation import form_of
from sandbox.queries import is_watch, list_query, watch_query
from sandbox.render import Renderer, error_event
from sandbox.resources import Place, locate
from sandbox.selectors import Selection
from sandbox.statuses import ApiError
from sandbox.tables import Expired
from tests.simulation.tcp import Connection

if TYPE_CHECKING:
    from tests.simulation.apiserver import ApiServer

BOOKMARK_SECONDS: Final = 3.0
READ_BYTES: Final = 64 * 1024
LAST_CHUNK: Final = b"0\r\n\r\n"
TORN_LINE: Final = b'{"type":"MODIFIED","object":{"metadata":{"na'
GARBAGE: Final = (b"}{ garbage\n", b'{"type":"ADDED"}\n', b"\xff\xfe\x00\n", b'{"type":"BOOKMARK","object":[]}\n')


def chunk(data: bytes) -> bytes:
    """A chunk of a body (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def head(status: int, *headers: str) -> bytes:
    """Status line and headers."""
    lines = (f"HTTP/1.1 {status} So", "Content-Type: application/json", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


class Exchange:
    """One connection: its requests, one after the other. A mover of the scheduler."""

    def __init__(self, server: "ApiServer", connection: Connection) -> None:
        self.connection = connection
        self.follower: Follower | None = None
        """Of the watch that is open."""
        self.silent = False
        """Nothing comes from the server any more, and nobody is told."""
        self.name = f"api>{connection.owner.name}"
        self._server = server
        self._seen = 0
        self._bookmark_at = self._ends_at = float("inf")

    def ready(self) -> bool:
        """Whether there is something to answer, to send or to deliver."""
        connection = self.connection
        if self.silent or not connection.near_open:
            return False
        if connection.flying:
            return True
        return connection.far_open and (bool(connection.sent) or self._has_news())

    def next_at(self) -> float:
        """When it will be ready by itself."""
        return min(self._bookmark_at, self._ends_at) if self.follower is not None and not self.silent else float("inf")

    def move(self, random_: random.Random) -> None:
        """Delivers some bytes, answers a request, or writes what has happened to a watch."""
        connection = self.connection
        if connection.flying and random_.random() < 0.7:
            cut = len(connection.flying) if random_.random() < 0.6 else random_.randint(1, len(connection.flying))
            connection.arrive(cut)
        elif connection.far_open and connection.sent:
            self._answer(connection.read(READ_BYTES), random_)
        elif connection.far_open and self._has_news():
            self._tell()
        else:
            connection.arrive(len(connection.flying))

    # Faults --------------------------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """The server ends the watch in good order."""
        self.follower = None
        self.connection.write(LAST_CHUNK)

    def cut(self, random_: random.Random) -> None:
        """The server, or something between, closes the connection: anywhere in what was under way, or in the middle of a line."""
        if self.follower is not None and random_.random() < 0.5:
            self.connection.write(chunk(TORN_LINE))
        self.follower = None
        del self.connection.flying[random_.randint(0, len(self.connection.flying)) :]
        self.connection.end()

    def reset(self) -> None:
        """RST."""
        self.follower = None
        self.connection.reset()

    def expire(self) -> None:
        """410 as an ERROR event."""
        if self.follower is not None:
            self.connection.write(chunk(self.follower.expired()) + LAST_CHUNK)
            self.follower = None

    def fail(self) -> None:
        """Another ERROR event: etcd is in trouble."""
        error = ApiError(code=500, reason="InternalError", message="etcdserver: leader changed")
        self.connection.write(chunk(error_event(error.body())))

    def garble(self, random_: random.Random) -> None:
        """A line that is no event, or bytes that are no HTTP."""
        garbage = random_.choice(GARBAGE)
        self.connection.write(chunk(garbage) if random_.random() < 0.7 else garbage)

    # Answers ---------------------------------------------------------------------------------------------------------------------

    def _has_news(self) -> bool:
        if self.follower is None:
            return False
        due = min(self._bookmark_at, self._ends_at)
        return self._seen != self._server.store.version or self._server.clock.now >= due

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
        if self._server.clock.now >= self._ends_at:
            self.end()

    def _answer(self, request: bytes, random_: random.Random) -> None:
        first, *lines = request.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        path, _, query = first.split(" ")[1].partition("?")
        place = locate(path)
        assert place is not None
        parameters = dict(parse_qsl(query))
        watching = is_watch(parameters)
        try:
            self._server.check(place, "watch" if watching else "list", headers.get("Authorization", ""))
            if watching:
                self._watch(place, parameters, headers["Accept"])
            else:
                self._list(place, parameters, headers["Accept"], random_)
        except ApiError as error:
            self._refuse(error)

    def _list(self, place: Place, parameters: dict[str, str], accept: str, random_: random.Random) -> None:
        server = self._server
        page = answer_list(
            server.store,
            place.resource,
            list_query(parameters),
            Selection(namespace=place.namespace),
            tokens_from=server.tokens_from,
        )
        renderer = Renderer(place.resource, form_of(accept, is_list=True))
        blocks = list(
            renderer.page(page.objects, version=page.version, continue_=page.continue_, remaining=page.remaining)
        )
        match random_.randrange(4):
            case 0:  # a short answer has its length told, a proxy may have it so too
                body = b"".join(blocks)
                self.connection.write(head(200, f"Content-Length: {len(body)}") + body)
            case 1:  # no other request on this connection
                self.connection.write(head(200, "Connection: close") + b"".join(blocks))
                self.connection.end()
            case _:
                self.connection.write(
                    head(200, "Transfer-Encoding: chunked") + b"".join(map(chunk, blocks)) + LAST_CHUNK
                )

    def _watch(self, place: Place, parameters: dict[str, str], accept: str) -> None:
        server = self._server
        query = watch_query(parameters, streaming=server.streaming)
        follower = Follower(
            server.store,
            place.resource,
            query=query,
            selection=Selection(namespace=place.namespace),
            renderer=Renderer(place.resource, form_of(accept, is_list=False)),
            progress=server.streaming,
        )
        self.connection.write(head(200, "Transfer-Encoding: chunked"))
        try:
            self.connection.write(b"".join(map(chunk, follower.opening())))
        except Expired:
            self.connection.write(chunk(follower.expired()) + LAST_CHUNK)
            return
        self.follower, self._seen = follower, -1
        self._bookmark_at = server.clock.now + BOOKMARK_SECONDS
        self._ends_at = server.clock.now + query.timeout_seconds

    def _refuse(self, error: ApiError) -> None:
        body = error.body() + b"\n"
        seconds = error.retry_after_seconds
        retry = (f"Retry-After: {seconds}",) if seconds is not None else ()
        self.connection.write(head(error.code, f"Content-Length: {len(body)}", *retry) + body)
