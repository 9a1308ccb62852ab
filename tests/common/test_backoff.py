"""Waits between failures, on virtual time."""

import random

from hypothesis import given
from hypothesis import strategies as st

from common.backoff import Backoff

FRESH = Backoff(first_seconds=0.5, most_seconds=30.0, quiet_seconds=120.0)


def ceilings(backoff: Backoff, *, failures: int, apart_seconds: float) -> list[float]:
    """The most that each of these waits could have been, by a generator that always draws the most."""
    now, found = 0.0, []
    for _ in range(failures):
        backoff, wait = backoff.after_failure(now, random_=Most())
        found.append(wait)
        now += wait + apart_seconds
    return found


class Most(random.Random):
    """Draws just under 1, always."""

    def random(self) -> float:
        return 1 - 2**-53


def test_waits_double_up_to_the_most() -> None:
    assert [round(wait, 9) for wait in ceilings(FRESH, failures=9, apart_seconds=1.0)] == [
        0.5,
        1,
        2,
        4,
        8,
        16,
        30,
        30,
        30,
    ]


def test_a_failure_after_a_quiet_time_starts_again_from_the_first_wait() -> None:
    assert [round(wait, 9) for wait in ceilings(FRESH, failures=3, apart_seconds=120.0)] == [0.5, 0.5, 0.5]


def test_the_wait_itself_is_no_quiet_time() -> None:
    """A wait that is longer than the quiet time must not reset what made it so long."""
    impatient = Backoff(first_seconds=8.0, most_seconds=64.0, quiet_seconds=10.0)
    assert [round(wait, 9) for wait in ceilings(impatient, failures=4, apart_seconds=1.0)] == [8, 16, 32, 64]


@given(st.integers(0, 2**32), st.lists(st.floats(0, 300), max_size=60))
def test_every_wait_lies_in_the_upper_half_of_a_power_of_two(seed: int, pauses: list[float]) -> None:
    backoff, now, drawn = FRESH, 0.0, random.Random(seed)
    for pause in pauses:
        now += pause
        backoff, wait = backoff.after_failure(now, random_=drawn)
        ceiling = min(30.0, 0.5 * 2.0 ** (backoff.failures - 1))
        assert ceiling / 2 <= wait <= ceiling


def test_a_thousand_failures_overflow_nothing() -> None:
    assert ceilings(FRESH, failures=1_200, apart_seconds=0.0)[-1] <= 30.0
