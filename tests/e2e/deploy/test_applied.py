"""Every manifest of deploy/ is taken by a real API server of Kubernetes 1.20, and is there afterwards.

policy/v1 came with 1.21: policy/v1beta1 stands for it, with the same fields. PodMonitor is the Prometheus operator's and is not tried.
"""

import json

import pytest

from tests.e2e.deploy.rendered import DEPLOY, Manifest, rendered
from tests.e2e.manifests import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.cluster]

DIRECTORIES = sorted(
    str(file.parent.relative_to(DEPLOY)) for file in [*DEPLOY.glob("base/*"), *DEPLOY.glob("overlays/*/*")]
    if file.name == "kustomization.yaml"
)  # fmt: skip


@pytest.fixture(scope="module")
def kubectl(control_plane: str) -> Kubectl:
    found = Kubectl(control_plane)
    for name in ("shop", "billing"):
        found("create", "namespace", name)
    return found


def as_of_1_20(manifests: list[Manifest]) -> str:
    budgets = {"policy/v1": "policy/v1beta1"}
    items = [one | {"apiVersion": budgets.get(one["apiVersion"], one["apiVersion"])} for one in manifests]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def identity(manifest: Manifest) -> tuple[str, str | None, str]:
    meta = manifest["metadata"]
    return manifest["kind"], meta.get("namespace"), meta["name"]


def assert_is_taken(kubectl: Kubectl, manifests: list[Manifest]) -> None:
    text = as_of_1_20(manifests)
    # What is namespaced can only be tried where its namespace is.
    kubectl("apply", "-f", str(DEPLOY / "base" / "namespace.yaml"))
    try:
        tried = kubectl("apply", "--dry-run=server", "-f", "-", stdin=text).splitlines()
        assert len(tried) == len(manifests)
        assert all(line.endswith("(server dry run)") for line in tried)
        kubectl("apply", "-f", "-", stdin=text)
        there = json.loads(kubectl("get", "-f", "-", "-o", "json", stdin=text))["items"]
        assert sorted(map(identity, there)) == sorted(map(identity, manifests))
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_the_api_server_takes_what_kustomize_renders(kubectl: Kubectl, directory: str) -> None:
    assert_is_taken(kubectl, rendered(directory))
