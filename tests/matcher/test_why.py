"""What the matcher says of a pod that a person asks for."""

from threading import Thread
from typing import Any

import pytest

from common.errors import UsageError
from common.records import UID
from common.wanted import CHUNK
from matcher.outbox import SHARED_SECONDS
from matcher.pods import Pod, Shape
from tests.fakes.asked import ask
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    REPLICA_SET,
    ROLLOUT,
    owner,
    pod,
)

ID = "3f1a9c0e7b52" * 5 + "abcd"


def the_pod(pipeline: Pipeline, what: str = "p1") -> dict[str, Any]:
    (found,) = ask(pipeline, what)["pods"]
    return found


def chain(pipeline: Pipeline) -> list[tuple[str, str | None]]:
    """How each step is known, and whom it leads to."""
    return [(step["source"], step["controller"] and step["controller"]["name"]) for step in the_pod(pipeline)["chain"]]


def obstacles(pipeline: Pipeline) -> list[str]:
    return [one["reason"] for one in the_pod(pipeline)["not_sent"]]


def test_a_pod_is_found_by_uid_name_address_and_container():
    pipeline = Pipeline.started(
        pods=(pod("p1", containers=(f"containerd://{ID}",)), pod("p2", ips=("10.0.0.2",), containers=("cri-o://x",)))
    )
    for what in ("p1", "default/pod-p1", "10.0.0.1", f"containerd://{ID}", ID, ID[:12]):
        assert the_pod(pipeline, what)["uid"] == "p1", what
    assert ask(pipeline, "default/nobody")["pods"] == []


def test_an_address_of_many_finds_all():
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2"), pod("p3", ips=("10.0.0.3",))))
    assert [one["uid"] for one in ask(pipeline, "10.0.0.1")["pods"]] == ["p1", "p2"]


def test_a_pod_that_lost_its_address_is_found_by_the_one_that_it_was_sent_with():
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.put("pods", pod("p1", ips=()))
    pipeline.settle()
    assert the_pod(pipeline, "10.0.0.1")["uid"] == "p1"


def test_a_pod_that_is_sent_without_an_ipv4_address_is_found_by_what_is_sent_for_one():
    pipeline = Pipeline.started(pods=(pod("p1", ips=("fd00::1",)), pod("p2")))
    for what in ("0.0.0.0", "fd00::1"):
        assert the_pod(pipeline, what)["uid"] == "p1"


def test_who_asks_while_a_pod_gets_another_shape_waits_for_the_part_that_goes_with_it():
    """The admin's threads read between any two steps of the loop."""
    pipeline = Pipeline.started(pods=(pod("p1", containers=("a",)),))
    matcher, asked = pipeline.core.matcher, list[tuple[bytes, bytes]]()
    kept = matcher.pods[UID("p1")]
    asker = Thread(target=lambda: asked.append(kept.parts()))
    move = matcher.groups.move

    def move_asked(moved: Pod, shape: Shape) -> None:
        asker.start()
        move(moved, shape)
        asker.join(0.01)
        assert not asked

    matcher.groups.move = move_asked
    pipeline.put("pods", pod("p1", containers=("a", "b")))
    pipeline.settle()
    asker.join()
    assert asked == [(kept.shape.data, kept.own)]
    assert kept.record == pod("p1", containers=("a", "b"))


def test_pods_may_come_and_go_while_one_is_looked_for():
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n}", ips=(f"10.0.{n >> 8}.{n & 255}",)) for n in range(CHUNK + 1)))

    def rest() -> None:
        pipeline.remove("pods", "p0")
        pipeline.put("pods", pod(f"new-{pipeline.now}"))
        pipeline.settle()

    last = f"10.0.{CHUNK >> 8}.{CHUNK & 255}"
    assert [one["uid"] for one in ask(pipeline, last, rest=rest)["pods"]] == [f"p{CHUNK}"]


def test_what_cannot_be_asked_is_the_askers_mistake():
    with pytest.raises(UsageError):
        ask(Pipeline(), "a/b/c")


# The way up -------------------------------------------------------------------------------------------------------------------


def test_a_deployment_is_reached_by_two_records():
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners={"replicasets": (owner("rs1", DEPLOYMENT),)})
    assert chain(pipeline) == [("record", "web-7d4b9c"), ("record", "web")]
    assert the_pod(pipeline)["owner"] == {"kind": "deployment", "uid": "d1", "name": "web"}


def test_a_pod_and_a_replica_set_without_a_controller_are_orphans():
    assert chain(Pipeline.started(pods=(pod(),))) == [("orphan", None)]
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners={"replicasets": (owner("rs1"),)})
    assert chain(pipeline) == [("record", "web-7d4b9c"), ("orphan", None)]


def test_a_controller_of_another_kind_is_the_end_of_the_way():
    assert chain(Pipeline.started(pods=(pod(by=DAEMON_SET),))) == [("record", "agent")]


def test_a_rollout_is_named_but_is_the_owner_only_with_climb():
    owners = {"replicasets": (owner("rs1", ROLLOUT),)}
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners=owners)
    assert chain(pipeline) == [("record", "web-7d4b9c"), ("above", "canary")]
    climbing = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners=owners, climb=True)
    assert chain(climbing) == [("record", "web-7d4b9c"), ("record", "canary")]


def test_an_owner_that_is_waited_for_says_since_when_and_until_when():
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    pipeline.wait(12)
    found = the_pod(pipeline)
    assert chain(pipeline) == [("record", "web-7d4b9c"), ("waiting", None)]
    assert found["chain"][1]["waiting_seconds"] == 12.0
    (obstacle,) = found["not_sent"]
    assert (obstacle["reason"], obstacle["owner"]["uid"], obstacle["waiting_seconds"]) == ("waiting", "rs1", 12.0)
    assert obstacle["text"] == (
        "it has waited 12 s for ReplicaSet web-7d4b9c, and goes out without knowing what controls that in 18 s"
    )
    assert found["sent"] is None


def test_after_the_wait_the_owner_is_provisional_and_the_pod_is_sent():
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    pipeline.wait(31)
    assert chain(pipeline) == [("record", "web-7d4b9c"), ("provisional", None)]
    assert (obstacles(pipeline), the_pod(pipeline)["sent"]["live"]) == ([], True)


def test_an_owner_that_may_not_be_read_is_forbidden():
    pipeline = Pipeline.started()
    pipeline.watchers["jobs"].forbid()
    pipeline.wait(3)
    pipeline.put("pods", pod(by=JOB))
    pipeline.settle()
    assert chain(pipeline) == [("record", "nightly-1700"), ("forbidden", None)]


def test_an_owner_whose_record_is_gone_is_remembered():
    pipeline = Pipeline.started(pods=(pod(by=JOB),), owners={"jobs": (owner("j1", CRON_JOB),)})
    pipeline.remove("jobs", "j1")
    pipeline.settle()
    assert chain(pipeline) == [("record", "nightly-1700"), ("deleted", "nightly")]
    assert the_pod(pipeline)["chain"][1]["controller"]["kind"] == "CronJob"


# Whether it was sent ------------------------------------------------------------------------------------------------------------


def test_when_a_pod_was_sent_last_is_known_to_ten_seconds_and_moves_with_what_is_sent_of_it():
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2")))
    pipeline.wait(60)
    sent = the_pod(pipeline)["sent"]
    assert (sent["epoch"], sent["live"], sent["within_seconds"]) == (1, True, SHARED_SECONDS)
    assert sent["age_seconds"] == 60.0
    pipeline.put("pods", pod("p1", ips=("10.0.0.9",)))
    pipeline.settle()
    assert the_pod(pipeline)["sent"]["age_seconds"] == 0.0
    assert the_pod(pipeline, "p2")["sent"]["age_seconds"] == 60.0


def test_a_change_that_says_nothing_new_is_no_sending():
    pipeline = Pipeline.started(pods=(pod("p1", containers=("containerd://c",), image="app:1"),))
    pipeline.wait(60)
    pipeline.put("pods", pod("p1", containers=("containerd://c",), image="app:2"))
    pipeline.settle()
    assert pipeline.core.matcher.pods["p1"].record == pipeline.truth["pods"]["p1"]
    assert the_pod(pipeline)["sent"]["age_seconds"] == 60.0


def test_pods_that_go_out_together_share_when_they_did():
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n}") for n in range(600)))
    assert len({id(one.sent) for one in pipeline.core.matcher.pods.values()}) == 1


def test_a_pod_without_an_address_says_so():
    assert obstacles(Pipeline.started(pods=(pod("p1", ips=()),))) == ["no_ip"]


def test_while_the_link_is_down_that_is_why_and_the_pod_is_not_live():
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.relay.disconnect()
    pipeline.settle()
    assert obstacles(pipeline) == ["link_down"]
    assert the_pod(pipeline)["sent"]["live"] is False
    assert ask(pipeline, "p1")["upstream"]["open"] is False


def test_a_relay_that_was_never_heard_is_why():
    pipeline = Pipeline()
    pipeline.put("pods", pod("p1"))
    for watcher in pipeline.watchers.values():
        watcher.finish_list()
    pipeline.relay.links.clear()
    while pipeline.hear():
        pass
    assert obstacles(pipeline) == ["no_relay"]


def test_a_change_that_waits_for_a_slow_reducer_is_dirty():
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.put("pods", pod("p1", ips=("10.0.0.9",)))
    pipeline.hear()
    assert obstacles(pipeline) == ["dirty"]
    pipeline.settle()
    assert obstacles(pipeline) == []


def test_a_pod_that_the_sweep_has_not_come_to_says_how_many_are_before_it():
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n}") for n in range(300)))
    pipeline.core.resync()
    pipeline.core.take()
    (obstacle,) = the_pod(pipeline, "p299")["not_sent"]
    assert obstacle["reason"] == "unswept"
    assert "epoch 2 is being sent, and 45 pods" in obstacle["text"]
    assert obstacles(pipeline) == []
