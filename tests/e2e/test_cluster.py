"""podwire on a complete, real control plane: what the reducer holds is what the API server lists, whatever happens to the workloads."""

from pathlib import Path

import pytest

from bench import rig
from tests.e2e.conftest import assert_in_step, pipeline
from tests.e2e.manifests import NAMESPACES, Kubectl, everything, replica_set

pytestmark = [pytest.mark.e2e, pytest.mark.cluster]

REPLICAS = 150
"""In each of three Deployments in each of five namespaces: with the rest about 2,400 pods."""


def running(kubectl: Kubectl) -> int:
    """Pods that have an address."""
    columns = kubectl("get", "pods", "-A", "--no-headers", "-o", "custom-columns=IP:.status.podIP").split()
    return sum(column != "<none>" for column in columns)


def put_under_a_config_map(kubectl: Kubectl, namespace: str) -> None:
    """A ReplicaSet whose controller is neither a Deployment nor anything that podwire follows."""
    kubectl("-n", namespace, "create", "configmap", "foreign")
    uid = kubectl.get("-n", namespace, "configmap", "foreign")["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "foreign", "uid": uid, "controller": True}
    owned = replica_set("under-foreign", 4)
    owned["metadata"]["ownerReferences"] = [reference]
    kubectl.apply(namespace, [owned])


def test_the_reducer_holds_what_the_cluster_holds_through_rollout_scale_down_and_orphaning(
    control_plane: str, tmp_path: Path
) -> None:
    """Pods of every kind of owner; then a rollout, a scale-down and `--cascade=orphan`; equal each time, and no breach."""
    kubectl = Kubectl(control_plane)
    for namespace in NAMESPACES:
        kubectl("create", "namespace", namespace)
    with pipeline(control_plane, tmp_path) as (reducer, _):
        for namespace in NAMESPACES:
            kubectl.apply(namespace, everything(REPLICAS))
            put_under_a_config_map(kubectl, namespace)
        rig.wait_for(lambda: running(kubectl) >= 2_300, seconds=180, what="2,300 running pods", every=1.0)
        assert_in_step(control_plane, reducer)
        assert reducer.get("/state")["pods"] >= 2_000

        kubectl("-n", NAMESPACES[0], "set", "image", "deployment/web", "app=registry.example/web:2")
        kubectl("-n", NAMESPACES[1], "scale", "deployment/prepared", "--replicas=20")
        kubectl("-n", NAMESPACES[2], "delete", "deployment", "on-host", "--cascade=orphan")
        kubectl("-n", NAMESPACES[3], "delete", "replicaset", "orphan", "--cascade=orphan")
        kubectl("-n", NAMESPACES[0], "rollout", "status", "deployment/web", "--timeout=120s")
        rig.wait_for(
            lambda: of_app(kubectl, NAMESPACES[1], "prepared") == 20, seconds=120, what="the scale-down", every=1.0
        )
        assert_in_step(control_plane, reducer)
        assert owners(reducer, NAMESPACES[2], "on-host-") == {"ReplicaSet"}
        assert owners(reducer, NAMESPACES[3], "orphan-") == {"none"}


def of_app(kubectl: Kubectl, namespace: str, app: str) -> int:
    return len(kubectl("-n", namespace, "get", "pods", "-l", f"app={app}", "--no-headers", "-o", "name").split())


def owners(reducer: rig.Reducer, namespace: str, prefix: str) -> set[str]:
    """The kinds of owner of these pods at the reducer."""
    return {
        pod["owner_kind"]
        for pod in reducer.get("/pods")["pods"]
        if pod["namespace"] == namespace and pod["name"].startswith(prefix)
    }
