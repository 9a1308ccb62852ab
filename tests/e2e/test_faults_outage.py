"""A real API server that is killed and comes back, while its objects change behind the watchers' backs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import rig
from common.clock import monotonic
from common.records import KINDS
from podwire.ask import stage_state
from tests.e2e.conftest import CLUSTER, assert_in_step, pipeline
from tests.e2e.manifests import Kubectl, everything, pod

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.cluster]

NAMESPACE = "outage"
BACK_SECONDS = 5.0
"""After the API server's return."""


@contextmanager
def outage(kubeconfig: str, directory: Path) -> Iterator[str]:
    """The API server is dead meanwhile. Gives the kubeconfig of another one on the same etcd, which nobody else knows of."""
    state = Path(kubeconfig).parent
    server = Path("/proc", (state / "apiserver.pid").read_text().strip(), "cmdline").read_bytes().decode().split("\0")
    port = server[server.index("--secure-port") + 1]
    other_port = str(rig.free_ports(1))
    other_kubeconfig = directory / "kubeconfig"
    other_kubeconfig.write_text(Path(kubeconfig).read_text().replace(f":{port}", f":{other_port}"))
    subprocess.run([CLUSTER / "apiserver", "kill", state], check=True)
    other = [other_port if word == port else word for word in server[:-1]]
    with (directory / "other.log").open("wb") as log:
        process = subprocess.Popen(other, cwd=state, stdout=log, stderr=log)
    try:
        rig.wait_for(lambda: is_ready(str(other_kubeconfig)), seconds=90, what="the other API server", every=0.5)
        yield str(other_kubeconfig)
    finally:
        process.kill()
        process.wait()
        subprocess.run([CLUSTER / "apiserver", "start", state], check=True)


def is_ready(kubeconfig: str) -> bool:
    command = ["kubectl", "--kubeconfig", kubeconfig, "get", "--raw", "/readyz"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def change(kubeconfig: str) -> None:
    """Some of everything goes, comes, or is another than before."""
    kubectl = Kubectl(kubeconfig)
    at_once = ("--grace-period=0", "--force", "--wait=false")
    kubectl("-n", NAMESPACE, "delete", "pod", "bare-0", *at_once)
    kubectl("-n", NAMESPACE, "delete", "pod", "-l", "app=web", *at_once)
    kubectl("-n", NAMESPACE, "delete", "replicaset", "orphan", "--wait=false")
    kubectl("-n", NAMESPACE, "delete", "job", "once", "--wait=false")
    # The same name, another pod.
    kubectl.apply(NAMESPACE, [pod("bare-0"), pod("bare-new")])
    played = [sys.executable, str(CLUSTER / "kubelet"), "--kubeconfig", kubeconfig, "--once"]
    subprocess.run(played, check=True, timeout=60, stdout=subprocess.DEVNULL)


def uids(kubectl: Kubectl) -> dict[str, str]:
    """The UIDs of the pods, by name."""
    items = kubectl.get("-n", NAMESPACE, "pods")["items"]
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in items}


def scopes(run_dir: Path) -> dict[str, dict[str, Any]]:
    """What each watcher says of its only scope."""
    return {kind: stage_state(run_dir, f"watcher-{kind}")["scopes"][0] for kind in KINDS}


def watches(scope: dict[str, Any], *, since: float) -> bool:
    """Whether the watcher has heard of the API server since that monotonic time, and follows all that it may see."""
    heard = scope["watch_age_seconds"] < monotonic() - since
    return bool(heard and scope["activity"] == "watching" and scope["condition"] == "following")


def unreachable(scope: dict[str, Any]) -> int:
    return int(scope["faults"].get("unreachable", 0))


def test_the_api_server_is_killed_and_comes_back_with_other_objects(control_plane: str, tmp_path: Path) -> None:
    """No hot loop meanwhile, and the reducer keeps what it has; then a list, exact, with what was deleted."""
    kubectl = Kubectl(control_plane)
    kubectl("create", "namespace", NAMESPACE)
    kubectl.apply(NAMESPACE, everything(20))
    with pipeline(control_plane, tmp_path) as (reducer, run_dir):
        assert_in_step(control_plane, reducer)
        before, known = reducer.get("/state"), uids(kubectl)
        attempts = {kind: unreachable(scope) for kind, scope in scopes(run_dir).items()}
        began_at = monotonic()
        with outage(control_plane, tmp_path) as behind_their_backs:
            # From here to its return nobody answers the watchers: whatever they hear after this moment, they hear of the returned one.
            away_at = monotonic()
            change(behind_their_backs)
            assert reducer.get("/state")["epoch"] == before["epoch"]
            for kind, scope in scopes(run_dir).items():
                # Attempts come ever later, up to 2 to 4 s apart.
                assert 2 <= unreachable(scope) - attempts[kind] <= 3 + (monotonic() - began_at) / 2
        rig.wait_for(
            lambda: all(watches(scope, since=away_at) for scope in scopes(run_dir).values()),
            seconds=BACK_SECONDS,
            what="the watchers' return",
        )
        assert_in_step(control_plane, reducer)
        held = {one["uid"] for one in reducer.get("/pods")["pods"]}
        assert known["bare-1"] in held
        assert known["bare-0"] not in held
        assert uids(kubectl)["bare-0"] in held
        after = reducer.get("/state")
        assert after["epoch"] == before["epoch"] + 1
        assert after["connections_opened"] == before["connections_opened"]
