"""How the benchmarks count an API server's garbage collections."""

from bench.served import collections_in

METRICS = """# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds_sum 0.5
go_gc_duration_seconds_count 71
"""


def test_the_collections_are_found_in_what_the_server_says() -> None:
    assert collections_in(METRICS) == 71.0


def test_a_server_that_does_not_say_so_has_none() -> None:
    assert collections_in("up 1\n") is None
