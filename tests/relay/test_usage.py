"""The pipeline's health and resources."""

import pytest

from common.messages import Usage
from relay.usage import CpuTimes, Reading, health, parse_cpu_times, resource_usage
from tests.fakes.reducer_ear import messages_of


def used(before: Reading | None, after: Reading) -> dict[str, object]:
    return messages_of(resource_usage(before, after, stamp_ns=1))[0]


def reading(
    at: float, *, user_us: int = 0, system_us: int = 0, rss_kib: int = 0, idle: int = 0, total: int = 0
) -> Reading:
    return Reading(
        at=at,
        usage=Usage(user_us=user_us, system_us=system_us, max_rss_kib=rss_kib),
        machine=CpuTimes(idle=idle, total=total),
    )


def test_shares_are_thousandths_of_one_core_between_two_readings() -> None:
    """300 ms of 2 s are 150 thousandths; 90 of 120 ticks are 750."""
    message = used(
        reading(10.0, user_us=1_000_000, system_us=500_000, idle=10, total=100),
        reading(12.0, user_us=1_200_000, system_us=600_000, idle=100, total=220),
    )
    assert (message["cpu_usage"], message["cpu_idle"]) == (150, 750)


def test_without_a_reading_before_shares_are_zero() -> None:
    message = used(None, reading(1.0, user_us=7, idle=5, total=10))
    assert (message["cpu_usage"], message["cpu_idle"], message["user_us"]) == (0, 0, 7)


def test_memory_goes_in_bytes() -> None:
    assert used(None, reading(1.0, rss_kib=3))["max_rss_bytes"] == 3_072


def test_a_restarted_process_makes_no_negative_share() -> None:
    assert used(reading(1.0, user_us=900), reading(2.0, user_us=100))["cpu_usage"] == 0


def test_no_time_between_readings_makes_shares_zero() -> None:
    message = used(reading(1.0), reading(1.0, user_us=100))
    assert (message["cpu_usage"], message["cpu_idle"]) == (0, 0)


def test_a_machine_that_does_not_tell_its_times_has_no_idle_share() -> None:
    silent = Reading(at=2.0, usage=Usage(), machine=None)
    assert used(reading(1.0), silent)["cpu_idle"] == 0
    assert used(silent, reading(3.0, idle=1, total=1))["cpu_idle"] == 0


def test_numbers_wider_than_their_fields_are_sent_as_the_largest() -> None:
    huge = Usage(*[2**64] * 9)
    raw = resource_usage(reading(0.0), Reading(at=1.0, usage=huge, machine=None), stamp_ns=1)
    assert raw[10:] == (
        b"\xff" * 2 + b"\xff" * 4 + b"\xff" * 24 + b"\xff" * 20 + b"\0\0"
    )  # all at their largest but cpu_idle


@pytest.mark.parametrize(
    ("healthy", "age", "status"),
    [(True, 0.0, 0), (True, 4.9, 0), (True, 5.0, 1), (False, 0.0, 1), (True, float("inf"), 1)],
)
def test_the_pipeline_is_healthy_when_a_fresh_report_says_so(healthy: bool, age: float, status: int) -> None:
    message = messages_of(health(healthy=healthy, report_age_seconds=age, stamp_ns=1))[0]
    assert (message["status"], message["detail"]) == (status, 0)


def test_idle_and_total_are_read_from_proc_stat() -> None:
    stat = "cpu  100 1 20 5000 7 0 3 2 50 4\ncpu0 1 1 1 1\n"
    assert parse_cpu_times(stat) == CpuTimes(idle=5_000, total=100 + 1 + 20 + 5_000 + 7 + 0 + 3 + 2)


@pytest.mark.parametrize("stat", ["", "\n", "cpu", "cpu 1 2 3", "intr 1 2 3 4", "cpu a b c d", "cpu 1 2 3 -4"])
def test_a_text_that_is_not_proc_stat_tells_nothing(stat: str) -> None:
    assert parse_cpu_times(stat) is None
