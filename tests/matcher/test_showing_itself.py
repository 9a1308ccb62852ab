"""What the admin HTTP is told."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from common.logs import Log
from matcher.loop import Loop
from matcher.view import MatcherView
from tests.fakes.neighbours import FakeNeighbours
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import DEPLOYMENT, REPLICA_SET, owner, pod


def view_of(pipeline: Pipeline) -> MatcherView:
    loop = Loop(pipeline.core, FakeNeighbours(), clock=lambda: pipeline.now, log=Log("matcher"))
    return MatcherView(pipeline.core, loop, neighbours=(), clock=lambda: pipeline.now)


def test_the_state_counts_what_is_known_and_can_be_said_in_json() -> None:
    pipeline = Pipeline.started(
        pods=(pod("p1"), pod("p2", by=REPLICA_SET)), owners={"replicasets": (owner("rs9", DEPLOYMENT),)}
    )
    pipeline.wait(1)
    state = view_of(pipeline).state()
    assert json.loads(json.dumps(state)) == state
    assert state["pods"] == {
        "known": 2,
        "shapes": 2,
        "live": 1,
        "waiting": 1,
        "provisional": 0,
        "dirty": 0,
        "unswept": 0,
        "swept": 2,
    }
    assert state["owners"] == {"replicasets": 1, "jobs": 0}
    assert (state["epoch"]["number"], state["epoch"]["reasons"], state["epoch"]["sent"]) == (1, ["connection"], 2)
    assert state["link"]["taken"] == 2
    assert 0 < state["epoch"]["age_seconds"] <= pipeline.now
    assert 0 < state["last_event_age_seconds"] <= pipeline.now
    pods = state["watchers"]["pods"]
    assert (pods["follows"], pods["sequence"], pods["condition"], pods["trouble"]) == (
        "Following",
        1,
        "following",
        None,
    )


def test_a_matcher_that_nobody_has_answered_can_be_shown() -> None:
    state = view_of(Pipeline()).state()
    assert json.loads(json.dumps(state)) == state
    assert (state["link"], state["reading"], state["watchers"]["jobs"]["follows"]) == (None, "OwnersFirst", "Asking")


def test_it_is_ready_when_all_was_read_and_sent_and_else_says_what_is_missing() -> None:
    pipeline = Pipeline()
    view = view_of(pipeline)
    assert view.not_ready() == "the watcher of pods is silent"
    pipeline.wait(1)
    assert view.not_ready() == "the watcher of pods is listing"
    for watcher in pipeline.watchers.values():
        watcher.finish_list()
    watcher.beat()
    pipeline.wait(0.25)
    for follower in pipeline.core.followers.values():
        assert follower.pulse.trouble(pipeline.now) is None
    assert view.not_ready() == "no connection to a reducer"
    pipeline.relay.connect()
    pipeline.settle()
    assert view.not_ready() is None
    pipeline.core.followers["jobs"].take_snapshot(pipeline.now)
    assert view.not_ready() == "the snapshot of jobs is not complete"


def test_an_epoch_that_is_being_sent_is_not_ready() -> None:
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n}") for n in range(300)))
    pipeline.wait(1)
    view = view_of(pipeline)
    assert view.not_ready() is None
    pipeline.core.resync()
    pipeline.core.take()
    assert view.not_ready() == "45 pods of the epoch have not been sent"


def test_the_metrics_say_the_same() -> None:
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2", by=REPLICA_SET)))
    pipeline.wait(1)
    view = view_of(pipeline)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(type("Collector", (), {"collect": lambda _self: view.metrics()})())
    samples = {
        (sample.name.removeprefix("podwire_matcher_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }
    assert samples["pods",] == 2
    assert samples["pods_live",] == 1
    assert samples["pods_waiting",] == 1
    assert samples["epochs_total", "connection"] == 1
    assert samples["emissions_sent_total",] == 2
    assert samples["watcher_healthy", "jobs"] == 1
    assert samples["snapshots_total", "pods"] == pytest.approx(1)
