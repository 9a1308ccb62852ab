"""One conversation with the API server: a request at a time, its response as it comes. Edge: sockets, and the thread that dials.

It never blocks. What happens is given as values to the scope that asked; a connection is used for the next page where it stands.
"""

import ssl
from collections.abc import Container
from typing import Protocol
from urllib.parse import quote

import msgspec

from watcher.dial import Dialed, Dialer, Undialed
from watcher.http1 import BadResponse, Response, get


class NoConnection(msgspec.Struct, frozen=True):
    """No connection could be made."""

    why: str


class Broken(msgspec.Struct, frozen=True):
    """The connection broke, or was closed before the response was complete."""

    why: str


class Silent(msgspec.Struct, frozen=True):
    """Nothing came for too long: the connection was closed from here."""

    seconds: float


class Nonsense(msgspec.Struct, frozen=True):
    """What came is no HTTP response."""

    why: str


class Read(msgspec.Struct, frozen=True):
    """A read of the response."""

    status: int
    headers: dict[str, str]
    began: bool
    """The headers are complete with this read."""
    parts: list[bytes]
    """Of the body; cut anywhere."""
    complete: bool


Happening = NoConnection | Broken | Silent | Nonsense | Read


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A GET below the server's base path."""

    target: str
    """Path and query, percent-encoded."""
    accept: str


class Channel(Protocol):
    """What a scope asks through."""

    def ask(self, request: Request) -> None:
        """Sends the request; what was asked before is over."""
        ...

    def hang_up(self) -> None:
        """Closes the connection, if there is one."""
        ...

    def forget_credentials(self) -> None:
        """Kubeconfig or service account are read again for the next connection."""
        ...


class HttpChannel:
    """A `Channel` over HTTP/1.1."""

    def __init__(self, dialer: Dialer, *, silence_seconds: float) -> None:
        self._dialer = dialer
        self._silence_seconds = silence_seconds
        self._dialing = False
        self._dialed: Dialed | None = None
        self._request: Request | None = None
        self._response: Response | None = None
        self.fds: tuple[int, ...] = ()
        """What to poll for reading."""
        self.heard_at = float("-inf")
        """When the last byte came, in monotonic seconds."""
        self._silent_since = float("-inf")
        """When a request was sent, or the last byte of its response came."""

    def ask(self, request: Request) -> None:
        self._request, self._response = request, None
        self._dial()

    def hang_up(self) -> None:
        self._request = self._response = None
        self._close()

    def forget_credentials(self) -> None:
        self._dialer.forget_credentials()

    @property
    def more(self) -> bool:
        """There is something to do that a poll would not show: a request to send."""
        return self._dialed is not None and self._request is not None and self._response is None

    def turn(self, *, readable: Container[object], now: float) -> list[Happening]:
        """What has happened; call it when one of `fds` is readable, and now and then."""
        if self._dialing and self._dialer.fd in readable:
            failed = self._take_dialed(self._dialer.result())
            if failed:
                return [failed]
        if self._dialed is None:
            return []
        if self.fds[0] in readable:
            return self._read(now)
        if self.more and not self._send(now):
            return self._broken("it was closed")
        if self._response is not None and now - self._silent_since >= self._silence_seconds:
            self.hang_up()
            return [Silent(self._silence_seconds)]
        return []

    def _dial(self) -> None:
        if self._request is not None and self._dialed is None and not self._dialing:
            self._dialing, self.fds = True, (self._dialer.fd,)
            self._dialer.start()

    def _take_dialed(self, result: Dialed | Undialed) -> NoConnection | None:
        self._dialing, self.fds = False, ()
        if isinstance(result, Undialed):
            return NoConnection(result.why)
        self._dialed, self.fds = result, (result.stream.fileno(),)
        return None

    def _send(self, now: float) -> bool:
        assert self._dialed is not None
        assert self._request is not None
        server = self._dialed.server
        headers = {"Accept": self._request.accept, "User-Agent": "podwire", **self._dialed.headers}
        data = get(target=server.base_path + self._request.target, authority=server.authority, headers=headers)
        self._response, self._silent_since = Response(), now
        try:
            return self._dialed.stream.send(data)  # an idle connection has room for a request
        except OSError:
            return False

    def _read(self, now: float) -> list[Happening]:
        assert self._dialed is not None
        why = "it was closed"
        try:
            data = self._dialed.stream.receive()
        except BlockingIOError:
            return []
        except OSError as error:
            data, why = b"", error.strerror or type(error).__name__
            if isinstance(error, ssl.SSLError) and "ALERT" in str(error):
                self.forget_credentials()  # TLS 1.3 refuses a client's certificate only now
        if self._response is None:  # between requests nothing but its end may come: the connection is of no more use
            self._close()
            self._dial()
            return []
        if not data:
            return self._over(self._response, why)
        self.heard_at = self._silent_since = now
        return self._parse(data, self._response)

    def _parse(self, data: bytes, response: Response) -> list[Happening]:
        try:
            arrived = response.feed(data)
        except BadResponse as error:
            self.hang_up()
            return [Nonsense(str(error))]
        if arrived.complete:
            self._request = self._response = None
            if not response.keep_alive:
                self._close()
        if not (arrived.began or arrived.body or arrived.complete):
            return []
        return [Read(response.status, response.headers, arrived.began, arrived.body, arrived.complete)]

    def _over(self, response: Response, why: str) -> list[Happening]:
        """The connection has ended in the middle of a response, or that is the response's end."""
        if not response.ends_with_connection:
            return self._broken(why)
        self.hang_up()
        return [Read(response.status, response.headers, began=False, parts=[], complete=True)]

    def _broken(self, why: str) -> list[Happening]:
        self.hang_up()
        return [Broken(why)]

    def _close(self) -> None:
        if self._dialed is not None:
            self._dialed.stream.close()
            self._dialed, self.fds = None, ()


def query_string(query: dict[str, str]) -> str:
    """A query, percent-encoded."""
    return "&".join(f"{quote(key)}={quote(value, safe='')}" for key, value in query.items())
