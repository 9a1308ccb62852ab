"""What the manifests of deploy/ promise and can be read off them: kustomize and API servers have their say in tests/e2e/deploy."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.version import VERSION
from matcher.cli import command as match
from podwire.stages import STAGES
from podwire.up import command as up
from relay.cli import command as relay
from watcher.cli import command as watch

DEPLOY = Path(__file__).parents[2] / "deploy"

ROLE = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list", "watch"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "watch"]},
]

COMMANDS = (up, watch, match, relay)

DEPLOYMENTS = ["base/deployment.yaml", "overlays/split/stage/deployment.yaml"]


def read(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / file).read_text()))


def one(file: str, kind: str) -> dict[str, Any]:
    (found,) = [manifest for manifest in read(file) if manifest["kind"] == kind]
    return found


def pod_spec(file: str) -> dict[str, Any]:
    spec: dict[str, Any] = one(file, "Deployment")["spec"]["template"]["spec"]
    return spec


def settings() -> Iterator[tuple[str, str]]:
    """Every variable that a manifest sets, with the file."""
    for file in sorted(DEPLOY.rglob("*.yaml")):
        for name in re.findall(r"\b(PODWIRE_[A-Z_]+)\b", file.read_text()):
            yield name, str(file.relative_to(DEPLOY))


def test_the_cluster_role_and_the_role_of_a_namespace_grant_list_and_watch_on_three_kinds_and_nothing_else() -> None:
    assert one("base/access.yaml", "ClusterRole")["rules"] == ROLE
    assert one("overlays/namespaced/role/role.yaml", "Role")["rules"] == ROLE


def test_the_namespaced_overlay_has_a_role_in_each_namespace_that_podwire_is_told_and_no_other() -> None:
    overlay = one("overlays/namespaced/kustomization.yaml", "Kustomization")
    (told,) = overlay["configMapGenerator"][0]["literals"]
    granted = [name for name in overlay["resources"] if name != "../../base"]
    assert told == f"PODWIRE_NAMESPACE={' '.join(granted)}"
    for name in granted:
        assert one(f"overlays/namespaced/{name}/kustomization.yaml", "Kustomization")["namespace"] == name


@pytest.mark.parametrize("file", DEPLOYMENTS)
def test_every_pod_meets_the_restricted_standard(file: str) -> None:
    """kubernetes.io/docs/concepts/security/pod-security-standards, and a root file system that cannot be written."""
    spec = pod_spec(file)
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert {kind for volume in spec["volumes"] for kind in volume} <= {"name", "emptyDir", "projected", "secret"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("file", DEPLOYMENTS)
def test_every_container_has_its_probes_requests_and_a_limit_of_memory(file: str) -> None:
    for container in pod_spec(file)["containers"]:
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert set(container["resources"]["limits"]) == {"memory"}, "a limit of processor time would only make it late"


def test_only_the_watcher_has_a_token() -> None:
    spec = pod_spec("base/deployment.yaml")
    assert spec["automountServiceAccountToken"] is False
    mounts = {each["name"]: {mount["name"] for mount in each["volumeMounts"]} for each in spec["containers"]}
    assert mounts == {"watcher": {"run", "token"}, "matcher": {"run"}, "relay": {"run"}}


def test_a_token_is_good_for_an_hour() -> None:
    """With 3607 s, which stands for a client that never reads it again, the API server makes it a year (KEP 1205)."""
    files = [file.read_text() for file in DEPLOY.rglob("*.yaml")]
    lives = [seconds for text in files for seconds in re.findall(r"expirationSeconds: (\d+)", text)]
    assert lives == ["3600", "3600"]


def test_metrics_may_be_read_at_every_port_and_the_pod_monitor_reads_each() -> None:
    ports = {
        port["name"]: port["containerPort"]
        for each in pod_spec("base/deployment.yaml")["containers"]
        for port in each["ports"]
    }
    (rule,) = one("base/network-policy.yaml", "NetworkPolicy")["spec"]["ingress"]
    assert {port["port"] for port in rule["ports"]} == set(ports.values())
    monitored = one("components/pod-monitor/pod-monitor.yaml", "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert {endpoint["port"] for endpoint in monitored} == set(ports)


def test_the_disruption_budget_holds_up_no_drain_however_many_stages_are_not_ready() -> None:
    """In overlays/split a reducer that is away makes two of five Pods not ready."""
    budget = one("components/disruption-budget/disruption-budget.yaml", "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == "100%"


def test_every_kustomization_keeps_to_what_the_oldest_kubectl_that_is_named_knows() -> None:
    """`includeTemplates` is of kustomize 4.5.5 (kubectl 1.25), and `includeSelectors` does the same and more."""
    for file in DEPLOY.rglob("kustomization.yaml"):
        for label in one(str(file.relative_to(DEPLOY)), yaml.safe_load(file.read_text())["kind"]).get("labels", []):
            assert set(label) == {"pairs", "includeSelectors"}, file


def test_the_intakes_port_is_open() -> None:
    literals = one("base/kustomization.yaml", "Kustomization")["configMapGenerator"][0]["literals"]
    (intake,) = [text for text in literals if text.startswith("PODWIRE_INTAKE=")]
    egress = one("base/network-policy.yaml", "NetworkPolicy")["spec"]["egress"]
    assert {"protocol": "TCP", "port": int(intake.rpartition(":")[2])} in [
        port for rule in egress for port in rule["ports"]
    ]


def test_every_variable_is_an_option_of_podwires() -> None:
    known = {name for command in COMMANDS for parameter in command.params for name in parameter.envvar or []}
    assert {(name, file) for name, file in settings() if name not in known} == set()


def test_the_image_is_of_this_version() -> None:
    tags = {
        tag for file in DEPLOY.rglob("*.yaml") for tag in re.findall(r"podwire:(\S+)|newTag: (\S+)", file.read_text())
    }
    assert {tag for pair in tags for tag in pair if tag} == {VERSION}


@pytest.mark.parametrize("stage", STAGES)
def test_each_pod_of_a_stage_says_which_one_it_is(stage: str) -> None:
    """podwire check in it looks at nothing else then."""
    patch = one(f"overlays/split/{stage}/kustomization.yaml", "Kustomization")["patches"][0]["patch"]
    added = [change["value"] for change in yaml.safe_load(patch) if change["path"].endswith("/env/-")]
    assert {"name": "PODWIRE_STAGE", "value": stage} in added
