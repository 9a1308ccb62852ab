"""SIGUSR1, by which an operator asks for a new epoch, as something that a poll loop can wait for."""

import os
import signal
from contextlib import suppress
from types import FrameType

PIPE_BYTES = 64 * 1024
"""What a pipe holds (pipe(7)). What were left in it would keep the loop from sleeping."""


class Nudge:
    """Once made (in the main thread), the signal makes `fd` readable."""

    def __init__(self) -> None:
        self._came = False
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGUSR1, self._take)

    def taken(self) -> bool:
        """Whether the signal came since the last call."""
        if not self._came:
            return False
        # Before the pipe is read: a signal that comes between the two is told again with the next call.
        self._came = False
        with suppress(BlockingIOError):
            os.read(self.fd, PIPE_BYTES)
        return True

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        with suppress(BlockingIOError):  # the pipe is full of nudges that nobody has taken yet: one is as good as many
            os.write(self._write, b"n")
