"""Opening the connection, on loopback sockets."""

import errno
import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from common.address import Address
from relay import tcp
from relay.connect import Trouble
from relay.dial import Connected, Dialer, NotConnected, attempt, text_of, trouble_of
from relay.loop import LOOK_SECONDS
from relay.tcp import KEEPALIVE_IDLE_SECONDS, KEEPALIVE_INTERVAL_SECONDS, KEEPALIVE_PROBES, LONGEST_PAUSE_MS
from relay.wire import VANISHED_SECONDS


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def refusing_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port_of(server)


def resolving(*addresses: tuple[str, int]) -> Any:
    """A resolver that knows these addresses of any name."""
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


def test_a_connection_is_tuned_and_non_blocking(server: socket.socket) -> None:
    outcome = attempt(Address("localhost", port_of(server)), resolve=resolving(("127.0.0.1", port_of(server))))
    assert isinstance(outcome, Connected)
    with outcome.connection as connection:
        assert outcome.peer == f"127.0.0.1:{port_of(server)}"
        assert connection.getblocking() is False
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == tcp.LARGEST_UNSENT_BYTES


def test_a_peer_that_vanished_is_noticed_within_30_seconds() -> None:
    assert LONGEST_PAUSE_MS / 1_000 + VANISHED_SECONDS + 2 * LOOK_SECONDS < 30
    assert KEEPALIVE_IDLE_SECONDS + KEEPALIVE_PROBES * KEEPALIVE_INTERVAL_SECONDS < 30


def test_segments_that_go_and_come_are_counted(server: socket.socket) -> None:
    with socket.create_connection(server.getsockname()) as connection, server.accept()[0] as peer:
        tcp.tune(connection)
        before = tcp.segments(connection)
        connection.sendall(b"x")
        peer.sendall(peer.recv(1))
        assert connection.recv(1) == b"x"
        after = tcp.segments(connection)
        assert after.sent > before.sent
        assert after.received > before.received


def test_every_address_is_tried(server: socket.socket) -> None:
    outcome = attempt(
        Address("reducer", 1), resolve=resolving(("127.0.0.1", refusing_port()), ("127.0.0.1", port_of(server)))
    )
    assert isinstance(outcome, Connected)
    outcome.connection.close()


def test_ipv6_is_tried_too() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        outcome = attempt(Address("::1", port_of(server)), resolve=socket.getaddrinfo)
        assert isinstance(outcome, Connected)
        assert outcome.peer == f"[::1]:{port_of(server)}"
        outcome.connection.close()


def test_when_no_address_answers_the_text_names_each() -> None:
    first, second = refusing_port(), refusing_port()
    outcome = attempt(Address("reducer", 1), resolve=resolving(("127.0.0.1", first), ("127.0.0.1", second)))
    assert outcome == NotConnected(
        trouble=Trouble.REFUSED, text=f"127.0.0.1:{first}: Connection refused; 127.0.0.1:{second}: Connection refused"
    )


def test_a_name_that_cannot_be_resolved_is_told() -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert attempt(Address("nowhere", 1), resolve=resolve) == NotConnected(
        trouble=Trouble.NAME, text="cannot resolve nowhere: Name or service not known"
    )


def test_a_name_that_is_none_is_told() -> None:
    outcome = attempt(Address("a" * 70 + ".example", 1), resolve=socket.getaddrinfo)
    assert isinstance(outcome, NotConnected)
    assert outcome.trouble is Trouble.NAME


def test_a_name_without_addresses_is_told() -> None:
    assert attempt(Address("empty", 1), resolve=resolving()) == NotConnected(
        trouble=Trouble.NAME, text="empty has no address"
    )


def test_the_name_is_looked_up_anew_at_each_attempt(server: socket.socket) -> None:
    answers = [[("127.0.0.1", refusing_port())], [("127.0.0.1", port_of(server))]]
    dialer = Dialer(Address("reducer", 1), resolve=lambda *_, **__: resolving(*answers.pop(0))())
    outcomes = []
    for _ in range(2):
        dialer.dial()
        select.select([dialer.fd], [], [])
        outcomes.append(dialer.outcome())
    assert isinstance(outcomes[0], NotConnected)
    assert isinstance(outcomes[1], Connected)
    outcomes[1].connection.close()


def test_an_attempt_that_ends_by_what_nobody_foresaw_has_ended_all_the_same() -> None:
    """Else the relay would wait for it for ever."""

    def stumbling(*_: Any, **__: Any) -> Any:
        raise MemoryError("no room")

    dialer = Dialer(Address("reducer", 1), resolve=stumbling)
    dialer.dial()
    assert select.select([dialer.fd], [], [], 10.0)[0]
    assert dialer.outcome() == NotConnected(trouble=Trouble.OTHER, text="no room")


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(errno.ECONNREFUSED, ""), Trouble.REFUSED),
        (OSError(errno.ECONNRESET, ""), Trouble.RESET),
        (OSError(errno.EPIPE, ""), Trouble.RESET),
        (OSError(errno.ETIMEDOUT, ""), Trouble.TIMEOUT),
        (TimeoutError("timed out"), Trouble.TIMEOUT),
        (OSError(errno.EHOSTUNREACH, ""), Trouble.UNREACHABLE),
        (OSError(errno.ENETUNREACH, ""), Trouble.UNREACHABLE),
        (OSError(errno.EIO, ""), Trouble.OTHER),
    ],
)
def test_errors_are_told_apart(error: OSError, trouble: Trouble) -> None:
    assert trouble_of(error) is trouble


def test_an_error_without_a_text_is_named() -> None:
    assert [text_of(error) for error in (OSError(errno.EIO, "broken"), TimeoutError("timed out"), OSError())] == [
        "broken",
        "timed out",
        "OSError",
    ]
