"""What no process of podwire takes, and a stranger's socket to send it with."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from common.messages import encode
from common.sockets import new_socket
from tests.e2e.sandboxed import Running, owned_pod

RANDOM = random.Random(7)

GARBAGE = [
    b"",
    b"\x00",
    b"\xc1" * 100,  # a byte that msgpack never uses
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x91" * 100_000,  # nested deeper than anybody reads
    b"\xdd\xff\xff\xff\xff",  # an array of four billion, without any
    *(RANDOM.randbytes(size) for size in (1, 10, 1_000, 100_000)),
]
"""No messages."""

MALFORMED = [encode([tag, 1, *fields]) for tag in (10, 11, 12, 13, 14, 20, 21, 30) for fields in ([], ["x"] * 12)]
"""Of known tags, with fields that are not theirs."""

FOREIGN = [encode([tag, version, "x", 1]) for tag in (10, 11, 12, 13, 14, 20, 21, 30, 99) for version in (0, 2, 2**40)]
"""Of other versions of the protocol."""

FRAMES = GARBAGE + MALFORMED + FOREIGN
"""What no process takes."""


@contextmanager
def connected(kind: int, endpoint: str) -> Iterator[zmq.Socket[bytes]]:
    """A stranger's socket that holds any number of frames."""
    with zmq.Context() as context:
        stranger = new_socket(context, kind, high_water=0)
        stranger.connect(endpoint)
        try:
            yield stranger
        finally:
            stranger.close()


def assert_a_change_arrives(podwire: Running, name: str) -> None:
    podwire.sandbox.put("pods", owned_pod(name, ip="10.9.9.9"))
    podwire.until(lambda: podwire.owners({f"uid-{name}"}), "a change to arrive")
