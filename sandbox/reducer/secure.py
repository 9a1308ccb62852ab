"""What the reference reducer reads from: a connection's bytes as they come, or what TLS makes of them.

TLS runs in memory, on bytes that are read from the socket at the ordered pace: a reducer that reads slowly or not at all fills the
collector's socket with or without it. Nothing but the handshake's answers is ever sent.
"""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Protocol

from common.errors import UsageError


class Channel(Protocol):
    """Where a connection's stream is read."""

    async def recv(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the stream's end. Raises OSError."""


class Plain:
    """The socket's own bytes."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    async def recv(self, most: int) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._client, most)


class Secure:
    """What TLS makes of the socket's bytes; the handshake is part of the first `recv`."""

    def __init__(self, client: socket.socket, context: ssl.SSLContext) -> None:
        self._client = client
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def recv(self, most: int) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return self._tls.read(most)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                await self._answer()
            except ssl.SSLError:
                await self._answer()  # the alert that says why
                raise
            if data := await loop.sock_recv(self._client, most):
                self._incoming.write(data)
            else:
                return b""

    async def _answer(self) -> None:
        if answer := self._outgoing.read():
            await asyncio.get_running_loop().sock_sendall(self._client, answer)


def server_context(cert: Path, key: Path, *, client_ca: Path | None) -> ssl.SSLContext:
    """Of PEM files; with `client_ca` every client has to show a certificate of it. Raises UsageError."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
        context.load_cert_chain(cert, key)
    except OSError as error:
        raise UsageError(f"--tls-cert, --tls-key or --tls-client-ca: cannot read a PEM file: {error}") from error
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
