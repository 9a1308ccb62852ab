"""A Pod's network namespace: a container that holds it, addresses in it, and ways in and out.

The namespace has a loopback device and nothing else, so whatever a Pod reaches is named here. Sockets belong to the namespace of the thread
that makes them: a thread that has joined the Pod's listens there, and what it accepts is carried on to wherever a `Way` leads.
"""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from common.address import Address, parse_address

CLONE_NEWNET = 0x4000_0000
"""setns(2)."""

Made = TypeVar("Made")

Way = Callable[[], socket.socket]
"""Makes a connection to one place. Raises OSError."""


def to_this_machine(address: str) -> Way:
    """To HOST:PORT of the test's own loopback."""
    return lambda: socket.create_connection(parse_address(address, option="address"))


class NetworkNamespace:
    """The namespace of a running process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._listeners: list[socket.socket] = []

    def add_address(self, host: str) -> None:
        """Gives its loopback device another address."""
        command = ["nsenter", "--net", "--target", str(self._pid), "ip", "address", "add", f"{host}/32", "dev", "lo"]
        subprocess.run(command, check=True)

    def connect(self, address: Address, timeout_seconds: float) -> socket.socket:
        """A connection from within. Raises OSError."""
        return self._within(lambda: socket.create_connection(address, timeout_seconds))

    def forward(self, inside: Address, outside: Way) -> None:
        """Carries connections to `inside` on, until `close`."""
        listener = self._within(lambda: socket.create_server(inside))
        self._listeners.append(listener)
        threading.Thread(target=_serve, args=(listener, outside), daemon=True).start()

    def close(self) -> None:
        """Ends the listeners; connections end with their ends."""
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _within(self, make: Callable[[], Made]) -> Made:
        """What `make` gives in a thread that has joined the namespace."""
        made: list[Made | OSError] = []

        def join_and_make() -> None:
            try:
                _join(self._pid)
                made.append(make())
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=join_and_make)
        thread.start()
        thread.join()
        (result,) = made
        if isinstance(result, OSError):
            raise result
        return result


def _join(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _serve(listener: socket.socket, way: Way) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=(client, way), daemon=True).start()


def _carry(client: socket.socket, way: Way) -> None:
    """One connection, until either end of it is over."""
    with client, suppress(OSError), way() as server:
        server.settimeout(None)
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Carries bytes one way; the end of either connection ends both."""
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
