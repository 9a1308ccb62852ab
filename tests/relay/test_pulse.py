"""Vitals and heartbeats."""

from common.clock import LATE_SECONDS
from relay import pulse
from relay.pulse import Due, Pulse

NEVER = float("-inf")


def beats(life: Pulse, *, until: float, pods_every: float | None = None) -> list[tuple[float, Due]]:
    """What is sent, and when, by a loop that looks whenever something is due; the matcher always has just reported."""
    now = 0.0
    sent = []
    pods_at = float("inf") if pods_every is None else pods_every
    while (now := max(now, min(life.due_at(until), pods_at))) <= until:
        if pods_every is not None and now == pods_at:
            life, pods_at = pulse.pods_sent(life, now), now + pods_every
        life, due = pulse.beat(life, now, reported_at=now)
        sent += [(now, one) for one in due]
    return sent


def test_vitals_go_out_at_once_and_then_every_second() -> None:
    assert [now for now, due in beats(pulse.started(0.0), until=3.0) if due is Due.VITALS] == [0.0, 1.0, 2.0, 3.0]


def test_a_heartbeat_goes_out_every_two_seconds_without_pods() -> None:
    assert [now for now, due in beats(pulse.started(0.0), until=6.5) if due is Due.HEARTBEAT] == [2.0, 4.0, 6.0]


def test_pods_hold_heartbeats_back_but_not_vitals() -> None:
    sent = beats(pulse.started(0.0), until=6.5, pods_every=0.9)
    assert {due for _, due in sent} == {Due.VITALS}


def test_after_a_long_hold_one_of_each_goes_out_not_all_that_were_missed() -> None:
    life, due = pulse.beat(pulse.started(0.0), 60.0, reported_at=NEVER)
    assert due == [Due.VITALS, Due.HEARTBEAT]
    assert pulse.beat(life, 60.5, reported_at=60.5)[1] == []


def test_both_go_out_at_beats_which_all_processes_have_in_common() -> None:
    life, _ = pulse.beat(pulse.started(10.3), 10.3, reported_at=NEVER)
    assert (life.vitals_at, life.heartbeat_at) == (11.0, 12.0)
    assert pulse.pods_sent(life, 11.9).heartbeat_at == 13.0


def test_vitals_wait_for_the_matchers_report_of_the_same_beat_but_not_for_long() -> None:
    """Else chance decides whether two reports or none came since the last ones, and the pipeline's CPU is said as twice the truth, or 0."""
    life, _ = pulse.beat(pulse.started(10.3), 10.3, reported_at=NEVER)
    late = 11.0 + 2 * LATE_SECONDS
    assert life.due_at(10.9) == late
    assert life.due_at(11.001) == 11.0
    assert pulse.beat(life, 11.05, reported_at=10.9)[1] == []
    assert pulse.beat(life, 11.0 + LATE_SECONDS, reported_at=10.9)[1] == [], (
        "a matcher that misses a watcher reports just now"
    )
    assert pulse.beat(life, 11.05, reported_at=11.04)[1] == [Due.VITALS]
    assert pulse.beat(life, late, reported_at=10.9)[1] == [Due.VITALS]


def test_a_heartbeat_waits_for_no_report() -> None:
    life, _ = pulse.beat(pulse.started(10.0), 10.0, reported_at=NEVER)
    assert pulse.beat(life, 12.0, reported_at=NEVER)[1] == [Due.VITALS, Due.HEARTBEAT]
    assert pulse.beat(pulse.pods_sent(life, 9.5), 11.0, reported_at=NEVER)[1] == [Due.HEARTBEAT]
