"""A request at a time on one connection, and what its response's bytes are told as."""

import itertools
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kube_socket import DIAL_FD, SOCKET_FD, ScriptedDialer, ScriptedStream
from watcher.channel import (
    Broken,
    Happening,
    HttpChannel,
    NoConnection,
    Nonsense,
    Read,
    Request,
    Silent,
    query_string,
)

FIRST = Request(target="/pods?limit=500", accept="application/json")
NEXT = Request(target="/pods?limit=500&continue=t", accept="application/json")
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
WATCH = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"


class Bench:
    """A channel whose dialer gives these sockets (or, for a text, no connection) in turn."""

    def __init__(self, *results: ScriptedStream | str) -> None:
        self.dialer = ScriptedDialer(*results)
        self.channel = HttpChannel(self.dialer, silence_seconds=150.0)  # type: ignore[arg-type]
        self.now = 100.0

    def turn(self, *readable: int, after: float = 0.0) -> list[Happening]:
        self.now += after
        return self.channel.turn(readable=set(readable), now=self.now)

    def connected(self, request: Request = FIRST) -> list[Happening]:
        """The request has been asked, and the dialing has ended."""
        self.channel.ask(request)
        return self.turn(DIAL_FD)


def read(body: bytes, *, began: bool = False, complete: bool = False, status: int = 200) -> tuple:
    return (status, began, body, complete)


def seen(happenings: list[Happening]) -> list:
    return [
        (one.status, one.began, b"".join(one.parts), one.complete) if isinstance(one, Read) else one
        for one in happenings
    ]


def test_a_request_dials_and_goes_out_when_the_connection_stands():
    socket = ScriptedStream()
    bench = Bench(socket)
    bench.channel.ask(FIRST)
    assert bench.channel.fds == (DIAL_FD,)
    assert bench.turn() == []
    assert bench.turn(DIAL_FD) == []
    assert bench.channel.fds == (SOCKET_FD,)
    assert socket.sent == (
        b"GET /base/pods?limit=500 HTTP/1.1\r\nHost: api:8001\r\nAccept: application/json\r\nUser-Agent: podwire\r\n"
        b"authorization: Bearer TOKEN\r\n\r\n"
    )


def test_while_it_dials_there_is_nothing_to_do_but_wait():
    """Else the loop would turn without a pause until the connection stands."""
    bench = Bench(ScriptedStream())
    bench.channel.ask(FIRST)
    assert not bench.channel.more


def test_no_connection_is_told_and_the_next_request_dials_anew():
    bench = Bench("refused", ScriptedStream(PAGE))
    assert bench.connected() == [NoConnection("refused")]
    bench.channel.hang_up()
    bench.channel.ask(FIRST)
    assert bench.dialer.starts == 2
    bench.turn(DIAL_FD)
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]


def test_what_tls_says_in_the_midst_may_be_of_our_certificate_which_is_read_again():
    """TLS 1.3 refuses a client's certificate only once its hands are shaken: one that has expired since it was read, behind a proxy."""
    why = "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)"
    bench = Bench(ScriptedStream(ssl.SSLError(1, why)), ScriptedStream(PAGE))
    bench.connected()
    assert bench.turn(SOCKET_FD) == [Broken(why)]
    assert bench.dialer.forgotten == 1


@pytest.mark.parametrize("error", [ConnectionResetError(104, "broke"), ssl.SSLError(1, "broke")])
def test_a_connection_that_breaks_leaves_the_credentials_as_they_are(error: OSError):
    bench = Bench(ScriptedStream(error))
    bench.connected()
    assert bench.turn(SOCKET_FD) == [Broken("broke")]
    assert bench.dialer.forgotten == 0


def test_the_next_page_goes_out_on_the_same_connection():
    socket = ScriptedStream(PAGE, PAGE)
    bench = Bench(socket)
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]
    assert not bench.channel.more
    bench.channel.ask(NEXT)
    assert bench.channel.more
    bench.turn()
    assert not bench.channel.more
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]
    assert bench.dialer.starts == 1
    assert socket.sent.count(b"GET ") == 2


def test_a_connection_that_the_response_ends_is_not_used_again():
    socket = ScriptedStream(PAGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    bench = Bench(socket, ScriptedStream(PAGE))
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]
    assert socket.closed
    bench.connected(NEXT)
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]


def test_a_connection_that_ends_with_the_response_is_not_used_again():
    socket = ScriptedStream(PAGE, b"")
    bench = Bench(socket, ScriptedStream(PAGE))
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]
    bench.channel.ask(NEXT)
    assert bench.turn(SOCKET_FD) == []
    assert socket.closed
    bench.turn(DIAL_FD)
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]


def test_a_watch_is_told_read_by_read():
    socket = ScriptedStream(WATCH, b"3\r\ntwo\r\n", b"0\r\n\r\n")
    bench = Bench(socket)
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"one", began=True)]
    assert seen(bench.turn(SOCKET_FD)) == [read(b"two")]
    assert seen(bench.turn(SOCKET_FD)) == [read(b"", complete=True)]


def test_a_read_that_brings_nothing_of_the_body_is_not_told():
    bench = Bench(ScriptedStream(b"HTTP/1.1 20", b"0 OK\r\nContent-Length: 5\r\n\r\n", b"hello"))
    bench.connected()
    assert bench.turn(SOCKET_FD) == []
    assert seen(bench.turn(SOCKET_FD)) == [read(b"", began=True)]
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", complete=True)]


@pytest.mark.parametrize(
    ("end", "why"), [(b"", "it was closed"), (ConnectionResetError(104, "reset by peer"), "reset by peer")]
)
def test_the_end_of_a_connection_is_told_behind_the_bytes_that_came_before_it(end, why):
    """In a turn of its own: what came may lead to another request, and the end is not that one's."""
    socket = ScriptedStream(WATCH, end)
    bench = Bench(socket)
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"one", began=True)]
    assert bench.turn(SOCKET_FD) == [Broken(why)]
    assert socket.closed
    assert bench.channel.fds == ()
    assert not bench.channel.more


def test_an_end_that_was_not_told_before_the_hang_up_is_not_told_to_the_next_request():
    bench = Bench(ScriptedStream(WATCH, b""), ScriptedStream(PAGE))
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"one", began=True)]
    bench.channel.hang_up()
    bench.channel.ask(NEXT)
    assert bench.turn() == []
    bench.turn(DIAL_FD)
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]


def test_a_response_cut_by_its_connection_is_broken_and_not_complete():
    bench = Bench(ScriptedStream(PAGE[:-1], b""))
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hell", began=True)]
    assert bench.turn(SOCKET_FD) == [Broken("it was closed")]


def test_a_response_that_told_no_length_ends_with_its_connection():
    """Proxies answer like this, and the status must not get lost."""
    bench = Bench(ScriptedStream(b"HTTP/1.1 503 Unavailable\r\n\r\n<html>", b""))
    bench.connected()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"<html>", began=True, status=503)]
    assert seen(bench.turn(SOCKET_FD)) == [read(b"", complete=True, status=503)]
    assert bench.channel.fds == ()
    assert bench.turn() == []


def test_what_is_no_http_is_told_as_nonsense():
    socket = ScriptedStream(b"SSH-2.0-OpenSSH_9\r\n")
    bench = Bench(socket)
    bench.connected()
    (happening,) = bench.turn(SOCKET_FD)
    assert isinstance(happening, Nonsense)
    assert socket.closed
    assert bench.turn() == []


@pytest.mark.parametrize("unasked", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
def test_between_requests_a_close_or_unasked_bytes_end_the_connection_silently(unasked):
    socket = ScriptedStream(PAGE, unasked)
    bench = Bench(socket, ScriptedStream(PAGE))
    bench.connected()
    bench.turn(SOCKET_FD)
    assert bench.turn(SOCKET_FD) == []
    assert socket.closed
    bench.connected(NEXT)
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]


def test_a_request_that_cannot_be_sent_is_broken():
    bench = Bench(ScriptedStream(send_error=BrokenPipeError()))
    assert bench.connected() == [Broken("it was closed")]


def test_silence_for_longer_than_a_server_is_ever_silent_is_broken():
    socket = ScriptedStream(WATCH)
    bench = Bench(socket)
    bench.connected()
    bench.turn(SOCKET_FD)
    assert bench.turn(after=149.9) == []
    assert bench.turn(after=0.1) == [Silent(150.0)]
    assert socket.closed


def test_a_server_that_never_begins_to_answer_is_broken():
    bench = Bench(ScriptedStream())
    bench.connected()
    assert bench.turn(after=150.0) == [Silent(150.0)]


def test_every_byte_ends_the_silence():
    bench = Bench(ScriptedStream(WATCH, b"3\r\n"))
    bench.connected()
    bench.turn(SOCKET_FD)
    assert bench.turn(SOCKET_FD, after=149.0) == []
    assert bench.turn(after=149.0) == []


def test_a_request_that_nobody_answers_does_not_count_as_hearing_the_server():
    """If a server accepts connections and says nothing, then asking it again and again must not make the watch look young."""
    bench = Bench(ScriptedStream(PAGE), ScriptedStream())
    bench.connected()
    bench.turn(SOCKET_FD)
    heard_at = bench.channel.heard_at
    assert heard_at == bench.now
    bench.channel.hang_up()
    bench.channel.ask(NEXT)
    bench.turn(DIAL_FD, after=200.0)
    assert bench.channel.heard_at == heard_at
    assert bench.turn(after=149.0) == []
    assert bench.turn(after=1.0) == [Silent(150.0)]


def test_an_idle_connection_may_be_silent():
    bench = Bench(ScriptedStream(PAGE))
    bench.connected()
    bench.turn(SOCKET_FD)
    assert bench.turn(after=10_000.0) == []


def test_a_hang_up_while_dialing_leaves_the_connection_for_the_next_request():
    bench = Bench(ScriptedStream(PAGE))
    bench.channel.ask(FIRST)
    bench.channel.hang_up()
    assert bench.turn(DIAL_FD) == []
    bench.channel.ask(NEXT)
    bench.turn()
    assert seen(bench.turn(SOCKET_FD)) == [read(b"hello", began=True, complete=True)]
    assert bench.dialer.starts == 1


def test_a_request_made_while_an_older_one_dials_takes_its_place():
    socket = ScriptedStream(PAGE)
    bench = Bench(socket)
    bench.channel.ask(FIRST)
    bench.channel.hang_up()
    bench.channel.ask(NEXT)
    assert bench.dialer.starts == 1
    bench.turn(DIAL_FD)
    assert socket.sent.startswith(b"GET /base/pods?limit=500&continue=t ")


def test_credentials_are_forgotten_by_the_dialer():
    bench = Bench()
    bench.channel.forget_credentials()
    assert bench.dialer.forgotten == 1


@given(cuts=st.lists(st.integers(0, 150), max_size=8), close=st.booleans())
def test_however_the_bytes_come_two_pages_are_two_pages(cuts, close):
    edges = [0, *sorted(min(cut, len(PAGE)) for cut in cuts), len(PAGE)]
    parts = [PAGE[at:end] for at, end in itertools.pairwise(edges) if at < end]
    bench = Bench(ScriptedStream(*parts, b""), ScriptedStream(*parts)) if close else Bench(ScriptedStream(*parts * 2))
    for request in (FIRST, NEXT):
        bench.channel.ask(request)
        told = bench.turn(*[SOCKET_FD] * (close and request is NEXT))
        for _ in range(len(parts) + 4):
            if not any(one.complete for one in told):
                told += bench.turn(*bench.channel.fds)
        assert b"".join(part for one in told for part in one.parts) == b"hello"
        assert told[-1].complete


def test_a_query_is_escaped():
    assert query_string({"a b": "c&d=é/", "x": ""}) == "a%20b=c%26d%3D%C3%A9%2F&x="
