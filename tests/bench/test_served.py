"""How the benchmarks share out what an API server's garbage collector takes."""

import pytest

from bench.served import counters, shared_out

METRICS = """# TYPE go_cpu_classes_gc_total_cpu_seconds_total counter
go_cpu_classes_gc_total_cpu_seconds_total 3.5
go_memstats_alloc_bytes_total 2e+09
"""


def test_the_counters_are_found_in_what_the_server_says() -> None:
    assert counters(METRICS) == {"server_gc_cpu": 3.5, "server_allocated_mb": 2_000.0}


def test_a_server_that_does_not_say_so_has_none() -> None:
    assert counters("up 1\n") == {}


def test_each_run_pays_for_collections_by_what_it_allocated() -> None:
    """One allocated three times as much as the other, which had the only collection."""
    runs = [
        {"server_cpu": 5.0, "server_gc_cpu": 0.0, "server_allocated_mb": 300.0},
        {"server_cpu": 3.0, "server_gc_cpu": 2.0, "server_allocated_mb": 100.0},
    ]
    shared_out(runs)
    assert [run["server_cpu_shared"] for run in runs] == pytest.approx([6.5, 1.5])


def test_runs_without_the_counters_stay_as_they_are() -> None:
    runs = [{"server_cpu": 5.0}]
    shared_out(runs)
    assert runs == [{"server_cpu": 5.0}]
