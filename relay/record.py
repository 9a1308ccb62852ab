"""What the relay sends, kept in a file for as long as that is possible: what goes wrong there ends the recording, never the relay.

Each chunk that the socket has taken is one write(2), of microseconds on a local disk, in the relay's own loop: a disk that stands still
holds the relay up, so a recording belongs on a local one.
"""

import os
from enum import StrEnum, auto
from typing import Protocol

from common.clock import wall_ns
from common.logs import Log
from common.recording import CONNECTED, Recording


class End(StrEnum):
    """Why a recording ended before the relay did. The value is the word of logs and metrics."""

    LIMIT = auto()
    """The file has come to its most bytes."""
    DISK = auto()
    """It could not be written."""


class Counts(Protocol):
    """Where it is counted; `relay.tally.Tally` has it."""

    recorded_bytes: int
    recordings_ended: dict[End, int]


class Recorder:
    """Records one connection after the other."""

    def __init__(self, recording: Recording, *, file: str, most_bytes: int, tally: Counts, log: Log) -> None:
        """`most_bytes` is the file's, with what it held before."""
        self._recording: Recording | None = recording
        self._file = file
        self._most_bytes = most_bytes
        self._size = recording.size
        self._tally = tally
        self._log = log
        self._connection = 0

    def connected(self, connection: int) -> None:
        """The connection of this number stands; what is sent from now on is sent on it."""
        self._connection = connection
        self._write(CONNECTED)

    def sent(self, data: memoryview) -> None:
        """The connection has taken these bytes."""
        self._write(data)

    def closed(self, why: str) -> None:
        """The connection is gone."""
        self._write(f"closed: {why}")

    def close(self) -> None:
        """The relay ends."""
        if self._recording is not None:
            self._recording.close()
            self._recording = None

    def _write(self, what: memoryview | str) -> None:
        if self._recording is None:
            return
        if self._size >= self._most_bytes:
            self._end(End.LIMIT, f"it has {self._size} bytes")
            return
        try:
            written = self._recording.write(connection=self._connection, wall_ns=wall_ns(), what=what)
        except OSError as error:
            self._end(End.DISK, os.strerror(error.errno or 0))
            return
        self._size += written
        self._tally.recorded_bytes += written

    def _end(self, reason: End, why: str) -> None:
        self._tally.recordings_ended[reason] += 1
        self._log.error("recording ended", reason=reason, file=self._file, why=why)
        self.close()
