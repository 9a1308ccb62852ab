"""The watcher's sockets: what is published, what is answered, and what is dropped. Real ZeroMQ sockets in a temporary directory."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from common.door import Door
from common.errors import UsageError
from common.logs import Log
from common.messages import Beat, Condition, SnapshotAsk, SnapshotChunk, SnapshotGone, Updates, decode, encode
from common.place import claim
from common.sockets import snapshots_endpoint, updates_endpoint
from tests.fakes.kube_socket import ScriptedDialer
from watcher.answers import MOST_ANSWERS, answer_waiting
from watcher.channel import HttpChannel
from watcher.cli import settings_of
from watcher.core import Watcher
from watcher.main import Loop, _scope, run
from watcher.publish import Publisher
from watcher.settings import Settings
from watcher.view import WatcherView

PATIENCE_MILLISECONDS = 30_000


class Stop:
    """A `common.stop.StopSignal` that nobody sends."""

    requested = False

    def __init__(self, fd: int) -> None:
        self.fd = fd


def _settings(run_dir: Path, **other: object) -> Settings:
    options = {
        "kind": "pods",
        "run_dir": run_dir,
        "admin": "off",
        "listen": "ipc",
        "keys_dir": None,
        "kubeconfig": str(run_dir / "nowhere"),
        "context": None,
        "namespaces": (),
        "label_selector": "app=web",
        "field_selector": "spec.nodeName=n1",
        "encoding": "protobuf",
        "streaming_lists": "never",
        "watch_silence_seconds": 150.0,
        "record_updates": None,
        "record_updates_most_mib": 1,
        "anonymize": False,
    }
    return settings_of(**options | other)


class Bench:
    """A loop with a channel that dials for ever, and a reader."""

    def __init__(self, context: zmq.Context, settings: Settings, stop: Stop) -> None:
        log = Log("watcher-test")
        dialer = ScriptedDialer()
        dialer.fd = stop.fd
        channel = HttpChannel(dialer, silence_seconds=150.0)
        scope = _scope(settings, None, channel, log)
        self.publisher = Publisher(kind="pods", incarnation="life", records=scope.store.records)
        watcher = Watcher(scopes=[scope], publisher=self.publisher)
        self.view = WatcherView(watcher=watcher, channels={scope: channel}, server="api:443", clock=lambda: 0.0)
        self.updates = context.socket(zmq.SUB)
        self.updates.setsockopt(zmq.SUBSCRIBE, b"")
        self.asking = context.socket(zmq.DEALER)
        for socket in (self.updates, self.asking):
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MILLISECONDS)
        self.loop = Loop(
            context=context,
            settings=settings,
            watcher=watcher,
            channels={scope: channel},
            door=Door(context, listen=None, keys=None, refused={}, log=log),
            stop=stop,
            log=log,
            view=self.view,
        )
        self.updates.connect(updates_endpoint(settings.run_dir, "pods"))
        self.asking.connect(snapshots_endpoint(settings.run_dir, "pods"))

    def answer(self) -> SnapshotChunk | SnapshotGone:
        while not self.asking.poll(0):
            self.loop.turn()
        return decode(self.asking.recv())

    def close(self) -> None:
        self.loop.close()
        self.updates.close()
        self.asking.close()


@pytest.fixture
def bench(tmp_path) -> Iterator[Bench]:
    silent, write = os.pipe()
    with zmq.Context() as context:
        bench = Bench(context, _settings(tmp_path), Stop(silent))
        yield bench
        bench.close()
    os.close(silent)
    os.close(write)


def test_a_question_gets_its_answer(bench):
    bench.asking.send(encode(SnapshotAsk(request=5, index=0)))
    answer = bench.answer()
    assert isinstance(answer, SnapshotChunk)
    assert (answer.request, answer.condition, answer.last) == (5, Condition.LISTING, True)


def test_bad_frames_are_counted_and_dropped_and_the_next_question_gets_its_answer(bench):
    good = encode(SnapshotAsk(request=7, index=0))
    beat = encode(bench.publisher.beat(Condition.LISTING))
    foreign = encode(SnapshotAsk(version=99, request=7, index=0))
    for frames in ([b""], [b"\xff" * 100], [good[:-1]], [foreign], [beat], [good, good], [b"", good]):
        bench.asking.send_multipart(frames)
    bench.asking.send(good)
    assert bench.answer().request == 7
    assert bench.view.bad_frames == 7
    assert bench.view.state()["bad_frames"] == {"snapshots": 7}


class Flood:
    """A socket with ever one more bad frame."""

    def __init__(self) -> None:
        self.given = 0

    def poll(self, _timeout: int) -> bool:
        return True

    def recv_multipart(self) -> list[bytes]:
        self.given += 1
        assert self.given <= MOST_ANSWERS, "one asker has the whole turn"
        return [b"client", b"junk"]


def test_whoever_asks_without_end_gets_so_many_answers_in_a_turn_and_no_more():
    flood, dropped = Flood(), []
    answer_waiting(flood, lambda *_: None, dropped.append)
    assert flood.given == len(dropped) == MOST_ANSWERS


def test_updates_and_beats_are_published(bench):
    seen = []
    bench.loop.turn()
    while not any(isinstance(message, Beat) for message in seen):
        bench.loop.turn()
        while bench.updates.poll(0):
            seen.append(decode(bench.updates.recv()))
    assert all(isinstance(message, Updates | Beat) and message.incarnation == "life" for message in seen)


def test_selectors_pick_pods_and_owners_are_followed_whatever_their_labels(tmp_path):
    log = Log("watcher-test")
    targets = []
    for kind in ("pods", "replicasets", "jobs"):
        channel = HttpChannel(ScriptedDialer(), silence_seconds=1.0)
        _scope(_settings(tmp_path, kind=kind), "shop", channel, log).tick(0.0)
        targets.append(channel._request.target)
    assert targets == [
        "/api/v1/namespaces/shop/pods?limit=500&labelSelector=app%3Dweb&fieldSelector=spec.nodeName%3Dn1",
        "/apis/apps/v1/namespaces/shop/replicasets?limit=500",
        "/apis/batch/v1/namespaces/shop/jobs?limit=500",
    ]


def test_a_second_watcher_of_a_kind_says_who_holds_the_place(tmp_path):
    place = claim(tmp_path, "watcher-pods")
    with place, pytest.raises(UsageError, match="watcher-pods is running already"):
        run(_settings(tmp_path))


def test_a_watcher_without_a_kubeconfig_ends_before_it_opens_anything(tmp_path):
    with pytest.raises(UsageError, match="no kubeconfig at"):
        run(_settings(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["watcher-pods.pid"]
