"""What the API server uses while it serves somebody, and how much of that is Go's garbage collector.

Below a second of its CPU a collection more or less decides a comparison: it takes two seconds where 100,000 pods are kept, and whether it
falls into one run or the next is luck. So beside what was used stands what would have been, had each run paid for the collections in
proportion to what it allocated.
"""

import re
from collections.abc import Iterable

from bench import api, usage
from bench.clusters import Filled
from bench.figures import Run

_COUNTERS = {
    "server_gc_cpu": "go_cpu_classes_gc_total_cpu_seconds_total",
    "server_allocated_mb": "go_memstats_alloc_bytes_total",
}
"""Figures, and the server's metrics that they are made of."""


class Serving:
    """From now on."""

    def __init__(self, filled: Filled) -> None:
        self._filled = filled
        self._counters = _counters(filled)
        self._cpu = cpu_seconds(filled)

    def used(self) -> Run:
        """CPU seconds and, where the server tells, those of its collector and what was allocated."""
        cpu = cpu_seconds(self._filled) - self._cpu  # before it is asked, which costs too
        return {
            "server_cpu": cpu,
            **{name: now - self._counters[name] for name, now in _counters(self._filled).items()},
        }


def cpu_seconds(filled: Filled) -> float:
    """Of the API server so far; 0 where it is not ours to measure."""
    return usage.cpu_seconds(filled.cluster.server_pid) if filled.cluster.server_pid else 0.0


def shared_out(runs: Iterable[Run]) -> None:
    """Adds to each run what the server would have used, had all paid for its collections by what they allocated."""
    runs = [run for run in runs if "server_gc_cpu" in run]
    allocated = sum(run["server_allocated_mb"] for run in runs)
    for run in runs:
        share = run["server_allocated_mb"] / allocated if allocated else 0.0
        collected = sum(each["server_gc_cpu"] for each in runs) * share
        run["server_cpu_shared"] = run["server_cpu"] - run["server_gc_cpu"] + collected


def _counters(filled: Filled) -> Run:
    if not filled.cluster.server_pid:
        return {}
    server = api.load(filled.cluster.kubeconfig)
    answer = server.pool().request("GET", f"{server.host}/metrics", headers=server.headers)
    return counters(answer.data.decode("utf-8", "replace"))


def counters(metrics: str) -> Run:
    """The figures in the text of /metrics; none where one is missing."""
    found: Run = {}
    for name, metric in _COUNTERS.items():
        value = re.search(rf"^{metric} (\S+)$", metrics, re.MULTILINE)
        if value is None:
            return {}
        found[name] = float(value[1]) / (1e6 if name.endswith("_mb") else 1)
    return found
