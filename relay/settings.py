"""What a relay can be told, and how people write it."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from common.address import Address, parse_address
from common.errors import UsageError
from relay.handshake import LONGEST_LABEL_BYTES
from relay.tls import Tls

DEFAULT_PORT = 8000
"""Where reducers listen (protocol.md)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One relay's settings."""

    run_dir: Path
    admin: str
    listen: Address | None
    """Where the matcher finds it on TCP, and on the port after it too; None: in the run directory."""
    keys_dir: Path | None
    intake: Address
    """The reducer."""
    tls: Tls | None
    """None: plain TCP."""
    labels: tuple[tuple[str, str], ...]
    hostname: str
    """What the reducer knows this collector by."""
    record: Path | None = None
    """Where to record what is sent."""
    record_most_bytes: int = 1 << 30
    """The file's most."""


def parse_intake(text: str, *, option: str) -> Address:
    """`HOST:PORT`, `[IPv6]:PORT`, or either without a port for `DEFAULT_PORT`. Raises UsageError that names the option."""
    without_port = text and ":" not in text.rpartition("]")[2]
    address = parse_address(f"{text}:{DEFAULT_PORT}" if without_port else text, option=option)
    if address.port == 0:
        raise UsageError(
            f"{option}: {text!r} names port 0; a reducer listens on a port from 1 to 65535, by default {DEFAULT_PORT}"
        )
    return address


def parse_labels(texts: Iterable[str], *, option: str) -> tuple[tuple[str, str], ...]:
    """Keys and values of `KEY=VALUE`s, in their order. Raises UsageError that names the option and the label."""
    labels: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise UsageError(f"{option}: {text!r} is not KEY=VALUE, as in cluster=production")
        if key in labels:
            raise UsageError(f"{option}: {key!r} is given twice; give each label once")
        if len(key.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace")) > LONGEST_LABEL_BYTES:
            raise UsageError(
                f"{option}: {key[:40]!r} is too long; key and value together may take {LONGEST_LABEL_BYTES} bytes"
            )
        labels[key] = value
    return tuple(labels.items())
