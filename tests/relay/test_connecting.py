"""The connection's life."""

import random
from collections.abc import Sequence
from itertools import cycle, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import connect
from relay.connect import LASTING_SECONDS, Dialed, Dialing, Down, Elapsed, Failed, State, Up

RANDOM = random.Random(1)


def step(state: State, event: connect.Event, now: float) -> State:
    return connect.step(state, event, now, random_=RANDOM)


def attempts(*, until: float, lives: Sequence[float], seed: int) -> list[float]:
    """When a relay dials whose connections are lost so many seconds after they stood (0: refused), one after the other, over and over."""
    state, now, dialed_at, random_ = connect.first(0.0), 0.0, [], random.Random(seed)
    for life in cycle(lives):
        if now > until:
            break
        state = connect.step(state, Elapsed(), now, random_=random_)
        assert isinstance(state, Dialing)
        dialed_at.append(now)
        state = connect.step(state, Dialed(), now, random_=random_) if life else state
        now += life
        state = connect.step(state, Failed(), now, random_=random_)
        assert isinstance(state, Down)
        now = state.until
    return dialed_at


def test_a_relay_dials_as_soon_as_it_starts() -> None:
    assert isinstance(step(connect.first(5.0), Elapsed(), 5.0), Dialing)


def test_it_does_not_dial_before_the_wait_is_over() -> None:
    down = step(step(connect.first(0.0), Elapsed(), 0.0), Failed(), 0.0)
    assert isinstance(down, Down)
    assert step(down, Elapsed(), down.until - 0.001) == down
    assert isinstance(step(down, Elapsed(), down.until), Dialing)


def test_connections_are_numbered_from_1() -> None:
    up = step(step(connect.first(0.0), Elapsed(), 0.0), Dialed(), 1.0)
    assert isinstance(up, Up)
    assert up.connections == 1
    down = step(up, Failed(), 50.0)
    assert isinstance(down, Down)
    again = step(step(down, Elapsed(), down.until), Dialed(), down.until)
    assert (type(again), again.connections) == (Up, 2)


def test_events_that_a_state_does_not_know_change_nothing() -> None:
    down = connect.first(9.0)
    dialing = step(down, Elapsed(), 9.0)
    up = step(dialing, Dialed(), 9.0)
    assert step(down, Dialed(), 9.0) == down
    assert step(down, Failed(), 9.0) == down
    assert step(dialing, Elapsed(), 99.0) == dialing
    assert step(up, Elapsed(), 99.0) == up
    assert step(up, Dialed(), 99.0) == up


@given(
    lives=st.lists(st.sampled_from([0.0, 0.1, LASTING_SECONDS - 1]), min_size=1, max_size=5), seed=st.integers(0, 1_000)
)
def test_a_reducer_that_refuses_or_closes_soon_is_dialed_at_most_three_times_in_two_seconds(
    lives: list[float], seed: int
) -> None:
    dialed_at = attempts(until=300.0, lives=lives, seed=seed)
    assert all(later - earlier >= 2.0 - 1e-6 for earlier, later in zip(dialed_at, dialed_at[3:], strict=False))


@pytest.mark.parametrize("seed", range(10))
def test_a_reducer_that_was_away_for_long_is_dialed_within_three_seconds_of_its_return(seed: int) -> None:
    """Nothing is sent to it but a SYN meanwhile."""
    dialed_at = attempts(until=600.0, lives=[0.0], seed=seed)
    assert all(later - earlier <= 3.0 + 1e-6 for earlier, later in pairwise(dialed_at))


@pytest.mark.parametrize("life", [0.1, LASTING_SECONDS - 1])
def test_a_reducer_that_accepts_and_closes_soon_is_left_alone_for_half_a_minute_in_the_end(life: float) -> None:
    """Each connection would cost a handshake, and all that is alive."""
    dialed_at = attempts(until=600.0, lives=[life], seed=1)
    waits = [later - earlier - life for earlier, later in pairwise(dialed_at)]
    assert all(0.5 <= wait <= 30.0 + 1e-6 for wait in waits)
    assert waits[-1] >= 15.0 - 1e-6


def test_a_reducer_that_was_away_for_long_may_cut_one_connection_off_without_a_long_wait() -> None:
    dialed_at = attempts(until=600.0, lives=[*[0.0] * 100, 0.1], seed=1)
    assert dialed_at[101] - dialed_at[100] <= 0.1 + 1.0


def test_after_a_connection_that_lasted_waits_begin_anew() -> None:
    dialed_at = attempts(until=300.0, lives=[LASTING_SECONDS], seed=1)
    assert all(later - earlier <= LASTING_SECONDS + 1.0 for earlier, later in pairwise(dialed_at))
