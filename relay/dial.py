"""Opens the upstream connection on a thread of its own, because names and addresses may take long to answer.

The name is looked up anew at each attempt, and every address that it has is tried in the resolver's order, IPv4 and IPv6 alike. A
connection is complete when it is handed over, with TLS where that is asked for: blocking is allowed here. How an attempt
ended is handed over by `outcome`, once `fd` is readable.
"""

import errno
import os
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from common.address import Address, lookup_name
from common.errors import UsageError
from relay import tcp
from relay.connect import Trouble
from relay.tls import Tls, new_context, words

CONNECT_SECONDS = 10.0
"""For each address, and once more for the TLS handshake with it."""

_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

Resolve = Callable[..., list[tuple[Any, Any, int, str, Any]]]
"""`socket.getaddrinfo`."""


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """`connection` is non-blocking and tuned; `peer` is the address that answered."""

    connection: socket.socket
    peer: str


class NotConnected(msgspec.Struct, frozen=True, kw_only=True):
    """No address answered: the last one's trouble, and a text that says what happened at each."""

    trouble: Trouble
    text: str


Outcome = Connected | NotConnected


class Dialer:
    """One attempt at a time."""

    def __init__(self, intake: Address, *, tls: Tls | None = None, resolve: Resolve = socket.getaddrinfo) -> None:
        self._intake = intake
        self._tls = tls
        self._resolve = resolve
        self._outcomes: deque[Outcome] = deque()
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable when an attempt has ended."""

    def dial(self) -> None:
        """Begins an attempt. The thread is a daemon: a resolver that hangs must not keep the process from ending."""
        threading.Thread(target=self._run, name="relay-dial", daemon=True).start()

    def outcome(self) -> Outcome:
        """How the attempt ended. To be called when `fd` is readable."""
        os.eventfd_read(self.fd)
        return self._outcomes.popleft()

    def _run(self) -> None:
        outcome: Outcome
        try:
            outcome = attempt(self._intake, tls=self._tls, resolve=self._resolve)
        except Exception as error:  # noqa: BLE001 (without an end of the attempt there would never be another)
            outcome = NotConnected(trouble=Trouble.OTHER, text=text_of(error))
        self._outcomes.append(outcome)
        os.eventfd_write(self.fd, 1)


def attempt(intake: Address, *, tls: Tls | None = None, resolve: Resolve) -> Outcome:
    """Looks the name up and tries its addresses until one answers, and has agreed on TLS where that is asked for."""
    try:
        context = None if tls is None else new_context(tls)
    except UsageError as error:
        return NotConnected(trouble=Trouble.TLS, text=str(error))
    try:
        addresses = resolve(lookup_name(intake.host), intake.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return NotConnected(trouble=Trouble.NAME, text=f"cannot resolve {intake.host}: {text_of(error)}")
    trouble, texts = Trouble.NAME, []
    for family, _, _, _, address in addresses:
        peer = str(Address(address[0], address[1]))
        try:
            connection = _connect(family, address)
            if tls is not None and context is not None:
                connection = _secure(connection, context, tls.server_name)
            connection.setblocking(False)
            return Connected(connection=connection, peer=peer)
        except OSError as error:
            trouble = trouble_of(error)
            texts.append(f"{peer}: {text_of(error)}")
    return NotConnected(trouble=trouble, text="; ".join(texts) or f"{intake.host} has no address")


def trouble_of(error: OSError) -> Trouble:
    """Which kind of trouble an error of a socket is."""
    match error:
        case ssl.SSLError():
            return Trouble.TLS
        case ConnectionRefusedError():
            return Trouble.REFUSED
        case ConnectionResetError() | BrokenPipeError():
            return Trouble.RESET
        case TimeoutError():
            return Trouble.TIMEOUT
        case OSError(errno=number) if number in _UNREACHABLE:
            return Trouble.UNREACHABLE
        case _:
            return Trouble.OTHER


def text_of(error: Exception) -> str:
    """What went wrong, for people."""
    if isinstance(error, ssl.SSLError):
        return words(error)
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _connect(family: int, address: Any) -> socket.socket:  # noqa: ANN401 (its form is the family's)
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_SECONDS)
        connection.connect(address)
        if connection.getsockname() == connection.getpeername():
            # TCP's simultaneous open: a port of this machine that nobody listens on can be given to the dialing socket itself.
            raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself, nobody listens there")
        tcp.tune(connection)
    except OSError:
        connection.close()
        raise
    return connection


def _secure(connection: socket.socket, context: ssl.SSLContext, server_name: str) -> ssl.SSLSocket:
    """The same connection with TLS. Raises OSError (an SSLError is one); the connection is closed then."""
    try:
        return context.wrap_socket(connection, server_hostname=server_name)
    except TimeoutError as error:
        connection.close()
        raise TimeoutError(errno.ETIMEDOUT, f"no TLS handshake within {CONNECT_SECONDS:.0f} s") from error
    except (ConnectionResetError, BrokenPipeError) as error:
        connection.close()
        raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "reset in the handshake") from error
    except OSError:
        connection.close()
        raise
