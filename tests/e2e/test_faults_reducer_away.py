"""The reducer is killed, and is back after a time in which pods changed 100 times a second: row 3 of the fault table."""

import time
from pathlib import Path

import pytest

from tests.chaos.scene import Scene, on_sandbox, started

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

PODS = 1_000
EVENTS_PER_SECOND = 100.0
WARM_UP_SECONDS = 10.0
"""Until a process has taken the memory that its work takes."""

MOST_GROWTH = 1.10
WITHIN_SECONDS = 5.0


def memory_kib(scene: Scene) -> dict[str, int]:
    """Resident memory of the watchers and the matcher."""
    pids = {stage: pid for stage, pid in scene.processes.living().items() if stage != "relay"}
    return {stage: _resident_kib(pid) for stage, pid in pids.items()}


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def resyncs(scene: Scene) -> list[int]:
    """Every epoch that this life of the reducer has heard of."""
    return [epoch for connection in scene.reducer.get("/state")["connections"] for epoch in connection["resyncs"]]


@pytest.mark.parametrize(
    "away_seconds", [pytest.param(60.0, id="60_s"), pytest.param(600.0, id="10_minutes", marks=pytest.mark.long)]
)
def test_the_reducer_is_away_under_100_events_a_second(away_seconds: float, tmp_path: Path) -> None:
    """Nothing is kept for it but the newest state, and it hears that once."""
    with on_sandbox(tmp_path, pods=PODS, rate=EVENTS_PER_SECOND) as scene, started(scene, "up"):
        time.sleep(WARM_UP_SECONDS)
        before = memory_kib(scene)
        scene.reducer.kill()
        time.sleep(away_seconds)
        after = memory_kib(scene)
        scene.reducer.start()
        scene.recovered(since=time.monotonic(), within=WITHIN_SECONDS)
        scene.assert_exact()
        assert len(resyncs(scene)) == 1
        growth = {stage: after[stage] / before[stage] for stage in before}
        assert max(growth.values()) < MOST_GROWTH, growth
