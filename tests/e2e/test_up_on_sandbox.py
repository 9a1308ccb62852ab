"""`podwire up` as users run it, on the sandbox: real processes, real sockets, kill -9."""

import json
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from bench import rig
from podwire.stages import STAGES
from tests.fakes.processes import ended, eventually, gone, pid_in

pytestmark = pytest.mark.e2e


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


def podwire(*arguments: str, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return rig.process(["podwire", *arguments], log=log)


def demo(*arguments: str, run_dir: Path, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return podwire("up", "--demo", "--run-dir", str(run_dir), "--demo-pods", "200", *arguments, log=log)


def all_pids(run_dir: Path) -> dict[str, int] | None:
    """The PIDs of all five stages, None unless all of them live."""
    found = {stage: pid for stage in STAGES if (pid := pid_in(run_dir, stage)) is not None}
    return found if len(found) == len(STAGES) else None


def pids_but(run_dir: Path, dead: int) -> dict[str, int] | None:
    """The PIDs of all five stages once `dead` is none of them."""
    found = all_pids(run_dir)
    return found if found is not None and dead not in found.values() else None


def wait_until_in_step(run_dir: Path, log: Path) -> None:
    """Waits until every stage says of itself that it is in sync."""

    def ready() -> bool:
        command = [sys.executable, "-m", "podwire", "status", "--run-dir", str(run_dir)]
        return subprocess.run(command, cwd=rig.ROOT, capture_output=True, check=False).returncode == 0

    eventually(ready, log=log, what="all stages in sync")


def test_a_demo_ends_by_itself_in_step_under_a_moving_workload(run_dir: Path, log: Path) -> None:
    with demo("--for", "5", "--demo-rate", "100", run_dir=run_dir, log=log) as process:
        assert ended(process, log=log) == 0
    assert log.read_text().splitlines()[-1].startswith("in step: "), log.read_text()


def test_each_stage_that_is_killed_comes_back_while_the_others_keep_their_pids(run_dir: Path, log: Path) -> None:
    with demo("--for", "12", "--demo-rate", "50", run_dir=run_dir, log=log) as process:
        before = eventually(partial(all_pids, run_dir), log=log, what="all stages")
        wait_until_in_step(run_dir, log)
        for stage in STAGES:
            os.kill(before[stage], signal.SIGKILL)
            after = eventually(partial(pids_but, run_dir, before[stage]), log=log, what=f"a new {stage}")
            assert {one for one in STAGES if after[one] != before[one]} == {stage}
            before = after
        assert ended(process, log=log) == 0
    assert log.read_text().splitlines()[-1].startswith("in step: "), log.read_text()


def test_a_demo_that_is_told_to_end_leaves_no_process(run_dir: Path, log: Path) -> None:
    with demo(run_dir=run_dir, log=log) as process:
        children = eventually(partial(all_pids, run_dir), log=log, what="all stages")
        process.send_signal(signal.SIGTERM)
        assert ended(process, log=log) == 0
        assert all(gone(pid) for pid in children.values())


def test_up_between_a_cluster_and_a_reducer_runs_for_a_while_and_sums_up(
    run_dir: Path, log: Path, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    cluster = ["sandbox", "cluster", "--pods", "50", "--rate", "0", "--kubeconfig", str(kubeconfig)]
    with rig.process(cluster, log=tmp_path / "cluster.log"), rig.reducer() as reducer:
        eventually(kubeconfig.exists, log=tmp_path / "cluster.log", what="the cluster")
        arguments = ["--kubeconfig", str(kubeconfig), "--intake", reducer.address, "--run-dir", str(run_dir)]
        with podwire("up", *arguments, "--for", "4", "--log-format", "json", log=log) as process:
            eventually(lambda: reducer.get("/state")["pods"] > 0, log=log, what="pods in the reducer")
            assert ended(process, log=log) == 0
        assert reducer.get("/state")["breaches"] == 0
    lines = log.read_text().splitlines()
    summary = [line for line in lines if not line.startswith("{")]
    assert [line.split()[0] for line in summary] == ["STAGE", *STAGES]
    assert all(line.endswith("in sync") for line in summary[1:]), summary
    assert {json.loads(line)["stage"] for line in lines if line.startswith("{")} == {"up", *STAGES}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kubeconfig", "/nowhere/config"], "/nowhere/config"),
        (["--intake", "reducer:http"], "--intake"),
        (["--admin", "127.0.0.1:99999"], "--admin"),
        (["--label", "no-value"], "--label"),
        (["--demo", "--admin", "off"], "--admin off"),
    ],
)
def test_a_users_mistake_is_said_once_and_ends_all_with_code_2(
    arguments: list[str], words: str, run_dir: Path, log: Path
) -> None:
    with podwire("up", "--log-level", "error", "--run-dir", str(run_dir), *arguments, log=log) as process:
        assert ended(process, log=log) == 2
    assert len(log.read_text().splitlines()) == 1, log.read_text()
    assert words in log.read_text()
