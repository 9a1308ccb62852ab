"""What the benchmarks say of an API server's work: its CPU, its garbage collections, and what it allocates."""

import pytest

from bench import served
from bench.clusters import Filled
from bench.rig import Cluster
from bench.served import ALLOCATED, COLLECTIONS, metrics_in

FILLED = Filled(Cluster(kubeconfig="", what="not ours", server_pid=None), pods=5, source="given")

METRICS = """# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds_sum 0.5
go_gc_duration_seconds_count 71
go_memstats_alloc_bytes 7.128712e+06
go_memstats_alloc_bytes_total 1.1e+09
"""


def test_what_is_wanted_is_found_in_what_the_server_says() -> None:
    assert metrics_in(METRICS) == {COLLECTIONS: 71.0, ALLOCATED: 1.1e9}


def test_a_server_that_does_not_say_so_has_none() -> None:
    assert metrics_in("up 1\n") == {}


def test_a_run_is_told_what_was_used_allocated_and_collected_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, metrics = (
        iter((10.0, 12.5)),
        iter(({COLLECTIONS: 71.0, ALLOCATED: 1e9}, {COLLECTIONS: 73.0, ALLOCATED: 1.5e9})),
    )
    monkeypatch.setattr(served, "cpu_seconds", lambda _filled: next(cpu))
    monkeypatch.setattr(served, "_metrics", lambda _filled: next(metrics))
    used = {"server_cpu": 2.5, "server_collections": 2.0, "server_allocated_mb": 500.0}
    assert served.Serving(FILLED).used() == used


def test_a_server_that_is_not_ours_is_only_said_to_have_used_nothing() -> None:
    served.collect(FILLED)
    assert served.Serving(FILLED).used() == {"server_cpu": 0.0}
