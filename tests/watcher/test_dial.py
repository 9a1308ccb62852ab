"""Connections to the API server, made in a thread: what comes of an attempt, and that every attempt ends."""

import base64
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from common.errors import UsageError
from tests.fakes.kube_socket import server
from watcher.credentials import Server
from watcher.dial import Dialed, Dialer, Undialed

PATIENCE_SECONDS = 30.0


class Configuration:
    """The part of the kubernetes package's configuration that a token is asked of."""

    def __init__(self, token: str = "TOKEN") -> None:
        self.token = token

    def auth_settings(self) -> dict:
        return {"BearerToken": {"in": "header", "key": "authorization", "value": f"Bearer {self.token}"}}


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port on loopback that serves one connection in a thread, which has ended when this has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def attempt(dialer: Dialer) -> Dialed | Undialed:
    dialer.start()
    assert select.select([dialer.fd], [], [], PATIENCE_SECONDS)[0], "the attempt did not end"
    return dialer.result()


def dial(one: Server) -> Dialed | Undialed:
    return attempt(Dialer(lambda: one, one))


def at(port: int, **other: object) -> Server:
    return server(host="127.0.0.1", port=port, configuration=Configuration(), **other)


def nothing(_connection: socket.socket) -> None:
    """Accepts, and closes."""


def test_a_connection_does_not_block_and_comes_with_the_newest_token():
    def quiet(connection: socket.socket) -> None:
        connection.recv(1)

    with listening(quiet) as port:
        dialed = dial(at(port))
        assert isinstance(dialed, Dialed)
        with closing(dialed.stream):
            with pytest.raises(BlockingIOError):
                dialed.stream.receive()
            assert dialed.headers == {"authorization": "Bearer TOKEN"}
            assert "TOKEN" not in repr(dialed)


def test_a_port_that_nobody_listens_on_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert dial(at(port)) == Undialed("Connection refused")


@pytest.mark.parametrize("host", ["a" * 70 + ".b", "a..b", "", "\0"])
def test_a_host_that_is_no_name_ends_the_attempt_as_everything_does(host):
    """An attempt without an end would be the watcher's last."""
    result = dial(server(host=host, configuration=Configuration()))
    assert isinstance(result, Undialed)


def test_a_proxy_that_is_no_address_ends_the_attempt():
    assert isinstance(dial(at(1, proxy="http://proxy:port")), Undialed)


def test_a_server_that_hangs_up_in_the_tls_handshake_is_told():
    with listening(nothing) as port:
        result = dial(at(port, tls=ssl.create_default_context()))
    assert isinstance(result, Undialed)


def test_a_server_that_speaks_no_tls_is_told_and_the_certificates_are_read_again():
    def plain(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server")

    reads = []
    with listening(plain) as port:
        one = at(port, tls=ssl.create_default_context())
        dialer = Dialer(lambda: reads.append("read") or one, one)
        result = attempt(dialer)
    assert isinstance(result, Undialed)
    assert "WRONG_VERSION_NUMBER" in result.why or "wrong version" in result.why
    assert reads == []
    attempt(dialer)
    assert reads == ["read"]


def test_credentials_are_read_again_only_when_they_were_forgotten():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = at(listener.getsockname()[1])
        reads = []
        dialer = Dialer(lambda: reads.append("read") or one, one)
        results = [attempt(dialer)]
        dialer.forget_credentials()
        results += [attempt(dialer), attempt(dialer)]
    for result in results:
        assert isinstance(result, Dialed)
        result.stream.close()
    assert reads == ["read"]


def test_credentials_that_cannot_be_read_again_are_told_and_tried_again():
    def read() -> Server:
        raise UsageError("the kubeconfig is empty")

    dialer = Dialer(read, at(1))
    dialer.forget_credentials()
    assert [attempt(dialer), attempt(dialer)] == [Undialed("the kubeconfig is empty")] * 2


def test_a_token_that_no_header_can_hold_makes_no_connection():
    result = dial(server(configuration=Configuration("a\nb")))
    assert result == Undialed("the token holds characters that no header can have")


def test_a_proxy_is_asked_for_a_tunnel_with_its_password():
    asked = []

    def proxy(connection: socket.socket) -> None:
        asked.append(connection.recv(10_000))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        asked.append(connection.recv(10_000))

    with listening(proxy) as port:
        one = server(proxy=f"http://us%40er:pass@127.0.0.1:{port}", configuration=Configuration())
        dialed = dial(one)
        assert isinstance(dialed, Dialed)
        with closing(dialed.stream):
            dialed.stream.send(b"through")
    assert asked[0].startswith(b"CONNECT api:8001 HTTP/1.")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"us@er:pass") in asked[0]
    assert asked[1] == b"through"


def test_a_proxy_that_refuses_is_told_without_its_password():
    def proxy(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with listening(proxy) as port:
        result = dial(server(proxy=f"http://user:SECRET@127.0.0.1:{port}", configuration=Configuration()))
    assert isinstance(result, Undialed)
    assert "407" in result.why
    assert "SECRET" not in result.why
