"""Places in the run directory: held by another, left over by the dead, or not to be had. Row 11 of the fault table."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bench import rig
from podwire.stages import STAGES
from tests.chaos.faults import START_SECONDS
from tests.chaos.processes import STARTERS
from tests.chaos.scene import on_sandbox, started
from tests.fakes.processes import pid_in

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

WITHIN_SECONDS = 15.0
SOMEBODY_ELSE = 12_345

WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Root may write everywhere by these two capabilities: without them it meets permissions as everybody does."""


def command(stage: str, run_dir: Path) -> list[str]:
    """What starts a stage, or `up`, by hand."""
    module, _, kind = stage.partition("-")
    words = ["podwire", "up"] if stage == "up" else [module, *([kind] if kind else [])]
    return [*words, "--log-level", "error", "--run-dir", str(run_dir)]


def refused(arguments: Sequence[str]) -> str:
    """Starts it, sees that it ends as a user's mistake does, and gives its only line."""
    prefix = WITHOUT_ROOTS_RIGHTS if os.getuid() == 0 else ()
    done = subprocess.run(
        [*prefix, sys.executable, "-m", *arguments],
        cwd=rig.ROOT,
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("starter", STARTERS)
def test_a_second_one_says_who_holds_the_place(starter: str, tmp_path: Path) -> None:
    """It ends with exit code 2, and the first one goes on as though nothing had been."""
    with on_sandbox(tmp_path) as scene, started(scene, starter):
        before = scene.processes.living()
        for stage in STAGES:
            said = refused(command(stage, scene.run_dir))
            assert said.endswith(f"{stage} is running already in {scene.run_dir}, as process {before[stage]}"), said
        said = refused(command("up", scene.run_dir))
        assert f" is running already in {scene.run_dir}, as process " in said
        assert starter == "hand" or ": up is running already" in said
        scene.recovered(since=time.monotonic(), within=WITHIN_SECONDS)
        assert scene.processes.living() == before
        scene.assert_exact()


@pytest.mark.parametrize("starter", STARTERS)
def test_what_the_dead_left_is_taken_over(starter: str, tmp_path: Path) -> None:
    """Sockets, PIDs and admin addresses of processes that were killed; also where the PID is that of somebody who lives."""
    with on_sandbox(tmp_path) as scene, started(scene, starter):
        left = {path.name for path in scene.run_dir.iterdir()}
        assert left >= {"relay.link", "watcher-pods.updates", "matcher.pid", "relay.admin"}

        def leave_a_living_pid() -> None:
            for stage in (*STAGES, "up"):
                (scene.run_dir / f"{stage}.pid").write_text(f"{os.getpid()}\n")

        scene.processes.kill_all(random.Random(11).sample(STAGES, k=len(STAGES)), before_start=leave_a_living_pid)
        rig.wait_for(lambda: all_taken_over(scene.run_dir), seconds=START_SECONDS, what="all places taken over")
        scene.recovered(since=time.monotonic(), within=START_SECONDS)
        scene.assert_exact()


def all_taken_over(run_dir: Path) -> bool:
    """Whether every place is held by somebody else than this test, whose PID it had."""
    return all(pid_in(run_dir, stage) not in (None, os.getpid()) for stage in STAGES)


@pytest.fixture(params=[*STAGES, "up"])
def stage(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    """A run directory that is there already, and can be removed afterwards."""
    made = tmp_path / "run"
    made.mkdir(mode=0o700)
    yield made
    made.chmod(0o700)
    shutil.rmtree(made)


def test_a_run_directory_that_is_not_writable(stage: str, run_dir: Path) -> None:
    run_dir.chmod(0o500)
    assert refused(command(stage, run_dir)).endswith(
        f"the run directory {run_dir} is not writable; choose another --run-dir"
    )


def test_a_run_directory_that_cannot_be_made(stage: str, run_dir: Path) -> None:
    run_dir.chmod(0o500)
    said = refused(command(stage, run_dir / "below"))
    assert said.endswith(
        f"cannot make the run directory {run_dir / 'below'}: Permission denied; choose another --run-dir"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory to somebody else")
def test_a_run_directory_of_somebody_else(stage: str, run_dir: Path) -> None:
    os.chown(run_dir, SOMEBODY_ELSE, -1)
    run_dir.chmod(0o777)
    said = refused(command(stage, run_dir))
    assert said.endswith(
        f"the run directory {run_dir} belongs to user {SOMEBODY_ELSE}, not to you; choose another --run-dir"
    )


def test_a_pid_file_that_cannot_be_written(stage: str, run_dir: Path) -> None:
    (run_dir / f"{stage}.pid").touch(mode=0o400)
    said = refused(command(stage, run_dir))
    assert said.endswith(f"cannot write {run_dir / f'{stage}.pid'}: Permission denied; choose another --run-dir")


@pytest.mark.parametrize("name", ["relay.emissions", "relay.link", "watcher-pods.updates", "watcher-pods.snapshots"])
def test_a_socket_whose_path_is_taken(name: str, run_dir: Path) -> None:
    """By something that the stage may not remove."""
    (run_dir / name).mkdir()
    stage = name.partition(".")[0]
    said = refused([*command(stage, run_dir), *_nowhere(stage, run_dir)])
    assert said.endswith(
        f"cannot listen on {run_dir / name}: Address already in use; remove it, or choose another --run-dir"
    )


def _nowhere(stage: str, run_dir: Path) -> list[str]:
    """A cluster for a watcher to be pointed at; it does not come to asking it."""
    if not stage.startswith("watcher"):
        return []
    kubeconfig = run_dir / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nusers: []\n"
        "clusters: [{name: here, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "contexts: [{name: here, context: {cluster: here}}]\n"
    )
    return ["--kubeconfig", str(kubeconfig)]
