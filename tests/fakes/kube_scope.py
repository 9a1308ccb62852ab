"""A watcher's scope on a channel that only notes, with a clock: what tests of a scope stand on."""

import random

from common.logs import Log
from common.messages import Apply, Delete, Event, Init, InitDone
from common.records import Kind
from tests.fakes.kube_channel import NotingChannel
from tests.fakes.kube_wire import PROTOBUF, Media, pod
from watcher.channel import Happening
from watcher.scope import Scope
from watcher.settings import Encoding
from watcher.states import Streaming


class ScopeBench:
    """A scope, its channel, and a clock."""

    def __init__(
        self,
        *,
        kind: Kind = "pods",
        namespace: str | None = None,
        selectors: dict[str, str] | None = None,
        encoding: Encoding = "protobuf",
        streaming: Streaming = "never",
    ) -> None:
        self.channel = NotingChannel()
        self.now = 100.0
        self.scope = Scope(
            kind=kind,
            namespace=namespace,
            selectors=selectors or {},
            encoding=encoding,
            streaming=streaming,
            channel=self.channel,
            log=Log("watcher-test"),
            random_=random.Random(1),
        )
        self.events = self.scope.tick(self.now)

    def take(self, happening: Happening) -> list[Event]:
        self.events = self.scope.take(happening, self.now)
        return self.events

    def after(self, seconds: float) -> list[Event]:
        self.now += seconds
        self.events = self.scope.tick(self.now)
        return self.events

    def uids(self) -> list[str]:
        """Of what the scope holds."""
        return sorted(record.uid for record in self.scope.store.records())


def told(events: list[Event]) -> list[str]:
    """Events as a person would write them."""
    words = []
    for event in events:
        match event:
            case Init():
                words.append("init")
            case Apply(record=record):
                words.append(f"+{record.uid}")
            case Delete(uid=uid):
                words.append(f"-{uid}")
            case InitDone():
                words.append("done")
    return words


def watching(*uids: str, media: Media = PROTOBUF, version: int = 7) -> ScopeBench:
    """A scope that has listed these pods, and whose watch has just been answered."""
    bench = ScopeBench()
    bench.take(bench.channel.answer(media.page([pod(uid) for uid in uids], version=version), media=media))
    assert bench.take(bench.channel.begin(media=media)) == []
    return bench
