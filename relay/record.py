"""What the relay sends, as entries of a recording (`common.recording`)."""

from common.clock import wall_ns
from common.keeping import Keeper
from common.recording import CONNECTED, encode_entry


class Recorder:
    """Records one connection after the other."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
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
        self._keeper.close()

    def _write(self, what: memoryview | str) -> None:
        self._keeper.keep(encode_entry(connection=self._connection, wall_ns=wall_ns(), what=what))
