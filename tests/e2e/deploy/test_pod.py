"""The Pod of deploy/base as a kubelet runs it: three containers of the image, one network, the token of its ServiceAccount, on a real
control plane that answers to the ClusterRole and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.containers.engine import docker, inspect
from tests.e2e.deploy.audit import USER, Asked, AuditedServer
from tests.e2e.deploy.installed import Installed
from tests.e2e.deploy.rendered import only, rendered
from tests.e2e.manifests import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.cluster, pytest.mark.docker]

ROLE = {
    Asked(verb, group, resource)
    for verb in ("list", "watch")
    for group, resource in (("", "pods"), ("apps", "replicasets"), ("batch", "jobs"))
}

PORTS = {"pods": 9461, "replicasets": 9462, "jobs": 9463}


def without(rule: dict[str, Any], taken: set[Asked]) -> Iterator[dict[str, Any]]:
    """The rule, or nothing where no verb is left of it."""
    (group,), (resource,) = rule["apiGroups"], rule["resources"]
    verbs = [verb for verb in rule["verbs"] if Asked(verb, group, resource) not in taken]
    if verbs:
        yield rule | {"verbs": verbs}


def set_role(kubectl: Kubectl, *, taken: set[Asked]) -> None:
    """The base's ClusterRole without some of what it grants."""
    role = only(rendered("base"), "ClusterRole")
    rules = [kept for rule in role["rules"] for kept in without(rule, taken)]
    kubectl("apply", "-f", "-", stdin=json.dumps(role | {"rules": rules}))


def test_the_pod_is_in_step_and_asks_for_exactly_what_its_role_grants(base: Installed, server: AuditedServer) -> None:
    base.assert_in_step()
    assert server.asked() == ROLE
    assert server.denied() == set()


@pytest.mark.parametrize("container", ["watcher", "matcher", "relay"])
def test_a_container_that_starts_again_is_in_step_again(base: Installed, container: str) -> None:
    others = [base.pod.container(one) for one in base.pod.containers if one != container]
    started = [inspect(one)["State"]["StartedAt"] for one in others]
    base.pod.restart(container)
    base.pod.wait_until_ready(seconds=30)
    base.assert_in_step()
    assert [inspect(one)["State"]["StartedAt"] for one in others] == started


@pytest.mark.parametrize("resource", ["pods", "replicasets", "jobs"])
@pytest.mark.parametrize("verbs", [("list",), ("watch",), ("list", "watch")])
def test_what_the_role_lacks_degrades_the_pod_and_is_named(
    base: Installed, kubectl: Kubectl, server: AuditedServer, resource: str, verbs: tuple[str, ...]
) -> None:
    """Nothing ends, nothing else is asked for instead, and the probe of whoever looks says what is missing."""
    taken = {asked for asked in ROLE if asked.resource == resource and asked.verb in verbs}
    set_role(kubectl, taken=taken)
    server.forget()
    base.pod.restart("watcher")
    base.pod.wait_until_started()
    said = base.pod.wait_until_it_says(PORTS[resource], "/readyz", f'resource "{resource}"')
    assert any(f'{USER}" cannot {verb} resource' in said for verb in verbs), said
    for other in set(PORTS) - {resource}:
        base.pod.wait_until_it_says(PORTS[other], "/readyz", "ready")
    base.pod.wait_until_it_says(9464, "/readyz", f"the watcher of {resource} is forbidden")
    assert all(base.pod.probe(container, "livenessProbe")[0] for container in base.pod.containers)
    assert server.asked() <= ROLE
    assert server.denied()
    assert server.denied() <= taken


def test_the_pod_heals_by_itself_when_the_role_is_whole_again(base: Installed, kubectl: Kubectl) -> None:
    """Within the 30 s between two attempts of a watcher that was denied."""
    set_role(kubectl, taken=ROLE)
    base.pod.restart("watcher")
    base.pod.wait_until_started()
    for resource, port in PORTS.items():
        base.pod.wait_until_it_says(port, "/readyz", f'resource "{resource}"')
    set_role(kubectl, taken=set())
    base.pod.wait_until_ready(seconds=45)
    base.assert_in_step()


def test_only_the_watcher_can_read_the_token_and_nothing_can_write_outside_the_run_directory(base: Installed) -> None:
    script = (
        "import os, pathlib; print(pathlib.Path('/var/run/secrets/kubernetes.io/serviceaccount/token').exists(), "
        "[place for place in ('/', '/tmp', '/run', '/run/podwire', '/opt/podwire') if os.access(place, os.W_OK)], os.getuid())"
    )
    for container, has_token in (("watcher", True), ("matcher", False), ("relay", False)):
        said = docker("exec", base.pod.container(container), "python", "-c", script)
        assert said.strip() == f"{has_token} ['/run/podwire'] 10001"


def test_a_stuck_stage_among_the_three_watchers_fails_the_liveness_probe(base: Installed) -> None:
    base.pod.wait_until_ready(seconds=45)
    assert base.pod.probe("watcher", "livenessProbe")[0]
    stop = "import os, pathlib; os.kill(int(pathlib.Path('/run/podwire/watcher-jobs.pid').read_text()), 19)"
    docker("exec", base.pod.container("watcher"), "python", "-c", stop)
    alive, said = base.pod.probe("watcher", "livenessProbe")
    assert not alive
    assert "watcher-jobs" in said
    base.pod.restart("watcher")
    base.pod.wait_until_ready(seconds=30)


def test_tokens_that_are_renewed_are_read_again(base: Installed, kubectl: Kubectl, server: AuditedServer) -> None:
    """The old ones die with their ServiceAccount, the watches with the API server: every watcher has to log in anew."""
    account = json.dumps(only(rendered("base"), "ServiceAccount"))
    kubectl("delete", "-f", "-", stdin=account)
    kubectl("apply", "-f", "-", stdin=account)
    server.start_again()
    base.pod.wait_until_it_says(PORTS["pods"], "/state", "401")
    base.pod.volumes.renew()
    base.pod.wait_until_ready(seconds=60)
    base.assert_in_step()


def test_the_containers_end_with_exit_code_0_when_the_pod_is_deleted(base: Installed) -> None:
    """Last in this file: nothing runs after it."""
    assert base.pod.stop() == dict.fromkeys(base.pod.containers, 0)
