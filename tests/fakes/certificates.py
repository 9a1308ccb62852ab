"""Certificates and TLS servers for tests: good, expired, of another CA or for another name."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme

YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)

Talk = Callable[[ssl.SSLSocket], None]


class Files:
    """A CA, and what it has issued, as files below a directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._authority = trustme.CA()
        self.ca = directory / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *, expired: bool = False) -> tuple[Path, Path]:
        """Certificate chain and key of a name; a second one for it takes the place of the first."""
        leaf = self._authority.issue_cert(name, not_after=YESTERDAY if expired else None)
        cert, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        cert.unlink(missing_ok=True)
        key.unlink(missing_ok=True)
        for number, pem in enumerate(leaf.cert_chain_pems):
            pem.write_to_path(cert, append=number > 0)
        leaf.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        return cert, key


def server_context(pair: tuple[Path, Path], *, client_ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


@contextmanager
def tls_server(context: ssl.SSLContext, talk: Talk = lambda _connection: None) -> Iterator[int]:
    """The port of a server that shakes hands with each client, talks to it, and closes."""

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError), context.wrap_socket(client, server_side=True) as connection:
            talk(connection)

    with plain_server(serve) as port:
        yield port


@contextmanager
def plain_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that serves one client after the other."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                serve(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)
