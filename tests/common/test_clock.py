"""When what is said again and again is said."""

from hypothesis import given
from hypothesis import strategies as st

from common.clock import BEAT_SECONDS, last_beat, next_beat

MOMENTS = st.floats(min_value=0.0, max_value=1e9)


@given(MOMENTS)
def test_the_next_beat_comes_within_one_whoever_asks_and_whenever(now: float) -> None:
    beat = next_beat(now)
    assert now < beat <= now + BEAT_SECONDS
    assert beat % BEAT_SECONDS == 0.0
    assert next_beat(last_beat(now)) == beat


@given(MOMENTS)
def test_the_last_beat_of_a_moment_is_not_after_it(moment: float) -> None:
    assert moment - BEAT_SECONDS < last_beat(moment) <= moment
    assert last_beat(next_beat(moment)) == next_beat(moment)
