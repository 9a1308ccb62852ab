"""What becomes of the connections to one bound socket, counted from libzmq's events. Pure: no sockets, no clock.

Not every refusal has an event of its own: bytes that are no ZMTP at all end in a mere disconnect, as does a peer that says nothing.
So those are what is left over: connections accepted, less the handshakes that succeeded or failed, less what may be in a handshake still.
"""

from enum import StrEnum, auto
from struct import Struct
from typing import Final

import zmq

from common.transport import HANDSHAKE_MS

WATCHED: Final = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)
"""The events that are counted (zmq_socket_monitor(3))."""

YOUNG_SECONDS: Final = HANDSHAKE_MS / 1_000 + 1
"""For so long a connection may still be in its handshake."""

_WORDS: Final[dict[int, str]] = {
    zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: "it has another public key for this stage than the one of --keys",
    zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: "one side has --keys and the other has not",
}

_EVENT: Final = Struct("=hi")


def read_event(frames: list[bytes]) -> tuple[int, int]:
    """Number and value of a monitor's event (zmq_socket_monitor(3)). `zmq.utils.monitor` reads them too, and imports asyncio: 1 MB."""
    number, value = _EVENT.unpack(frames[0])
    return number, value


class Refusal(StrEnum):
    """Why a connection was refused. The value is the word of metrics."""

    UNKNOWN_KEY = auto()
    PROTOCOL = auto()
    """No CURVE, another key for this stage than its own, or ZMTP that breaks off into something else."""
    UNFINISHED = auto()
    """It ended, or was ended, before it came to a handshake: no ZMTP, or nothing at all."""


class Knocks:
    """One bound socket's. `where` is its endpoint."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._undecided = 0
        """Connections accepted, less those of which a handshake's end was told."""
        self._open: dict[int, float] = {}
        """When each descriptor that is open was accepted."""

    def take(self, event: int, value: int, now: float) -> str | None:
        """Takes an event; `value` is as zmq_socket_monitor(3) has it. If it says that the protocol was broken, gives how, in words."""
        match event:
            case zmq.EVENT_ACCEPTED:
                self._undecided += 1
                self._open[value] = now
            case zmq.EVENT_DISCONNECTED:
                self._open.pop(value, None)
            case zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self._undecided -= 1
            case zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                self._undecided -= 1
                return _WORDS.get(value, "it does not speak ZMTP as it should")
        return None

    def settle(self, now: float) -> int:
        """How many have ended without a handshake since the last call."""
        young = sum(1 for since in self._open.values() if now - since < YOUNG_SECONDS)
        ended = max(0, self._undecided - young)
        self._undecided -= ended
        return ended
