"""Ports for tests of what has to be told where to listen before it does."""

import random
import socket

from common.address import Address


def free_pair() -> Address:
    """On loopback, with nobody on the port or on the one after it; below those that the kernel gives to connecting sockets."""
    while True:
        port = random.randrange(12_000, 32_000, 2)
        try:
            for one in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", one))
        except OSError:
            continue
        return Address("127.0.0.1", port)
