"""HOST:PORT as people write it."""

from typing import Any, NamedTuple

from common.errors import UsageError


class Address(NamedTuple):
    """A host (name, IPv4, or IPv6 without brackets) and a port from 0 to 65535."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, option: str) -> Address:
    """The address in `HOST:PORT` or `[HOST]:PORT`; an IPv6 one needs the brackets. Raises UsageError that names the option."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise UsageError(f"{option}: {text!r} is not HOST:PORT; an IPv6 address stands in brackets, as in [::1]:8000")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise UsageError(f"{option}: {text!r} is not HOST:PORT, as in 127.0.0.1:8000")
    return Address(host, int(port))


def lookup_name(host: str) -> Any:  # noqa: ANN401 (bytes or text, of which typeshed wants one here and the other there)
    """The host as getaddrinfo(3) is to be asked for it: as bytes, an ASCII name needs no IDNA codec, whose tables take a megabyte."""
    return host.encode() if host.isascii() else host
