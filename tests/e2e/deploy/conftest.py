"""deploy/ on a control plane: its objects applied there, its Pods played on the Docker engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import rig
from tests.containers.conftest import image  # noqa: F401 (the same image)
from tests.e2e.deploy.audit import AuditedServer
from tests.e2e.deploy.installed import Installed, installed
from tests.e2e.manifests import Kubectl, everything


@pytest.fixture(scope="module")
def kubectl(control_plane: str) -> Kubectl:
    """kubectl on the control plane, which has some workload."""
    found = Kubectl(control_plane)
    found.apply("default", everything(10))
    # Controllers that are still starting do not survive an API server that is started again.
    found("rollout", "status", "deployment/web", "--timeout=60s")
    return found


@pytest.fixture(scope="module")
def server(control_plane: str, kubectl: Kubectl) -> AuditedServer:
    """The API server, which notes what podwire asks for."""
    return AuditedServer(Path(control_plane).parent, kubectl)


@pytest.fixture(scope="module")
def reducer() -> Iterator[rig.Reducer]:
    with rig.reducer() as found:
        yield found


@pytest.fixture(scope="module")
def base(
    image: str,  # noqa: F811 (a fixture's name)
    control_plane: str,
    server: AuditedServer,  # noqa: ARG001 (from the first request on)
    reducer: rig.Reducer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installed]:
    """deploy/base, with its one Pod running."""
    volumes = tmp_path_factory.mktemp("volumes")
    with installed("base", image=image, kubeconfig=control_plane, reducer=reducer, volumes=volumes) as found:
        yield found
