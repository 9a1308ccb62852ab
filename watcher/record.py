"""What a watcher publishes, as entries of a recording (`common.recording`): `podwire replay --to matcher` plays it.

An entry's number is the kind's (its place in `KINDS`), `what` the message as it was published; a marker says where a life of the watcher
begins, and whether names are hashed in what follows. Of beats only those are kept that tell of another condition: whoever plays it makes
beats of its own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from common.clock import wall_ns
from common.errors import UsageError
from common.keeping import Keeper
from common.messages import Beat, Condition, Updates, encode
from common.recording import WATCHER, WATCHER_HASHED, Entry, encode_entry, entries
from common.records import KINDS, Kind

Rename = Callable[[Updates], Updates]
"""The same with other names (`common.anonymous`)."""


_FIRST_BYTES: Final = 64
"""Enough for the marker that a recording begins with."""


class Recorder:
    """Records one life of a watcher. Other watchers' may go to the same file."""

    def __init__(self, keeper: Keeper, kind: Kind, *, rename: Rename | None = None) -> None:
        self._keeper = keeper
        self._number: Final = KINDS.index(kind)
        self._rename = rename
        self._condition: Condition | None = None
        self._keep(WATCHER if rename is None else WATCHER_HASHED)

    def published(self, message: Updates | Beat, frame: bytes) -> None:
        """The watcher has published this message, as these bytes."""
        if isinstance(message, Beat):
            if message.condition is self._condition:
                return
            self._condition = message.condition
        elif self._rename is not None:
            frame = encode(self._rename(message))
        self._keep(frame)

    def close(self) -> None:
        """The watcher ends."""
        self._keeper.close()

    def _keep(self, what: bytes | str) -> None:
        self._keeper.keep(encode_entry(connection=self._number, wall_ns=wall_ns(), what=what))


def check(path: Path, *, hashed: bool) -> None:
    """Sees that a recording which is gone on with is of the same sort: nobody shall send one that holds names only in its beginning.

    Raises UsageError.
    """
    try:
        with path.open("rb") as file:
            begin = next(entries(file.read(_FIRST_BYTES)), None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"--record-updates: cannot record to {path}: {error.strerror}") from error
    if begin is None or (isinstance(begin, Entry) and begin.what == (WATCHER_HASHED if hashed else WATCHER)):
        return
    if isinstance(begin, Entry) and begin.what in (WATCHER, WATCHER_HASHED):
        why = "names are not hashed in it" if hashed else "names are hashed in it, so --anonymize belongs to it"
    else:
        why = "it is something else than what watchers publish"
    raise UsageError(f"--record-updates: {path} cannot be gone on with: {why}; name another file")
