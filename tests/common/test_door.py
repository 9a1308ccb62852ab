"""Who is let in and who is not, with real sockets on loopback. Each wait ends with what it waits for; its seconds are only a bound."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import zmq

from common import transport
from common.address import Address
from common.door import Door
from common.errors import UsageError
from common.keys import KeyPair, Keys, new_pair
from common.knocks import Refusal
from common.logs import Log
from common.sockets import new_socket
from tests.fakes.ports import free_pair

BOUND_SECONDS = 10.0


def nowhere() -> str:
    """The ipc endpoint of a stage whose run directory has too long a path for one."""
    raise AssertionError("on TCP nobody asks for it")


SERVER, CLIENT, STRANGER = new_pair(), new_pair(), new_pair()

Socket = zmq.Socket[bytes]


@pytest.fixture
def context() -> Iterator[zmq.Context[Socket]]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def address() -> Address:
    return free_pair()


@pytest.fixture
def door(context: zmq.Context[Socket], address: Address) -> Iterator[Door]:
    keys = Keys(own=SERVER, others={"matcher": CLIENT.public})
    door = Door(context, listen=address, keys=keys, refused=dict.fromkeys(Refusal, 0), log=Log("relay"))
    yield door
    door.close()


@pytest.fixture
def pull(context: zmq.Context[Socket], door: Door) -> Socket:
    pull = new_socket(context, zmq.PULL, high_water=10)
    door.bind(pull, ipc=nowhere, offset=0)
    return pull


@pytest.fixture
def push(context: zmq.Context[Socket], address: Address) -> Iterator[Callable[..., Socket]]:
    """Connects a client that has these keys and takes the server for the one with that key."""
    with ExitStack() as stack:

        def push(own: KeyPair | None, *, server: KeyPair = SERVER) -> Socket:
            client = stack.enter_context(new_socket(context, zmq.PUSH, high_water=10))
            transport.tune(client)
            if own is not None:
                transport.use_curve(client, own, server=server.public)
            client.connect(transport.endpoint(address, offset=0))
            client.send(b"hello")
            return client

        yield push


def turn_until(door: Door, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < until, door.refused
        door.turn(time.monotonic())
        time.sleep(0.002)


def test_a_client_with_a_known_key_is_let_in(door: Door, pull: Socket, push: Callable[..., Socket]) -> None:
    push(CLIENT)
    turn_until(door, lambda: bool(pull.poll(0)))
    assert pull.recv() == b"hello"
    assert set(door.refused.values()) == {0}


def test_a_client_with_an_unknown_key_is_refused_counted_and_named(
    door: Door, pull: Socket, push: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    push(STRANGER)
    turn_until(door, lambda: door.refused[Refusal.UNKNOWN_KEY] == 1)
    push(CLIENT)
    turn_until(door, lambda: bool(pull.poll(0)))
    assert [pull.recv(), pull.poll(0)] == [b"hello", 0]
    (record,) = caplog.records
    assert record.fields["origin"] == "127.0.0.1"  # type: ignore[attr-defined]
    assert not any(key.secret.decode() in str(record.__dict__) for key in (SERVER, CLIENT, STRANGER))


def test_a_client_that_takes_the_server_for_another_is_refused_and_counted(
    door: Door, pull: Socket, push: Callable[..., Socket]
) -> None:
    push(CLIENT, server=STRANGER)
    turn_until(door, lambda: door.refused[Refusal.PROTOCOL] >= 1)
    assert not pull.poll(0)
    assert door.refused[Refusal.UNKNOWN_KEY] == 0


def test_a_client_without_curve_is_refused_and_counted(door: Door, pull: Socket, push: Callable[..., Socket]) -> None:
    """Either end may see first that they do not fit: as a breach of the protocol, or as the other's hanging up."""
    push(None)
    turn_until(door, lambda: door.refused[Refusal.PROTOCOL] + door.refused[Refusal.UNFINISHED] >= 1)
    assert not pull.poll(0)
    assert door.refused[Refusal.UNKNOWN_KEY] == 0


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", bytes(1_000), b"\xff" * 1_000, b""],
    ids=["http", "tls", "zeros", "ones", "nothing"],
)
@pytest.mark.usefixtures("pull")
def test_what_is_no_zeromq_is_refused_and_counted(data: bytes, door: Door, address: Address) -> None:
    with socket.create_connection(address) as stranger:
        stranger.sendall(data)
    turn_until(door, lambda: sum(door.refused.values()) == 1)


@pytest.mark.usefixtures("pull")
def test_refusals_of_one_origin_are_logged_once_a_minute(
    door: Door, push: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        push(STRANGER)
    turn_until(door, lambda: door.refused[Refusal.UNKNOWN_KEY] == 3)
    assert len(caplog.records) == 1


def test_a_port_that_is_taken_is_the_users_mistake(context: zmq.Context[Socket], door: Door, pull: Socket) -> None:
    assert pull
    with (
        new_socket(context, zmq.PULL, high_water=1) as second,
        pytest.raises(UsageError, match="cannot listen on tcp://"),
    ):
        door.bind(second, ipc=nowhere, offset=0)


def test_keys_and_ipc_do_not_go_together(context: zmq.Context[Socket]) -> None:
    """A forgotten --listen would leave the stage where nobody looks for it."""
    with pytest.raises(UsageError, match="--keys are for tcp://"):
        Door(
            context, listen=None, keys=Keys(own=SERVER, others={}), refused=dict.fromkeys(Refusal, 0), log=Log("relay")
        )


def test_plain_tcp_is_for_loopback(context: zmq.Context[Socket], address: Address) -> None:
    with pytest.raises(UsageError, match="not on loopback"):
        Door(context, listen=Address("0.0.0.0", 7400), keys=None, refused=dict.fromkeys(Refusal, 0), log=Log("relay"))
    plain = Door(context, listen=address, keys=None, refused=dict.fromkeys(Refusal, 0), log=Log("relay"))
    with new_socket(context, zmq.PULL, high_water=1) as pull, new_socket(context, zmq.PUSH, high_water=1) as push:
        plain.bind(pull, ipc=nowhere, offset=0)
        push.connect(transport.endpoint(address, offset=0))
        push.send(b"hello")
        assert pull.poll(BOUND_SECONDS * 1_000)
        plain.close()
