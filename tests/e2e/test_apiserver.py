"""podwire on today's API server code: 20,000 pods, synced while 200 of them change every second."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import rig
from tests.e2e.conftest import assert_in_step, pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.apiserver]

PODS = 20_000


@pytest.fixture(scope="module")
def full() -> Iterator[str]:
    """Kubeconfig of an API server that holds the pods."""
    if not (rig.SHARED / "up").exists():
        pytest.skip("there is no shared/apiserver beside the checkout")
    with rig.real_cluster(PODS) as cluster:
        yield cluster.kubeconfig


@pytest.mark.parametrize("streaming", ["always", "never"])
@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_sync_under_changes_ends_in_step(full: str, streaming: str, encoding: str, tmp_path: Path) -> None:
    """The list runs into a stream of changes; when they stop, the reducer holds what the server holds."""
    seed = str(hash((streaming, encoding)) % 100_000 + 2)
    changing = [sys.executable, str(rig.SHARED / "fill"), "--kubeconfig", full, "--pods", "50", "--seed", seed]
    with rig.program([*changing, "--changes", "200", "--seconds", "15"], log=tmp_path / "fill.log") as fill:
        rig.wait_for(lambda: "wrote" in (tmp_path / "fill.log").read_text(), seconds=60, what="the first changes")
        with pipeline(full, tmp_path, "--streaming-lists", streaming, "--encoding", encoding) as (reducer, _):
            assert fill.wait(timeout=120) == 0
            assert_in_step(full, reducer)
            assert reducer.get("/state")["pods"] >= PODS


def test_a_watcher_that_is_killed_comes_back_in_step(full: str, tmp_path: Path) -> None:
    """A new life of the pods' watcher lists again; what changed meanwhile is told, and the others keep their processes."""
    with pipeline(full, tmp_path) as (reducer, run_dir):
        assert_in_step(full, reducer)
        before = {stage: (run_dir / f"{stage}.pid").read_text() for stage in rig.STAGES}
        subprocess.run(["kill", "-9", before["watcher-pods"].strip()], check=True)
        rig.wait_for(
            lambda: (run_dir / "watcher-pods.pid").read_text() != before["watcher-pods"],
            seconds=20,
            what="a new watcher",
        )
        assert_in_step(full, reducer)
        after = {stage: (run_dir / f"{stage}.pid").read_text() for stage in rig.STAGES}
        assert {stage for stage in rig.STAGES if before[stage] != after[stage]} == {"watcher-pods"}
