"""The list/watch machine with a clock that a test moves."""

import random

from watcher import reflect
from watcher.states import (
    Answered,
    Ask,
    Event,
    PageTaken,
    State,
    Streaming,
    Tell,
    Tick,
    Waiting,
    initial,
)

STREAM_QUERY = {
    "watch": "true",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}
FIRST_PAGE = {"limit": "500"}


def watch_query(version: str) -> dict[str, str]:
    return {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}


class Machine:
    """The machine with a clock that stands still until it is told to go on."""

    def __init__(self, state: State, *, now: float = 1_000.0) -> None:
        self.state = state
        self.now = now
        self.actions = []
        self._random = random.Random(1)

    def tell(self, event: Event) -> "Machine":
        self.state, self.actions = reflect.step(self.state, event, self.now, random_=self._random)
        return self

    def advance(self, version: str) -> "Machine":
        self.state = reflect.advance(self.state, version)
        return self

    def after(self, seconds: float) -> "Machine":
        self.now += seconds
        return self.tell(Tick())

    def wait_out(self) -> "Machine":
        assert isinstance(self.state.activity, Waiting)
        self.now = self.state.activity.until
        return self.tell(Tick())

    @property
    def wait(self) -> float:
        """Seconds until the wait is over."""
        assert isinstance(self.state.activity, Waiting)
        return self.state.activity.until - self.now

    @property
    def asks(self) -> list[Ask]:
        return [action for action in self.actions if isinstance(action, Ask)]

    def told(self) -> Tell:
        (tell,) = [action for action in self.actions if isinstance(action, Tell)]
        return tell


def started(streaming: Streaming = "never") -> Machine:
    return Machine(initial(streaming)).tell(Tick())


def watching(version: str = "7", *, lived: float = 0.0) -> Machine:
    machine = started().tell(Answered(protobuf=True)).tell(PageTaken(resource_version=version, token=None))
    machine.now += lived
    return machine
