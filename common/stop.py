"""SIGTERM and SIGINT as something that a poll loop can wait for."""

import os
import signal
from types import FrameType


class StopSignal:
    """Once made (in the main thread), the two signals no longer end the process: `fd` becomes readable and `requested` true."""

    def __init__(self) -> None:
        self.requested = False
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        # Once: the pipe is never read, and a full one must not raise in the middle of anything.
        if not self.requested:
            self.requested = True
            os.write(self._write, b"s")
