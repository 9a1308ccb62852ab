"""Sockets and a dialer that do what a test has written down."""

from typing import Any

from watcher.credentials import Server
from watcher.dial import Dialed, Undialed

DIAL_FD = 1_000
SOCKET_FD = 2_000


class ScriptedStream:
    """A `watcher.stream.Stream` that gives the bytes of its script, one a read, raises its errors, and then has nothing for now."""

    def __init__(self, *script: bytes | OSError, fd: int = SOCKET_FD, send_error: OSError | None = None) -> None:
        self.script = list(script)
        self.sent = b""
        self.closed = False
        self._fd = fd
        self._send_error = send_error

    def fileno(self) -> int:
        return -1 if self.closed else self._fd

    def send(self, data: bytes) -> bool:
        if self._send_error:
            raise self._send_error
        self.sent += data
        return True

    def receive(self) -> bytes:
        assert not self.closed, "read from a closed socket"
        if not self.script:
            raise BlockingIOError
        step = self.script.pop(0)
        if isinstance(step, OSError):
            raise step
        if step == b"":
            self.script.insert(0, b"")  # an end stays
        return step

    def close(self) -> None:
        self.closed = True


class ScriptedDialer:
    """A `watcher.dial.Dialer` whose attempts end when the test says so."""

    fd = DIAL_FD

    def __init__(self, *results: ScriptedStream | str) -> None:
        self.results = list(results)
        self.starts = 0
        self.forgotten = 0

    def start(self) -> None:
        self.starts += 1

    def forget_credentials(self) -> None:
        self.forgotten += 1

    def result(self) -> Dialed | Undialed:
        result = self.results.pop(0)
        if isinstance(result, str):
            return Undialed(result)
        return Dialed(result, server(), {"authorization": "Bearer TOKEN"})  # type: ignore[arg-type]


def server(**other: Any) -> Server:
    """A server on http://api:8001/base."""
    fields: dict[str, Any] = {
        "host": "api",
        "port": 8001,
        "base_path": "/base",
        "tls": None,
        "server_name": "api",
        "proxy": None,
        "configuration": None,
    }
    return Server(**fields | other)
