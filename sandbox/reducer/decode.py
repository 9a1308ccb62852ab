"""The strict decoder of the upstream: bytes in any cut become messages, and anything off is a `ProtocolBreach`.

It owns the order that protocol.md demands of a connection's beginning: `version_info`, then `connect`, then anything but these two. What
the messages mean together is `state`'s and `invariants`'. Pure: no socket, no clock. After a breach the decoder is of no more use.
"""

from collections.abc import Iterator
from enum import Enum
from struct import Struct
from typing import Final

from sandbox.reducer.layout import LAYOUTS, Incomplete, Layout
from sandbox.reducer.messages import OLDEST_VERSION, Message, VersionInfo
from sandbox.reducer.unwrap import BadFrame, Unwrapper

_HEAD: Final = Struct("<QH")
"""The timestamp and the struct's first field, `rpc_id`."""

_TIMESTAMP_BYTES: Final = 8
_VERSION_INFO: Final = 310
_CONNECT: Final = 548


class ProtocolBreach(Exception):
    """The stream is not protocol.md's. `offset` is where in the plain stream (uncompressed, `version_info` included) the message begins."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(f"at byte {offset}: {why}")
        self.offset = offset
        self.why = why


class _Phase(Enum):
    """Which messages may come next."""

    VERSION = "version_info"
    CONNECT = "connect"
    OPEN = "anything but version_info and connect"


_ADMITTED: Final[dict[_Phase, dict[int, Layout]]] = {
    _Phase.VERSION: {_VERSION_INFO: LAYOUTS[_VERSION_INFO]},
    _Phase.CONNECT: {_CONNECT: LAYOUTS[_CONNECT]},
    _Phase.OPEN: {rpc_id: layout for rpc_id, layout in LAYOUTS.items() if rpc_id not in (_VERSION_INFO, _CONNECT)},
}


class Decoder:
    """Decodes one connection's stream."""

    def __init__(self) -> None:
        self._unwrapper = Unwrapper()
        self._phase = _Phase.VERSION
        self._rest = b""
        self._plain_bytes = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes that came."""
        return self._unwrapper.wire_bytes

    @property
    def plain_bytes(self) -> int:
        """Bytes of the messages decoded so far."""
        return self._plain_bytes

    @property
    def pending_bytes(self) -> int:
        """Plain bytes of a message that is not complete yet."""
        return len(self._rest)

    def feed(self, data: bytes) -> Iterator[tuple[int, Message]]:
        """Timestamp (ns since the Unix epoch) and message, of all that is complete with `data`; iterate to the end.

        Raises ProtocolBreach behind the messages that came before it.
        """
        try:
            for piece in self._unwrapper.feed(data):
                yield from self._read(self._rest + piece)
        except BadFrame as error:
            raise ProtocolBreach(self._plain_bytes, str(error)) from error

    def _read(self, data: bytes) -> Iterator[tuple[int, Message]]:
        at = 0
        while len(data) - at >= _HEAD.size:
            timestamp, rpc_id = _HEAD.unpack_from(data, at)
            layout = _ADMITTED[self._phase].get(rpc_id)
            if layout is None:
                raise ProtocolBreach(self._plain_bytes, self._unexpected(rpc_id))
            try:
                message, stop = layout.read(data, at + _TIMESTAMP_BYTES)
            except Incomplete:
                break
            except ValueError as error:
                raise ProtocolBreach(self._plain_bytes, f"{layout.name}: {error}") from error
            if self._phase is not _Phase.OPEN:
                self._advance(message)
            self._plain_bytes += stop - at
            at = stop
            yield timestamp, message
        self._rest = data[at:]

    def _unexpected(self, rpc_id: int) -> str:
        if rpc_id not in LAYOUTS:
            return f"unknown rpc_id {rpc_id}"
        return f"{LAYOUTS[rpc_id].name} where {self._phase.value} must stand"

    def _advance(self, message: Message) -> None:
        if not isinstance(message, VersionInfo):
            self._phase = _Phase.OPEN
            return
        version = (message.major, message.minor, message.patch)
        if version < OLDEST_VERSION:
            raise ProtocolBreach(self._plain_bytes, f"version_info: {'.'.join(map(str, version))} is older than 0.9.0")
        self._phase = _Phase.CONNECT
