"""What is gone takes no memory."""

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from common.messages import Apply, Delete, Incarnation
from common.records import UID, Controller
from matcher.addresses import choice_of
from matcher.match import Matcher
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import DEPLOYMENT, OTHER_DEPLOYMENT, OTHER_REPLICA_SET, REPLICA_SET, owner, pod

PODS = 500


def come_and_go(matcher: Matcher, generation: int) -> int:
    """Pods of as many controllers, which nobody has a record of. Gives the bytes in use when they are gone."""
    uids = [UID(f"{generation}-{at}") for at in range(PODS)]
    came = [Apply(pod(uid, by=Controller(UID(f"rs-{uid}"), "ReplicaSet", "apps", f"web-{uid}"))) for uid in uids]
    matcher.change("pods", came, stamp_ns=0, now=0.0)
    assert matcher.groups.waiting == PODS
    matcher.change("pods", [Delete(uid) for uid in uids], stamp_ns=0, now=0.0)
    del uids, came
    return tracemalloc.get_traced_memory()[0]


def test_pods_that_are_gone_leave_nothing_of_their_controllers_behind() -> None:
    """Tables stay as large as they have been once, so generations are compared."""
    matcher = Matcher(incarnation=Incarnation("m"), choose_ip=choice_of("ipv4"), climb=False)
    tracemalloc.start()
    try:
        after = [come_and_go(matcher, generation) for generation in range(5)]
    finally:
        tracemalloc.stop()
    assert after[-1] - after[1] < 10 * PODS


def test_pods_of_one_template_keep_what_they_have_in_common_once() -> None:
    image = "registry.example/" + "x" * 400
    matcher = Matcher(incarnation=Incarnation("m"), choose_ip=choice_of("ipv4"), climb=False)
    records = [pod(f"p{at}", containers=(f"c{at}",), image=image) for at in range(PODS)]
    matcher.fill("pods", records, now=0.0)
    assert matcher.groups.shapes == 1
    assert (
        sum(len(one.own) for one in matcher.pods.values()) < sum(len(one.shape) + len(one.own) for one in records) / 2
    )
    assert [one.record for one in matcher.pods.values()] == records
    matcher.change("pods", [Delete(UID(f"p{at}")) for at in range(PODS)], stamp_ns=0, now=0.0)
    assert matcher.groups.shapes == 0


uids = st.sampled_from(["p1", "p2", "p3"])
controllers = st.sampled_from([None, REPLICA_SET, OTHER_REPLICA_SET])
applied = st.builds(
    lambda uid, by, containers: Apply(pod(uid, by=by, containers=("c",) * containers)),
    uids,
    controllers,
    st.integers(0, 1),
)


@given(st.lists(applied | uids.map(Delete), max_size=30))
def test_a_shape_is_kept_as_long_as_a_pod_has_it_and_so_is_a_group(events: list[Apply | Delete]) -> None:
    matcher = Matcher(incarnation=Incarnation("m"), choose_ip=choice_of("ipv4"), climb=False)
    for event in events:
        matcher.change("pods", [event], stamp_ns=0, now=0.0)
        having = Counter(each.shape.data for each in matcher.pods.values())
        assert matcher.groups.shapes == len(having)
        assert all(each.shape.pods == having[each.shape.data] for each in matcher.pods.values())
        assert matcher.groups.waiting == sum(each.group.controller is not None for each in matcher.pods.values())


def test_what_was_told_of_a_pod_that_changes_is_kept_by_reference() -> None:
    """A Deployment that takes over makes all its pods dirty at once, and they stay so while the reducer is slow."""
    pipeline = Pipeline.started(
        pods=tuple(pod(f"p{at}", by=REPLICA_SET) for at in range(PODS)),
        owners={"replicasets": (owner("rs1", DEPLOYMENT),)},
    )
    tracemalloc.start()
    try:
        pipeline.put("replicasets", owner("rs1", OTHER_DEPLOYMENT))
        pipeline.hear_updates("replicasets")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    outbox = pipeline.core.outbox
    assert outbox.dirty == PODS
    assert taken < 300 * PODS
    for uid, kept in pipeline.core.matcher.pods.items():
        unsaid = outbox.unsaid(uid)
        assert unsaid is not None
        assert unsaid.told is not None
        assert unsaid.told.own is kept.own
        assert unsaid.told.shape is kept.shape.data
