"""HTTP/1.1 as bytes: requests out, responses in. The parser is httptools' (Node's llhttp); the socket is somebody else's."""

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httptools

LARGEST_HEAD_BYTES = 256 * 1024
"""A response whose headers are not complete after so many bytes is none: Go's servers send 1 MiB at most, and a few KiB in practice."""

LONGEST_RETRY_AFTER_SECONDS = 600.0
"""A server or proxy that names a later time has a wrong clock or a fault: it is asked again by then."""


class BadResponse(Exception):
    """What came is no HTTP response."""


@dataclass
class Arrived:
    """What one read has brought of the response."""

    began: bool = False
    """The headers are complete, now."""
    body: list[bytes] = field(default_factory=list)
    complete: bool = False
    """The response is over; `keep_alive` tells whether the connection can be used again."""


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
        self._over = False

    @property
    def ends_with_connection(self) -> bool:
        """The headers told no length: the body goes on until the connection is closed (RFC 9112, 6.3)."""
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        return bool(self.status) and not self._over and not chunked and "content-length" not in self.headers

    def feed(self, data: bytes) -> Arrived:
        """Raises BadResponse."""
        arrived = self._arrived = Arrived()
        if not self.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._over:
                raise BadResponse(f"no HTTP response: {type(error).__name__}") from error
            self.keep_alive = False  # bytes that nobody asked for: what came before them is whole
        if not self.status and self._head_bytes > LARGEST_HEAD_BYTES:
            raise BadResponse("the headers of the response do not end")
        return arrived

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
    try:
        wait = (parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError):  # no date; or one with a zone and one without
        return None
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER_SECONDS)
