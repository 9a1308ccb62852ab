"""A turn of the watcher's loop: what its channels are told, and how long it sleeps."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from common.door import Door
from common.logs import Log
from tests.fakes.pollers import NotingPoller
from watcher import main
from watcher.channel import Happening, Read
from watcher.main import LIST_PAUSE_SECONDS, LITTLE_BYTES, TURN_MILLISECONDS, Loop

LITTLE = Read(200, {}, began=False, parts=[b"x" * (LITTLE_BYTES - 2), b"y"], complete=False)
MUCH = Read(200, {}, began=False, parts=[b"x" * (LITTLE_BYTES - 1), b"y"], complete=False)


class Scope:
    """As much of a scope as the loop looks at."""

    def __init__(self, *, streams_list: bool) -> None:
        self.streams_list = streams_list


class Channel:
    """A channel on which these happen in turn, one each turn."""

    def __init__(self, *happenings: Happening) -> None:
        self.happenings = list(happenings)
        self.more = False
        self.fds: tuple[int, ...] = ()
        self.readable: set[object] = set()

    def turn(self, *, readable: Iterable[object], **_: object) -> list[Happening]:
        self.readable = set(readable)
        return [self.happenings.pop(0)] if self.happenings else []

    def hang_up(self) -> None:
        pass


class Watcher:
    """A watcher with nothing to say."""

    def __init__(self) -> None:
        self.calm = True
        self.beat_at = 100.0
        self.ticks = 0

    def tick(self, *, now: float, **_: object) -> list[Any]:
        self.ticks += 1
        if now >= self.beat_at:
            self.beat_at = now + 1.0
        return []

    def take(self, *_: object, **__: object) -> list[Any]:
        return []


class Bench:
    """A loop over these channels, each of a scope of its own; time stands still."""

    def __init__(self, run_dir: Path, context: zmq.Context[zmq.Socket[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 99.0
        self.pauses: list[float] = []
        self.poller = NotingPoller()
        self.watcher = Watcher()
        self.channels: dict[Scope, Channel] = {}
        self._silent, self._write = os.pipe()
        monkeypatch.setattr(main, "monotonic", lambda: self.now)
        monkeypatch.setattr(main, "time", SimpleNamespace(sleep=self.pauses.append))
        monkeypatch.setattr(main, "Poller", lambda: self.poller)
        fakes: Any = {
            "settings": SimpleNamespace(run_dir=run_dir, kind="pods"),
            "watcher": self.watcher,
            "channels": self.channels,
            "stop": SimpleNamespace(fd=self._silent),
            "view": SimpleNamespace(),
        }
        log = Log("watcher-test")
        door = Door(context, listen=None, keys=None, refused={}, log=log)
        self.loop = Loop(context=context, door=door, log=log, **fakes)

    def add(self, *happenings: Happening, streams_list: bool = False) -> Channel:
        channel = self.channels[Scope(streams_list=streams_list)] = Channel(*happenings)
        return channel

    def slept(self) -> int:
        """Milliseconds that a turn would have slept."""
        self.loop.turn()
        return self.poller.sleeps[-1]

    def close(self) -> None:
        self.loop.close()
        os.close(self._silent)
        os.close(self._write)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with zmq.Context() as context:
        bench = Bench(tmp_path, context, monkeypatch)
        yield bench
        bench.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def test_a_channel_is_told_what_is_readable(bench: Bench, pipe: tuple[int, int]) -> None:
    read, write = pipe
    channel = bench.add()
    channel.fds = (read,)
    bench.loop.turn()
    assert channel.readable == set()
    os.write(write, b"x")
    bench.loop.turn()
    assert channel.readable == {read}


def test_what_a_channel_has_given_up_wakes_nobody(bench: Bench, pipe: tuple[int, int]) -> None:
    read, write = pipe
    channel = bench.add()
    channel.fds = (read,)
    bench.loop.turn()
    os.write(write, b"x")
    channel.fds = ()
    bench.loop.turn()
    assert bench.poller.given == {}


def test_a_calm_watcher_sleeps_until_its_beat(bench: Bench) -> None:
    assert bench.slept() == 1_000
    bench.now = 99.75
    assert bench.slept() == 250


def test_it_does_not_wake_up_before_its_beat_is_due(bench: Bench) -> None:
    """If it did, it would turn without a pause for the rest of the millisecond."""
    bench.now = 100.0 - 0.0004
    assert bench.slept() == 1


def test_a_calm_watcher_has_a_tick_when_its_beat_is_due_and_only_then(bench: Bench) -> None:
    assert bench.slept() == 1_000
    assert bench.watcher.ticks == 0
    bench.now = 100.5  # it was held up
    assert bench.slept() == 1_000
    assert bench.watcher.ticks == 1


def test_one_that_is_not_calm_looks_at_the_time_more_often(bench: Bench) -> None:
    bench.watcher.calm = False
    for turn in (1, 2):
        assert bench.slept() == TURN_MILLISECONDS
        assert bench.watcher.ticks == turn


def test_it_does_not_sleep_while_any_channel_has_something_to_do(bench: Bench) -> None:
    busy, _ = bench.add(), bench.add()
    busy.more = True
    assert bench.slept() == 0
    busy.more = False
    assert bench.slept() == 1_000


def test_it_pauses_after_a_read_of_a_streaming_list_that_brought_little(bench: Bench) -> None:
    bench.add(LITTLE, streams_list=True)
    bench.add(MUCH, streams_list=True)
    bench.loop.turn()
    assert bench.pauses == [LIST_PAUSE_SECONDS]
    bench.loop.turn()
    assert bench.pauses == [LIST_PAUSE_SECONDS]


def test_it_does_not_pause_after_a_read_of_a_streaming_list_that_brought_much(bench: Bench) -> None:
    bench.add(MUCH, streams_list=True)
    bench.loop.turn()
    assert bench.pauses == []


def test_it_does_not_pause_where_somebody_waits_for_each_event(bench: Bench) -> None:
    bench.add(LITTLE)
    bench.loop.turn()
    assert bench.pauses == []
