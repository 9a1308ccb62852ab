"""HTTP/1.1 as bytes: requests out, responses in. The parser is httptools' (Node's llhttp); the socket is somebody else's."""

from dataclasses import dataclass, field

import httptools


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
    """One response, fed with bytes as they come."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self._parser = httptools.HttpResponseParser(self)
        self._arrived = Arrived()

    @property
    def status(self) -> int:
        return int(self._parser.get_status_code())

    @property
    def keep_alive(self) -> bool:
        return bool(self._parser.should_keep_alive())

    def feed(self, data: bytes) -> Arrived:
        """Raises BadResponse."""
        arrived = self._arrived = Arrived()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise BadResponse(f"no HTTP response: {type(error).__name__}") from error
        return arrived

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._arrived.began = True

    def on_body(self, body: bytes) -> None:
        self._arrived.body.append(body)

    def on_message_complete(self) -> None:
        self._arrived.complete = True


def get(*, target: str, authority: str, headers: dict[str, str]) -> bytes:
    """A GET request. Raises ValueError for a header that would break out of its line."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {authority}", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
