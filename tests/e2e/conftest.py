"""What the end-to-end tests run on. Those of a real control plane are skipped where none can be made."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
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
    """`podwire up` between an API server and a reference reducer of its own, and its run directory."""
    with rig.reducer() as reducer, up(kubeconfig, directory, "--intake", reducer.address, *options) as run_dir:
        yield reducer, run_dir


@contextmanager
def up(kubeconfig: str, directory: Path, *options: str, within: Sequence[str] = ()) -> Iterator[Path]:
    """`podwire up`, and its run directory; `within` is a command that runs its command line."""
    run_dir = directory / "run"
    arguments = ["--kubeconfig", kubeconfig, "--run-dir", str(run_dir), *options]
    with rig.program([*within, sys.executable, "-m", "podwire", "up", *arguments], log=directory / "up.log"):
        yield run_dir


def assert_in_step(kubeconfig: str, reducer: rig.Reducer, *, seconds: float = 60.0) -> None:
    """The reducer comes to hold exactly what the API server's lists say, and no invariant was broken on the way."""
    command = [sys.executable, "-m", "sandbox", "compare", "--kubeconfig", kubeconfig, "--reducer", reducer.admin]
    done = subprocess.run([*command, "--wait", str(seconds)], cwd=rig.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert reducer.get("/breaches")["breaches"]["count"] == 0
