"""Asks the API server as a watcher would: with its credentials, over connections made as it makes them, TLS and proxy included."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from podwire.ask import NoAnswer
from watcher.credentials import NoCredentials, Server
from watcher.dial import described, reach

ANSWER_SECONDS = 10.0
"""Without a byte of an answer for so long there is none."""

LARGEST_BODY_BYTES = 4 * 1024 * 1024


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: dict[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body's object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def message(self) -> str:
        """What the server says is wrong, in a line."""
        told = self.json.get("message") or http.client.responses.get(self.status, "")
        return f"{self.status} {' '.join(str(told).split())[:300]}"


class Api:
    """One API server. Each call has a connection of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def get(self, target: str, *, accept: str = "application/json") -> Answer:
        """Raises NoAnswer."""
        with self._asked("GET", target, {"Accept": accept}) as response:
            return _answer(response, response.read(LARGEST_BODY_BYTES))

    def post(self, target: str, body: Any) -> Answer:  # noqa: ANN401 (any JSON)
        """Raises NoAnswer."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        with self._asked("POST", target, headers, json.dumps(body)) as response:
            return _answer(response, response.read(LARGEST_BODY_BYTES))

    @contextmanager
    def watch(self, target: str, *, accept: str) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """The answer's head, and its body as it comes; a body that is not a watch's is in the head already. Raises NoAnswer."""
        with self._asked("GET", target, {"Accept": accept}) as response:
            body = b"" if response.status == 200 else response.read(LARGEST_BODY_BYTES)
            yield _answer(response, body), iter(response.read1, b"")

    @contextmanager
    def _asked(
        self, method: str, target: str, headers: dict[str, str], body: str | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        with closing(self._connect()) as connected:
            connected.settimeout(ANSWER_SECONDS)
            connection = http.client.HTTPConnection(self._server.host, self._server.port)
            connection.sock = connected
            try:
                own = {"Host": self._server.authority, "User-Agent": "podwire", **headers, **self._server.headers()}
                connection.request(method, self._server.base_path + target, body, own)
                yield connection.getresponse()
            except (OSError, http.client.HTTPException, ValueError, NoCredentials) as error:
                raise NoAnswer(f"no answer from {self._server.authority}: {described(error)}") from error

    def _connect(self) -> socket.socket:
        try:
            reached = reach(self._server)
            tls = self._server.tls
            return tls.wrap_socket(reached, server_hostname=self._server.server_name) if tls else reached
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(f"no connection to {self._server.authority}: {described(error)}") from error


def _answer(response: http.client.HTTPResponse, body: bytes) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
