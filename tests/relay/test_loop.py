"""The loop on real sockets of this machine: a matcher's, a reducer's, and the stop signal's pipe. Nothing here sleeps."""

import os
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import lz4.frame
import pytest
import zmq

from common import messages
from common.address import Address
from common.admin import open_admin
from common.clock import monotonic, wall_ns
from common.door import Door
from common.logs import Log
from common.messages import Emissions, Incarnation, Link, Resync
from common.sockets import emissions_endpoint, link_endpoint, new_publisher, new_socket, tap_endpoint
from common.tapped import EMISSIONS
from relay import loop as module
from relay import machine
from relay.deliver import Action, Relay
from relay.dial import Dialer
from relay.handshake import Identity
from relay.loop import Loop
from relay.settings import Settings
from relay.tap import Tap
from relay.view import RelayView
from tests.fakes.pods import batch, pod_new
from tests.fakes.pollers import NotingPoller
from tests.fakes.reducer_ear import LONGEST_STREAM_BYTES, messages_of

PATIENCE_SECONDS = 20.0


class Stop:
    """A `StopSignal` that a test sends."""

    def __init__(self) -> None:
        self.requested = False
        self.fd, self._write = os.pipe()

    def send(self) -> None:
        self.requested = True
        os.write(self._write, b"s")

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._write)


class Reducer:
    """Listens, and decodes what it hears as it comes."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(PATIENCE_SECONDS)
        self.address = Address(*self._server.getsockname())
        self.connection: socket.socket | None = None

    def accept(self) -> None:
        self.connection, _ = self._server.accept()
        self.connection.settimeout(PATIENCE_SECONDS)
        self.raw, self.plain, self.lz4 = b"", b"", lz4.frame.LZ4FrameDecompressor()

    def hear(self, message: str) -> list[str]:
        """Names of all messages heard on this connection, once `message` is among them."""
        while message not in (names := self._names()):
            self.read()
        return names

    def read(self) -> bytes:
        assert self.connection is not None
        chunk = self.connection.recv(65_536)
        begin = max(0, 24 - len(self.raw))
        self.raw += chunk
        if chunk[begin:]:
            self.plain += self.lz4.decompress(chunk[begin:], max_length=LONGEST_STREAM_BYTES)
        return chunk

    def _names(self) -> list[str]:
        return [
            one["message"]
            for one in messages_of(self.raw[:24] if len(self.raw) >= 24 else b"") + messages_of(self.plain)
        ]

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def shut(self) -> None:
        self.close()
        self._server.close()


class Matcher:
    """Follows the link and pushes."""

    def __init__(self, run_dir: Path) -> None:
        self._context = zmq.Context()
        self._push = new_socket(self._context, zmq.PUSH, high_water=4)
        self._link = new_socket(self._context, zmq.SUB, high_water=1_000)
        self._link.setsockopt(zmq.SUBSCRIBE, b"")
        self._link.setsockopt(zmq.RCVTIMEO, int(PATIENCE_SECONDS * 1_000))
        self._push.setsockopt(zmq.SNDTIMEO, int(PATIENCE_SECONDS * 1_000))
        self._push.connect(emissions_endpoint(run_dir))
        self._link.connect(link_endpoint(run_dir))

    def link(self, *, connection: int, connected: bool = True) -> Link:
        """The first link heard that is of this connection and state."""
        while True:
            link = messages.decode(self._link.recv())
            assert isinstance(link, Link)
            if (link.connection, link.connected) == (connection, connected):
                return link

    def push(self, message: Emissions | bytes) -> None:
        self._push.send(message if isinstance(message, bytes) else messages.encode(message))

    def close(self) -> None:
        self._push.close()
        self._link.close()
        self._context.term()


@pytest.fixture
def reducer() -> Iterator[Reducer]:
    reducer = Reducer()
    yield reducer
    reducer.shut()


@pytest.fixture
def matcher(tmp_path: Path) -> Iterator[Matcher]:
    matcher = Matcher(tmp_path)
    yield matcher
    matcher.close()


@pytest.fixture
def stop() -> Iterator[Stop]:
    stop = Stop()
    yield stop
    stop.close()


@pytest.fixture
def poller(monkeypatch: pytest.MonkeyPatch) -> NotingPoller:
    """The loop's."""
    poller = NotingPoller(longest=int(PATIENCE_SECONDS * 1_000))
    monkeypatch.setattr(module, "Poller", lambda: poller)
    return poller


@pytest.fixture
def running(
    tmp_path: Path, reducer: Reducer, stop: Stop, poller: NotingPoller
) -> Iterator[tuple[Relay, threading.Thread]]:
    """A relay's loop on a thread of its own."""
    relay = Relay(
        incarnation=Incarnation("relay-1"),
        identity=Identity(hostname="h", cores=1, labels=()),
        random_=random.Random(1),
        measure=machine.measure,
        log=Log("relay"),
        now=monotonic(),
        wall_ns=wall_ns(),
    )
    settings = Settings(
        run_dir=tmp_path,
        admin="off",
        listen=None,
        keys_dir=None,
        intake=reducer.address,
        labels=(),
        hostname="h",
        tls=None,
    )
    context = zmq.Context()
    emissions, link = new_socket(context, zmq.PULL, high_water=4), new_publisher(context, high_water=10)
    emissions.bind(emissions_endpoint(tmp_path))
    link.bind(link_endpoint(tmp_path))
    tap = Tap(new_socket(context, zmq.XPUB, high_water=10), relay=relay.incarnation)
    tap.socket.bind(tap_endpoint(tmp_path))
    admin = open_admin(stage="relay", run_dir=tmp_path, listen="off", view=RelayView(relay, settings, clock=monotonic))
    dialer = Dialer(reducer.address)
    door = Door(context, listen=None, keys=None, refused={}, log=Log("relay"))
    loop = Loop(relay, emissions=emissions, link=link, door=door, dialer=dialer, stop=stop, admin=admin, tap=tap)
    thread = threading.Thread(target=loop.run)
    thread.start()
    yield relay, thread
    stop.send()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert poller.sleeps
    for one in (emissions, link, tap.socket):
        one.close()
    context.term()
    os.close(dialer.fd)


@pytest.mark.usefixtures("running")
def test_what_a_matcher_pushes_is_heard_by_the_reducer(reducer: Reducer, matcher: Matcher) -> None:
    reducer.accept()
    link = matcher.link(connection=1)
    matcher.push(batch(Resync(), pod_new(), first=1, relay=link.relay))
    names = reducer.hear("pod_container")
    assert names[:6] == [
        "version_info",
        "connect",
        "report_cpu_cores",
        "cloud_platform",
        "set_node_info",
        "metadata_complete",
    ]
    assert [name for name in names if name.startswith("pod")] == ["pod_resync", "pod_new_with_name", "pod_container"]


def test_garbage_is_dropped_and_the_good_frame_behind_it_is_taken(
    reducer: Reducer, matcher: Matcher, running: tuple[Relay, threading.Thread]
) -> None:
    relay, _ = running
    reducer.accept()
    matcher.link(connection=1)
    matcher.push(b"\x00garbage")
    matcher.push(batch(Resync(), first=1))
    reducer.hear("pod_resync")
    assert relay.tally.bad_frames == 1


@pytest.mark.usefixtures("running")
def test_a_reducer_that_closes_is_noticed_and_dialed_again(reducer: Reducer, matcher: Matcher) -> None:
    reducer.accept()
    matcher.link(connection=1)
    reducer.close()
    matcher.link(connection=1, connected=False)
    reducer.accept()
    matcher.link(connection=2)
    matcher.push(batch(Resync(), first=1, connection=1))
    matcher.push(batch(Resync(), first=1, epoch=2, connection=2))
    assert reducer.hear("pod_resync").count("pod_resync") == 1


def test_bytes_from_the_reducer_are_ignored(
    reducer: Reducer, matcher: Matcher, running: tuple[Relay, threading.Thread]
) -> None:
    relay, _ = running
    reducer.accept()
    assert reducer.connection is not None
    reducer.connection.sendall(b"x" * 10_000)
    matcher.link(connection=1)
    matcher.push(batch(Resync(), first=1))
    reducer.hear("pod_resync")
    assert sum(relay.tally.connections_lost.values()) == 0


def test_at_a_stop_the_stream_is_ended_and_closed(
    reducer: Reducer, matcher: Matcher, stop: Stop, running: tuple[Relay, threading.Thread]
) -> None:
    _, thread = running
    reducer.accept()
    matcher.link(connection=1)
    stop.send()
    while reducer.read():
        pass
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert reducer.raw.endswith(bytes(4))
    assert reducer.hear("metadata_complete")[0] == "version_info"


def publishers(poller: NotingPoller) -> set[zmq.Socket[bytes]]:
    return {socket for socket in poller.told if socket.type == zmq.XPUB}


@pytest.mark.usefixtures("running")
def test_the_poller_is_told_what_is_published_on(
    reducer: Reducer, matcher: Matcher, poller: NotingPoller, tmp_path: Path
) -> None:
    """A subscription that comes while something is published makes no descriptor readable (`common.poller`)."""
    reducer.accept()
    matcher.link(connection=1)
    matcher.push(batch(Resync(), first=1))
    reducer.hear("pod_resync")
    assert len(publishers(poller)) == 1, "the link; nobody listens to the tap"
    with zmq.Context() as context, new_socket(context, zmq.SUB, high_water=10) as listener:
        listener.setsockopt(zmq.SUBSCRIBE, EMISSIONS)
        listener.connect(tap_endpoint(tmp_path))
        number = 2
        while not listener.poll(0):
            matcher.push(batch(pod_new(), first=number))
            reducer.read()
            number += 1
    assert len(publishers(poller)) == 2


def test_what_has_come_alone_does_not_wait_for_more(
    reducer: Reducer, matcher: Matcher, running: tuple[Relay, threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, _ = running
    turns, turn = list[tuple[int, bool]](), relay.turn

    def noted(*, now: float, wall_ns: int, more_coming: bool) -> list[Action]:
        turns.append((relay.tally.emissions_taken, more_coming))
        return turn(now=now, wall_ns=wall_ns, more_coming=more_coming)

    monkeypatch.setattr(relay, "turn", noted)
    reducer.accept()
    matcher.link(connection=1)
    matcher.push(batch(Resync(), first=1))
    reducer.hear("pod_resync")
    assert next(more_coming for taken, more_coming in turns if taken) is False
