"""deploy/overlays/split as kubelets run it: five Pods with a network each, that meet by Services and know each other by keys."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench import rig
from tests.e2e.deploy.installed import Installed, installed
from tests.e2e.deploy.rendered import DEPLOY
from tests.e2e.manifests import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.cluster, pytest.mark.docker]

STAGES = ["watcher-pods", "watcher-replicasets", "watcher-jobs", "matcher", "relay"]


def apply_new_keys(kubectl: Kubectl) -> None:
    command = [sys.executable, "-m", "podwire", "keys", "--secret-manifest", "--namespace", "podwire"]
    made = subprocess.run(command, cwd=rig.ROOT, env=rig.environment(), capture_output=True, text=True, check=True)
    kubectl("apply", "-f", "-", stdin=made.stdout)


@pytest.fixture(scope="module")
def split(
    image: str,
    control_plane: str,
    kubectl: Kubectl,
    reducer: rig.Reducer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installed]:
    kubectl("apply", "-f", str(DEPLOY / "base" / "namespace.yaml"))
    apply_new_keys(kubectl)
    volumes = tmp_path_factory.mktemp("volumes")
    with installed("overlays/split", image=image, kubeconfig=control_plane, reducer=reducer, volumes=volumes) as found:
        yield found


def test_five_pods_that_know_each_other_by_keys_are_in_step(split: Installed) -> None:
    assert sorted(split.pods) == sorted(STAGES)
    split.assert_in_step()


@pytest.mark.parametrize("stage", STAGES)
def test_each_may_start_again_alone(split: Installed, stage: str) -> None:
    split.pods[stage].restart(stage)
    split.wait_until_ready()
    split.assert_in_step()


def test_a_stage_with_new_keys_is_let_in_by_nobody_until_all_have_them(split: Installed, kubectl: Kubectl) -> None:
    apply_new_keys(kubectl)
    for stage, pod in split.pods.items():
        pod.volumes.renew()
        if stage == "matcher":
            pod.restart(stage)
    split.pods["matcher"].wait_until_it_says(9461, "/readyz", "silent")
    for stage in set(STAGES) - {"matcher"}:
        split.pods[stage].restart(stage)
    split.wait_until_ready()
    split.assert_in_step()
