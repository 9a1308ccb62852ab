"""What the end-to-end tests run on. Those of a real control plane are skipped where none can be made."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import rig

CLUSTER = rig.ROOT.parent / "shared" / "cluster"


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Kubeconfig of a complete control plane whose nodes are played: pods get addresses and run."""
    if not (CLUSTER / "up").exists():
        pytest.skip("there is no shared/cluster beside the checkout")
    state = tmp_path_factory.mktemp("cluster")
    port = str(rig.free_ports(3))
    try:
        up = subprocess.run(
            [CLUSTER / "up", state], env=rig.environment(PORT=port), capture_output=True, text=True, check=True
        )
        kubeconfig = up.stdout.strip().splitlines()[-1]
        with rig.program([sys.executable, str(CLUSTER / "kubelet"), "--kubeconfig", kubeconfig, "--job-seconds", "20"]):
            yield kubeconfig
    finally:
        subprocess.run([CLUSTER / "down", state], check=True)


@contextmanager
def pipeline(kubeconfig: str, directory: Path, *options: str) -> Iterator[tuple[rig.Reducer, Path]]:
    """`podwire up` between an API server and the reference reducer, and its run directory."""
    run_dir = directory / "run"
    with rig.reducer() as reducer:
        arguments = [
            "podwire",
            "up",
            "--kubeconfig",
            kubeconfig,
            "--intake",
            reducer.address,
            "--run-dir",
            str(run_dir),
            *options,
        ]
        with rig.process(arguments, log=directory / "up.log"):
            yield reducer, run_dir


def assert_in_step(kubeconfig: str, reducer: rig.Reducer, *, seconds: float = 60.0) -> None:
    """The reducer comes to hold exactly what the API server's lists say, and no invariant was broken on the way."""
    command = [sys.executable, "-m", "sandbox", "compare", "--kubeconfig", kubeconfig, "--reducer", reducer.admin]
    done = subprocess.run([*command, "--wait", str(seconds)], cwd=rig.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert reducer.get("/breaches")["breaches"]["count"] == 0
