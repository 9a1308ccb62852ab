"""Owners first; what happens when they are not to be had; and the guard."""

from common.messages import Condition
from common.records import UID, Controller
from matcher.core import OwnersFirst, PodsNext, Read
from matcher.epochs import Cause
from matcher.guard import Armed, Rereading
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import (
    BY_DEPLOYMENT,
    BY_REPLICA_SET,
    CRON_JOB,
    DEPLOYMENT,
    JOB,
    NOBODY,
    REPLICA_SET,
    owner,
    pod,
)

IP = "10.0.0.1"


def test_owners_are_asked_for_first_and_pods_when_both_are_complete() -> None:
    pipeline = Pipeline()
    assert list(pipeline.core.asks) == ["replicasets", "jobs"]
    pipeline.watchers["replicasets"].finish_list()
    pipeline.settle()
    assert isinstance(pipeline.core.reading, OwnersFirst), "the snapshot of jobs is partial"
    assert "pods" not in pipeline.core.asks
    pipeline.watchers["jobs"].finish_list()
    pipeline.hear_updates("jobs")
    assert pipeline.core.reading == PodsNext()
    assert list(pipeline.core.asks) == ["pods"]
    pipeline.watchers["pods"].finish_list()
    pipeline.settle()
    assert pipeline.core.reading == Read()


def test_a_forbidden_kind_holds_up_nothing() -> None:
    pipeline = Pipeline()
    pipeline.relay.connect()
    pipeline.truth["pods"][UID("p1")] = pod("p1", by=JOB)
    pipeline.watchers["replicasets"].finish_list()
    pipeline.watchers["pods"].finish_list()
    pipeline.watchers["jobs"].forbid()
    pipeline.watchers["jobs"].beat()
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"p1"}


def test_owners_that_never_come_hold_up_pods_for_the_owner_wait_and_no_longer() -> None:
    pipeline = Pipeline(owner_wait_seconds=30.0)
    pipeline.relay.connect()
    pipeline.truth["pods"] |= {UID("p1"): pod("p1", by=REPLICA_SET), UID("p2"): pod("p2", by=JOB)}
    pipeline.watchers["jobs"].finish_list()
    pipeline.watchers["pods"].finish_list()
    pipeline.wait(29.75)
    assert pipeline.reducer.pods == {}
    pipeline.wait(0.25)
    assert pipeline.reducer.pods == {"p1": (IP, BY_REPLICA_SET)}, "p2 waits: the jobs were read"
    pipeline.truth["replicasets"][UID("rs1")] = owner("rs1", DEPLOYMENT)
    pipeline.watchers["replicasets"].finish_list()
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}
    pipeline.put("pods", pod("p3", by=Controller(UID("rs3"), "ReplicaSet", "apps", "x")))
    pipeline.settle()
    assert "p3" not in pipeline.reducer.pods, "replica sets were read, so pods wait for them"


def test_with_an_owner_wait_of_zero_pods_are_held_up_until_the_owners_are_complete() -> None:
    pipeline = Pipeline(owner_wait_seconds=0.0)
    pipeline.relay.connect()
    pipeline.truth["pods"][UID("p1")] = pod()
    pipeline.watchers["pods"].finish_list()
    pipeline.watchers["jobs"].finish_list()
    pipeline.wait(100)
    assert pipeline.reducer.pods == {}
    pipeline.watchers["replicasets"].finish_list()
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}


def test_a_message_of_another_kind_than_the_sockets_is_refused() -> None:
    pipeline = Pipeline.started()
    pipeline.watchers["jobs"].beat()
    beat = pipeline.watchers["jobs"].published.pop()
    assert not pipeline.core.from_watcher("pods", beat, pipeline.now)
    assert pipeline.core.from_watcher("jobs", beat, pipeline.now)


def test_the_report_is_healthy_while_every_watcher_follows_and_sums_what_all_used() -> None:
    pipeline = Pipeline.started()
    pipeline.wait(1)
    own = pipeline.core.followers["pods"].pulse.usage
    report = pipeline.core.report(own, pipeline.now)
    assert (report.healthy, report.usage.user_us) == (True, 4)
    pipeline.watchers["jobs"].forbid()
    pipeline.wait(1)
    assert not pipeline.core.report(own, pipeline.now).healthy
    pipeline.watchers["jobs"].condition = Condition.FOLLOWING
    pipeline.wait(1)
    assert pipeline.core.report(own, pipeline.now).healthy
    assert not pipeline.core.report(own, pipeline.now + 5.0).healthy


# The guard ----------------------------------------------------------------------------------------------------------------------


def waiting_pods(number: int, *, first: int = 0) -> list[bytes]:
    """Pods, each with a ReplicaSet of its own that never comes."""
    return [
        pod(f"w{n}", by=Controller(UID(f"missing{n}"), "ReplicaSet", "apps", f"missing-{n}"))
        for n in range(first, first + number)
    ]


def put_all(pipeline: Pipeline, pods: list[bytes]) -> None:
    for one in pods:
        pipeline.put("pods", one)
    pipeline.settle()


def test_as_many_pods_as_may_wait_do_not_trip_the_guard() -> None:
    pipeline = Pipeline.started(max_waiting=4)
    put_all(pipeline, waiting_pods(4))
    assert pipeline.core.guard.trips == 0
    assert pipeline.core.matcher.groups.waiting == 4


def test_one_pod_more_reads_everything_afresh_makes_one_epoch_and_lets_all_of_them_go() -> None:
    pipeline = Pipeline.started(pods=(pod(),), max_waiting=4)
    fills = {kind: follower.counts.fills for kind, follower in pipeline.core.followers.items()}
    put_all(pipeline, waiting_pods(5))
    assert pipeline.core.guard.trips == 1
    assert {kind: f.counts.fills - fills[kind] for kind, f in pipeline.core.followers.items()} == dict.fromkeys(
        fills, 1
    )
    assert (pipeline.core.epochs.number, set(pipeline.core.epochs.reasons)) == (2, {Cause.GUARD, Cause.RELIST})
    assert len(pipeline.reducer.pods) == 6
    assert (pipeline.core.matcher.groups.waiting, pipeline.core.matcher.groups.provisional) == (0, 5)
    assert pipeline.core.guard.state == Armed()


def test_the_guard_does_not_trip_again_for_the_same_pods_and_their_owners_correct_them() -> None:
    pipeline = Pipeline.started(max_waiting=4)
    put_all(pipeline, waiting_pods(5))
    pipeline.core.resync()
    pipeline.wait(5)
    assert pipeline.core.guard.trips == 1
    pipeline.put("replicasets", owner("missing0", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.reducer.pods["w0"] == (IP, BY_DEPLOYMENT)


def test_a_fresh_snapshot_that_has_the_owners_leaves_nobody_provisional() -> None:
    pipeline = Pipeline.started(max_waiting=2)
    for n in range(3):
        pipeline.truth["jobs"][UID(f"j{n}")] = owner(f"j{n}", CRON_JOB)
        pipeline.watchers["jobs"].store[UID(f"j{n}")] = owner(f"j{n}", CRON_JOB)
    put_all(pipeline, [pod(f"w{n}", by=Controller(UID(f"j{n}"), "Job", "batch", f"j-{n}")) for n in range(3)])
    assert pipeline.core.guard.trips == 1
    assert len(pipeline.reducer.pods) == 3
    assert pipeline.core.matcher.groups.provisional == 0


def test_while_it_reads_afresh_more_waiting_pods_do_not_trip_it_again() -> None:
    pipeline = Pipeline.started(max_waiting=2)
    for one in waiting_pods(9):
        pipeline.put("pods", one)
    for _ in range(9):
        pipeline.hear_updates("pods")
    assert pipeline.core.guard.state == Rereading()
    assert pipeline.core.guard.trips == 1
    pipeline.settle()
    assert pipeline.core.guard.trips == 1
    assert pipeline.core.matcher.groups.provisional == 9


def test_it_trips_again_for_other_pods() -> None:
    pipeline = Pipeline.started(max_waiting=2)
    put_all(pipeline, waiting_pods(3))
    put_all(pipeline, waiting_pods(3, first=10))
    assert pipeline.core.guard.trips == 2
    assert pipeline.core.epochs.number == 3


def test_a_list_that_ends_before_the_owners_are_read_afresh_is_not_the_fresh_one() -> None:
    pipeline = Pipeline(max_waiting=2)
    for kind in ("replicasets", "jobs"):
        pipeline.watchers[kind].finish_list()
    pipeline.settle()
    for one in waiting_pods(3):
        pipeline.put("pods", one)
    pipeline.watchers["pods"].finish_list()
    for _ in range(4):
        pipeline.hear_updates("pods")
    assert pipeline.core.followers["pods"].counts.fills == 1
    assert (pipeline.core.guard.state, pipeline.core.matcher.groups.waiting) == (Rereading(), 3)
    pipeline.settle()
    assert (pipeline.core.guard.state, pipeline.core.matcher.groups.provisional) == (Armed(), 3)
