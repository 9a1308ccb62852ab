"""HTTP/1.1 as bytes: requests out, responses in. The parser is httptools' (Node's llhttp); the socket is somebody else's.

The chunks of a body are cut here, though, as long as they are nothing but a length and bytes: the API server sends two or three an object,
and a callback for each costs more than all of this (measured: 8 µs of the parser's for 3 µs an object). The last chunk, and whatever
looks different, goes to the parser, which has seen none of those before.
"""

import re
from functools import lru_cache

import httptools
import msgspec

LARGEST_HEAD_BYTES = 256 * 1024
"""A response whose headers are not complete after so many bytes is none: Go's servers send 1 MiB at most, and a few KiB in practice."""

_HEAD_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_MOST_DIGITS = 7
_LONGEST_LINE = len(_LINE_END) + _MOST_DIGITS + len(_LINE_END)
_PLAIN_CHUNK_TO_BE = re.compile(rb"(\r(\n([1-9A-Fa-f][0-9A-Fa-f]{0,6}\r?)?)?)?")
"""What may still become a plain chunk: the end of the one before it, and its length."""

LONGEST_RETRY_AFTER_SECONDS = 600.0
"""A server or proxy that names a later time has a wrong clock or a fault: it is asked again by then."""


class BadResponse(Exception):
    """What came is no HTTP response."""


class Arrived(msgspec.Struct):
    """What one read has brought of the response."""

    began: bool = False
    """The headers are complete, now."""
    body: list[bytes] = []
    complete: bool = False
    """The response is over; `keep_alive` tells whether the connection can be used again."""


@lru_cache(4_096)
def _plain_size(line: bytes) -> int:
    """How many bytes the chunk has that begins with the end of the one before it and this line; 0 when it is not plain, or the last."""
    digits = line[len(_LINE_END) :]
    # No regular expression: to fetch the code of its engine is a twentieth of a lone event's cost.
    if not line.startswith(_LINE_END) or not digits or digits.strip(_HEX_DIGITS):
        return 0
    return int(digits, 16)


class _Chunks:
    """Cuts chunks (RFC 9112, 7.1) until one is not plain."""

    def __init__(self) -> None:
        self._left = 0
        """Bytes of the current chunk that are to come."""
        self._held = _LINE_END  # what closes a chunk stands before each but the first

    def feed(self, data: bytes, body: list[bytes]) -> bytes | None:
        """Adds to the body; gives what is for the parser once a chunk is not plain. Raises BadResponse."""
        data = self._held + data
        at, left = 0, self._left
        while True:
            if left:
                piece = data[at : at + left]
                if not piece:
                    break
                body.append(piece)
                size = len(piece)
                at += size
                left -= size
            end = data.find(_LINE_END, at + len(_LINE_END), at + _LONGEST_LINE)
            if end < 0 or not (told := _plain_size(data[at:end])):
                break
            left = told
            at = end + len(_LINE_END)
        held = data[at:]
        self._left, self._held = left, held
        if not held or held == _LINE_END or _PLAIN_CHUNK_TO_BE.fullmatch(held):
            return None
        if not held.startswith(_LINE_END):
            raise BadResponse("a chunk does not end where it said")
        return held[len(_LINE_END) :]


class Response:
    """One response, fed with bytes as they come. Interim responses (1xx) before it are skipped."""

    def __init__(self) -> None:
        self.status = 0
        """0 until the headers are complete."""
        self.headers: dict[str, str] = {}
        """By name in small letters; of a repeated one, the last."""
        self.keep_alive = False
        self._parser = httptools.HttpResponseParser(self)
        self._arrived = Arrived()
        self._head_bytes = 0
        self._head_end = b""
        """The last bytes of the head, up to three: its end may be cut."""
        self._chunks: _Chunks | None = None
        self._over = False

    @property
    def ends_with_connection(self) -> bool:
        """The headers told no length: the body goes on until the connection is closed (RFC 9112, 6.3)."""
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        return bool(self.status) and not self._over and not chunked and "content-length" not in self.headers

    def feed(self, data: bytes) -> Arrived:
        """Takes one read. Raises BadResponse."""
        arrived = self._arrived = Arrived()
        try:
            rest: bytes | None = data if self.status else self._feed_heads(data)
            if rest and self._chunks is not None:
                rest = self._chunks.feed(rest, arrived.body)
            if rest:
                self._chunks = None
                self._parser.feed_data(rest)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._over:
                raise BadResponse(f"no HTTP response: {type(error).__name__}") from error
            self.keep_alive = False  # bytes that nobody asked for: what came before them is whole
        if not self.status and self._head_bytes > LARGEST_HEAD_BYTES:
            raise BadResponse("the headers of the response do not end")
        return arrived

    def _feed_heads(self, data: bytes) -> bytes:
        """Feeds the parser up to where the body begins; gives what is behind that."""
        while data and not self.status:
            data = self._feed_head(data)
        return data

    def _feed_head(self, data: bytes) -> bytes:
        """Feeds the parser up to the end of a head; gives what is behind it."""
        end = (self._head_end + data).find(_HEAD_END)
        size = end + len(_HEAD_END) - len(self._head_end) if end >= 0 else len(data)
        head, self._head_bytes = data[:size], self._head_bytes + size
        self._head_end = (self._head_end + head)[1 - len(_HEAD_END) :] if end < 0 else b""
        self._parser.feed_data(head)
        if self.headers.get("transfer-encoding") == "chunked" and end >= 0:
            self._chunks = _Chunks()
        return data[size:]

    def on_message_begin(self) -> None:
        if self._over:
            raise BadResponse("another response than the one asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = int(self._parser.get_status_code())
        if status < 200:
            self.headers.clear()
            return
        self.status = status
        self._arrived.began = True

    def on_body(self, body: bytes) -> None:
        self._arrived.body.append(body)

    def on_message_complete(self) -> None:
        if not self.status:
            return
        self._over = self._arrived.complete = True
        # Asked now: once the parser is ready for the next response it says no.
        self.keep_alive = bool(self._parser.should_keep_alive())


def get(*, target: str, authority: str, headers: dict[str, str]) -> bytes:
    """A GET request. Raises ValueError for a header that would break out of its line."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {authority}", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def retry_after_seconds(headers: dict[str, str]) -> float | None:
    """How long the response asks to be left alone (RFC 9110, 10.2.3), or None.

    A date is counted from the response's own `Date`: the clocks of two machines differ.
    """
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(min(int(told[:9]), LONGEST_RETRY_AFTER_SECONDS))
    if not told:
        return None
    from email.utils import parsedate_to_datetime  # hardly ever needed, and half a megabyte

    try:
        wait = (parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError):  # no date; or one with a zone and one without
        return None
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER_SECONDS)
