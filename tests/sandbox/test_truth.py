"""What a reducer must hold of a cluster, rule by rule, and how differences are told."""

from typing import Any

import pytest
from msgspec.structs import replace

from sandbox.reducer.held import HeldContainer, HeldPod
from sandbox.truth import SHOWN, Truth, compare, differences, truth


def reference(kind: str, name: str, *, api: str = "apps/v1", controller: Any = True) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "name": name, "uid": f"{name}-uid", "controller": controller}


def an_object(name: str, *references: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"uid": f"{name}-uid", "name": name, "namespace": "ns", "ownerReferences": list(references)}}


def a_pod(name: str, *references: dict[str, Any], **status: Any) -> dict[str, Any]:
    return an_object(name, *references) | {"spec": {}, "status": {"podIP": "10.0.0.1", **status}}


def owner_of(pod: dict[str, Any], *, replicasets: Any = (), jobs: Any = ()) -> tuple[str, str, str]:
    (held,) = truth(pods=[pod], replicasets=replicasets, jobs=jobs).pods.values()
    return held.owner_kind, held.owner_name, held.owner_uid


REPLICASET = reference("ReplicaSet", "rs")
JOB = reference("Job", "job", api="batch/v1")


def test_a_pod_without_a_controller_has_no_owner_and_its_own_name() -> None:
    assert owner_of(a_pod("p")) == ("none", "p", "")
    assert owner_of(a_pod("p", reference("ReplicaSet", "rs", controller=False))) == ("none", "p", "")
    assert owner_of(a_pod("p", {k: v for k, v in REPLICASET.items() if k != "controller"})) == ("none", "p", "")


def test_of_many_references_the_controller_counts() -> None:
    assert owner_of(a_pod("p", reference("Job", "no", controller=False), REPLICASET)) == ("ReplicaSet", "rs", "rs-uid")


def test_a_replicaset_stands_for_its_deployment_and_a_job_for_its_cronjob() -> None:
    replicasets = [an_object("rs", reference("Deployment", "web"))]
    jobs = [an_object("job", reference("CronJob", "nightly", api="batch/v1beta1"))]
    assert owner_of(a_pod("p", REPLICASET), replicasets=replicasets) == ("Deployment", "web", "web-uid")
    assert owner_of(a_pod("p", JOB), jobs=jobs) == ("CronJob", "nightly", "nightly-uid")


@pytest.mark.parametrize(
    "above",
    [
        [],
        [an_object("rs")],
        [an_object("other", reference("Deployment", "web"))],
        [an_object("rs", reference("Deployment", "web", controller=False))],
        [an_object("rs", reference("Rollout", "web", api="argoproj.io/v1alpha1"))],
        [an_object("rs", reference("Deployment", "web", api="example.com/v1"))],
        [an_object("rs", reference("CronJob", "web", api="batch/v1"))],
    ],
)
def test_a_replicaset_without_a_deployment_stands_for_itself(above: list[dict[str, Any]]) -> None:
    assert owner_of(a_pod("p", REPLICASET), replicasets=above) == ("ReplicaSet", "rs", "rs-uid")


@pytest.mark.parametrize("above", [[], [an_object("job", reference("Deployment", "web"))]])
def test_a_job_without_a_cronjob_stands_for_itself(above: list[dict[str, Any]]) -> None:
    assert owner_of(a_pod("p", JOB), jobs=above) == ("Job", "job", "job-uid")


@pytest.mark.parametrize(
    "controller",
    [
        reference("StatefulSet", "x"),
        reference("Node", "x", api="v1"),
        reference("ReplicaSet", "x", api="example.com/v1"),
        reference("ReplicaSet", "x", api="apps"),
        reference("Job", "x", api="example.com/v1"),
        reference("Deployment", "x"),
    ],
)
def test_any_other_controller_is_of_another_kind(controller: dict[str, Any]) -> None:
    above = [an_object("x", reference("Deployment", "web"), reference("CronJob", "c", api="batch/v1"))]
    assert owner_of(a_pod("p", controller), replicasets=above, jobs=above) == ("other", "x", "x-uid")


@pytest.mark.parametrize(
    ("status", "ip"),
    [
        ({"podIP": "10.0.0.1", "podIPs": None}, "10.0.0.1"),
        ({"podIP": "fd00::1", "podIPs": [{"ip": "fd00::1"}, {"ip": "10.0.0.2"}, {"ip": "10.0.0.3"}]}, "10.0.0.2"),
        ({"podIP": "10.0.0.1", "podIPs": [{"ip": "fd00::1"}]}, "10.0.0.1"),
        ({"podIP": None, "podIPs": [{"ip": "10.0.0.2"}]}, "10.0.0.2"),
        ({"podIP": "fd00::1"}, "0.0.0.0"),
    ],
)
def test_the_first_ipv4_address_is_the_one(status: dict[str, Any], ip: str) -> None:
    (held,) = truth(pods=[a_pod("p", **status)], replicasets=(), jobs=()).pods.values()
    assert held.ip == ip


@pytest.mark.parametrize("status", [{"podIP": ""}, {"podIP": None, "podIPs": []}, {"podIP": "", "podIPs": [{}]}])
def test_a_pod_without_an_ip_need_not_be_held(status: dict[str, Any]) -> None:
    assert truth(pods=[a_pod("p", **status)], replicasets=(), jobs=()) == Truth({}, {"p-uid"}, set())


def test_a_pod_is_held_with_all_that_the_protocol_tells() -> None:
    pod = a_pod(
        "p",
        containerStatuses=[
            {"name": "b", "image": "img:b", "containerID": "containerd://b"},
            {"name": "a", "image": "img:a", "containerID": "containerd://a"},
            {"name": "starting", "image": "img:c"},
        ],
        initContainerStatuses=[{"name": "init", "image": "img:i", "containerID": "containerd://i"}],
        ephemeralContainerStatuses=[{"name": "debug", "image": "img:e", "containerID": "containerd://e"}],
    )
    pod["spec"]["hostNetwork"] = True
    assert truth(pods=[pod], replicasets=(), jobs=()).pods["p-uid"] == HeldPod(
        uid="p-uid",
        ip="10.0.0.1",
        namespace="ns",
        name="p",
        owner_kind="none",
        owner_name="p",
        owner_uid="",
        version="'img:a','img:b','img:c'",
        host_network=True,
        containers={
            "containerd://b": HeldContainer("b", "img:b"),
            "containerd://a": HeldContainer("a", "img:a"),
            "containerd://i": HeldContainer("init", "img:i"),
            "containerd://e": HeldContainer("debug", "img:e"),
        },
    )


def test_objects_with_nulls_and_without_a_uid_do_no_harm() -> None:
    bare = {
        "metadata": {"uid": "u", "name": "n", "ownerReferences": None},
        "spec": None,
        "status": {"podIP": "10.0.0.1", "containerStatuses": None},
    }
    found = truth(
        pods=[bare, {}, {"metadata": {"name": "no uid"}, "status": {"podIP": "10.0.0.2"}}],
        replicasets=[{}],
        jobs=[{"metadata": None}],
    )
    assert list(found.pods) == ["u"]
    assert not found.without_ip


HELD = HeldPod(
    "u", "10.0.0.1", "team-1", "x", "Deployment", "web", "web-uid", "'i'", False, {"c1": HeldContainer("main", "i")}
)
EXPECTED = Truth({"u": HELD}, {"lost-its-ip"}, set())


def test_a_reducer_that_holds_the_truth_does_not_differ() -> None:
    comparison = compare(EXPECTED, [HELD, replace(HELD, uid="lost-its-ip")])
    assert comparison == (1, (0, []), (0, []), (0, []), (0, []))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"ip": "10.0.0.2"}, "IP is 10.0.0.2, should be 10.0.0.1"),
        ({"namespace": "other"}, "namespace is other, should be team-1"),
        ({"name": "other"}, "name is other, should be x"),
        ({"owner_kind": "ReplicaSet"}, "owner is ReplicaSet web (web-uid), should be Deployment web (web-uid)"),
        ({"owner_name": "rs"}, "owner is Deployment rs (web-uid), should be Deployment web (web-uid)"),
        ({"owner_uid": ""}, "owner is Deployment web (no uid), should be Deployment web (web-uid)"),
        ({"host_network": True}, "host network is True, should be False"),
        ({"containers": {}}, "container main (c1) is missing"),
        ({"containers": {"c1": HeldContainer("main", "j")}}, "container c1 is main of j, should be main of i"),
        ({"containers": {"c1": HeldContainer("side", "i")}}, "container c1 is side of i, should be main of i"),
    ],
)
def test_each_difference_is_told_in_a_sentence(changes: dict[str, Any], what: str) -> None:
    assert differences(EXPECTED, {"u": replace(HELD, **changes)}) == [f"pod team-1/x (u): {what}"]


def test_missing_pods_and_pods_that_should_be_gone_are_told() -> None:
    assert differences(EXPECTED, {"v": replace(HELD, uid="v")}) == [
        "pod team-1/x (u): is missing",
        "pod team-1/x (v): should be gone",
    ]


def test_replaced_containers_and_older_versions_are_told_apart() -> None:
    held = replace(HELD, version="'old'", containers={**HELD.containers, "c0": HeldContainer("main", "i")})
    comparison = compare(EXPECTED, [held])
    assert comparison.differences.total == 0
    assert comparison.stale == (1, ["pod team-1/x (u): container main (c0) has been replaced"])
    assert comparison.versions == (1, ["""pod team-1/x (u): version is "'old'", the newest is "'i'\""""])


def test_many_differences_are_counted_and_the_first_told() -> None:
    expected = Truth({str(n): replace(HELD, uid=str(n)) for n in range(SHOWN + 7)}, set(), set())
    told = differences(expected, {})
    assert (len(told), told[-1]) == (SHOWN + 1, "... and 7 more")
    assert compare(expected, []).differences == (SHOWN + 7, told[:-1])
    versions = compare(expected, [replace(pod, version="") for pod in expected.pods.values()]).versions
    assert (versions.total, len(versions.first)) == (SHOWN + 7, SHOWN)


def test_while_an_owner_is_gone_and_its_pods_are_not_the_workload_that_was_known_behind_it_is_as_right() -> None:
    """Garbage collection deletes owners before their pods."""
    expected = truth(pods=[a_pod("p", REPLICASET)], replicasets=(), jobs=())
    direct = expected.pods["p-uid"]
    known = replace(direct, owner_kind="Deployment", owner_name="web", owner_uid="web-uid")
    assert differences(expected, {"p-uid": direct}) == []
    assert differences(expected, {"p-uid": known}) == []
    assert compare(expected, [direct]).remembered.total == 0
    assert compare(expected, [known]).remembered.first == [
        "pod ns/p (p-uid): owner is Deployment web (web-uid), ReplicaSet rs (rs-uid) is gone"
    ]
    for wrong in ("CronJob", "other", "none"):
        assert differences(expected, {"p-uid": replace(known, owner_kind=wrong)})
    there = truth(pods=[a_pod("p", REPLICASET)], replicasets=[an_object("rs")], jobs=())
    assert differences(there, {"p-uid": known})
