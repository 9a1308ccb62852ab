"""The whole stage against a model of what the reducer must end up with, under any interleaving of what can happen around it.

The model reducer checks the invariants of what goes upstream at each emission. When everything is quiet it must know exactly the
cluster's pods, owners and containers. What history may leave behind is allowed by name: the owner that a deleted record named, an IP
that is gone again, containers that the pod has had.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common.container_ids import container_id, pack_container_id
from common.messages import OwnerKind
from common.records import (
    KINDS,
    OWNER_KINDS,
    UID,
    Container,
    Controller,
    Kind,
    PodRecord,
    Record,
    pack_record,
    unpack_pod,
)
from matcher.outbox import Open
from tests.fakes.model_reducer import Owner
from tests.fakes.pipeline import PIPE, Pipeline
from tests.fakes.workloads import (
    BY_CRON_JOB,
    BY_DEPLOYMENT,
    BY_OTHER_DEPLOYMENT,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    NOBODY,
    OTHER_DEPLOYMENT,
    OTHER_REPLICA_SET,
    REPLICA_SET,
    ROLLOUT,
    owner,
)

OWNER_WAIT_SECONDS = 6.0

kinds = st.sampled_from(KINDS)
pod_uids = st.sampled_from([UID(f"p{n}") for n in range(6)])
controllers = st.sampled_from([None, REPLICA_SET, OTHER_REPLICA_SET, JOB, DAEMON_SET])
records_of_owners = st.sampled_from([("replicasets", REPLICA_SET), ("replicasets", OTHER_REPLICA_SET), ("jobs", JOB)])
above_owners = st.sampled_from([None, DEPLOYMENT, OTHER_DEPLOYMENT, CRON_JOB, ROLLOUT])
ips = st.sampled_from([(), ("10.0.0.1",), ("10.0.0.2",), ("fd00::1",), ("fd00::1", "10.0.0.3")])
container_ids = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=3)

DIRECT = {
    "rs1": (OwnerKind.REPLICA_SET, "rs1", REPLICA_SET.name),
    "rs2": (OwnerKind.REPLICA_SET, "rs2", OTHER_REPLICA_SET.name),
    "j1": (OwnerKind.JOB, "j1", JOB.name),
    "ds1": (OwnerKind.OTHER, "ds1", DAEMON_SET.name),
}
ABOVE = {DEPLOYMENT: BY_DEPLOYMENT, OTHER_DEPLOYMENT: BY_OTHER_DEPLOYMENT, CRON_JOB: BY_CRON_JOB}


class MatchingMachine(RuleBasedStateMachine):
    """Any interleaving; `quiet` lets everything come to rest and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.pipeline = Pipeline(owner_wait_seconds=OWNER_WAIT_SECONDS, max_waiting=3)
        self.owners_had: dict[UID, set[Owner]] = {UID(uid): {direct} for uid, direct in DIRECT.items()}
        self.ips_had: dict[UID, set[str]] = {}
        self.containers_had: dict[UID, set[str]] = {}

    # The cluster.

    @rule(uid=pod_uids, ips=ips, by=controllers, containers=container_ids, seen=st.booleans())
    def pod_changes(
        self, uid: UID, ips: tuple[str, ...], by: Controller | None, containers: list[str], seen: bool
    ) -> None:
        record = PodRecord(
            uid,
            list(ips),
            by,
            False,
            "default",
            uid,
            [Container(0, pack_container_id(c), "c", "i") for c in containers],
        )
        if uid not in self.pipeline.truth["pods"]:
            self.containers_had[uid] = set()
        # Of a UID that goes and comes back unseen nobody can tell that it was away: it keeps its address.
        self.ips_had.setdefault(uid, {""}).add(sent_ip(record))
        self.containers_had[uid] |= set(containers)
        self._change("pods", uid, pack_record(record), seen=seen)

    @rule(uid=pod_uids, seen=st.booleans())
    def pod_goes(self, uid: UID, seen: bool) -> None:
        self._change("pods", uid, None, seen=seen)

    @rule(which=records_of_owners, above=above_owners, seen=st.booleans())
    def owner_changes(self, which: tuple[Kind, Controller], above: Controller | None, seen: bool) -> None:
        kind, controller = which
        self.owners_had[controller.uid].add(owner_of(controller, above))
        self._change(kind, controller.uid, owner(controller.uid, above), seen=seen)

    @rule(which=records_of_owners, seen=st.booleans())
    def owner_goes(self, which: tuple[Kind, Controller], seen: bool) -> None:
        self._change(which[0], which[1].uid, None, seen=seen)

    # The watchers.

    @rule(kind=kinds)
    def watcher_lists(self, kind: Kind) -> None:
        self.pipeline.watchers[kind].finish_list()

    @rule(kind=kinds)
    def watcher_lists_some(self, kind: Kind) -> None:
        self.pipeline.watchers[kind].list_some()

    @rule(kind=kinds)
    def watcher_starts_anew(self, kind: Kind) -> None:
        self.pipeline.watchers[kind].start()

    @rule(kind=kinds)
    def watcher_is_forbidden(self, kind: Kind) -> None:
        self.pipeline.watchers[kind].forbid()
        self.pipeline.watchers[kind].beat()

    @rule(kind=kinds)
    def update_is_lost(self, kind: Kind) -> None:
        if self.pipeline.watchers[kind].published:
            self.pipeline.watchers[kind].published.popleft()

    # What arrives.

    @rule(kind=kinds, number=st.integers(1, 5))
    def updates_arrive(self, kind: Kind, number: int) -> None:
        for _ in range(number):
            self.pipeline.hear_updates(kind)

    @rule(kind=kinds, number=st.integers(1, 3))
    def asks_are_answered(self, kind: Kind, number: int) -> None:
        for _ in range(number):
            self.pipeline.answer(kind)

    @rule()
    def everything_arrives(self) -> None:
        self.pipeline.hear()

    @rule()
    def link_arrives(self) -> None:
        self.pipeline.hear_link()

    @rule(seconds=st.sampled_from([0.25, 2.0, OWNER_WAIT_SECONDS]))
    def time_passes(self, seconds: float) -> None:
        self.pipeline.now += seconds
        self.pipeline.core.tick(self.pipeline.now)

    # The relay.

    @rule(most=st.integers(1, 4), most_bytes=st.sampled_from([1, 10_000]))
    def matcher_sends(self, most: int, most_bytes: int) -> None:
        core = self.pipeline.core
        if len(self.pipeline.relay.inbox) < PIPE and core.has_news():
            batch = core.take(most=most, most_bytes=most_bytes)
            if batch is not None:
                self.pipeline.relay.inbox.append(batch)

    @rule()
    def batch_is_lost(self) -> None:
        if self.pipeline.relay.inbox:
            self.pipeline.relay.inbox.popleft()

    @rule()
    def relay_takes(self) -> None:
        self.pipeline.relay.take_one()

    @rule()
    def relay_connects(self) -> None:
        self.pipeline.relay.connect()

    @rule()
    def relay_disconnects(self) -> None:
        self.pipeline.relay.disconnect()

    @rule()
    def relay_starts_anew(self) -> None:
        self.pipeline.relay.start()

    @rule()
    def relay_tells(self) -> None:
        self.pipeline.relay.tell()

    @rule()
    def relay_stops_or_goes_on_accepting(self) -> None:
        self.pipeline.relay.accepting = not self.pipeline.relay.accepting

    @rule()
    def operator_asks(self) -> None:
        self.pipeline.core.resync()

    @rule()
    def matcher_starts_anew(self) -> None:
        self.pipeline.start_matcher()

    @rule()
    def quiet(self) -> None:
        pipeline = self.pipeline
        for watcher in pipeline.watchers.values():
            watcher.finish_list()
        if not pipeline.relay.connected:
            pipeline.relay.connect()
        pipeline.relay.accepting = True
        # A lost ask costs 2 s, a lost answer as much, a loss noticed then and a relist once more; then the owners' wait.
        pipeline.wait(12 + OWNER_WAIT_SECONDS)
        self._compare()

    @invariant()
    def nothing_is_kept_while_nobody_listens(self) -> None:
        core = self.pipeline.core
        if not isinstance(core.outbox.state, Open):
            assert core.outbox.dirty == core.outbox.unswept == core.outbox.live == 0

    @invariant()
    def the_counts_of_waiting_and_provisional_pods_are_right(self) -> None:
        groups, pods = self.pipeline.core.matcher.groups, self.pipeline.core.matcher.pods
        standings = [type(pod.group.standing).__name__ for pod in pods.values()]
        assert groups.waiting == standings.count("Waiting")
        assert groups.provisional == standings.count("Provisional")

    def teardown(self) -> None:
        self.quiet()

    def _change(self, kind: Kind, uid: UID, record: Record | None, *, seen: bool) -> None:
        truth, watcher = self.pipeline.truth[kind], self.pipeline.watchers[kind]
        if record is None:
            truth.pop(uid, None)
        else:
            truth[uid] = record
        if seen:
            watcher.notice(uid)

    def _compare(self) -> None:
        reducer, truth = self.pipeline.reducer, self.pipeline.truth
        assert reducer.pods.keys() <= truth["pods"].keys()
        for uid, packed in truth["pods"].items():
            record = unpack_pod(packed)
            if uid not in reducer.pods:
                assert not record.ips, f"{uid} is missing"
                continue
            ip, owner_ = reducer.pods[uid]
            assert ip == sent_ip(record) if record.ips else ip in self.ips_had[uid]
            assert owner_ in self._owners_allowed(record.controller)
            now = {container_id(one.id) for one in record.containers if one.id}
            assert now <= reducer.containers[uid] <= self.containers_had[uid]

    def _owners_allowed(self, controller: Controller | None) -> set[Owner]:
        if controller is None:
            return {NOBODY}
        for kind in OWNER_KINDS:
            for above in (None, *ABOVE, ROLLOUT):
                if self.pipeline.truth[kind].get(controller.uid) == owner(controller.uid, above):
                    return {owner_of(controller, above)}
        return self.owners_had[controller.uid]


def owner_of(controller: Controller, above: Controller | None) -> Owner:
    """By design.md: the record's Deployment or CronJob, else the controller itself."""
    return ABOVE.get(above, DIRECT[controller.uid]) if above is not None else DIRECT[controller.uid]


def sent_ip(record: PodRecord) -> str:
    """By design.md: the first IPv4 address; a pod with none goes out with 0.0.0.0."""
    return next((ip for ip in record.ips if "." in ip), "0.0.0.0" if record.ips else "")


TestMatching = MatchingMachine.TestCase
TestMatching.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
