"""Connections' bytes, with TLS and without, against servers on loopback."""

import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.fakes.certificates import Files, server_context, tls_server
from watcher.stream import ROOM_BYTES, PlainStream, Stream, TlsStream

PATIENCE_SECONDS = 30.0
BODY = bytes(range(256)) * 4_096


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "ca")


@contextmanager
def opened(port: int, files: Files, *, name: str = "localhost") -> Iterator[TlsStream]:
    connected = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    with (
        connected,
        closing(TlsStream(connected, ssl.create_default_context(cafile=files.ca), server_name=name)) as stream,
    ):
        yield stream


def received(stream: Stream) -> tuple[bytes, list[int]]:
    """All that comes until the end, and how much each time."""
    pieces: list[bytes] = []
    sizes: list[int] = []
    while select.select([stream.fileno()], [], [], PATIENCE_SECONDS)[0]:
        try:
            brought = stream.receive()
        except BlockingIOError:
            continue
        if not brought:
            return b"".join(pieces), sizes
        pieces.append(brought)
        sizes.append(len(brought))
    raise AssertionError("nothing came, and no end")


def test_what_goes_through_tls_comes_out(files):
    def echo(connection: ssl.SSLSocket) -> None:
        connection.sendall(connection.recv(1_000) * 2)

    with tls_server(server_context(files.issue("localhost")), echo) as port, opened(port, files) as stream:
        assert stream.send(b"hello")
        assert received(stream)[0] == b"hellohello"


def test_many_records_come_in_one_read_and_none_is_left_behind(files):
    """What is left in memory no poll would tell of."""

    def many(connection: ssl.SSLSocket) -> None:
        for at in range(0, len(BODY), 4_096):
            connection.sendall(BODY[at : at + 4_096])

    with tls_server(server_context(files.issue("localhost")), many) as port, opened(port, files) as stream:
        body, sizes = received(stream)
    assert body == BODY
    assert max(sizes) > 16 * 1024
    assert max(sizes) <= ROOM_BYTES


def test_a_server_that_is_gone_without_a_word_is_an_end(files):
    def rude(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"half")
        connection.shutdown(socket.SHUT_RDWR)

    with tls_server(server_context(files.issue("localhost")), rude) as port, opened(port, files) as stream:
        assert received(stream)[0] == b"half"


def say_goodbye(connection: ssl.SSLSocket) -> None:
    """Sends close_notify and waits for no answer, as Go's servers do."""
    connection.setblocking(False)
    with suppress(ssl.SSLWantReadError):
        connection.unwrap()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("body", [b"", b"whole", BODY])
@pytest.mark.parametrize("behind", [b"", b"junk"])
@pytest.mark.parametrize("hangs_up", [True, False])
def test_an_orderly_end_is_an_end(files, version, body, behind, hangs_up):
    """Python tells it by reads of nothing, again and again; a watcher took it for data, and spun."""
    seen = threading.Event()

    def part(connection: ssl.SSLSocket) -> None:
        connection.sendall(body)
        say_goodbye(connection)
        raw = socket.socket(fileno=os.dup(connection.fileno()))
        raw.sendall(behind)
        if not hangs_up:
            seen.wait(PATIENCE_SECONDS)
        raw.close()

    context = server_context(files.issue("localhost"))
    context.maximum_version = version
    with tls_server(context, part) as port, opened(port, files) as stream:
        assert received(stream)[0] == body
        assert stream.receive() == b""
        seen.set()


def test_bytes_that_are_no_tls_are_an_error(files):
    def spoil(connection: ssl.SSLSocket) -> None:
        raw = socket.socket(fileno=connection.detach())
        raw.sendall(b"x" * 100)
        raw.close()

    with (
        tls_server(server_context(files.issue("localhost")), spoil) as port,
        opened(port, files) as stream,
        pytest.raises(OSError, match=r".") as caught,
    ):
        received(stream)
    assert not isinstance(caught.value, BlockingIOError)


def test_a_certificate_for_another_name_is_refused_and_the_server_is_told(files):
    with (
        tls_server(server_context(files.issue("other.example"))) as port,
        pytest.raises(ssl.SSLCertVerificationError),
        opened(port, files),
    ):
        pass


def test_a_stream_without_tls_does_not_block_and_has_an_end():
    ours, theirs = socket.socketpair()
    with theirs, closing(PlainStream(ours)) as stream:
        with pytest.raises(BlockingIOError):
            stream.receive()
        assert stream.send(b"ask")
        assert theirs.recv(10) == b"ask"
        theirs.sendall(BODY[:10])
        theirs.shutdown(socket.SHUT_WR)
        assert received(stream) == (BODY[:10], [10])


def test_a_handshake_beside_a_read_leaves_what_was_read_alone(files):
    """With several namespaces one connection is dialed, in a thread of its own, while another one is read."""
    ours, theirs = socket.socketpair()

    class Interrupted:
        """A socket; while it is read, another thread shakes hands from beginning to end."""

        fileno, close, setblocking = ours.fileno, ours.close, ours.setblocking

        def recv_into(self, room: memoryview) -> int:
            size = ours.recv_into(room)
            with opened(port, files):
                return size

    with tls_server(server_context(files.issue("localhost"))) as port, theirs:
        theirs.sendall(b"mine")
        with closing(PlainStream(Interrupted())) as stream:
            assert stream.receive() == b"mine"


@pytest.mark.parametrize("through_tls", [False, True])
def test_what_finds_no_room_is_told_and_raises_nothing(files, through_tls):
    def deaf(_connection: ssl.SSLSocket) -> None:
        over.wait(PATIENCE_SECONDS)

    over = threading.Event()
    ours, theirs = socket.socketpair()
    with theirs, tls_server(server_context(files.issue("localhost")), deaf) as port:
        stream = PlainStream(ours)
        with opened(port, files) as tls:
            sender = tls if through_tls else stream
            while sender.send(BODY):
                pass
            assert not sender.send(b"more")
            over.set()
        stream.close()


def test_a_client_without_the_certificate_that_is_asked_for_hears_so_when_it_reads(files):
    """What `HttpChannel` takes for a reason to read the credentials again; not an end that nobody explains."""
    asking = server_context(files.issue("localhost"), client_ca=files.ca)
    with tls_server(asking) as port, opened(port, files) as stream, pytest.raises(ssl.SSLError) as told:
        received(stream)
    assert "ALERT" in str(told.value)
