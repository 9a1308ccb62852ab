"""When gathered messages go out."""

from relay import flush
from relay.flush import LARGEST_GATHER_BYTES, LONGEST_GATHER_SECONDS, Empty


def test_nothing_gathered_is_never_due() -> None:
    assert flush.due_at(Empty(), more_coming=False) == float("inf")


def test_a_lone_event_is_due_at_once() -> None:
    assert flush.due_at(flush.gathered(Empty(), 100, 10.5), more_coming=False) <= 10.5


def test_while_more_comes_it_is_gathered_for_20_ms() -> None:
    gather = flush.gathered(flush.gathered(Empty(), 100, 10.0), 100, 10.015)
    assert flush.due_at(gather, more_coming=True) == 10.0 + LONGEST_GATHER_SECONDS
    assert LONGEST_GATHER_SECONDS == 0.020


def test_64_kib_are_due_whatever_comes() -> None:
    gather = flush.gathered(Empty(), 40_000, 10.0)
    assert flush.due_at(gather, more_coming=True) > 10.0
    assert flush.due_at(flush.gathered(gather, LARGEST_GATHER_BYTES - 40_000, 10.0), more_coming=True) < 10.0
