"""When gathered messages go out."""

from hypothesis import given
from hypothesis import strategies as st

from relay import flush
from relay.flush import LARGEST_GATHER_BYTES, LONGEST_GATHER_SECONDS, SPACING_SECONDS, Empty


def test_nothing_gathered_is_never_due() -> None:
    assert flush.due_at(flush.FIRST, more_coming=False) == float("inf")


def test_a_lone_event_is_due_at_once() -> None:
    gather = flush.gathered(flush.flushed(10.0), 100, 10.5)
    assert flush.due_at(gather, more_coming=False) <= 10.5


def test_an_event_right_behind_a_flush_waits_for_the_spacing() -> None:
    gather = flush.gathered(flush.flushed(10.0), 100, 10.0002)
    assert flush.due_at(gather, more_coming=False) == 10.0 + SPACING_SECONDS


def test_while_more_comes_it_is_gathered_for_20_ms() -> None:
    gather = flush.gathered(flush.flushed(1.0), 100, 10.0)
    gather = flush.gathered(gather, 100, 10.015)
    assert flush.due_at(gather, more_coming=True) == 10.0 + LONGEST_GATHER_SECONDS
    assert LONGEST_GATHER_SECONDS == 0.020


def test_64_kib_are_due_whatever_comes() -> None:
    gather = flush.gathered(flush.flushed(10.0), 40_000, 10.0)
    assert flush.due_at(gather, more_coming=True) > 10.0
    assert flush.due_at(flush.gathered(gather, 65_536 - 40_000, 10.0), more_coming=True) < 10.0


@given(
    st.lists(
        st.tuples(st.floats(0, 0.05), st.integers(1, LARGEST_GATHER_BYTES), st.booleans()), min_size=1, max_size=30
    )
)
def test_nothing_waits_longer_than_20_ms_and_lone_flushes_keep_their_distance(
    events: list[tuple[float, int, bool]],
) -> None:
    """A loop that looks whenever something is due: each event is (time since the one before, bytes, more coming)."""
    now, gather, flushed_at = 100.0, flush.FIRST, float("-inf")
    for gap, size, more in events:
        until = now + gap
        due = flush.due_at(gather, more_coming=False)
        if due <= until:
            flushed_at = max(now, due)
            gather = flush.flushed(flushed_at)
        now = until
        gather = flush.gathered(gather, size, now)
        assert not isinstance(gather, Empty)
        assert gather.since >= now - LONGEST_GATHER_SECONDS
        due = flush.due_at(gather, more_coming=more)
        if due <= now:
            assert gather.size >= LARGEST_GATHER_BYTES or now - flushed_at >= SPACING_SECONDS
            gather, flushed_at = flush.flushed(now), now
