"""SIGUSR1, by which an operator asks for a new epoch, as something that a poll loop can wait for."""

import os
import signal
from types import FrameType


class Nudge:
    """Once made (in the main thread), the signal makes `fd` readable."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGUSR1, self._take)

    def taken(self) -> bool:
        """Whether the signal came since the last call."""
        try:
            return bool(os.read(self.fd, 1_024))
        except BlockingIOError:
            return False

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        try:
            os.write(self._write, b"n")
        except BlockingIOError:
            # The pipe is full of nudges that nobody has taken yet: one is as good as many.
            return
