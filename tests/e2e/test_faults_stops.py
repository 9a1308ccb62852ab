"""Each process stands still (SIGSTOP) for 20 s, under a moving workload: row 2 of the fault table."""

import statistics
import time
from pathlib import Path

import pytest

from podwire.ask import admin_of, ask
from podwire.stages import STAGES
from tests.chaos.scene import Scene, on_sandbox, started

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

STOPPED_SECONDS = 20.0
WITHIN_SECONDS = 15.0

USUAL_ANSWER_SECONDS = 0.1
SLOWEST_ANSWER_SECONDS = 1.0
"""On two cores that have a sandbox and its storm to serve as well."""


def answer_seconds(scene: Scene, stage: str) -> float:
    """How long the stage takes to show its state."""
    began = time.monotonic()
    ask(admin_of(scene.run_dir, stage), "/state")
    return time.monotonic() - began


def assert_responsive(scene: Scene, stages: set[str], *, seconds: float) -> None:
    """These stages answer for so long."""
    until = time.monotonic() + seconds
    answers: dict[str, list[float]] = {stage: [] for stage in stages}
    while time.monotonic() < until:
        for stage, taken in answers.items():
            taken.append(answer_seconds(scene, stage))
        time.sleep(0.2)
    usual = {stage: statistics.median(taken) for stage, taken in answers.items()}
    slowest = {stage: max(taken) for stage, taken in answers.items()}
    assert max(usual.values()) < USUAL_ANSWER_SECONDS, usual
    assert max(slowest.values()) < SLOWEST_ANSWER_SECONDS, slowest


def test_each_process_stands_still_for_20_s(tmp_path: Path) -> None:
    """The others answer, nobody starts it again, and it goes on as though nothing had been."""
    with on_sandbox(tmp_path) as scene, started(scene, "up"):
        before = scene.processes.living()
        for stage in STAGES:
            scene.processes.stop(stage)
            assert_responsive(scene, {*STAGES} - {stage}, seconds=STOPPED_SECONDS)
            scene.processes.go_on(stage)
            scene.recovered(since=time.monotonic(), within=WITHIN_SECONDS)
            scene.assert_exact()
        assert scene.processes.living() == before
