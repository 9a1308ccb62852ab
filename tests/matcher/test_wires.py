"""The sockets, against real ones in a temporary directory. Each wait ends with what it waits for; its seconds are only a bound."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from common.logs import Log
from common.poller import POLLIN
from common.sockets import emissions_endpoint, link_endpoint, new_socket, snapshots_endpoint, updates_endpoint
from matcher import wires as module
from matcher.peers import Peers
from matcher.wires import MOST_FRAMES, Origin, Wires
from tests.fakes.pollers import NotingPoller

BOUND_SECONDS = 10.0


Bind = Callable[[int, str], "zmq.Socket[bytes]"]


@pytest.fixture
def bind() -> Iterator[Bind]:
    """Binds a neighbour's socket."""
    context = zmq.Context()
    sockets = []

    def bind(kind: int, endpoint: str) -> "zmq.Socket[bytes]":
        sockets.append(new_socket(context, kind, high_water=1_000))
        sockets[-1].bind(endpoint)
        return sockets[-1]

    yield bind
    context.destroy(linger=0)


@pytest.fixture
def wires(tmp_path: Path) -> Iterator[Wires]:
    wires = Wires(tmp_path, peers=Peers({}, keys_dir=None), wakers=(), log=Log("matcher"))
    yield wires
    wires.close()


def next_frame(wires: Wires) -> tuple[Origin, bytes]:
    wires.wait(BOUND_SECONDS, to_send=False, to_ask=())
    return next(wires.received())


def test_what_watchers_and_relay_publish_is_received_with_its_origin(wires: Wires, bind: Bind, tmp_path: Path) -> None:
    for origin, endpoint in (
        (("updates", "jobs"), updates_endpoint(tmp_path, "jobs")),
        (("link", None), link_endpoint(tmp_path)),
    ):
        publisher = bind(zmq.XPUB, endpoint)
        assert publisher.poll(BOUND_SECONDS * 1_000)
        assert publisher.recv() == b"\x01", "subscribed to everything"
        publisher.send(b"hello")
        assert next_frame(wires) == (origin, b"hello")


def test_a_watcher_that_comes_late_finds_no_ask_from_before_it_came(wires: Wires, bind: Bind, tmp_path: Path) -> None:
    assert not wires.ask("pods", b"too early")
    watcher = bind(zmq.ROUTER, snapshots_endpoint(tmp_path, "pods"))
    wires.wait(BOUND_SECONDS, to_send=False, to_ask=("pods",))
    assert wires.ask("pods", b"ask")
    client, frame = watcher.recv_multipart()
    assert frame == b"ask"
    watcher.send_multipart([client, b"answer"])
    assert next_frame(wires) == (("snapshots", "pods"), b"answer")


def test_nothing_is_held_for_a_relay_that_is_not_there(wires: Wires, bind: Bind, tmp_path: Path) -> None:
    assert not wires.can_emit()
    assert not wires.emit(b"too early")
    relay = bind(zmq.PULL, emissions_endpoint(tmp_path))
    wires.wait(BOUND_SECONDS, to_send=True, to_ask=())
    assert wires.can_emit()
    assert wires.emit(b"now")
    assert relay.recv() == b"now"


def test_a_flood_is_taken_in_turns(wires: Wires, bind: Bind, tmp_path: Path) -> None:
    publisher = bind(zmq.XPUB, updates_endpoint(tmp_path, "pods"))
    assert publisher.poll(BOUND_SECONDS * 1_000)
    publisher.recv()
    for n in range(MOST_FRAMES * 2):
        publisher.send(bytes([n]))
    taken = []
    turns = 0
    while len(taken) < MOST_FRAMES * 2:
        wires.wait(BOUND_SECONDS, to_send=False, to_ask=())
        turn = [frame for _, frame in wires.received()]
        assert len(turn) <= MOST_FRAMES
        taken += turn
        turns += 1
    assert taken == [bytes([n]) for n in range(MOST_FRAMES * 2)]
    assert turns >= 2


@pytest.fixture
def poller(monkeypatch: pytest.MonkeyPatch) -> NotingPoller:
    """Of the wires that are made after it."""
    poller = NotingPoller(longest=int(BOUND_SECONDS * 1_000))
    monkeypatch.setattr(module, "Poller", lambda: poller)
    return poller


def test_the_poller_is_told_what_is_sent_on(poller: NotingPoller, wires: Wires, bind: Bind, tmp_path: Path) -> None:
    """What comes while something is sent makes no descriptor readable (`common.poller`)."""
    bind(zmq.ROUTER, snapshots_endpoint(tmp_path, "pods"))
    bind(zmq.PULL, emissions_endpoint(tmp_path))
    wires.wait(BOUND_SECONDS, to_send=True, to_ask=("pods",))
    poller.told.clear()
    assert not wires.ask("jobs", b"to nobody")
    wires.ask("pods", b"ask")
    wires.emit(b"emissions")
    jobs, pods, relay = poller.told
    assert [jobs.type, pods.type, relay.type] == [zmq.DEALER, zmq.DEALER, zmq.PUSH]
    assert jobs is not pods


def test_room_is_waited_for_only_while_there_is_something_to_say(
    poller: NotingPoller, wires: Wires, bind: Bind, tmp_path: Path
) -> None:
    bind(zmq.ROUTER, snapshots_endpoint(tmp_path, "pods"))
    bind(zmq.PULL, emissions_endpoint(tmp_path))
    wires.wait(BOUND_SECONDS, to_send=True, to_ask=("pods",))
    assert poller.given
    wires.ask("pods", b"ask")
    poller.longest = 0
    wires.wait(BOUND_SECONDS, to_send=False, to_ask=())
    assert poller.given == {}
    assert {flags for what, flags in poller.flags.items() if isinstance(what, zmq.Socket)} == {0, POLLIN}


def test_a_message_of_several_frames_is_one(wires: Wires, bind: Bind, tmp_path: Path) -> None:
    publisher = bind(zmq.XPUB, updates_endpoint(tmp_path, "pods"))
    assert publisher.poll(BOUND_SECONDS * 1_000)
    publisher.send_multipart([b"one", b"two"])
    assert next_frame(wires) == (("updates", "pods"), b"onetwo")
