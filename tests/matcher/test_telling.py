"""What the matcher's log says, to somebody on call."""

import logging

import pytest

from common.messages import Apply
from common.records import UID, Record
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import REPLICA_SET, owner, pod


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Events since the last call, with the kind they are about."""
    told = [" ".join(filter(None, (one.getMessage(), vars(one)["fields"].get("kind")))) for one in caplog.records]
    caplog.clear()
    return told


def test_a_start_tells_snapshots_and_the_epoch_with_counts_and_seconds(caplog: pytest.LogCaptureFixture) -> None:
    Pipeline.started(pods=tuple(pod(f"p{n}") for n in range(300)))
    fields = {one.getMessage(): vars(one)["fields"] for one in caplog.records}
    told = lines(caplog)
    assert [line for line in told if line.startswith("snapshot")] == [
        "snapshot taken replicasets",
        "snapshot taken jobs",
        "snapshot taken pods",
    ]
    assert fields["snapshot taken"]["objects"] == 300
    assert fields["epoch opened"]["reasons"] == "connection"
    assert fields["epoch sent"]["pods"] == 300
    assert told.count("epoch sent") == 1


def test_a_watcher_that_falls_silent_and_is_heard_again_is_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.started()
    pipeline.wait(2)
    lines(caplog)
    for _ in range(30):
        pipeline.now += 1
        pipeline.core.tick(pipeline.now)
    silent = lines(caplog)
    assert sorted(silent) == ["watcher silent jobs", "watcher silent pods", "watcher silent replicasets"]
    pipeline.wait(2)
    assert sorted(lines(caplog)) == ["watcher healthy jobs", "watcher healthy pods", "watcher healthy replicasets"]


def test_a_gap_and_its_snapshot_are_told(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.started()
    lines(caplog)
    pipeline.put("pods", pod("p1"))
    pipeline.watchers["pods"].published.clear()
    pipeline.put("pods", pod("p2"))
    pipeline.settle()
    told = lines(caplog)
    assert told[:2] == ["updates got lost, a snapshot is taken pods", "snapshot taken pods"]


def test_the_guard_is_told_when_it_trips_and_when_it_is_armed_again(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.started(max_waiting=3)
    for number in range(4):
        pipeline.put("pods", pod(f"p{number}", by=REPLICA_SET))
    pipeline.settle()
    told = [line for line in lines(caplog) if line.startswith("guard")]
    assert told == ["guard tripped, everything is read afresh", "guard armed again"]


def test_owners_that_may_not_be_seen_are_given_up_and_expected_again_when_they_may(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline = Pipeline.started()
    pipeline.wait(2)
    lines(caplog)
    pipeline.watchers["jobs"].forbid()
    pipeline.wait(3)
    assert lines(caplog) == ["watcher forbidden jobs", "owners given up jobs"]
    pipeline.watchers["jobs"].finish_list()
    pipeline.wait(3)
    assert lines(caplog) == ["watcher healthy jobs", "owners expected again jobs"]


def test_records_that_cannot_be_decoded_are_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.started()
    pipeline.wait(2)
    lines(caplog)
    for number in range(5):
        bad, good = Apply(Record(b"\xc1", UID("bad"), b"\xc1")), Apply(pod(f"p{number}"))
        pipeline.watchers["pods"].publish(bad, good)
        pipeline.settle()
    assert lines(caplog) == ["records left out pods"]


def test_a_snapshot_and_an_epoch_that_take_long_tell_how_far_they_are(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n}") for n in range(600)))
    pipeline.core.resync()
    pipeline.core.take()
    lines(caplog)
    for seconds in range(1, 12):
        pipeline.core.tick(pipeline.now + seconds)
    (sending,) = [vars(one)["fields"] for one in caplog.records if one.getMessage() == "sending epoch"]
    assert sending == {"epoch": 2, "pods": 255, "of_about": 600, "seconds": 5.0}


def test_a_partial_snapshot_tells_how_far_it_is_while_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Pipeline()
    for number in range(20):
        pipeline.put("replicasets", owner(f"rs{number}"))
        pipeline.wait(1)
    told = [vars(one)["fields"] for one in caplog.records if one.getMessage() == "taking snapshot"]
    assert [one["objects"] for one in told if one["kind"] == "jobs"] == [0]
    counts = [one["objects"] for one in told if one["kind"] == "replicasets"]
    assert counts == sorted(set(counts))
    assert 3 <= len(counts) <= 5
