"""TLS upstream: who is believed, what is said when it fails, and how bytes go over it. Servers are real ones on loopback."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.address import Address
from common.errors import UsageError
from relay import dial
from relay.connect import Trouble
from relay.dial import Connected, NotConnected, attempt, trouble_of
from relay.outbox import Outbox
from relay.tls import Tls, new_context, words
from relay.wire import ClosedByReducer, Wire
from tests.fakes.certificates import Files, plain_server, server_context, tls_server

BOUND_SECONDS = 10.0


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "pki")


def tls_of(files: Files, *, name: str = "reducer", client: tuple[Path, Path] | None = None) -> Tls:
    cert, key = client or (None, None)
    return Tls(ca=files.ca, cert=cert, key=key, server_name=name)


def dialed(port: int, tls: Tls) -> Connected | NotConnected:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    return attempt(Address("reducer", port), tls=tls, resolve=resolve)


def refused(port: int, tls: Tls) -> tuple[Trouble, str]:
    outcome = dialed(port, tls)
    assert isinstance(outcome, NotConnected), "connected"
    return outcome.trouble, outcome.text


def wire_to(port: int, tls: Tls) -> Wire:
    outcome = dialed(port, tls)
    assert isinstance(outcome, Connected), outcome
    return Wire(outcome.connection)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def read_until_lost(wire: Wire, outbox: Outbox | None = None) -> Exception:
    """What ends the connection."""
    deadline = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < deadline:
        select.select([wire.fd], [], [], 0.05)
        try:
            if outbox is not None:
                wire.send(outbox)
            wire.read()
        except (ClosedByReducer, OSError) as error:
            return error
    raise AssertionError("nothing ended the connection")


def test_a_certificate_of_the_known_ca_for_the_right_name_is_taken(files: Files) -> None:
    with tls_server(server_context(files.issue("reducer"))) as port:
        outcome = dialed(port, tls_of(files))
        assert isinstance(outcome, Connected)
        with outcome.connection as connection:
            assert isinstance(connection, ssl.SSLSocket)
            assert connection.getblocking() is False
            assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_another_ca_is_not_believed(files: Files, tmp_path: Path) -> None:
    stranger = Files(tmp_path / "other")
    with tls_server(server_context(stranger.issue("reducer"))) as port:
        trouble, text = refused(port, tls_of(files))
    assert trouble is Trouble.TLS
    assert "CA that is not known here: give its bundle as --intake-ca" in text


def test_an_expired_certificate_is_not_believed(files: Files) -> None:
    with tls_server(server_context(files.issue("reducer", expired=True))) as port:
        trouble, text = refused(port, tls_of(files))
    assert trouble is Trouble.TLS
    assert "certificate has expired" in text


def test_a_certificate_for_another_name_is_not_believed_unless_that_name_is_given(files: Files) -> None:
    with tls_server(server_context(files.issue("elsewhere"))) as port:
        trouble, text = refused(port, tls_of(files))
        assert trouble is Trouble.TLS
        assert "for another name: give the one that it is for as --intake-server-name" in text
        wire_to(port, tls_of(files, name="elsewhere")).close()


@pytest.mark.parametrize("name", [".example", "a..b", "a" * 64, "a\0b"])
def test_what_can_be_no_certificates_name_is_the_users_mistake(files: Files, name: str) -> None:
    with pytest.raises(UsageError, match="--intake-server-name"):
        new_context(tls_of(files, name=name))


def test_tls_1_1_is_not_spoken(files: Files) -> None:
    assert new_context(tls_of(files)).minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_reducer_that_wants_a_client_certificate_is_said_to(files: Files, version: ssl.TLSVersion) -> None:
    """If TLS is 1.3, then the refusal comes after the handshake, and what was sent meanwhile may break on it first."""
    context = server_context(files.issue("reducer"), client_ca=files.ca)
    context.minimum_version = context.maximum_version = version
    with tls_server(context) as port:
        outcome = dialed(port, tls_of(files))
        if isinstance(outcome, NotConnected):
            trouble, text = outcome.trouble, outcome.text
        else:
            outbox = Outbox()
            outbox.put(bytes(100_000))
            wire = Wire(outcome.connection)
            error = read_until_lost(wire, outbox)
            wire.close()
            assert isinstance(error, OSError)
            trouble, text = trouble_of(error), dial.text_of(error)
    assert trouble is Trouble.TLS
    assert "--intake-cert and --intake-key" in text or "--intake-cert, --intake-key" in text


def test_a_client_certificate_is_shown_to_a_reducer_that_wants_one(files: Files) -> None:
    heard: list[Any] = []
    context = server_context(files.issue("reducer"), client_ca=files.ca)
    with tls_server(context, lambda connection: heard.append(connection.getpeercert())) as port:
        wire_to(port, tls_of(files, client=files.issue("collector"))).close()
        until(lambda: bool(heard))
    assert ("DNS", "collector") in heard[0]["subjectAltName"]


def test_files_are_read_anew_at_each_attempt(files: Files, tmp_path: Path) -> None:
    """Rotated certificates and CAs are taken without a restart."""
    heard: list[Any] = []
    client = files.issue("collector")
    tls = tls_of(files, client=client)
    context = server_context(files.issue("reducer"), client_ca=files.ca)
    with tls_server(context, lambda connection: heard.append(connection.getpeercert())) as port:
        for _ in range(2):
            wire_to(port, tls).close()
            files.issue("collector")
        until(lambda: len(heard) == 2)
        assert heard[0]["serialNumber"] != heard[1]["serialNumber"]
        files.ca.write_bytes(Files(tmp_path / "other").ca.read_bytes())
        assert refused(port, tls)[0] is Trouble.TLS


def test_files_that_cannot_be_used_fail_the_attempt_and_name_themselves(files: Files) -> None:
    cert, key = files.issue("collector")
    cert.write_text("half a file")
    trouble, text = refused(1, tls_of(files, client=(cert, key)))
    assert trouble is Trouble.TLS
    assert f"--intake-cert and --intake-key: {cert} and {key} are no PEM certificate and the key of it" in text


def test_a_key_that_everybody_can_read_is_refused(files: Files) -> None:
    cert, key = files.issue("collector")
    key.chmod(0o644)
    with pytest.raises(UsageError, match="--intake-key: everybody can read the secret key"):
        new_context(tls_of(files, client=(cert, key)))


def test_a_bundle_that_is_not_there_or_is_none_is_named(files: Files, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pem", files.issue("collector")[1]):
        with pytest.raises(UsageError, match=f"--intake-ca: {path} is no PEM bundle"):
            new_context(Tls(ca=path, cert=None, key=None, server_name="reducer"))


def test_a_server_that_stalls_in_the_handshake_is_given_up(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "CONNECT_SECONDS", 0.1)
    done = threading.Event()

    def stall(client: socket.socket) -> None:
        with client:
            done.wait(BOUND_SECONDS)

    with plain_server(stall) as port:
        trouble, text = refused(port, tls_of(files))
        done.set()
    assert trouble is Trouble.TIMEOUT
    assert "no TLS handshake within" in text


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(100), b"\x16\x03\x03\x00\x02\xff\xff", b""]
)
def test_what_is_no_tls_is_said_to_be_none(files: Files, data: bytes) -> None:
    def answer(client: socket.socket) -> None:
        with client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4_096):
                pass

    with plain_server(answer) as port:
        trouble, text = refused(port, tls_of(files))
    assert trouble is Trouble.TLS
    assert "TLS" in text


def test_what_the_outbox_holds_arrives_whole_through_a_reducer_that_reads_slowly(files: Files) -> None:
    """If the socket is full in the middle of a record, then the same bytes are offered again, and none is lost or doubled."""
    heard = bytearray()
    go = threading.Event()

    def talk(connection: ssl.SSLSocket) -> None:
        go.wait(BOUND_SECONDS)
        while data := connection.recv(65_536):
            heard.extend(data)

    chunks = [bytes([number]) * size for number, size in enumerate((24, 1, 16_384, 16_385, 3_000_000, 7, 5_000_000))]
    with tls_server(server_context(files.issue("reducer")), talk) as port:
        wire = wire_to(port, tls_of(files))
        outbox = Outbox()
        for chunk in chunks:
            outbox.put(chunk)
        wire.send(outbox)
        assert outbox.size > 0, "the kernel took all of it"
        wire.send(outbox)
        wire.look(time.monotonic())
        go.set()
        wire.finish(outbox, within_seconds=BOUND_SECONDS)
        wire.close()
        until(lambda: len(heard) == sum(map(len, chunks)))
    assert bytes(heard) == b"".join(chunks)


def test_the_end_is_said_in_order(files: Files) -> None:
    """A reducer that minds truncation sees close_notify before the stream's end."""
    ends: list[bytes] = []

    def talk(connection: ssl.SSLSocket) -> None:
        connection.suppress_ragged_eofs = False
        while data := connection.recv(65_536):
            ends.append(data)
        ends.append(b"end")

    with tls_server(server_context(files.issue("reducer")), talk) as port:
        wire = wire_to(port, tls_of(files))
        outbox = Outbox()
        outbox.put(b"last words")
        wire.finish(outbox, within_seconds=BOUND_SECONDS)
        wire.close()
        until(lambda: ends[-1:] == [b"end"])
    assert b"".join(ends[:-1]) == b"last words"


def test_a_reducer_that_closes_is_noticed_and_what_it_says_is_thrown_away(files: Files) -> None:
    with tls_server(server_context(files.issue("reducer")), lambda one: one.sendall(b"x" * 100_000)) as port:
        wire = wire_to(port, tls_of(files))
        assert isinstance(read_until_lost(wire), ClosedByReducer)
        wire.close()


def test_every_failure_has_words() -> None:
    unknown = ssl.SSLError(1, "[SSL: SOMETHING_NEW] something new")
    unknown.reason = "SOMETHING_NEW"
    assert words(unknown) == "TLS failed: something new"
