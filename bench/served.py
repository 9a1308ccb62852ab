"""What the API server uses while it serves somebody: its CPU, the memory that it allocates, and its garbage collections.

One collection takes two seconds of its CPU where 100,000 pods are kept, on all cores at once, and whether it falls into one run or the next
is luck that would decide a comparison. So each run begins behind a collection that `collect` asks for. Those that fall into a run all the
same are counted, and what it allocates for somebody, which is what makes it collect in the long run, is told beside its CPU.
"""

import re

from bench import api, usage
from bench.clusters import Filled
from bench.figures import Run

COLLECTIONS = "go_gc_duration_seconds_count"
ALLOCATED = "go_memstats_alloc_bytes_total"


class Serving:
    """From now on."""

    def __init__(self, filled: Filled) -> None:
        self._filled = filled
        self._metrics = _metrics(filled)
        self._cpu = cpu_seconds(filled)

    def used(self) -> Run:
        """CPU seconds and, where the server tells, megabytes allocated and the collections that ended meanwhile."""
        cpu = cpu_seconds(self._filled) - self._cpu  # before it is asked, which costs too
        before, after = self._metrics, _metrics(self._filled)
        figures = {"server_collections": (COLLECTIONS, 1.0), "server_allocated_mb": (ALLOCATED, 1e6)}
        told = {
            figure: (after[name] - before[name]) / unit
            for figure, (name, unit) in figures.items()
            if name in before and name in after
        }
        return {"server_cpu": cpu, **told}


def cpu_seconds(filled: Filled) -> float:
    """Of the API server so far; 0 where it is not ours to measure."""
    return usage.cpu_seconds(filled.cluster.server_pid) if filled.cluster.server_pid else 0.0


def collect(filled: Filled) -> None:
    """Has the API server collect its garbage, where it is ours, and waits for that (net/http/pprof: a heap profile with `gc=1`).

    Raises RuntimeError where it does not do so."""
    _asked(filled, "/debug/pprof/heap?gc=1")


def _metrics(filled: Filled) -> dict[str, float]:
    """So far; nothing where the server is not ours."""
    return metrics_in(_asked(filled, "/metrics"))


def metrics_in(text: str) -> dict[str, float]:
    """The two that are wanted, in the text of /metrics."""
    found = re.findall(rf"^({COLLECTIONS}|{ALLOCATED}) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def _asked(filled: Filled, target: str) -> str:
    if not filled.cluster.server_pid:
        return ""
    server = api.load(filled.cluster.kubeconfig)
    answer = server.pool().request("GET", f"{server.host}{target}", headers=server.headers)
    if answer.status != 200:
        raise RuntimeError(f"the API server answers {target} with {answer.status}")
    return answer.data.decode("utf-8", "replace")
