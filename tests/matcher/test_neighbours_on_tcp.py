"""The matcher's sockets on TCP with CURVE, against real ones on loopback: refused keys, silence, and coming back."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from common.address import Address
from common.door import Door
from common.errors import UsageError
from common.keys import Keys, new_pair
from common.knocks import Refusal
from common.logs import Log
from common.sockets import new_publisher, new_socket
from matcher import wires as wires_module
from matcher.neighbour import SILENT_SECONDS
from matcher.peers import Peers
from matcher.wires import Wires
from tests.fakes.ports import free_pair

BOUND_SECONDS = 10.0


def nowhere() -> str:
    """The ipc endpoint of a stage whose run directory has too long a path for one."""
    raise AssertionError("on TCP nobody asks for it")


RELAY, MATCHER, STRANGER = new_pair(), new_pair(), new_pair()


@pytest.fixture
def address() -> Address:
    return free_pair()


class Relay:
    """Its two sockets, behind a door."""

    def __init__(self, address: Address, *, keys: Keys | None) -> None:
        self._context = zmq.Context()
        self.door = Door(self._context, listen=address, keys=keys, refused=dict.fromkeys(Refusal, 0), log=Log("relay"))
        self.emissions = new_socket(self._context, zmq.PULL, high_water=4)
        self.link = new_publisher(self._context, high_water=4)
        self.door.bind(self.emissions, ipc=nowhere, offset=0)
        self.door.bind(self.link, ipc=nowhere, offset=1)

    def close(self) -> None:
        self.door.close()
        self._context.destroy(linger=0)


@pytest.fixture
def relay(address: Address) -> Iterator[Callable[..., Relay]]:
    lives: list[Relay] = []

    def start(*, knows: bytes = MATCHER.public) -> Relay:
        lives.append(Relay(address, keys=Keys(own=RELAY, others={"matcher": knows})))
        return lives[-1]

    yield start
    for one in lives:
        one.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The matcher's clock, in its only element."""
    now = [100.0]
    monkeypatch.setattr(wires_module, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def wires(tmp_path: Path, address: Address, clock: list[float]) -> Iterator[Wires]:
    assert clock
    (tmp_path / "matcher.key").write_bytes(MATCHER.secret)
    (tmp_path / "matcher.key").chmod(0o600)
    (tmp_path / "relay.pub").write_bytes(RELAY.public)
    peers = Peers({"relay": address}, keys_dir=tmp_path)
    wires = Wires(tmp_path, peers=peers, wakers=(), log=Log("matcher"))
    yield wires
    wires.close()


def turn_until(wires: Wires, relay: Relay, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < until
        relay.door.turn(time.monotonic())
        wires.wait(0.01, to_send=False, to_ask=())
        wires.look_after_neighbours(wires_module.monotonic())


def hears(wires: Wires, relay: Relay) -> bool:
    relay.link.send(b"link", zmq.NOBLOCK)
    return any(origin == ("link", None) for origin, _ in wires.received())


def trouble(wires: Wires) -> str:
    return wires.neighbours[-1].trouble or ""


def test_emissions_and_link_go_both_ways(wires: Wires, relay: Callable[..., Relay]) -> None:
    one = relay()
    turn_until(wires, one, lambda: wires.emit(b"emissions"))
    turn_until(wires, one, lambda: bool(one.emissions.poll(0)))
    assert one.emissions.recv() == b"emissions"
    turn_until(wires, one, lambda: hears(wires, one))
    assert trouble(wires) == ""


def test_a_relay_that_refuses_the_matcher_s_key_is_said_to_and_tried_again_after_a_silence(
    wires: Wires, relay: Callable[..., Relay], clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """libzmq gives up for ever after a refusal: a matcher that came before its key did would never be heard."""
    one = relay(knows=STRANGER.public)
    turn_until(wires, one, lambda: "refuses this matcher's key" in trouble(wires))
    assert [record.fields["neighbour"] for record in caplog.records if record.name == "matcher"] == ["relay"]  # type: ignore[attr-defined]
    one.close()
    other = relay()
    clock[0] += SILENT_SECONDS
    turn_until(wires, other, lambda: hears(wires, other))
    turn_until(wires, other, lambda: trouble(wires) == "")
    assert wires.neighbours[-1].reopened == 1


def test_another_key_than_the_one_expected_is_no_answer_with_a_hint(
    wires: Wires, address: Address, relay: Callable[..., Relay]
) -> None:
    impostor = Relay(address, keys=Keys(own=STRANGER, others={"matcher": MATCHER.public}))
    turn_until(wires, impostor, lambda: "relay.pub in --keys is not its key" in trouble(wires))
    assert not wires.can_emit()
    impostor.close()
    one = relay()
    turn_until(wires, one, lambda: hears(wires, one))


def test_a_neighbour_without_curve_is_not_talked_to(wires: Wires, address: Address) -> None:
    plain = Relay(address, keys=None)
    turn_until(wires, plain, lambda: "one side has --keys" in trouble(wires))
    assert not wires.can_emit()
    plain.close()


def test_a_neighbour_that_speaks_is_not_connected_to_anew(
    wires: Wires, relay: Callable[..., Relay], clock: list[float]
) -> None:
    one = relay()
    for _ in range(3):
        turn_until(wires, one, lambda: hears(wires, one))
        clock[0] += SILENT_SECONDS - 0.1
    turn_until(wires, one, lambda: hears(wires, one))
    assert wires.neighbours[-1].reopened == 0


def test_after_a_silence_emissions_go_out_on_a_connection_of_their_own_time(
    wires: Wires, relay: Callable[..., Relay], clock: list[float]
) -> None:
    """What a dead connection held does not keep the next one waiting."""
    one = relay()
    turn_until(wires, one, lambda: wires.emit(b"old"))
    clock[0] += SILENT_SECONDS
    turn_until(wires, one, lambda: wires.neighbours[-1].reopened == 1)
    turn_until(wires, one, lambda: wires.emit(b"new"))
    turn_until(wires, one, lambda: bool(one.emissions.poll(0)) and one.emissions.recv() == b"new")


def test_plain_tcp_off_loopback_is_refused_by_the_option_s_name() -> None:
    with pytest.raises(UsageError, match=r"--watcher-pods: tcp://10\.0\.0\.1:7400 is not on loopback"):
        Peers({"watcher-pods": Address("10.0.0.1", 7400)}, keys_dir=None)


def test_keys_without_tcp_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="say where the others are"):
        Peers({}, keys_dir=tmp_path)
