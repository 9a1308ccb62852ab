"""What chaos plans: everything out of the seed."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwire.stages import STAGES
from tests.chaos.faults import CATALOGUE
from tests.chaos.plan import Act, acts
from tests.chaos.processes import STARTERS


def plan(seed: int, *, count: int = 4) -> list[Act]:
    """The seed's first acts."""
    return list(islice(acts(seed, catalogue=CATALOGUE, starters=tuple(STARTERS)), count))


def told(seed: int) -> list[tuple[str, tuple[str, ...], list[tuple[float, str, float]]]]:
    """All of it that can be compared."""
    return [
        (
            act.starter,
            act.order,
            [(one.at_seconds, one.fault.words, one.fault.lasts_seconds) for strikes in act.rounds for one in strikes],
        )
        for act in plan(seed)
    ]


@given(seed=st.integers())
def test_one_seed_gives_the_same_faults(seed: int) -> None:
    assert told(seed) == told(seed)


def test_another_seed_gives_others() -> None:
    assert told(1) != told(2)


def test_podwire_is_started_in_each_way_in_turn() -> None:
    assert [act.starter for act in plan(3)] == ["up", "hand", "up", "hand"]


@given(seed=st.integers())
def test_faults_of_a_round_strike_different_things(seed: int) -> None:
    """A reducer that was killed takes no order, and who stands still is not killed before it goes on."""
    for act in plan(seed):
        for strikes in act.rounds:
            targets = [one.fault.target for one in strikes]
            assert len(set(targets)) == len(targets) > 0
            assert "all" not in targets or not {*targets} & {*STAGES}


def test_every_fault_is_drawn_some_time() -> None:
    drawn = {one.fault.kind for act in plan(1, count=100) for strikes in act.rounds for one in strikes}
    assert len(drawn) == len(CATALOGUE) + 2 * (len(STAGES) - 1)
    assert drawn >= {f"kill {stage}" for stage in STAGES} | {f"stop {stage}" for stage in STAGES}


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if not kind.sandbox_only])
def test_a_real_clusters_api_server_is_left_alone(kind: object) -> None:
    only = list(islice(acts(5, catalogue=[kind], starters=("up",)), 1))  # type: ignore[list-item]
    assert all(one.fault.target != "api" for strikes in only[0].rounds for one in strikes)
