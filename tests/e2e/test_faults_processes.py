"""`kill -9` of each of the five processes, alone and 200 times in a row, under a moving workload: row 1 of the fault table."""

import random
import time
from pathlib import Path

import pytest

from podwire.stages import STAGES
from tests.chaos.faults import START_SECONDS
from tests.chaos.processes import STARTERS
from tests.chaos.scene import Scene, on_sandbox, started

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

WITHIN_SECONDS = 15.0
KILLS = 200


def kill_in_a_row(scene: Scene, *, count: int, seed: int) -> None:
    """So many kills of whoever lives, each soon after the other. Whoever was not killed is seen to be the same process at each."""
    random_ = random.Random(seed)
    killed = 0
    while killed < count:
        killed += scene.processes.kill(random_.choice(STAGES))
        time.sleep(random_.uniform(0.0, 0.3))


@pytest.mark.parametrize("starter", STARTERS)
def test_each_process_is_killed_alone(starter: str, tmp_path: Path) -> None:
    """The other four keep their PIDs, and the reducer comes to equal the cluster."""
    with on_sandbox(tmp_path) as scene, started(scene, starter):
        for stage in STAGES:
            before = scene.processes.living()
            assert scene.processes.kill(stage)
            scene.recovered(since=time.monotonic(), within=WITHIN_SECONDS)
            after = scene.processes.living()
            assert {one for one in STAGES if after[one] != before[one]} == {stage}
            scene.assert_exact()


@pytest.mark.parametrize("starter", STARTERS)
def test_200_kills_in_a_row(starter: str, tmp_path: Path) -> None:
    """However often it was killed before, each comes back in time."""
    with on_sandbox(tmp_path) as scene, started(scene, starter):
        kill_in_a_row(scene, count=KILLS, seed=4)
        scene.recovered(since=time.monotonic(), within=WITHIN_SECONDS)
        scene.assert_exact()


@pytest.mark.parametrize("seed", [1, 2])
def test_started_by_hand_in_any_order(seed: int, tmp_path: Path) -> None:
    """No process needs another one to be there."""
    order = random.Random(seed).sample(STAGES, k=len(STAGES))
    with on_sandbox(tmp_path) as scene, started(scene, "hand", order=order):
        scene.assert_exact()
        before = scene.processes.living()
        scene.processes.kill_all(order[::-1])
        scene.recovered(since=time.monotonic(), within=START_SECONDS)
        assert not set(before.values()) & set(scene.processes.living().values())
        scene.assert_exact()
