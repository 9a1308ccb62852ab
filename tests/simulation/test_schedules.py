"""Schedules of the simulated pipeline: any faults at any moment, and the reducer comes to hold what the cluster does.

The seeds are the same in every run, so that what fails once fails again. `--schedules 100000` plays more of them, `--first-seed` others.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.edges import EDGES, simulated
from tests.simulation.script import MOST_STEPS, NAMES, SEEDS, Script, Step, play, script_of, shrink

BATCH = 100


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each batch of seeds, so that workers share them."""
    if "first_seed" in metafunc.fixturenames:
        first, schedules = (metafunc.config.getoption(name) for name in ("--first-seed", "--schedules"))
        metafunc.parametrize("first_seed", range(first, first + schedules, BATCH))


@pytest.fixture(autouse=True)
def _simulated():
    with simulated():
        yield


def scripts() -> st.SearchStrategy[Script]:
    """Any script."""
    steps = st.builds(Step, st.sampled_from(NAMES), st.integers(0, SEEDS), st.integers(0, 24))
    return st.builds(Script, st.integers(0, SEEDS), st.lists(steps, max_size=MOST_STEPS).map(tuple))


def test_every_seed_ends_with_the_reducer_equal_to_the_cluster(first_seed):
    """If a seed fails, its script without what the failure does not need is shown, and how to play it again."""
    for seed in range(first_seed, first_seed + BATCH):
        failed = play(script_of(seed), EDGES)
        if failed is not None:
            small = shrink(failed, EDGES)
            pytest.fail(
                f"python -m tests.simulation --seed {seed} --trace\n{failed.error!r}\n{small.script}\n{small.error!r}"
            )


@settings(max_examples=60)
@given(scripts())
def test_any_script_ends_with_the_reducer_equal_to_the_cluster(script):
    """If hypothesis chooses the steps, it finds none that breaks a promise; what it found once it shrinks and keeps."""
    failed = play(script, EDGES)
    assert failed is None, failed
