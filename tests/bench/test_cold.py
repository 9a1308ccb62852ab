"""What the benchmark of idle moments measures: each event once, behind a wait of its own."""

from bench.cold import microseconds


def test_each_event_has_a_wait_before_it() -> None:
    waits: list[int] = []
    assert microseconds(lambda: waits.append(1), number=3) > 0
    assert len(waits) == 3
