"""When people are told how far something is."""

from common.telling import EVERY_SECONDS, Telling


def test_it_is_told_every_few_seconds_and_not_before_the_first_are_over():
    telling = Telling(100.0)
    assert [telling.due(done, 100.0 + done) for done in range(12)] == [done in (5, 10) for done in range(12)]


def test_what_stands_still_is_told_once():
    telling = Telling(0.0)
    assert [telling.due(0, EVERY_SECONDS * n) for n in range(1, 5)] == [True, False, False, False]
    assert telling.due(1, EVERY_SECONDS * 5)
