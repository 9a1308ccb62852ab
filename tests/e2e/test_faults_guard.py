"""The guard: more pods than its cap wait for owners that never come, then do. A real matcher and relay; the test plays the watchers."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from common.messages import SnapshotAsk
from common.records import PodRecord
from tests.e2e.played import Scene, below_deployment, pod, replica_set, scene

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

CAP = 10_000
FOR_EVER = ("--owner-wait", "0")
"""Nothing but the guard ends a wait."""

BATCH = 500
"""Records in an update."""


def without_owner(numbers: Iterable[int]) -> list[PodRecord]:
    """Pods of ReplicaSets that nobody has seen, ten to a ReplicaSet."""
    return [pod(number, controller=replica_set(f"web-{number // 10}")) for number in numbers]


def send(played: Scene, pods: list[PodRecord]) -> None:
    for begin in range(0, len(pods), BATCH):
        played.pods.send(played.pods.applied(*pods[begin : begin + BATCH]))


def send_owners(played: Scene, numbers: range) -> None:
    """The ReplicaSets of those pods, each below a Deployment."""
    owners = [below_deployment(f"web-{number // 10}", f"shop-{number // 10}") for number in numbers[::10]]
    played.replicasets.send(played.replicasets.applied(*owners))


def guard(played: Scene) -> dict[str, Any]:
    found: dict[str, Any] = played.state()["guard"]
    return found


def asked(played: Scene) -> dict[str, int]:
    """How many snapshots were asked for, by kind."""
    return {kind: one["snapshots_asked"] for kind, one in played.state()["watchers"].items()}


def epoch(played: Scene) -> int:
    return int(played.state()["epoch"]["number"])


def assert_tripped_once(played: Scene, *, pods: int) -> None:
    """All went out in the guard's one epoch, with the ReplicaSets that they name."""
    played.wait(lambda: guard(played)["trips"] == 1, "the guard to trip")
    played.wait_until_exact()
    assert {one[1] for one in played.held().values()} == {"ReplicaSet"}
    state = played.state()
    assert (state["pods"]["provisional"], state["pods"]["waiting"]) == (pods, 0)
    assert state["epoch"]["opened_by_reason"]["guard"] == 1
    assert len(played.events("matcher", "guard tripped, everything is read afresh")) == 1


def test_10001_pods_wait_and_the_guard_trips_once(tmp_path: Path) -> None:
    """Everything is read afresh, in one epoch, owners are provisional; corrected when the owners come, and the guard is armed again."""
    with scene(tmp_path, *FOR_EVER) as played:
        first, before = epoch(played), asked(played)
        send(played, without_owner(range(CAP)))
        played.wait(lambda: played.state()["pods"]["waiting"] == CAP, "as many pods as may wait")
        assert guard(played) == {"state": "Armed", "trips": 0}

        send(played, without_owner([CAP]))
        assert_tripped_once(played, pods=CAP + 1)
        assert epoch(played) == first + 1
        assert asked(played) == {kind: count + 1 for kind, count in before.items()}

        send_owners(played, range(CAP + 1))
        played.wait_until_exact()
        assert {one[1] for one in played.held().values()} == {"Deployment"}
        assert played.state()["pods"]["provisional"] == 0
        assert epoch(played) == first + 1
        assert guard(played) == {"state": "Armed", "trips": 1}


def test_the_first_list_brings_10001_pods_without_owners(tmp_path: Path) -> None:
    """The guard does not wait for the list's end, and trips no second time for the same pods when it is read again."""
    with scene(tmp_path, *FOR_EVER, records=without_owner(range(CAP + 1))) as played:
        assert_tripped_once(played, pods=CAP + 1)
        send_owners(played, range(CAP + 1))
        played.wait_until_exact()


def test_the_guard_is_armed_again_when_fewer_than_half_of_the_cap_wait(tmp_path: Path) -> None:
    """Pods that come while everything is read afresh wait as ever, even beyond the cap; the guard, once armed again, trips for others."""
    with scene(tmp_path, *FOR_EVER) as played:
        pods = played.pods
        asks: list[SnapshotAsk] = []
        send(played, without_owner(range(CAP + 1)))
        played.wait(lambda: asks.extend(pods.asks()) or asks, "the question for the pods", without=[pods])
        pods.answer(asks.pop())
        send(played, without_owner(range(20_000, 26_000)))
        played.wait(lambda: guard(played)["state"] == "Spent", "the end of the fresh snapshots")
        send(played, without_owner(range(30_000, 34_500)))
        played.wait(lambda: played.state()["pods"]["waiting"] == 10_500, "more pods than may wait")
        assert guard(played) == {"state": "Spent", "trips": 1}
        assert not {"pod-20000", "pod-30000"} & played.held().keys()

        send_owners(played, range(20_000, 26_000))
        played.wait(lambda: guard(played)["state"] == "Armed", "the guard to be armed again")
        send(played, without_owner(range(40_000, 45_501)))
        played.wait(lambda: guard(played)["trips"] == 2, "the guard to trip again")
        played.wait_until_exact()
        assert played.state()["epoch"]["opened_by_reason"]["guard"] == 2
