"""Looking on at what the relay takes: who listens gets it, and nobody has to."""

from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from common.sockets import bind_ipc, new_socket, tap_endpoint
from relay.tap import Tap


def until(done: Callable[[], bool], tap: Tap) -> None:
    """Takes frames until it is so; `done` waits a moment itself."""
    for _ in range(10_000):
        tap.took(b"frame")
        if done():
            return
    pytest.fail("nothing was heard")


def test_a_listener_gets_what_is_taken_while_it_listens_and_nothing_is_said_to_nobody(tmp_path: Path) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = new_socket(context, zmq.XPUB, high_water=10)
    bind_ipc(socket, tap_endpoint(tmp_path))
    tap = Tap(socket)
    tap.took(b"to nobody")
    listener = new_socket(context, zmq.SUB, high_water=10)
    listener.setsockopt(zmq.SUBSCRIBE, b"")
    listener.connect(tap_endpoint(tmp_path))
    until(lambda: bool(listener.poll(1)), tap)
    assert listener.recv() == b"frame"
    listener.close()
    assert socket.poll(10_000)  # the subscription's end
    tap.took(b"to nobody")
    assert tap.listened is False
    socket.close()
    context.term()
