"""Looking on at the relay: who listens gets it, and nobody has to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from common.messages import Incarnation
from common.sockets import bind_ipc, new_socket, tap_endpoint
from common.tapped import EMISSIONS, UPSTREAM, Passed, decode_passed
from relay.tap import MOST_HEARD, Tap

LIFE = Incarnation("life")


class Bench:
    """A tap in a directory of its own."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", directory: Path) -> None:
        self.context = context
        self.directory = directory
        self.socket = new_socket(context, zmq.XPUB, high_water=10)
        bind_ipc(self.socket, tap_endpoint(directory))
        self.tap = Tap(self.socket, relay=LIFE)

    def listener(self, *topics: bytes) -> zmq.Socket[bytes]:
        """Somebody who listens, once the tap has heard of it."""
        listener = new_socket(self.context, zmq.SUB, high_water=10)
        for topic in topics:
            listener.setsockopt(zmq.SUBSCRIBE, topic)
        listener.connect(tap_endpoint(self.directory))
        self.until(lambda: set(topics) <= self.tap.listened)
        return listener

    def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            assert self.socket.poll(20_000), "nothing was heard"
            self.tap.hear()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with zmq.Context() as context:
        bench = Bench(context, tmp_path)
        yield bench
        bench.socket.close()


def heard(listener: zmq.Socket[bytes]) -> list[bytes]:
    assert listener.poll(20_000), "nothing came"
    return listener.recv_multipart()


def test_a_listener_gets_what_is_taken_while_it_listens_and_nothing_is_said_to_nobody(bench: Bench) -> None:
    bench.tap.took(b"to nobody")
    listener = bench.listener(EMISSIONS)
    bench.tap.took(b"frame")
    assert heard(listener) == [EMISSIONS, b"frame"]
    listener.close()
    bench.until(lambda: not bench.tap.listened)


def test_what_goes_upstream_comes_with_how_much_went_before_heard_or_not(bench: Bench) -> None:
    bench.tap.passed(1, b"four")
    listener = bench.listener(UPSTREAM)
    bench.tap.took(b"of another topic")
    bench.tap.passed(2, b"seven")
    topic, frame = heard(listener)
    passed = decode_passed(frame)
    assert (topic, passed) == (UPSTREAM, Passed(LIFE, 2, passed.stamp_ns, 4, b"seven"))
    listener.close()


def test_what_else_a_subscriber_says_is_read_in_turns_and_thrown_away(bench: Bench) -> None:
    with bench.listener(EMISSIONS), new_socket(bench.context, zmq.XSUB, high_water=0) as stranger:
        stranger.connect(tap_endpoint(bench.directory))
        for frame in (b"", b"\x01", b"\x00", b"garbage", *([b"\x01x", b"\x00x"] * MOST_HEARD)):
            stranger.send(frame)
        stranger.send(b"\x01" + UPSTREAM)
        bench.until(lambda: bench.tap.listened == {EMISSIONS, UPSTREAM})
