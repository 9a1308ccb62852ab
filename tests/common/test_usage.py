"""Sums of what processes have used."""

from common.messages import Usage
from common.usage import own_usage, total


def test_a_total_is_the_sum_field_by_field() -> None:
    usages = [Usage(user_us=1, max_rss_kib=10), Usage(user_us=2, involuntary_switches=7), Usage(user_us=4)]
    assert total(usages) == Usage(user_us=7, max_rss_kib=10, involuntary_switches=7)


def test_a_total_of_nothing_is_nothing() -> None:
    assert total([]) == Usage()


def test_a_process_has_used_memory() -> None:
    assert own_usage().max_rss_kib > 0
