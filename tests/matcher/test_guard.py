"""The guard by itself: once, and armed again below half."""

from matcher.guard import Armed, Guard, Rereading, Spent


def test_it_trips_above_the_cap_and_not_at_it() -> None:
    guard = Guard(10)
    assert not guard.look(10)
    assert guard.look(11)
    assert (guard.state, guard.trips) == (Rereading(), 1)


def test_after_it_has_tripped_it_stays_quiet_until_fewer_than_half_wait() -> None:
    guard = Guard(10)
    guard.look(11)
    assert not guard.look(0), "the fresh snapshots are not taken yet"
    assert guard.reread()
    assert not guard.look(50)
    assert not guard.look(5)
    assert guard.state == Spent()
    assert not guard.look(4)
    assert guard.state == Armed()
    assert guard.look(11)


def test_snapshots_that_others_asked_for_are_none_of_its_business() -> None:
    guard = Guard(10)
    assert not guard.reread()
    assert guard.state == Armed()
