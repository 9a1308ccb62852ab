"""compose.cluster.yaml: the same containers between a real control plane and a reducer that is none of theirs."""

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from bench import rig
from tests.containers.engine import ROOT, STAGES, Stack, until
from tests.containers.forward import forwarded
from tests.e2e.conftest import assert_in_step, control_plane
from tests.e2e.manifests import NAMESPACES, Kubectl, everything

pytestmark = [pytest.mark.docker, pytest.mark.cluster]

__all__ = ["control_plane"]

REPLICAS = 10


def flattened(kubeconfig: str, file: Path) -> int:
    """Writes what `kubectl config view --raw --flatten` would, for containers of this machine; gives the server's port."""
    config = yaml.safe_load(Path(kubeconfig).read_text())
    cluster = config["clusters"][0]["cluster"]
    port = urlsplit(cluster["server"]).port
    cluster["server"] = f"https://host.docker.internal:{port}"
    cluster["tls-server-name"] = "localhost"
    cluster["certificate-authority-data"] = base64.b64encode(
        Path(cluster.pop("certificate-authority")).read_bytes()
    ).decode()
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o400)
    return int(port)


@pytest.fixture
def reducer() -> Iterator[rig.Reducer]:
    with rig.reducer() as found:
        yield found


def test_it_follows_a_real_cluster_and_tells_a_reducer_elsewhere(
    image: str, control_plane: str, reducer: rig.Reducer, tmp_path: Path
) -> None:
    """Five containers, and neither the sandbox nor the reducer that come without the second file; in step, and again after a crash."""
    file = tmp_path / "kubeconfig"
    intake_port = int(reducer.address.rpartition(":")[2])
    api_port = flattened(control_plane, file)
    owner = (os.getuid() or 10001, os.getgid() or 10001)
    os.chown(file, *owner)
    stack = Stack(
        "podwire-cluster",
        image,
        files=(ROOT / "compose.yaml", ROOT / "compose.cluster.yaml"),
        variables={
            "PODWIRE_KUBECONFIG": str(file),
            "PODWIRE_UID": str(owner[0]),
            "PODWIRE_GID": str(owner[1]),
            "EBPF_NET_INTAKE_HOST": "host.docker.internal",
            "EBPF_NET_INTAKE_PORT": str(intake_port),
        },
        services=STAGES,
    )
    kubectl = Kubectl(control_plane)
    kubectl("create", "namespace", NAMESPACES[0])
    kubectl.apply(NAMESPACES[0], everything(REPLICAS))
    with forwarded(api_port, intake_port):
        stack.down()
        try:
            stack.up()
            until(lambda: not stack.unhealthy(), seconds=30, what=stack.logs)
            assert [stack.container(service) for service in ("cluster", "reducer")] == ["", ""]
            assert_in_step(control_plane, reducer)
            kubectl("-n", NAMESPACES[0], "scale", "deployment/web", "--replicas=20")
            stack.crash("watcher-pods")
            until(lambda: len(in_sync(stack)) == len(STAGES), seconds=30, what=stack.logs)
            assert_in_step(control_plane, reducer)
        finally:
            stack.down()


def in_sync(stack: Stack) -> list[str]:
    """The stages of which `podwire status` says so."""
    return re.findall("in sync", stack.run("matcher", "podwire", "status").stdout)


def test_without_a_reducer_it_says_which_variable_is_missing(image: str) -> None:
    stack = Stack("podwire-cluster", image, files=(ROOT / "compose.yaml", ROOT / "compose.cluster.yaml"))
    with pytest.raises(AssertionError, match="set it to the host of the reducer"):
        stack.compose("config")
