"""The matcher's sockets as lists: what is to come in, and what went out."""

from collections import deque
from collections.abc import Collection, Iterator

from common.records import Kind
from matcher.wires import Origin


class FakeNeighbours:
    """`room` is how many frames the relay's pipe takes; `there` are the watchers that can be asked."""

    def __init__(self) -> None:
        self.incoming: deque[tuple[Origin, bytes]] = deque()
        self.asked: list[tuple[Kind, bytes]] = []
        self.emitted: list[bytes] = []
        self.waits: list[tuple[float, bool, set[Kind]]] = []
        self.there: set[Kind] = {"pods", "replicasets", "jobs"}
        self.room = 1_000
        self.looked_after: list[float] = []
        self.lies = False
        """`can_emit` says yes although the pipe is full: it may fill in between."""

    def wait(self, seconds: float, *, to_send: bool, to_ask: Collection[Kind]) -> None:
        self.waits.append((seconds, to_send, set(to_ask)))

    def received(self) -> Iterator[tuple[Origin, bytes]]:
        while self.incoming:
            yield self.incoming.popleft()

    def ask(self, kind: Kind, frame: bytes) -> bool:
        if kind in self.there:
            self.asked.append((kind, frame))
        return kind in self.there

    def can_emit(self) -> bool:
        return self.lies or self.room > 0

    def emit(self, frame: bytes) -> bool:
        if not self.room:
            return False
        self.room -= 1
        self.emitted.append(frame)
        return True

    def look_after_neighbours(self, now: float) -> None:
        self.looked_after.append(now)
