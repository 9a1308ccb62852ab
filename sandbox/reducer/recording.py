"""Recordings of the upstream: a msgpack stream of `[connection, wall_ns, what]`, readable by the msgpack package's `Unpacker`.

`what` is bytes as they came, or a marker: the text `connected`, or `closed: ` and why.
"""

from pathlib import Path

import msgspec

from common.errors import UsageError


class Recording:
    """A file that is being written; each entry is in it at once, so a reducer that is killed leaves a readable recording."""

    def __init__(self, path: Path) -> None:
        """Begins the file anew. Raises UsageError where it cannot be written."""
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise UsageError(f"cannot record to {path}: {error.strerror}") from error

    def write(self, *, connection: int, wall_ns: int, what: bytes | str) -> None:
        """Adds an entry."""
        self._file.write(msgspec.msgpack.encode([connection, wall_ns, what]))

    def close(self) -> None:
        """Ends the recording."""
        self._file.close()
