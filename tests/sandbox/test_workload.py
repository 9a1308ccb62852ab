"""The workload: the same from the same seed, lifelike, and of the size that was asked for."""

import json
import random
from collections import Counter, defaultdict
from typing import Any

import msgspec

from sandbox.objects import Store
from sandbox.plain import plain_of
from sandbox.resources import JOBS, PODS, REPLICASETS, Resource
from sandbox.tables import Change
from sandbox.workload import Workload

NOW = "2026-01-01T00:00:00Z"
EVENTS = 4_000


class Moved:
    """A workload that has moved, and what was heard of it."""

    def __init__(self, *, pods: int = 200, seed: int = 1, events: int = EVENTS) -> None:
        self.store = Store(changes_kept=10 * events)
        self.heard: list[tuple[Resource, Change]] = []
        self.workload = Workload(self.store, random_=random.Random(seed), pods=pods, rate=100.0)
        self.workload.fill(NOW)
        self.store.listeners.append(lambda resource, change: self.heard.append((resource, change)))
        self.workload.move(now=0.0, now_text=NOW, most=0)
        self.workload.move(now=events / 100, now_text=NOW, most=events)

    def pairs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Pods before and after each change of one that was there."""
        read: dict[int, dict[str, Any]] = {}
        for change in self.pods():
            for pod in (change.old, change.new):
                if pod is not None and pod.version not in read:
                    read[pod.version] = plain_of(pod)
        return [
            (read[change.old.version], read[change.new.version]) for change in self.pods() if change.old is not None
        ]

    def pods(self) -> list[Change]:
        return [change for resource, change in self.heard if resource == PODS]


def uids(store: Store, resource: Resource) -> set[str]:
    return {stored.uid for stored in store.table(resource).objects.values()}


def controller(pod: dict[str, Any]) -> dict[str, Any] | None:
    return next(iter(pod["metadata"].get("ownerReferences", [])), None)


def test_the_same_seed_makes_the_same_cluster_and_the_same_events() -> None:
    """If two workloads have the same seed, then their objects and changes are equal to the byte; another seed makes others."""
    one, same, other = Moved(events=500), Moved(events=500), Moved(events=500, seed=2)

    assert one.heard == same.heard
    assert one.store.table(PODS).objects == same.store.table(PODS).objects
    assert one.heard != other.heard


def test_there_are_as_many_pods_as_were_asked_for_and_stay_about_so_many() -> None:
    """If the workload moves for long, then the number of pods stays near the size; each event is one write to one pod."""
    for size in (0, 1, 7, 200):
        still = Moved(pods=size, events=0)
        assert len(still.store.table(PODS).objects) == size
    moved = Moved()

    assert len(moved.pods()) == EVENTS
    assert moved.workload.state()["pod_events"] == EVENTS
    assert 120 <= len(moved.store.table(PODS).objects) <= 400


def test_every_kind_of_owner_is_there() -> None:
    """If a cluster is filled, then it has pods of each controller that podwire tells apart, and some on the host's network."""
    store = Moved(events=0).store
    pods = [plain_of(pod) for pod in store.table(PODS).objects.values()]
    kinds = {owner["kind"] if (owner := controller(pod)) else None for pod in pods}
    above = {
        (owner["apiVersion"], owner["kind"]) if (owner := controller(plain_of(one))) else None
        for resource in (REPLICASETS, JOBS)
        for one in store.table(resource).objects.values()
    }

    assert kinds == {"ReplicaSet", "Job", "StatefulSet", "DaemonSet", None}
    assert above == {("apps/v1", "Deployment"), ("batch/v1", "CronJob"), ("argoproj.io/v1alpha1", "Rollout"), None}
    assert any(pod["spec"].get("hostNetwork") for pod in pods)
    assert any("initContainers" in pod["spec"] for pod in pods)


def test_owners_of_pods_that_are_filled_in_are_there() -> None:
    """If a pod names a ReplicaSet or a Job at the start, then that object is there under this UID."""
    store = Moved(events=0).store
    owners = uids(store, REPLICASETS) | uids(store, JOBS)
    named = [owner for pod in store.table(PODS).objects.values() if (owner := controller(plain_of(pod)))]

    assert {owner["uid"] for owner in named if owner["kind"] in ("ReplicaSet", "Job")} <= owners


def test_pods_live_as_kubelets_make_them() -> None:
    """If a pod comes, then it is Pending without an address, gets its address and container IDs later, and is marked before it goes."""
    lives: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for change in Moved().pods():
        lives[change.new.uid].append((change.type, plain_of(change.new)))
    whole = [life for life in lives.values() if life[0][0] == "ADDED" and life[-1][0] == "DELETED"]

    assert len(whole) > 20
    for life in whole:
        first, last = life[0][1], life[-1][1]
        assert first["status"]["phase"] == "Pending"
        assert "podIP" not in first["status"]
        assert "nodeName" not in first["spec"]
        with_address = [bool(pod["status"].get("podIP")) for _, pod in life]
        assert with_address == sorted(with_address), "an address, once given, stays"
        with_ids = [
            all("containerID" in one for one in pod["status"].get("containerStatuses", [{}])) for _, pod in life
        ]
        assert with_ids == sorted(with_ids), "container IDs, once given, stay"
        assert "deletionTimestamp" in last["metadata"]


def test_most_events_change_nothing_that_a_collector_keeps() -> None:
    """If a status is updated, then mostly only times in it differ: addresses, containers and owners are as before."""
    same = Counter(_kept(old) == _kept(new) for old, new in Moved().pairs())

    assert same[True] > same[False] > 0


def _kept(plain: dict[str, Any]) -> str:
    status = plain["status"]
    containers = [
        (one["name"], one.get("containerID"), one["image"])
        for group in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
        for one in status.get(group, [])
    ]
    return json.dumps(
        [
            status.get("podIP"),
            status.get("podIPs"),
            controller(plain),
            containers,
            "deletionTimestamp" in plain["metadata"],
        ]
    )


def test_rare_things_happen_too() -> None:
    """If the workload moves for long, then pods are adopted and let go, come back under their names, change their address and restart,
    and addresses are given to other pods."""
    moved = Moved(events=4_000, pods=60)
    changes, pairs = moved.pods(), moved.pairs()
    owners = [(controller(old), controller(new)) for old, new in pairs]
    names: dict[str, set[str]] = defaultdict(set)
    addresses: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        names[change.new.key].add(change.new.uid)
        addresses[change.new.ip].add(change.new.uid)

    assert any(old and not new for old, new in owners), "let go"
    assert any(new and not old for old, new in owners), "adopted"
    assert any(len(one) > 1 for one in names.values()), "the same name, another pod"
    assert any(len(one) > 1 for ip, one in addresses.items() if ip and not ip.startswith("10.0.")), (
        "an address used again"
    )
    assert any(old["status"].get("podIP") not in (None, new["status"].get("podIP")) for old, new in pairs), "moved"
    assert any("ephemeralContainerStatuses" in new["status"] for _, new in pairs), "debugged"
    assert any(new["status"]["phase"] == "Succeeded" for _, new in pairs), "finished"


def test_a_paused_workload_stands_still_and_does_not_catch_up() -> None:
    """If the workload is paused and goes on later, then what would have happened meanwhile does not happen."""
    moved = Moved(events=10)
    moved.workload.pause()
    moved.workload.move(now=100.0, now_text=NOW, most=1_000)
    paused = len(moved.pods())
    moved.workload.resume()
    moved.workload.move(now=100.5, now_text=NOW, most=1_000)

    assert paused == 10
    assert len(moved.pods()) == 60


def test_a_workload_that_settles_finishes_what_it_has_begun() -> None:
    """If the workload settles after moving for long, then nothing waits any more, every pod either runs or has finished, and every
    ReplicaSet or Job that a pod names is there."""
    moved = Moved()
    moved.workload.settle()
    for turn in range(100):
        moved.workload.move(now=100.0 + turn, now_text=NOW, most=1_000)

    assert moved.workload.state()["waiting"] == 0
    before = len(moved.pods())
    moved.workload.move(now=300.0, now_text=NOW, most=1_000)
    assert len(moved.pods()) == before
    pods = [plain_of(pod) for pod in moved.store.table(PODS).objects.values()]
    assert {pod["status"]["phase"] for pod in pods} <= {"Running", "Succeeded"}
    assert not any("deletionTimestamp" in pod["metadata"] for pod in pods)
    owners = uids(moved.store, REPLICASETS) | uids(moved.store, JOBS)
    named = [owner for pod in pods if (owner := controller(pod))]
    assert {owner["uid"] for owner in named if owner["kind"] in ("ReplicaSet", "Job")} <= owners


def test_the_rate_can_be_changed_and_is_bounded_in_one_turn() -> None:
    """If the rate changes, then so many events come; what a turn cannot do is left out."""
    moved = Moved(events=0)
    moved.workload.set_rate(10.0)
    moved.workload.move(now=1.0, now_text=NOW, most=1_000)
    ten = len(moved.pods())
    moved.workload.move(now=101.0, now_text=NOW, most=50)
    moved.workload.move(now=101.0, now_text=NOW, most=50)

    assert ten == 10
    assert len(moved.pods()) == 60


def test_pods_that_clients_delete_or_change_do_not_disturb_the_workload() -> None:
    """If clients delete pods and wipe their status under the workload, then it goes on with the others."""
    moved = Moved(events=100, pods=60)
    for number, (key, pod) in enumerate(list(moved.store.table(PODS).objects.items())):
        if number % 2:
            moved.store.remove(PODS, key)
        else:
            moved.store.put(PODS, msgspec.structs.replace(pod, status=(b'{"phase":"Running"}',)))
    before = len(moved.pods())

    moved.workload.move(now=100.0, now_text=NOW, most=2_000)

    assert len(moved.pods()) == before + 2_000


def test_texts_are_shared_between_the_pods_of_an_owner() -> None:
    """If pods have the same template, then the large parts of their texts are the same objects: that is why 100,000 of them fit."""
    store = Moved(events=0).store
    pods = list(store.table(PODS).objects.values())
    own = sum(len(pod.metadata[0]) + len(pod.status[0]) for pod in pods)
    shared = {id(piece): len(piece) for pod in pods for piece in (pod.metadata[1], pod.spec[0])}
    whole = sum(len(b"".join((*pod.metadata, *pod.spec, *pod.status))) for pod in pods)

    assert len(shared) < len(pods)
    assert own + sum(shared.values()) < 0.6 * whole
    assert 3_000 < whole / len(pods) < 7_000
