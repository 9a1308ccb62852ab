"""What the relay takes from the matcher and what it gives to the reducer, for who looks on (`podwire tap`): PUSH and PULL have no room for
a third, and upstream it is compressed.

Nothing is made or copied for nobody. A listener that is slow loses some, and only it: what is published says how much went before.
"""

from contextlib import suppress
from typing import Final

import zmq

from common.clock import wall_ns
from common.messages import Incarnation
from common.tapped import EMISSIONS, UPSTREAM, Passed, encode_passed

TAPPED_HIGH_WATER: Final = 200
"""Messages held for a slow listener: with the largest flushes 13 MB."""

MOST_HEARD: Final = 64
"""Subscriptions read in one turn of the loop: whoever sends without end must not hold it up."""


class Tap:
    """Publishes on an XPUB, which tells of the first subscription to a topic, and of the end of the last. Poll its `socket`, and `hear`."""

    def __init__(self, socket: zmq.Socket[bytes], *, relay: Incarnation) -> None:
        self.socket = socket
        self._relay = relay
        self._subscribed: set[bytes] = set()
        self._passed_bytes = 0

    @property
    def listened(self) -> frozenset[bytes]:
        """The topics that somebody listens to, as far as has been heard."""
        return frozenset(self._subscribed)

    def hear(self) -> None:
        """Reads who has come and who has gone."""
        with suppress(zmq.Again):
            for _ in range(MOST_HEARD):
                said = self.socket.recv(zmq.NOBLOCK)
                if said[1:] in (EMISSIONS, UPSTREAM):
                    (self._subscribed.add if said.startswith(b"\x01") else self._subscribed.discard)(said[1:])

    def took(self, frame: bytes) -> None:
        """The relay has taken this frame from the matcher."""
        if EMISSIONS in self._subscribed:
            self._publish(EMISSIONS, frame)

    def passed(self, connection: int, plain: bytes) -> None:
        """The relay passes these messages on to the reducer."""
        if UPSTREAM in self._subscribed:
            said = Passed(self._relay, connection, wall_ns(), self._passed_bytes, plain)
            self._publish(UPSTREAM, encode_passed(said))
        self._passed_bytes += len(plain)

    def _publish(self, topic: bytes, frame: bytes) -> None:
        with suppress(zmq.Again):
            self.socket.send_multipart([topic, frame], zmq.NOBLOCK)
