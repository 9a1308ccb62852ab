"""A failing schedule: it is found, one seed replays it exactly, and it shrinks. Each test breaks a core to have one."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, find, settings

from matcher.follow import Follower
from tests.simulation.edges import EDGES, simulated
from tests.simulation.script import Failed, Script, play, script_of, shrink
from tests.simulation.test_schedules import scripts

ENOUGH = 200


@pytest.fixture(autouse=True)
def _broken_core(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Deletes that come after the snapshot are not taken."""
    original = Follower._changes

    def without_deletes(self, updates, events):
        return original(self, updates, [event for event in events if hasattr(event, "record")])

    monkeypatch.setattr(Follower, "_changes", without_deletes)
    with simulated():
        yield


def first_failing() -> Failed:
    """Of the first seeds."""
    return next(failed for seed in range(ENOUGH) if (failed := play(script_of(seed), EDGES)) is not None)


def traced(script: Script) -> tuple[list[str], str]:
    """Everything that happened in it, and how it failed."""
    lines: list[str] = []
    failed = play(script, EDGES, trace=lines.append)
    return lines, repr(failed.error) if failed else "holds"


def test_a_seed_replays_exactly():
    """If a seed has failed, it fails again in the same way, move by move."""
    failed = first_failing()
    lines, error = traced(script_of(failed.script.seed))
    assert (lines, error) == traced(script_of(failed.script.seed))
    assert error == repr(failed.error)
    assert len(lines) > 10


def test_a_failing_seed_shrinks_to_the_steps_that_matter():
    """If a pod's delete is lost, hardly more is left of the script than the delete."""
    small = shrink(first_failing(), EDGES)
    assert play(small.script, EDGES) is not None
    assert len(small.script.steps) <= 3


def test_hypothesis_shrinks_a_failing_script():
    """If hypothesis looks for a script that fails, it gives one of a few steps."""
    found = find(
        scripts(),
        lambda script: play(script, EDGES) is not None,
        settings=settings(max_examples=1_000, suppress_health_check=list(HealthCheck)),
    )
    assert len(found.steps) <= 3
