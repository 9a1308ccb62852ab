"""Three model watchers, the matcher's core, a model relay and its reducer, in virtual time; a test moves what lies in between."""

from pathlib import Path
from typing import Any

import msgspec

from common.logs import Log
from common.messages import AnyMessage, Incarnation, decode, encode
from common.records import KINDS, UID, Kind, Record
from matcher.core import Core
from matcher.settings import Settings
from tests.fakes.model_reducer import ModelReducer, ModelRelay
from tests.fakes.model_watcher import ModelWatcher

PIPE = 4
"""Batches between matcher and relay."""

SETTINGS = Settings(
    run_dir=Path("run"),
    admin="off",
    peers={},
    keys_dir=None,
    owner_wait_seconds=30.0,
    max_waiting=100,
    ip_family="ipv4",
    climb=False,
)


class Pipeline:
    """All of it. `started` gives one in which everything is in step."""

    def __init__(self, **settings: Any) -> None:
        self.settings = msgspec.structs.replace(SETTINGS, **settings)
        self.truth: dict[Kind, dict[UID, Record]] = {kind: {} for kind in KINDS}
        self.watchers = {kind: ModelWatcher(kind, self.truth[kind]) for kind in KINDS}
        self.relay = ModelRelay()
        self.now = 100.0
        self.lives = 0
        self.start_matcher()

    @classmethod
    def started(
        cls, *, pods: tuple[Record, ...] = (), owners: dict[Kind, tuple[Record, ...]] | None = None, **settings: Any
    ) -> "Pipeline":
        """In step with these objects."""
        pipeline = cls(**settings)
        for kind, records in {"pods": pods, **(owners or {})}.items():
            for record in records:
                pipeline.truth[kind][record.uid] = record
        for watcher in pipeline.watchers.values():
            watcher.finish_list()
        pipeline.relay.connect()
        pipeline.settle()
        return pipeline

    @property
    def reducer(self) -> ModelReducer:
        return self.relay.reducer

    def start_matcher(self) -> None:
        """A new life of the matcher; what it had asked or was told is gone, what it had sent may still arrive."""
        self.lives += 1
        self.core = Core(self.settings, incarnation=Incarnation(f"matcher-{self.lives}"), log=Log("matcher"))
        for watcher in self.watchers.values():
            watcher.published.clear()
            watcher.answers.clear()
        self.relay.links.clear()
        self.core.start(self.now)

    def put(self, kind: Kind, record: Record, *, stamp_ns: int = 0) -> None:
        """The object is in the cluster now, and its watcher has seen it."""
        self.truth[kind][record.uid] = record
        self.watchers[kind].notice(record.uid, stamp_ns=stamp_ns)

    def remove(self, kind: Kind, uid: str) -> None:
        """The object is gone, and its watcher has seen that."""
        self.truth[kind].pop(UID(uid), None)
        self.watchers[kind].notice(UID(uid))

    def hear(self) -> bool:
        """All that neighbours have sent arrives, and asks are answered. Whether there was anything."""
        moved = False
        for kind in KINDS:
            watcher = self.watchers[kind]
            while watcher.published or watcher.answers or kind in self.core.asks:
                moved = True
                self.hear_updates(kind)
                self.answer(kind)
        while self.relay.links:
            self.hear_link()
            moved = True
        return moved

    def hear_updates(self, kind: Kind) -> None:
        """The next frame that a watcher has published arrives."""
        if self.watchers[kind].published:
            frame = self.watchers[kind].published.popleft()
            assert self.core.from_watcher(kind, over_the_wire(frame), self.now)

    def answer(self, kind: Kind) -> None:
        """An ask reaches its watcher, and an answer comes back."""
        watcher = self.watchers[kind]
        if kind in self.core.asks:
            watcher.ask(self.core.asks.pop(kind))
        if watcher.answers:
            assert self.core.from_watcher(kind, over_the_wire(watcher.answers.popleft()), self.now)

    def hear_link(self) -> None:
        """The next `Link` arrives."""
        if self.relay.links:
            self.core.from_relay(over_the_wire(self.relay.links.popleft()), self.now)

    def send(self) -> bool:
        """The matcher sends a batch, if it has something and the pipe has room. Whether it did."""
        if len(self.relay.inbox) >= PIPE or not self.core.has_news():
            return False
        batch = self.core.take()
        if batch is None:
            return False
        self.relay.inbox.append(over_the_wire(batch))
        return True

    def settle(self) -> None:
        """Everything that can move does, until nothing does."""
        while self.hear() or self.send() or (self.relay.inbox and self.relay.accepting):
            while self.send():
                pass
            self.relay.take_one()

    def wait(self, seconds: float) -> None:
        """Time passes, in steps of a quarter of a second, and everything moves. Beats and links come every second."""
        for step in range(round(seconds * 4)):
            self.now += 0.25
            if step % 4 == 0:
                for watcher in self.watchers.values():
                    watcher.beat()
                self.relay.tell()
            self.core.tick(self.now)
            self.settle()

    def heard(self) -> list[tuple[object, ...]]:
        """What the reducer has heard since the last call, in short."""
        heard, self.reducer.heard = self.reducer.heard, []
        return heard


def over_the_wire(message: AnyMessage) -> Any:
    """The message as its reader gets it."""
    return decode(encode(message))
