"""What the relay takes from the matcher, for who looks on (`podwire tap emissions`): PUSH and PULL have no room for a third."""

from contextlib import suppress

import zmq

TAPPED_HIGH_WATER = 1_000
"""Frames held for a slow listener; past that it loses some, and only it."""


class Tap:
    """Publishes on an XPUB, which tells of the first subscription to a topic, and of the end of the last."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._topics: set[bytes] = set()

    @property
    def listened(self) -> bool:
        """Somebody listens, as far as has been seen."""
        return bool(self._topics)

    def took(self, frame: bytes) -> None:
        """Passes the frame on; without a listener it costs one look at the socket."""
        with suppress(zmq.Again):
            while True:
                said = self._socket.recv(zmq.NOBLOCK)
                (self._topics.add if said.startswith(b"\x01") else self._topics.discard)(said[1:])
        if self.listened:
            with suppress(zmq.Again):
                self._socket.send(frame, zmq.NOBLOCK)
