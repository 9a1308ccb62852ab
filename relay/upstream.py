"""One connection's byte stream: handshake, gathering, compression, and what waits for the socket. It lives as long as its connection."""

from collections.abc import Callable

from relay import flush
from relay.compress import Compressor
from relay.flush import Empty, Gathering
from relay.handshake import Identity, first_message, introduction
from relay.outbox import Outbox
from relay.tally import Tally


class Upstream:
    """Begins with the handshake in its outbox; messages go through `add`, and reach the outbox by `flush`."""

    def __init__(
        self, identity: Identity, *, stamp_ns: int, tally: Tally, passed: Callable[[bytes], None] | None = None
    ) -> None:
        """`passed` is told all messages as they go to be compressed; `version_info`, which does not, first."""
        self._tally = tally
        self._passed = passed
        self._compressor = Compressor()
        self._gather: flush.Gather = Empty()
        self._messages: list[bytes] = []
        self._stamps: list[int] = []
        self.outbox = Outbox()
        self._put(self._counted(first_message(stamp_ns)))
        self._compress(b"".join(introduction(identity, stamp_ns=stamp_ns)))

    def add(self, messages: list[bytes], *, update_stamp_ns: int, now: float) -> None:
        """Gathers messages; `update_stamp_ns` is the batch's `Emissions.stamp_ns`."""
        if not messages:
            return
        self._messages += messages
        if update_stamp_ns:
            self._stamps.append(update_stamp_ns)
        self._gather = flush.gathered(self._gather, sum(map(len, messages)), now)

    def due_at(self, *, more_coming: bool) -> float:
        """The moment from which `flush` is to be called (see `relay.flush`)."""
        return flush.due_at(self._gather, more_coming=more_coming)

    def flush(self, *, now: float, wall_ns: int) -> None:
        """Everything gathered goes to the outbox, decodable as it stands."""
        match self._gather:
            case Gathering(since=since):
                self._tally.gather_seconds.observe(now - since)
            case Empty():
                return
        for stamp_ns in self._stamps:
            # The wall clock may have been set back since the watcher read it.
            self._tally.lag_seconds.observe(max(0, wall_ns - stamp_ns) / 1e9)
        self._compress(b"".join(self._messages))
        self._messages.clear()
        self._stamps.clear()
        self._gather = Empty()

    def end(self, *, now: float, wall_ns: int) -> None:
        """The stream's end, after everything gathered. Nothing may be added after it."""
        self.flush(now=now, wall_ns=wall_ns)
        self._put(self._compressor.end())

    def _compress(self, plain: bytes) -> None:
        self._put(self._compressor.compress(self._counted(plain)))

    def _counted(self, plain: bytes) -> bytes:
        self._tally.plain_bytes += len(plain)
        if self._passed is not None:
            self._passed(plain)
        return plain

    def _put(self, chunk: bytes) -> None:
        self._tally.compressed_bytes += len(chunk)
        self.outbox.put(chunk)
