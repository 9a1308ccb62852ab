"""Makes connections to the API server, in a thread of its own: looking up a name, TCP, a proxy, TLS and an exec plugin may all take long,
and the watcher answers its readers meanwhile. What comes of it is read by the loop, which is woken through `fd`.
"""

import os
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from common.address import lookup_name
from common.errors import UsageError
from watcher.credentials import NoCredentials, Server
from watcher.stream import PlainStream, Stream, TlsStream

CONNECT_TIMEOUT_SECONDS = 10.0
"""For each of TCP, a proxy's answer and the TLS handshake."""


@dataclass(frozen=True)
class Dialed:
    """A connection on which the API server can be asked."""

    stream: Stream
    server: Server
    headers: dict[str, str] = field(repr=False)
    """The authorization."""


@dataclass(frozen=True)
class Undialed:
    """No connection, and why."""

    why: str


class Dialer:
    """One attempt at a time; `fd` is readable when one has ended."""

    def __init__(self, read_server: Callable[[], Server], server: Server) -> None:
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._read_server = read_server
        self._server: Server | None = server
        self._ended: queue.SimpleQueue[Dialed | Undialed] = queue.SimpleQueue()

    def forget_credentials(self) -> None:
        """The next attempt reads kubeconfig or service account again."""
        self._server = None

    def start(self) -> None:
        """Begins an attempt. The one before must have ended."""
        threading.Thread(target=self._attempt, daemon=True, name="dial").start()

    def result(self) -> Dialed | Undialed:
        """What the attempt came to, once `fd` was readable."""
        os.read(self.fd, 1)
        return self._ended.get()

    def _attempt(self) -> None:
        try:
            server = self._server = self._server or self._read_server()
            headers = server.headers()
            ended: Dialed | Undialed = Dialed(connect(server), server, headers)
        except (UsageError, NoCredentials) as error:
            ended = Undialed(str(error))
        except ssl.SSLError as error:
            self._server = None  # certificates are files too, and are replaced while we run
            ended = Undialed(described(error))
        except Exception as error:  # noqa: BLE001 (without an end of the attempt there would never be another)
            ended = Undialed(described(error))
        self._ended.put(ended)
        os.write(self._write, b".")


def connect(server: Server) -> Stream:
    """A connection to the API server, through its proxy if it has one, TLS included. Raises OSError or HTTPException."""
    reached = reach(server)
    try:
        return TlsStream(reached, server.tls, server_name=server.server_name) if server.tls else PlainStream(reached)
    except BaseException:
        reached.close()
        raise


def reach(server: Server) -> socket.socket:
    """A TCP connection to the API server, or to its proxy and through that. Raises OSError or HTTPException."""
    reached = (
        _through_proxy(server, server.proxy)
        if server.proxy
        else socket.create_connection((lookup_name(server.host), server.port), timeout=CONNECT_TIMEOUT_SECONDS)
    )
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reached.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    return reached


def _through_proxy(server: Server, proxy: str) -> socket.socket:
    import base64  # few have a proxy, and this takes a megabyte
    import http.client

    url = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 3128, timeout=CONNECT_TIMEOUT_SECONDS)
    credentials = f"{unquote(url.username)}:{unquote(url.password or '')}" if url.username else None
    headers = {"Proxy-Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()} if credentials else {}
    connection.set_tunnel(server.host, server.port, headers)
    connection.connect()
    tunnel: socket.socket = connection.sock
    return tunnel


def described(error: Exception) -> str:
    """Why no connection came about, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be looked up: {error.strerror}"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
