"""What no process of podwire takes, and a stranger's socket to send it with."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from common.messages import VERSION, encode
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

TAGS = (10, 11, 12, 13, 14, 20, 21, 30)
MALFORMED = [encode([tag, VERSION, *fields]) for tag in TAGS for fields in ([], ["x"] * 12)]
"""Of known tags, with fields that are not theirs."""

NO_RECORDS = (None, b"\x93\xc0\xa1u\xc0", [], [b"\xc0", "u"], [b"\xc0", 7, b"\xc0"], [None, "u", None])
"""No shape, UID and own part."""

WITHOUT_RECORDS = [
    encode([tag, VERSION, *fields])
    for record in NO_RECORDS
    for tag, fields in (
        (10, ["pods", "i", 1, 1, [[1, record]]]),
        (13, [1, 0, "pods", "i", 1, 1, [record], True]),
        (20, ["r", 1, "m", 1, 1, 0, [[1, record, "10.0.0.1", 0, "", "", True]]]),
    )
]
"""Whole but for a record that is none."""

FOREIGN = [encode([tag, version, "x", 1]) for tag in (*TAGS, 99) for version in (0, VERSION - 1, 2**40)]
"""Of other versions of the protocol."""

FRAMES = GARBAGE + MALFORMED + WITHOUT_RECORDS + FOREIGN
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
