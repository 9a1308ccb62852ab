"""HTTP/1.1 responses as bytes in any pieces, and requests as bytes."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watcher.http1 import LARGEST_HEAD_BYTES, BadResponse, Response, get, retry_after_seconds

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 503 Unavailable\r\nContent-Type: text/html\r\n\r\nhello"


def test_a_response_with_a_length_is_over_when_its_body_is_there():
    response = Response()
    arrived = response.feed(PLAIN)
    assert (response.status, arrived.began, b"".join(arrived.body), arrived.complete) == (200, True, b"hello", True)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [PLAIN, CHUNKED])
def test_a_connection_is_kept_after_a_response_that_says_nothing_else(body):
    """Each page of a list would need a connection of its own otherwise."""
    response = Response()
    response.feed(body)
    assert response.keep_alive


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"], ids=["close", "http-1.0"]
)
def test_a_connection_is_not_kept_after_a_response_that_ends_it(head):
    response = Response()
    assert response.feed(head + b"Content-Length: 1\r\n\r\nx").complete
    assert not response.keep_alive


@given(body=st.sampled_from([PLAIN, CHUNKED]), cuts=st.lists(st.integers(0, 120), max_size=8))
def test_however_a_response_is_cut_it_is_the_same_response(body, cuts):
    response = Response()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    parts = [response.feed(body[at:end]) for at, end in itertools.pairwise(edges)]
    assert b"".join(piece for part in parts for piece in part.body) == b"hello"
    assert [part.began for part in parts].count(True) == 1
    assert [part.complete for part in parts].count(True) == 1
    assert (response.status, response.keep_alive) == (200, True)


@pytest.mark.parametrize("cut", range(1, 5))
def test_wherever_the_end_of_the_head_is_cut_the_first_chunk_is_a_chunk(cut):
    """Its bytes look like a chunk's length."""
    head, body = CHUNKED[: CHUNKED.index(b"2\r\n")], b"4\r\n1\r\n2\r\n0\r\n\r\n"
    response = Response()
    response.feed(head[:-cut])
    arrived = response.feed(head[-cut:] + body)
    assert (b"".join(arrived.body), arrived.complete) == (b"1\r\n2", True)


PLAIN_CHUNKS = [b"2\r\nab\r\n", b"A\r\n0123456789\r\n", b"3\r\n\r\n\r\r\n"]
OTHER_CHUNKS = [b"0a\r\n0123456789\r\n", b"1;x=y\r\nz\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"12345678\r\n"]
NO_CHUNKS = [
    b"\r\n",
    b"g\r\n",
    b"-1\r\n",
    b"0x2\r\nab\r\n",
    b"1 \r\nz\r\n",
    b"1\nz\n",
    b"1\nz\r\n",
    b"junk",
    b"1\r\nzXX",
    b"1" * 17 + b"\r\n",
]
PARTS = st.lists(st.sampled_from(PLAIN_CHUNKS + OTHER_CHUNKS + NO_CHUNKS), max_size=6)


@given(chunks=PARTS, cuts=st.lists(st.integers(0, 120), max_size=8))
@example(chunks=[b"1\r\nzXX", b"0\r\n\r\n"], cuts=[])
@example(chunks=[b"1\nz\r\n", b"0\r\n\r\n"], cuts=[])
@example(chunks=[b"1" * 17 + b"\r\n"], cuts=[])
@example(chunks=[b"3\r\nabcXX3\r\ndef\r\n", b"0\r\n\r\n"], cuts=[])
def test_chunks_are_what_the_parser_takes_them_for(chunks, cuts):
    body = b"".join(chunks)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[at:end] for at, end in itertools.pairwise(edges)]
    assert taken(Response(), pieces) == taken(ParserAlone(), pieces)


class ParserAlone(Response):
    """Cuts no chunks itself."""

    def _feed_head(self, data: bytes) -> bytes:
        self._parser.feed_data(data)
        return b""


def taken(response: Response, pieces: list[bytes]) -> object:
    body = b""
    try:
        for piece in (CHUNKED[: CHUNKED.index(b"2\r\n")], *pieces):
            arrived = response.feed(piece)
            body += b"".join(arrived.body)
            if arrived.complete:
                return body, response.keep_alive, response.status
    except BadResponse:
        return "bad"
    return body, response.ends_with_connection, response.status


@pytest.mark.parametrize("told", [b"Content-Length: 13", b"Transfer-Encoding: gzip", b"X-Nothing: told"])
def test_a_body_that_looks_like_chunks_is_left_whole_where_none_were_told(told):
    response = Response()
    arrived = response.feed(b"HTTP/1.1 200 OK\r\n" + told + b"\r\n\r\n" + b"3\r\nabc\r\n0\r\n\r\n")
    assert b"".join(arrived.body) == b"3\r\nabc\r\n0\r\n\r\n"


def test_nothing_is_known_of_a_response_before_its_headers_are_complete():
    response = Response()
    arrived = response.feed(PLAIN[:20])
    assert (response.status, arrived.began, arrived.complete) == (0, False, False)


def test_interim_responses_are_skipped():
    response = Response()
    arrived = response.feed(b"HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n\r\n" + PLAIN)
    assert (response.status, arrived.began, arrived.body, arrived.complete) == (200, True, [b"hello"], True)
    alone = Response()
    arrived = alone.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (alone.status, arrived.began, arrived.complete) == (0, False, False)
    assert alone.feed(PLAIN).complete


def test_a_switch_of_protocols_is_no_response_to_a_get():
    with pytest.raises(BadResponse):
        Response().feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nxx")


@pytest.mark.parametrize("rest", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nbad", b"junk"])
def test_bytes_behind_a_complete_response_spoil_the_connection_and_not_the_response(rest):
    response = Response()
    arrived = response.feed(PLAIN + rest)
    assert (response.status, arrived.body, arrived.complete, response.keep_alive) == (200, [b"hello"], True, False)
    assert response.headers["content-length"] == "5"


def test_only_a_response_without_a_length_ends_with_its_connection():
    response = Response()
    assert not response.ends_with_connection
    assert response.feed(UNTIL_CLOSED).body == [b"hello"]
    assert response.ends_with_connection
    for cut in (PLAIN[:-1], CHUNKED[:-1], PLAIN, UNTIL_CLOSED[:20]):
        other = Response()
        other.feed(cut)
        assert not other.ends_with_connection


@pytest.mark.parametrize(
    "data", [b"<html>", b"SSH-2.0-OpenSSH_9\r\n", b"\x15\x03\x01\x00\x02\x02\x16", b"HTTP/9.9 x\r\n\r\n"]
)
def test_what_is_no_response_is_refused(data):
    with pytest.raises(BadResponse):
        Response().feed(data)


def test_headers_that_do_not_end_are_refused():
    response = Response()
    head = b"HTTP/1.1 200 OK\r\nX: "
    response.feed(head + b"x" * (LARGEST_HEAD_BYTES - len(head)))
    with pytest.raises(BadResponse):
        response.feed(b"x")


@given(st.binary(max_size=100), st.sampled_from([b"", b"HTTP/1.1 ", PLAIN, CHUNKED[:-5]]))
def test_hostile_bytes_raise_nothing_but_what_is_foreseen(junk, before):
    response = Response()
    try:
        response.feed(before + junk)
        response.feed(junk)
    except BadResponse:
        pass


def test_a_request_is_a_get_with_its_headers():
    data = get(target="/api/v1/pods?limit=500", authority="[::1]:6443", headers={"Accept": "application/json"})
    assert data == b"GET /api/v1/pods?limit=500 HTTP/1.1\r\nHost: [::1]:6443\r\nAccept: application/json\r\n\r\n"


def test_a_header_cannot_break_out_of_its_line():
    with pytest.raises(ValueError, match="line break"):
        get(target="/", authority="h", headers={"authorization": "Bearer a\r\nX: y"})


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("1", 1.0),
        (" 30 ", 30.0),
        ("0", 0.0),
        ("99999999999999999999999", 600.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_within_reason(told, seconds):
    assert retry_after_seconds({"retry-after": told}) == seconds


def test_without_retry_after_nothing_is_told():
    assert retry_after_seconds({}) is None


def test_retry_after_as_a_date_is_counted_from_the_responses_own_date():
    headers = {"date": "Wed, 21 Oct 2015 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2015 07:28:12 GMT"}
    assert retry_after_seconds(headers) == 12.0
    assert retry_after_seconds(headers | {"date": "Wed, 21 Oct 2015 08:00:00 GMT"}) == 0.0
    assert retry_after_seconds(headers | {"retry-after": "Wed, 21 Oct 2065 07:28:00 GMT"}) == 600.0
    assert retry_after_seconds({"retry-after": headers["retry-after"]}) is None
    assert retry_after_seconds(headers | {"date": "Wed, 21 Oct 2015 07:28:00"}) is None
