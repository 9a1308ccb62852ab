"""What a watcher shows of itself to people, probes and Prometheus."""

import json
import random

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from common.logs import Log
from tests.fakes.kube_channel import NotingChannel
from tests.fakes.kube_socket import ScriptedDialer
from tests.fakes.kube_wire import PROTOBUF, pod
from watcher.channel import HttpChannel, NoConnection
from watcher.core import Watcher
from watcher.publish import Publisher
from watcher.scope import Scope
from watcher.view import WatcherView


class Bench:
    """A view of a watcher of one scope."""

    def __init__(self) -> None:
        self.now = 0.0
        self.channel = NotingChannel()
        self.scope = Scope(
            kind="pods",
            namespace=None,
            selectors={},
            encoding="protobuf",
            streaming="never",
            channel=self.channel,
            log=Log("watcher-test"),
            random_=random.Random(1),
        )
        publisher = Publisher(kind="pods", incarnation="life", records=self.scope.store.records)
        self.watcher = Watcher(scopes=[self.scope], publisher=publisher)
        http = HttpChannel(ScriptedDialer(), silence_seconds=1.0)
        self.view = WatcherView(
            watcher=self.watcher, channels={self.scope: http}, server="api:443", clock=lambda: self.now
        )
        self.watcher.tick(now=0.0, stamp_ns=0)

    def take(self, happening) -> None:
        self.watcher.take(self.scope, [happening], now=1.0, stamp_ns=0)


def test_a_watcher_is_ready_when_it_has_listed():
    bench = Bench()
    assert bench.view.not_ready() == "listing pods of all namespaces; no fault so far"
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=7)))
    assert bench.view.not_ready() is None


def test_why_it_is_not_ready_names_the_last_fault():
    bench = Bench()
    bench.take(NoConnection("Connection refused"))
    assert bench.view.not_ready() == "listing pods of all namespaces; unreachable: Connection refused"


def test_a_denied_watcher_is_not_ready_and_gives_the_servers_words():
    bench = Bench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=7)))
    bench.take(bench.channel.answer(PROTOBUF.status(403, 'cannot watch "pods"'), status=403))
    assert bench.view.not_ready() == 'cannot watch "pods"'


def test_the_state_is_json_and_counts_what_came():
    bench = Bench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a"), pod("b"), {"metadata": {}}], version=7)))
    state = json.loads(json.dumps(bench.view.state()))
    assert (state["objects"], state["condition"], state["sequence"], state["server"]) == (2, "following", 2, "api:443")
    assert state["shapes"] == 1
    (scope,) = state["scopes"]
    assert (scope["namespace"], scope["activity"], scope["watch_age_seconds"]) == ("all", "watching", 0.0)
    assert scope["events"] == {"changed": 2, "unchanged": 0, "deleted": 0, "bookmark": 0}
    assert scope["decode_errors"] == {"unreadable": 0, "without_uid": 1}
    assert (scope["pages"], scope["lists"]["start"]) == (1, 1)
    assert all(state[name] == scope[name] for name in ("events", "decode_errors", "pages", "lists", "faults"))


def test_the_state_says_how_old_the_newest_of_each_is():
    bench = Bench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=7)))
    bench.now = 4.0
    state = bench.view.state()
    ages = [state[f"{name}_age_seconds"] for name in ("watch", "last_event", "last_bookmark")]
    assert ages == [4.0, 3.0, None]
    bench.take(bench.channel.begin(PROTOBUF.bookmark(9)))
    assert bench.view.state()["scopes"][0]["last_bookmark_age_seconds"] == 3.0


def test_metrics_are_named_and_typed_as_prometheus_wants_them():
    bench = Bench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=7)))
    bench.take(NoConnection("refused"))
    bench.view.bad_frames = 3

    class Collector:
        def collect(self):
            yield from bench.view.metrics()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    lines = generate_latest(registry).decode().splitlines()
    assert 'podwire_watcher_events_total{kind="pods",type="changed"} 1.0' in lines
    assert 'podwire_watcher_lists_total{kind="pods",reason="start"} 1.0' in lines
    assert 'podwire_watcher_faults_total{kind="pods",reason="unreachable"} 1.0' in lines
    assert 'podwire_watcher_bad_frames_total{kind="pods",origin="snapshots"} 3.0' in lines
    assert 'podwire_watcher_objects{kind="pods"} 1.0' in lines
