"""What a watcher publishes, as entries of a recording (`common.recording`): `podwire replay --to matcher` plays it.

An entry's number is the kind's (its place in `KINDS`), `what` the message as it was published; a marker says where a life of the watcher
begins. Of beats only those are kept that tell of another condition: whoever plays it makes beats of its own.
"""

from collections.abc import Callable
from typing import Final

from common.clock import wall_ns
from common.keeping import Keeper
from common.messages import Beat, Condition, Updates, encode
from common.recording import CONNECTED, encode_entry
from common.records import KINDS, Kind

Rename = Callable[[Updates], Updates]
"""The same with other names (`common.anonymous`)."""


class Recorder:
    """Records one life of a watcher. Other watchers' may go to the same file."""

    def __init__(self, keeper: Keeper, kind: Kind, *, rename: Rename | None = None) -> None:
        self._keeper = keeper
        self._number: Final = KINDS.index(kind)
        self._rename = rename
        self._condition: Condition | None = None
        self._keep(CONNECTED)

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
