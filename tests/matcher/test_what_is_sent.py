"""What goes out for a pod in an epoch, and what does not."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from common.messages import Apply, OwnerKind, PodContainers, PodNew
from common.records import NOTHING, UID, Record
from matcher.core import MOST_BYTES, MOST_EMISSIONS
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import (
    BY_DEPLOYMENT,
    BY_OTHER_DEPLOYMENT,
    DEPLOYMENT,
    NOBODY,
    OTHER_DEPLOYMENT,
    REPLICA_SET,
    owner,
    pod,
)

IP = "10.0.0.1"


def test_a_pod_goes_out_once_it_has_an_ip() -> None:
    pipeline = Pipeline.started(pods=(pod(ips=()),))
    assert pipeline.reducer.pods == {}
    pipeline.put("pods", pod(ips=(IP,), containers=("a", "")))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}
    assert pipeline.reducer.containers == {"p1": {"a"}}


def test_a_changed_ip_sends_the_pod_again_without_its_containers() -> None:
    pipeline = Pipeline.started(pods=(pod(containers=("a",)),))
    pipeline.heard()
    pipeline.put("pods", pod(ips=("10.0.0.2",), containers=("a",)))
    pipeline.settle()
    assert pipeline.heard() == [("new", "p1", "10.0.0.2", NOBODY)]


def test_an_ip_that_is_gone_leaves_the_pod_as_it_is_also_in_a_new_epoch() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.heard()
    pipeline.put("pods", pod(ips=()))
    pipeline.settle()
    assert pipeline.heard() == []
    pipeline.core.resync()
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}


def test_of_changed_containers_only_the_new_ones_go_out() -> None:
    pipeline = Pipeline.started(pods=(pod(containers=("a", "b", "")),))
    pipeline.heard()
    pipeline.put("pods", pod(containers=("a", "c", "d")))
    pipeline.settle()
    assert pipeline.heard() == [("containers", "p1", ["c", "d"])]


def test_another_version_alone_sends_nothing() -> None:
    pipeline = Pipeline.started(pods=(pod(containers=("a",), image="app:1"),))
    pipeline.heard()
    pipeline.put("pods", pod(containers=("a",), image="app:2"))
    pipeline.settle()
    assert pipeline.heard() == []


def test_a_changed_owner_and_a_new_container_are_sent_in_that_order() -> None:
    pipeline = Pipeline.started(pods=(pod(),), owners={"replicasets": (owner("rs1", DEPLOYMENT),)})
    pipeline.heard()
    pipeline.put("pods", pod(by=REPLICA_SET, containers=("a",)))
    pipeline.settle()
    assert pipeline.heard() == [("new", "p1", IP, BY_DEPLOYMENT), ("containers", "p1", ["a"])]


def test_a_deleted_pod_is_told_at_once() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.heard()
    pipeline.remove("pods", "p1")
    pipeline.settle()
    assert pipeline.heard() == [("delete", "p1")]
    assert pipeline.core.outbox.live == 0


def test_a_pod_that_went_and_came_back_unsaid_stays_as_it_was_told_until_its_address_and_owner_are_known() -> None:
    """So it is when its labels leave a selector and match it again, while its ReplicaSet's record is gone."""
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners={"replicasets": (owner("rs1", DEPLOYMENT),)})
    pipeline.heard()
    pipeline.remove("replicasets", "rs1")
    pipeline.hear()
    pipeline.remove("pods", "p1")
    pipeline.put("pods", pod(ips=(), by=REPLICA_SET, containers=("a",)))
    pipeline.settle()
    assert pipeline.core.matcher.groups.waiting == 1
    assert pipeline.heard() == [("containers", "p1", ["a"])]
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}
    pipeline.put("replicasets", owner("rs1", OTHER_DEPLOYMENT))
    pipeline.put("pods", pod(ips=("10.0.0.2",), by=REPLICA_SET, containers=("a",)))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": ("10.0.0.2", BY_OTHER_DEPLOYMENT)}
    assert pipeline.core.outbox.live == 1


def test_what_changed_five_times_while_nobody_took_it_is_sent_once() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.heard()
    for n in range(2, 7):
        pipeline.put("pods", pod(ips=(f"10.0.0.{n}",), containers=tuple("abcdef"[:n])))
        pipeline.hear()
    assert pipeline.core.outbox.dirty == 1
    pipeline.settle()
    assert pipeline.heard() == [("new", "p1", "10.0.0.6", NOBODY), ("containers", "p1", list("abcdef"))]


def test_what_changed_and_changed_back_unsaid_is_not_said() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.heard()
    pipeline.put("pods", pod(ips=("10.0.0.2",)))
    pipeline.put("pods", pod())
    pipeline.hear()
    pipeline.settle()
    assert pipeline.heard() == []


def test_a_pod_that_came_and_went_unsaid_is_not_said() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.heard()
    pipeline.put("pods", pod("p2"))
    pipeline.hear()
    pipeline.remove("pods", "p2")
    pipeline.hear()
    assert pipeline.core.outbox.dirty == 0
    pipeline.settle()
    assert pipeline.heard() == []


def test_a_uid_that_was_deleted_and_comes_back_unsaid_is_compared_with_what_the_reducer_knows() -> None:
    pipeline = Pipeline.started(pods=(pod(containers=("a",)),))
    pipeline.heard()
    pipeline.remove("pods", "p1")
    pipeline.hear()
    pipeline.put("pods", pod(containers=("a", "b")))
    pipeline.hear()
    pipeline.settle()
    assert pipeline.heard() == [("containers", "p1", ["b"])]
    pipeline.remove("pods", "p1")
    pipeline.settle()
    assert pipeline.heard() == [("delete", "p1")]


def test_a_pod_changed_before_the_sweep_comes_to_it_is_sent_once_in_its_newest_state() -> None:
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n:03}") for n in range(MOST_EMISSIONS + 10)))
    pipeline.core.resync()
    assert pipeline.send()
    pipeline.put("pods", pod("p260", ips=("10.9.9.9",)))
    pipeline.put("pods", pod("p001", ips=("10.9.9.9",)))
    pipeline.remove("pods", "p261")
    pipeline.hear()
    pipeline.heard()
    pipeline.settle()
    heard = pipeline.heard()
    assert [one[:3] for one in heard if one[1] in ("p260", "p261")] == [("new", "p260", "10.9.9.9")]
    assert [one[2] for one in heard if one[1] == "p001"] == [IP, "10.9.9.9"]
    assert len(pipeline.reducer.pods) == MOST_EMISSIONS + 9
    assert pipeline.core.outbox.live == MOST_EMISSIONS + 9


def test_while_a_sweep_is_under_way_changes_take_half_of_a_batch() -> None:
    count = MOST_EMISSIONS * 2
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n:03}") for n in range(count)))
    pipeline.core.resync()
    pipeline.core.take()
    for n in range(count):
        pipeline.put("pods", pod(f"p{n:03}", containers=("a",)))
    pipeline.hear()
    batch = pipeline.core.take()
    assert batch is not None
    assert Counter(type(one) for one in batch.emissions) == {
        PodContainers: MOST_EMISSIONS // 2,
        PodNew: MOST_EMISSIONS // 2,
    }


@pytest.mark.parametrize(
    "long", [{"containers": ("x" * MOST_BYTES,)}, {"containers": ("a",), "image": "x" * MOST_BYTES}]
)
def test_a_batch_is_bounded_by_number_and_by_bytes(long: dict[str, Any]) -> None:
    pipeline = Pipeline.started()
    for n in range(MOST_EMISSIONS + 1):
        pipeline.put("pods", pod(f"p{n}"))
    pipeline.hear()
    first = pipeline.core.take()
    assert first is not None
    assert len(first.emissions) == MOST_EMISSIONS
    big = pod("big", **long)
    pipeline.put("pods", big)
    pipeline.put("pods", pod("after"))
    pipeline.hear()
    second = pipeline.core.take()
    assert second is not None
    assert [one.record.uid for one in second.emissions if isinstance(one, PodNew)][-1] == "big"
    assert second.first == first.first + MOST_EMISSIONS
    third = pipeline.core.take()
    assert third is not None
    assert len(third.emissions) == 1


def test_batches_are_numbered_within_their_epoch() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    assert pipeline.relay.taken == 2
    pipeline.put("pods", pod("p2"))
    pipeline.hear()
    batch = pipeline.core.take()
    assert batch is not None
    assert (batch.epoch, batch.first, batch.matcher) == (1, 3, "matcher-1")
    assert (batch.relay, batch.connection) == (pipeline.relay.incarnation, 1)


def test_a_batch_carries_the_stamp_of_the_newest_update_in_it() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2")))
    pipeline.put("pods", pod("p1", containers=("a",)), stamp_ns=1_000)
    pipeline.put("pods", pod("p1", containers=("a", "b")), stamp_ns=3_000)
    pipeline.put("pods", pod("p2", containers=("c",)), stamp_ns=2_000)
    pipeline.hear()
    batch = pipeline.core.take()
    assert batch is not None
    assert batch.stamp_ns == 3_000
    pipeline.core.resync()
    batch = pipeline.core.take()
    assert batch is not None
    assert batch.stamp_ns == 0


def malformed(good: Record) -> list[Record]:
    """A record each with one part that is none."""
    shapes = (b"", b"\xc1", packed("text"), packed([]), packed(["no reference"]), b"\x91\x94\xa1\xff\xa0\xa0\xa0")
    owns = (b"", b"\xc1", packed("text"), packed([]), packed(["no list"]), b"\x93\x91\xa1\xff\xa0\x90")
    return [
        *(Record(shape, UID("bad"), good.own) for shape in (*shapes, good.shape + b"\xc0")),
        *(Record(good.shape, UID("bad"), own) for own in (*owns, good.own + b"\xc0")),
    ]


def packed(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


@pytest.mark.parametrize("bad", malformed(pod(by=REPLICA_SET, containers=("a",))), ids=repr)
def test_a_record_that_does_not_decode_is_counted_and_the_good_ones_beside_it_are_kept(bad: Record) -> None:
    pipeline = Pipeline.started(pods=(pod("before"), bad, pod("after")))
    pipeline.watchers["pods"].publish(Apply(bad), Apply(pod("good")))
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"before", "after", "good"}
    assert pipeline.core.matcher.bad_records == {"pods": 2, "replicasets": 0, "jobs": 0}
    assert pipeline.core.matcher.groups.shapes == 1


@pytest.mark.parametrize("shape", [b"", b"\xc1", packed("text"), packed([]), b"\x94\xa1\xff\xa0\xa0\xa0", b"\xc0\xc0"])
def test_an_owners_record_that_does_not_decode_is_counted_and_the_good_ones_beside_it_are_kept(shape: bytes) -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    bad = Record(shape, UID("bad"), NOTHING)
    pipeline.watchers["replicasets"].publish(Apply(bad), Apply(owner("rs1", DEPLOYMENT)))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}
    assert pipeline.core.matcher.bad_records == {"pods": 0, "replicasets": 1, "jobs": 0}


def test_a_pod_whose_new_record_does_not_decode_stays_as_it_was() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.heard()
    for bad in malformed(pod(ips=("10.0.0.9",))):
        pipeline.watchers["pods"].publish(Apply(msgspec.structs.replace(bad, uid=UID("p1"))))
    pipeline.settle()
    assert pipeline.heard() == []
    assert pipeline.core.matcher.pods[UID("p1")].record == pod()


def test_containers_that_do_not_decode_are_counted_and_leave_the_pod() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    shape, own = packed([None, False, "default", "no list"]), packed([["10.0.0.2"], "name", []])
    pipeline.watchers["pods"].publish(Apply(Record(shape, UID("p1"), own)))
    pipeline.hear()
    batch = pipeline.core.take()
    assert batch is not None
    assert [(one.ip, one.owner_kind) for one in batch.emissions if isinstance(one, PodNew)] == [
        ("10.0.0.2", OwnerKind.NONE)
    ]
    assert pipeline.core.matcher.bad_records["pods"] == 1


@pytest.mark.parametrize(
    ("family", "ips", "sent"),
    [
        ("ipv4", ("10.0.0.1", "fd00::1"), "10.0.0.1"),
        ("ipv4", ("fd00::1", "10.0.0.1"), "10.0.0.1"),
        ("ipv4", ("fd00::1",), "0.0.0.0"),
        ("primary", ("10.0.0.1", "fd00::1"), "10.0.0.1"),
        ("primary", ("fd00::1", "10.0.0.1"), "0.0.0.0"),
        ("ipv4", ("10.0.0.1\x00", "nonsense", "1.2.3"), "0.0.0.0"),
    ],
)
def test_the_ip_family_picks_among_the_addresses(family: str, ips: tuple[str, ...], sent: str) -> None:
    pipeline = Pipeline.started(pods=(pod(ips=ips),), ip_family=family)
    assert pipeline.reducer.pods == {"p1": (sent, NOBODY)}
    assert pipeline.core.outbox.without_ipv4 == (sent == "0.0.0.0")


def test_addresses_that_the_wire_cannot_carry_are_all_the_same() -> None:
    pipeline = Pipeline.started(pods=(pod(ips=("fd00::1",)),))
    pipeline.heard()
    pipeline.put("pods", pod(ips=("fd00::2",)))
    pipeline.settle()
    assert pipeline.heard() == []


def test_a_late_update_does_not_bring_a_deleted_pod_back() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.put("pods", pod(ips=("10.0.0.2",)))
    update = pipeline.watchers["pods"].published[0]
    pipeline.settle()
    pipeline.remove("pods", "p1")
    pipeline.settle()
    pipeline.watchers["pods"].published.append(update)
    pipeline.settle()
    assert pipeline.reducer.pods == {}
    assert UID("p1") not in pipeline.core.matcher.pods


def test_a_pod_that_is_dirty_when_the_sweep_comes_to_it_is_sent_once() -> None:
    count = MOST_EMISSIONS * 2
    pipeline = Pipeline.started(pods=tuple(pod(f"p{n:03}") for n in range(count)))
    pipeline.core.resync()
    resync = pipeline.core.take(most=1)
    assert resync is not None
    pipeline.relay.inbox.append(resync)
    for n in range(count):
        pipeline.put("pods", pod(f"p{n:03}", ips=("10.0.0.2",)))
    pipeline.settle()
    pipeline.heard()
    assert pipeline.core.epochs.number == 2
    assert pipeline.core.outbox.sent == count + 1
