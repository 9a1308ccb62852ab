"""The matcher's loop: moves frames between the sockets and the core, and time into it. Never waits for anybody who does not listen."""

from collections.abc import Callable, Collection, Iterator
from typing import Final, Protocol

from common.clock import LATE_SECONDS, next_beat
from common.logs import Log, Seldom
from common.messages import BadMessage, Beat, Link, SnapshotChunk, SnapshotGone, Updates, decode, encode
from common.records import Kind
from common.usage import own_usage
from matcher.core import Core
from matcher.wires import ORIGINS, Origin, origin_name

TICK_SECONDS: Final = 0.25
"""How often time is told to the core: the precision of its waits. While none of them ends soon, it is told at each beat."""

MOST_SENT: Final = 8
"""Messages sent in a turn, so that a sweep does not keep updates waiting for long."""


class Neighbours(Protocol):
    """What the loop needs of the sockets; `wires.Wires` has it."""

    def wait(self, seconds: float, *, to_send: bool, to_ask: Collection[Kind]) -> None:
        """Until there is something to do, or the time is over."""

    def received(self) -> Iterator[tuple[Origin, bytes]]:
        """Some of the messages that wait."""

    def ask(self, kind: Kind, frame: bytes) -> bool:
        """Asks a watcher; false when it cannot be done now."""

    def can_emit(self) -> bool:
        """Whether `emit` is likely to succeed."""

    def emit(self, frame: bytes) -> bool:
        """Sends to the relay; false when it cannot be done now."""

    def look_after_neighbours(self, now: float) -> None:
        """Sees whether connections stand; called at each tick."""


class Loop:
    """Turns of the loop. `clock` gives monotonic seconds."""

    def __init__(self, core: Core, neighbours: Neighbours, *, clock: Callable[[], float], log: Log) -> None:
        self.bad_frames = dict.fromkeys(map(origin_name, ORIGINS), 0)
        """Frames dropped, by their origin."""
        self.emitted_bytes = 0
        self._core = core
        self._neighbours = neighbours
        self._clock = clock
        self._log = log
        self._seldom = Seldom()
        self._unsent: bytes | None = None
        """A message to the relay that the pipe did not take."""
        self._tick_at = self._report_at = clock()

    def turn(self) -> None:
        """Waits until there is something to do, at most until the next tick or report, and does it."""
        core = self._core
        to_send = self._unsent is not None or core.has_news()
        until = min(self._tick_at, self._report_at + LATE_SECONDS)
        self._neighbours.wait(until - self._clock(), to_send=to_send, to_ask=core.asks)
        for origin, frame in self._neighbours.received():
            self._take(origin, frame)
            self._ask()
        self._tick()
        self._ask()
        self._emit()

    def _take(self, origin: Origin, frame: bytes) -> None:
        channel, kind = origin
        now = self._clock()
        try:
            message = decode(frame)
        except BadMessage as error:
            self._drop(origin, str(error), now)
            return
        match message:
            case Updates() | Beat() if kind is not None and channel == "updates":
                known = self._core.from_watcher(kind, message, now)
            case SnapshotChunk() | SnapshotGone() if kind is not None and channel == "snapshots":
                known = self._core.from_watcher(kind, message, now)
            case Link() if channel == "link":
                self._core.from_relay(message, now)
                known = True
            case _:
                known = False
        if not known:
            self._drop(origin, "message that has no place here", now)

    def _drop(self, origin: Origin, reason: str, now: float) -> None:
        name = origin_name(origin)
        self.bad_frames[name] += 1
        held_back = self._seldom.held_back(name, now)
        if held_back is not None:
            self._log.warning("frame dropped", origin=name, why=reason, held_back=held_back)

    def _ask(self) -> None:
        asks = self._core.asks
        for kind in [*asks]:
            if self._neighbours.ask(kind, encode(asks[kind])):
                del asks[kind]

    def _tick(self) -> None:
        now = self._clock()
        if now >= self._tick_at:
            self._core.tick(now)
            self._tick_at = next_beat(now) if self._core.calm else now + TICK_SECONDS
            self._neighbours.look_after_neighbours(now)
        at = self._report_at
        if now >= at and (now >= at + LATE_SECONDS or self._core.heard_all_since(at)):
            self._report_at = next_beat(now)
            # State like all else: one that finds no room is replaced by the next.
            self._neighbours.emit(encode(self._core.report(own_usage(), now)))

    def _emit(self) -> None:
        for _ in range(MOST_SENT):
            # The look at the pipe costs as much as all else here, so it comes last.
            if not (self._unsent is not None or self._core.has_news()) or not self._neighbours.can_emit():
                return
            frame = self._unsent or self._next_frame()
            if frame is None:
                return
            self._unsent = None if self._neighbours.emit(frame) else frame
            if self._unsent is not None:
                return
            self.emitted_bytes += len(frame)

    def _next_frame(self) -> bytes | None:
        emissions = self._core.take()
        return encode(emissions) if emissions is not None else None
