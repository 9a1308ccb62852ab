"""A recording that is written for as long as that is possible: what goes wrong with it ends it, and never the process that writes.

What is kept is one write(2), of microseconds on a local disk, in the process's own loop: it is in the file as soon as it is kept, so that
whoever is killed leaves all of it. A disk that stands still holds the process up, so a recording belongs on a local one.
"""

import os
from enum import StrEnum, auto
from pathlib import Path

import msgspec

from common.errors import UsageError
from common.logs import Log
from common.recording import Recording


class End(StrEnum):
    """Why a recording ended before its process did. The value is the word of logs and metrics."""

    LIMIT = auto()
    """The file has come to its most bytes."""
    DISK = auto()
    """It could not be written."""


class Kept(msgspec.Struct):
    """What has been kept, for metrics and for people."""

    bytes: int = 0
    ended: dict[End, int] = msgspec.field(default_factory=lambda: dict.fromkeys(End, 0))
    """Recordings that ended too soon."""


class Keeper:
    """Adds to a file, behind what it holds. Several processes may add to one: what is kept at once stays in one piece."""

    def __init__(self, path: Path, *, most_bytes: int, kept: Kept, log: Log) -> None:
        """`most_bytes` is the file's, with what it holds already; what is kept is counted in `kept`."""
        self._path = path
        self._most_bytes = most_bytes
        self._kept = kept
        self._log = log
        self._recording: Recording | None = None
        try:
            self._recording = Recording(path, begins="behind")
        except UsageError as error:  # it could be written when the settings were read
            self._end(End.DISK, str(error))

    def keep(self, data: bytes) -> None:
        """Adds these bytes, if the recording has not ended."""
        if self._recording is None:
            return
        try:
            if (size := self._recording.size) >= self._most_bytes:
                self._end(End.LIMIT, f"it has {size} bytes")
                return
            self._recording.append(data)
        except OSError as error:
            self._end(End.DISK, os.strerror(error.errno or 0))
            return
        self._kept.bytes += len(data)

    def close(self) -> None:
        """Ends the recording."""
        if self._recording is not None:
            self._recording.close()
            self._recording = None

    def _end(self, reason: End, why: str) -> None:
        self._kept.ended[reason] += 1
        self._log.error("recording ended", reason=reason, file=str(self._path), why=why)
        self.close()


def checked_path(path: Path | None, *, option: str) -> Path | None:
    """The path, if it can be recorded to as far as can be told without making it. Raises UsageError that names the option."""
    if path is None:
        return None
    directory = path.parent
    if path.is_dir():
        why = "it is a directory"
    elif not directory.is_dir():
        why = f"there is no directory {directory}"
    elif not os.access(path if path.exists() else directory, os.W_OK):
        why = f"{path if path.exists() else directory} is not writable"
    else:
        return path
    raise UsageError(f"{option}: cannot record to {path}: {why}")
