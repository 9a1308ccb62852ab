"""What the benchmarks say of an API server's work: its CPU, and its garbage collections."""

import pytest

from bench import served
from bench.clusters import Filled
from bench.rig import Cluster
from bench.served import collections_in

FILLED = Filled(Cluster(kubeconfig="", what="not ours", server_pid=None), pods=5, source="given")

METRICS = """# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds_sum 0.5
go_gc_duration_seconds_count 71
"""


def test_the_collections_are_found_in_what_the_server_says() -> None:
    assert collections_in(METRICS) == 71.0


def test_a_server_that_does_not_say_so_has_none() -> None:
    assert collections_in("up 1\n") is None


def test_a_run_is_told_what_was_used_and_collected_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, collections = iter((10.0, 12.5)), iter((71.0, 73.0))
    monkeypatch.setattr(served, "cpu_seconds", lambda _filled: next(cpu))
    monkeypatch.setattr(served, "_collections", lambda _filled: next(collections))
    assert served.Serving(FILLED).used() == {"server_cpu": 2.5, "server_collections": 2.0}


def test_a_server_that_is_not_ours_has_no_collections() -> None:
    assert served.Serving(FILLED).used() == {"server_cpu": 0.0}
