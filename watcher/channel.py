"""One conversation with the API server: a request at a time, its response as it comes. Edge: sockets, and the thread that dials.

It never blocks. What happens is given as values to the scope that asked; a connection is used for the next page where it stands.
"""

import ssl
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from watcher.dial import Dialed, Dialer, Undialed
from watcher.http1 import BadResponse, Response, get

READ_BYTES = 16 * 1024
"""A TLS record, which is the most that a read of it gives. Room for more costs time at each read: Python makes that room anew, and gives back
what was not needed (measured: 256 KiB doubled the CPU of reading)."""
READS_AT_ONCE = 64
"""Reads of one turn, at most: what one turn brought is published as one message."""


@dataclass(frozen=True)
class NoConnection:
    """No connection could be made."""

    why: str


@dataclass(frozen=True)
class Broken:
    """The connection broke, or was closed before the response was complete."""

    why: str


@dataclass(frozen=True)
class Silent:
    """Nothing came for too long: the connection was closed from here."""

    seconds: float


@dataclass(frozen=True)
class Nonsense:
    """What came is no HTTP response."""

    why: str


@dataclass(frozen=True)
class Read:
    """A read of the response."""

    status: int
    headers: dict[str, str]
    began: bool
    """The headers are complete with this read."""
    body: bytes
    complete: bool


Happening = NoConnection | Broken | Silent | Nonsense | Read


@dataclass(frozen=True, kw_only=True)
class Request:
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
        self._ended = ""
        """Why nothing more can come on this connection, when that is known and not told yet."""
        self.heard_at = float("-inf")
        """When the last byte came, in monotonic seconds."""
        self._silent_since = float("-inf")
        """When a request was sent, or the last byte of its response came."""

    def ask(self, request: Request) -> None:
        self._request, self._response = request, None
        if self._dialed is None and not self._dialing:
            self._dialing = True
            self._dialer.start()

    def hang_up(self) -> None:
        self._request = self._response = None
        self._close()

    def forget_credentials(self) -> None:
        self._dialer.forget_credentials()

    def fds(self) -> list[int]:
        """What to poll for reading."""
        fds = [self._dialer.fd] if self._dialing else []
        return [*fds, self._dialed.socket.fileno()] if self._dialed else fds

    @property
    def more(self) -> bool:
        """There is something to do that a poll would not show: a request to send, an end to tell, or bytes that TLS holds."""
        if self._dialed is None:
            return False
        unsent = self._request is not None and self._response is None
        return (
            unsent
            or bool(self._ended)
            or (isinstance(self._dialed.socket, ssl.SSLSocket) and self._dialed.socket.pending() > 0)
        )

    def turn(self, *, readable: set[int], now: float) -> list[Happening]:
        """What has happened; call it when one of `fds` is readable, and now and then."""
        if self._dialing and self._dialer.fd in readable:
            failed = self._take_dialed(self._dialer.result())
            if failed:
                return [failed]
        if self._dialed is None:
            return []
        if self._request is not None and self._response is None and not self._send(now):
            return self._broken("it was closed")
        if self._dialed.socket.fileno() in readable or self.more:
            return self._read(now)
        if self._response is not None and now - self._silent_since >= self._silence_seconds:
            self.hang_up()
            return [Silent(self._silence_seconds)]
        return []

    def _take_dialed(self, result: Dialed | Undialed) -> NoConnection | None:
        self._dialing = False
        if isinstance(result, Undialed):
            return NoConnection(result.why)
        self._dialed = result
        return None

    def _send(self, now: float) -> bool:
        assert self._dialed is not None
        assert self._request is not None
        server = self._dialed.server
        headers = {"Accept": self._request.accept, "User-Agent": "podwire", **self._dialed.headers}
        data = get(target=server.base_path + self._request.target, authority=server.authority, headers=headers)
        self._response, self._silent_since = Response(), now
        try:
            return self._dialed.socket.send(data) == len(data)  # an idle connection has room for a request
        except OSError:
            return False

    def _read(self, now: float) -> list[Happening]:
        data = b""
        if not self._ended:
            data, self._ended = self._receive()
        if self._response is None:  # between requests nothing may come: the connection is of no more use
            if data or self._ended:
                self._close()
            return []
        if data:
            # The end, if there was one, is told in the next turn: by then the request may be another one.
            self.heard_at = self._silent_since = now
            return self._parse(data, self._response)
        return self._over(self._response, self._ended) if self._ended else []

    def _parse(self, data: bytes, response: Response) -> list[Happening]:
        try:
            arrived = response.feed(data)
        except BadResponse as error:
            self.hang_up()
            return [Nonsense(str(error))]
        if arrived.complete:
            self._request = self._response = None
            if self._ended or not response.keep_alive:
                self._close()
        if not (arrived.began or arrived.body or arrived.complete):
            return []
        body = arrived.body[0] if len(arrived.body) == 1 else b"".join(arrived.body)
        return [Read(response.status, response.headers, arrived.began, body, arrived.complete)]

    def _over(self, response: Response, why: str) -> list[Happening]:
        """The connection has ended in the middle of a response, or that is the response's end."""
        if not response.ends_with_connection:
            return self._broken(why)
        self.hang_up()
        return [Read(response.status, response.headers, began=False, body=b"", complete=True)]

    def _receive(self) -> tuple[bytes, str]:
        """What there is to read, and why there will be no more (empty: there may be)."""
        assert self._dialed is not None
        parts: list[bytes] = []
        try:
            for _ in range(READS_AT_ONCE):
                part = self._dialed.socket.recv(READ_BYTES)
                if not part:
                    return b"".join(parts), "it was closed"
                parts.append(part)
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError as error:
            return b"".join(parts), error.strerror or type(error).__name__
        return b"".join(parts), ""

    def _broken(self, why: str) -> list[Happening]:
        self.hang_up()
        return [Broken(why)]

    def _close(self) -> None:
        self._ended = ""
        if self._dialed is not None:
            self._dialed.socket.close()
            self._dialed = None


def query_string(query: dict[str, str]) -> str:
    """A query, percent-encoded."""
    return "&".join(f"{quote(key)}={quote(value, safe='')}" for key, value in query.items())
